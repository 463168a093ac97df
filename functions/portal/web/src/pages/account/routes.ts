import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'accounts/$id', title: 'Account', load: () => import('./page'), right: 'accounts.read', who: 'sellers' },
  { path: 'accounts/$id/$tab', title: 'Account', load: () => import('./page'), right: 'accounts.read', who: 'sellers' },
]
