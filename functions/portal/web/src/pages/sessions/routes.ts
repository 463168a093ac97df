import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [{ path: 'sessions', title: 'Sessions', load: () => import('./page') }]
