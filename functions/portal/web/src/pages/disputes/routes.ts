import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'disputes', title: 'Disputes', right: 'billing.read', load: () => import('./list') },
  { path: 'disputes/$id', title: 'Dispute', right: 'billing.read', load: () => import('./dispute') },
]
