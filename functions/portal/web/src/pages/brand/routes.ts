import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [{ path: 'brand', title: 'Brand', load: () => import('./page'), right: 'accounts.read', who: 'sellers' }]
