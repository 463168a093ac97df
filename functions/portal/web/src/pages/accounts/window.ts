import { keepPreviousData, useQueries } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { api } from '~/api/client'
import type { InsightsAccount, InsightsAccounts, InsightsFilter } from '~/api/contract'
import type { ApiError } from '~/api/problem'
import { keyOf, useSettled } from '~/api/query'

const PAGE_ROWS = 100
/** So many rows around those in sight are fetched with them. */
const AROUND = 12
const PATH = '/reseller/insights/accounts'

/**
 * The part of a long list that is in sight, of whatever length the list is: pages of a hundred rows, fetched once the scrolling rests. The first page
 * is always among them, since it says how many rows match.
 */
export function useAccountWindow(filter: InsightsFilter) {
  const [range, setRange] = useState<[number, number]>([0, 0])
  const settled = useSettled(range, 90)
  const pages = useMemo(() => {
    const numbers = new Set([0])
    const pageOf = (index: number) => Math.floor(Math.max(0, index) / PAGE_ROWS)
    for (let page = pageOf(settled[0] - AROUND); page <= pageOf(settled[1] + AROUND); page += 1) numbers.add(page)
    return [...numbers]
  }, [settled])
  const results = useQueries({
    queries: pages.map((page) => {
      const query = { ...filter, limit: PAGE_ROWS, offset: page * PAGE_ROWS }
      return {
        queryKey: keyOf(PATH, { query }),
        queryFn: async ({ signal }: { signal: AbortSignal }) => (await api.get(PATH, { query, signal })).data,
        staleTime: 30_000,
        // Another order shows what was there until it is; another page of the same order has nothing to show.
        placeholderData: page === 0 ? keepPreviousData : undefined,
      }
    }),
    combine: (all) => ({
      byPage: all.map((one) => one.data as InsightsAccounts | undefined),
      error: (all.find((one) => one.error)?.error ?? null) as ApiError | null,
      loading: all[0]?.isPending ?? true,
      stale: all[0]?.isPlaceholderData ?? false,
      refetch: () => all.forEach((one) => void one.refetch()),
    }),
  })
  const { byPage } = results
  const head = byPage[0]
  const rowAt = useCallback(
    (index: number): InsightsAccount | undefined => {
      const at = pages.indexOf(Math.floor(index / PAGE_ROWS))
      return at < 0 ? undefined : byPage[at]?.data[index % PAGE_ROWS]
    },
    [pages, byPage],
  )
  const onRange = useCallback((first: number, last: number) => setRange((known) => (known[0] === first && known[1] === last ? known : [first, last])), [])
  /** The rows in sight, of which some may still be on their way. */
  const shown = useMemo(() => {
    const rows: InsightsAccount[] = []
    for (let index = range[0]; index <= range[1]; index += 1) {
      const row = rowAt(index)
      if (row) rows.push(row)
    }
    return rows
  }, [range, rowAt])
  return { head, rowAt, onRange, shown, ...results }
}
