import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'payments', title: 'Payments', right: 'billing.read', load: () => import('./list') },
  { path: 'payments/cards', title: 'Payment methods', right: 'billing.read', load: () => import('./cards') },
  { path: 'payments/processor', title: 'Card processor', right: 'billing.read', who: 'sellers', load: () => import('./processor') },
  { path: 'payments/$id', title: 'Payment', right: 'billing.read', load: () => import('./payment') },
]
