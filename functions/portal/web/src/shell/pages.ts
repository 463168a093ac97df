import type { ComponentType } from 'react'
import type { Right } from '~/api/contract'
import type { Viewer } from '~/session/session'

/**
 * A page, as its folder exports it. It stands under `/app` and, if it is for customers, under `/portal/<slug>` too; its path has no base. Whoever
 * may not see it gets what an unknown address gets, and its script and data are never asked for.
 */
export interface PageRoute {
  /** Without the base: `accounts/$id/keys`; the empty text is the overview. */
  path: string
  /** What stands in the window's title. */
  title: string
  load: () => Promise<{ default: ComponentType }>
  /** The right without which it is not there. */
  right?: Right
  /** `sellers`: not in a customer's portal. `customers`: only there. */
  who?: 'everyone' | 'sellers' | 'customers'
}

/** Whether a page is there for a viewer. */
export function mayOpen(viewer: Viewer, { right, who = 'everyone' }: Pick<PageRoute, 'right' | 'who'>): boolean {
  if (who === 'sellers' && viewer.customer) return false
  if (who === 'customers' && !viewer.customer) return false
  return right === undefined || viewer.can(right)
}
