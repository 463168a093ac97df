import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'webhooks', title: 'Webhooks', right: 'webhooks.read', who: 'sellers', load: () => import('./list') },
  { path: 'webhooks/$id', title: 'Webhook endpoint', right: 'webhooks.read', who: 'sellers', load: () => import('./endpoint') },
]
