import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [{ path: 'setup', title: 'Set-up', load: () => import('./page'), right: 'accounts.read', who: 'sellers' }]
