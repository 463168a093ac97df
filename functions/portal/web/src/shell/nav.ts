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
]
