import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '~/api/client'
import type { ProfitBy, Profitability, ProfitRow } from '~/api/contract'
import type { ApiError } from '~/api/problem'
import { thisMonth } from '~/lib/months'
import { useOffsets } from './offsets'

const PATH = '/reseller/insights/profitability'
const PAGE_ROWS = 200

async function page(month: string, by: ProfitBy, offset: number, signal: AbortSignal): Promise<Profitability> {
  return (await api.get(PATH, { query: { month, by, limit: PAGE_ROWS, offset }, signal })).data
}

/** What a past month brought is not asked for twice. */
function staleOf(month: string): number {
  return month < thisMonth() ? Number.POSITIVE_INFINITY : 15_000
}

/** A month's profit, the smallest margin first, page by page. `head` has the sums, which are of all pages. */
export function useProfit(month: string, by: ProfitBy) {
  return useOffsets<ProfitRow, Profitability>([PATH, { month, by }], (offset, signal) => page(month, by, offset, signal), staleOf(month))
}

/** Every meter of a month, for comparing it with another: who is missing in one part of a list would look new. A page of them is nearly always all. */
export function useEveryMeter(month: string, enabled: boolean) {
  return useQuery<ProfitRow[], ApiError>({
    queryKey: [PATH, { month, by: 'meter' }, 'all'],
    queryFn: async ({ signal }) => {
      const rows: ProfitRow[] = []
      for (let offset: number | null = 0; offset !== null; ) {
        const answer: Profitability = await page(month, 'meter', offset, signal)
        rows.push(...answer.rows)
        offset = answer.next_offset
      }
      return rows
    },
    enabled,
    staleTime: staleOf(month),
    placeholderData: keepPreviousData,
  })
}
