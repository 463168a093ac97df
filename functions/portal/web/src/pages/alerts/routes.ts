import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'alerts', title: 'Alerts', load: () => import('./list'), right: 'alerts.read' },
  { path: 'alerts/new', title: 'New alert', load: () => import('./create'), right: 'alerts.manage' },
  { path: 'alerts/$id', title: 'Alert', load: () => import('./view'), right: 'alerts.read' },
  { path: 'alerts/$id/edit', title: 'Edit alert', load: () => import('./edit'), right: 'alerts.manage' },
]
