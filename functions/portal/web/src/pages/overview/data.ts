import { api } from '~/api/client'
import { keyOf, queries } from '~/api/query'

/** What the overview asks for, and nothing else. */
export const OVERVIEW = { path: '/reseller/insights/overview', options: { query: {} } } as const

/** Asks before the page is there. */
export function prefetchOverview() {
  void queries.prefetchQuery({ queryKey: keyOf(OVERVIEW.path, OVERVIEW.options), queryFn: async () => (await api.get(OVERVIEW.path, OVERVIEW.options)).data, retry: false })
}
