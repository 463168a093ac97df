import { api } from '~/api/client'
import type { InsightsFilter } from '~/api/contract'

/** The filters of the accounts grid that an address may hand over; all else in it is left out. */
export function gridFilter(text: string | undefined): InsightsFilter {
  const params = new URLSearchParams(text ?? '')
  const names = ['account_id', 'q', 'status', 'kind', 'parent_id', 'tag', 'at_risk', 'sort'] as const
  return Object.fromEntries(names.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : []))) as InsightsFilter
}

/** The ids of all accounts that match the grid's filter, page by page. */
export async function gatherIds(filter: InsightsFilter, signal: AbortSignal, progress: (found: number, of: number) => void): Promise<string[]> {
  const ids: string[] = []
  let offset: number | null = 0
  while (offset !== null) {
    const reply: { data: { data: { id: string }[]; matched: number; next_offset: number | null } } = await api.get('/reseller/insights/accounts', { query: { ...filter, sort: 'created_at', limit: 200, offset }, signal })
    ids.push(...reply.data.data.map((row) => row.id))
    progress(ids.length, reply.data.matched)
    offset = reply.data.next_offset
  }
  return [...new Set(ids)]
}
