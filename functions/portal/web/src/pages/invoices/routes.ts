import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'invoices', title: 'Invoices', right: 'billing.read', load: () => import('./list') },
  { path: 'invoices/running', title: 'Running month', right: 'billing.read', who: 'sellers', load: () => import('./running') },
  { path: 'invoices/credit-notes', title: 'Credit notes', right: 'billing.read', load: () => import('./credit-notes') },
  { path: 'invoices/charges', title: 'Charges', right: 'billing.read', who: 'sellers', load: () => import('./charges') },
  { path: 'invoices/$id', title: 'Invoice', right: 'billing.read', load: () => import('./invoice') },
  { path: 'credit-notes/$id', title: 'Credit note', right: 'billing.read', load: () => import('./credit-note') },
]
