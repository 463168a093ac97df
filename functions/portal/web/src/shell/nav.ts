import type { IconName } from '~/ui/icon'
import type { PageRoute } from './pages'

/** A line of the navigation. */
export interface NavItem extends Pick<PageRoute, 'right' | 'who'> {
  /** Its address without the base. */
  to: string
  label: string
  icon: IconName
  group: 'Accounts' | 'Money' | 'Usage' | 'Insight' | 'Set-up'
  /** Opens it after `g`. */
  key?: string
}

/** The navigation in its order. What a viewer may not open is left out. */
export const NAV: NavItem[] = [
  { to: '', label: 'Overview', icon: 'home', group: 'Accounts', key: 'o' },
  { to: 'accounts', label: 'Accounts', icon: 'accounts', group: 'Accounts', key: 'a', right: 'insights.read', who: 'sellers' },
  { to: 'usage', label: 'Usage', icon: 'live', group: 'Usage', key: 'u', right: 'usage.read' },
  { to: 'credits', label: 'Credits', icon: 'credits', group: 'Money', key: 'c', right: 'credits.read' },
  { to: 'insights', label: 'Insights', icon: 'chart', group: 'Insight', key: 'i', right: 'insights.read', who: 'sellers' },
  { to: 'alerts', label: 'Alerts', icon: 'bell', group: 'Insight', key: 'n', right: 'alerts.read' },
  { to: 'audit', label: 'Audit log', icon: 'book', group: 'Insight', key: 'h', right: 'insights.read', who: 'sellers' },
  { to: 'setup', label: 'Set-up', icon: 'play', group: 'Set-up', key: 'w', right: 'accounts.read', who: 'sellers' },
  { to: 'brand', label: 'Brand', icon: 'brush', group: 'Set-up', key: 'b', right: 'accounts.read', who: 'sellers' },
  { to: 'keys', label: 'Keys', icon: 'key', group: 'Set-up', key: 'k', right: 'keys.read', who: 'customers' },
  { to: 'settings', label: 'Settings', icon: 'settings', group: 'Set-up', key: 's' },
]
