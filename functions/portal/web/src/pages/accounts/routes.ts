import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [{ path: 'accounts', title: 'Accounts', load: () => import('./page'), right: 'insights.read', who: 'sellers' }]
