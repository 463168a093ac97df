import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'billing', title: 'Billing runs', right: 'billing.read', who: 'sellers', load: () => import('./runs') },
  { path: 'billing/runs/$id', title: 'Billing run', right: 'billing.read', who: 'sellers', load: () => import('./run') },
  { path: 'billing/settings', title: 'Billing settings', right: 'billing.read', who: 'sellers', load: () => import('./settings') },
  { path: 'billing/profile', title: 'Billing profiles', right: 'billing.read', who: 'sellers', load: () => import('./profile') },
]
