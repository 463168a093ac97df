import { useQuery } from '@tanstack/react-query'
import { api, type QueryOf, type Schema } from '~/api/client'
import type { ApiError } from '~/api/problem'

export type Report = Schema<'UsageReport'>
export type Query = QueryOf<'get', '/reseller/usage/report'>

/** A drawing takes this many pages of 200 rows at most: days need no more than two. */
const DRAWN_PAGES = 3

async function whole(query: Query, pages: number, signal: AbortSignal): Promise<Report & { cut: boolean }> {
  const { data: first } = await api.get('/reseller/usage/report', { query: { ...query, limit: 200 }, signal })
  const rows = [...first.data]
  let cursor = first.next_cursor
  for (let page = 1; page < pages && cursor; page += 1) {
    const { data }: { data: Report } = await api.get('/reseller/usage/report', { query: { ...query, limit: 200, cursor }, signal })
    rows.push(...data.data)
    cursor = data.next_cursor
  }
  return { ...first, data: rows, cut: cursor !== null }
}

/** A report with all its rows; `cut` if there are more than so many pages. Nothing is asked for without a query. */
export function useWhole(query: Query | null, pages = DRAWN_PAGES) {
  return useQuery<Report & { cut: boolean }, ApiError>({
    queryKey: ['/reseller/usage/report', query, 'whole', pages],
    queryFn: ({ signal }) => whole(query as Query, pages, signal),
    enabled: query !== null,
  })
}
