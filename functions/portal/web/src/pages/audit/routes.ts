import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [{ path: 'audit', title: 'Audit log', load: () => import('./page'), right: 'insights.read', who: 'sellers' }]
