import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = [
  { path: 'settings', title: 'Settings', load: () => import('./account') },
  { path: 'settings/members', title: 'Members', load: () => import('./members'), right: 'members.read' },
  { path: 'settings/roles', title: 'Roles', load: () => import('./roles'), right: 'roles.read' },
  { path: 'settings/keys', title: 'API keys', load: () => import('./keys'), right: 'keys.read' },
  { path: 'settings/permissions', title: 'Permissions', load: () => import('./permissions'), right: 'accounts.read' },
  { path: 'settings/test-clocks', title: 'Test clocks', load: () => import('./test-clocks'), right: 'billing.manage', who: 'sellers' },
]
