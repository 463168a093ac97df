import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'bulk', title: 'Bulk jobs', right: 'bulk.read', who: 'sellers', load: () => import('./list') },
  { path: 'bulk/new', title: 'New bulk job', right: 'bulk.manage', who: 'sellers', load: () => import('./new') },
  { path: 'bulk/$id', title: 'Bulk job', right: 'bulk.read', who: 'sellers', load: () => import('./job') },
]
