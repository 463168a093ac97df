import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'credits', title: 'Credits', load: () => import('./page'), right: 'credits.read' },
  { path: 'credits/holds', title: 'Holds', load: () => import('./holds'), right: 'credits.read' },
  { path: 'credits/buy', title: 'Buy credit', load: () => import('./buy'), right: 'pricing.read' },
  { path: 'credits/auto-topup', title: 'Auto top-up', load: () => import('./auto-topup'), right: 'credits.read' },
]
