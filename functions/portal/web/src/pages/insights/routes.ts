import type { PageRoute } from '~/shell/pages'

const shared = { right: 'insights.read', who: 'sellers' } as const

export const routes: PageRoute[] = [
  { path: 'insights', title: 'Revenue', load: () => import('./revenue'), ...shared },
  { path: 'insights/performance', title: 'Performance', load: () => import('./performance'), ...shared },
  { path: 'insights/profitability', title: 'Profitability', load: () => import('./profitability'), ...shared },
  { path: 'insights/churn', title: 'Churn', load: () => import('./churn'), ...shared },
  { path: 'insights/acquisition', title: 'Acquisition', load: () => import('./acquisition'), ...shared },
]
