import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [{ path: '', title: 'Overview', load: () => import('./page') }]
