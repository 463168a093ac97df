import { api } from '~/api/client'
import type { InsightsFilter } from '~/api/contract'
import { ApiError } from '~/api/problem'

/** The filters of the accounts grid that an address may hand over; all else in it is left out. */
export function gridFilter(text: string | undefined): InsightsFilter {
  const params = new URLSearchParams(text ?? '')
  const names = ['account_id', 'q', 'status', 'kind', 'parent_id', 'tag', 'at_risk', 'sort'] as const
  return Object.fromEntries(names.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : []))) as InsightsFilter
}

const PAGE_ROWS = 200
/** So many requests are under way at once. */
const AT_ONCE = 4
/** So often a page is asked again while that may help. */
const TRIES = 6

/** What was gathered so far: kept over a failure, so that another try goes on from there. */
export interface Gathering {
  pages: Map<number, string[]>
  matched: number | null
}

export function newGathering(): Gathering {
  return { pages: new Map(), matched: null }
}

interface Page {
  ids: string[]
  matched: number
}

/** The page of the grid that begins at this row. */
export function gridPages(filter: InsightsFilter, signal: AbortSignal): (offset: number) => Promise<Page> {
  return async (offset) => {
    const { data } = await api.get('/reseller/insights/accounts', { query: { ...filter, sort: 'created_at', limit: PAGE_ROWS, offset }, signal })
    return { ids: data.data.map((row) => row.id), matched: data.matched }
  }
}

/** Waits; sooner over when it is stopped. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true })
  })
}

/** A page, asked again as long as the platform says that this may help, and not before it says so. */
async function patiently(page: (offset: number) => Promise<Page>, offset: number, signal: AbortSignal): Promise<Page> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await page(offset)
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof ApiError) || !thrown.passing || tried >= TRIES) throw thrown
      await wait(thrown.retryAfterS !== null ? thrown.retryAfterS * 1000 : 500 * 2 ** tried * (0.5 + Math.random()), signal)
    }
  }
}

/** The ids of all accounts that the pages hold, a few pages at a time. What came before a failure stays in `soFar`. */
export async function gatherIds(page: (offset: number) => Promise<Page>, signal: AbortSignal, soFar: Gathering, progress: (found: number, of: number) => void): Promise<string[]> {
  const take = async (offset: number) => {
    const { ids, matched } = await patiently(page, offset, signal)
    soFar.pages.set(offset, ids)
    soFar.matched = matched
    progress([...soFar.pages.values()].reduce((sum, some) => sum + some.length, 0), matched)
  }
  if (soFar.matched === null) await take(0)
  let next = 0
  const work = async () => {
    for (; !signal.aborted && next < (soFar.matched ?? 0); ) {
      const offset = next
      next += PAGE_ROWS
      if (!soFar.pages.has(offset)) await take(offset)
    }
  }
  // All of them come to rest before a failure is told: another try then finds nobody else at work.
  const failed = (await Promise.allSettled(Array.from({ length: AT_ONCE }, work))).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  signal.throwIfAborted()
  return [...new Set([...soFar.pages.entries()].sort(([a], [b]) => a - b).flatMap(([, ids]) => ids))]
}
