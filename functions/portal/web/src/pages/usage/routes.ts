import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'usage', title: 'Live usage', load: () => import('./live'), right: 'usage.read' },
  { path: 'usage/report', title: 'Usage report', load: () => import('./report-page'), right: 'usage.read' },
  { path: 'usage/forecast', title: 'Forecast', load: () => import('./forecast-page'), right: 'usage.read' },
]
