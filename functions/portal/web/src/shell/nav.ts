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
  { to: 'bulk', label: 'Bulk jobs', icon: 'bulk', group: 'Accounts', key: 'j', right: 'bulk.read', who: 'sellers' },
  { to: 'credits', label: 'Credits', icon: 'credits', group: 'Money', key: 'c', right: 'credits.read' },
  { to: 'invoices', label: 'Invoices', icon: 'invoice', group: 'Money', key: 'i', right: 'billing.read' },
  { to: 'payments', label: 'Payments', icon: 'transfer', group: 'Money', key: 'p', right: 'billing.read' },
  { to: 'disputes', label: 'Disputes', icon: 'disputes', group: 'Money', key: 'd', right: 'billing.read' },
  { to: 'billing', label: 'Billing', icon: 'calendar', group: 'Money', key: 'b', right: 'billing.read', who: 'sellers' },
  { to: 'usage', label: 'Usage', icon: 'live', group: 'Usage', key: 'u', right: 'usage.read' },
  { to: 'insights', label: 'Insights', icon: 'chart', group: 'Insight', key: 'y', right: 'insights.read', who: 'sellers' },
  { to: 'alerts', label: 'Alerts', icon: 'bell', group: 'Insight', key: 'n', right: 'alerts.read' },
  { to: 'audit', label: 'Audit log', icon: 'book', group: 'Insight', key: 'h', right: 'insights.read', who: 'sellers' },
  { to: 'setup', label: 'Set-up', icon: 'play', group: 'Set-up', key: 'f', right: 'accounts.read', who: 'sellers' },
  { to: 'prices', label: 'Prices', icon: 'pricing', group: 'Set-up', key: 'r', right: 'pricing.read', who: 'sellers' },
  { to: 'brand', label: 'Brand', icon: 'brush', group: 'Set-up', key: 'v', right: 'accounts.read', who: 'sellers' },
  { to: 'webhooks', label: 'Webhooks', icon: 'webhook', group: 'Set-up', key: 'w', right: 'webhooks.read', who: 'sellers' },
  { to: 'settings', label: 'Settings', icon: 'settings', group: 'Set-up', key: 's' },
]
