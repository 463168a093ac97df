import { type Query, QueryClient, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useState } from 'react'
import { type Answer, api, type Options, type PathOf } from './client'
import { ApiError } from './problem'

/** Reads are tried again only where that may help, and a second time at most. */
function again(count: number, error: unknown): boolean {
  return count < 2 && error instanceof ApiError && error.passing
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: again,
      retryDelay: (count, error) => Math.min(error instanceof ApiError && error.retryAfterS !== null ? error.retryAfterS * 1000 : 600 * 2 ** count, 10_000),
      staleTime: 15_000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
})

type GetOptions<P extends PathOf<'get'>> = Omit<Options<'get', P>, 'body' | 'idempotencyKey' | 'ifMatch' | 'signal'>
type Args<P extends PathOf<'get'>, Extra> = P extends `${string}{${string}` ? [options: GetOptions<P>, extra?: Extra] : [options?: GetOptions<P>, extra?: Extra]

interface Extra {
  /** False: nothing is asked. For what the session may not see: it is not even requested. */
  enabled?: boolean
  /** Milliseconds between two looks while the page is seen. */
  everyMs?: number | false
  /** Shows what was there while another filter loads; never one account's in place of another's. */
  keep?: boolean
  /** Milliseconds for which an answer is good enough. */
  staleMs?: number
}

/** The key under which answers of a path are kept. */
export function keyOf(path: string, options?: object) {
  return options ? [path, options] : [path]
}

/** Whom an answer is about. */
function about(options?: object) {
  const { path, query } = (options ?? {}) as { path?: object; query?: { account_id?: string; seller_id?: string } }
  return JSON.stringify([path, query?.account_id, query?.seller_id])
}

function kept(options?: object) {
  return <T>(before: T | undefined, query: Pick<Query, 'queryKey'> | undefined): T | undefined => (query && about(query.queryKey[1] as object | undefined) === about(options) ? before : undefined)
}

/** Reads a path. */
export function useApi<P extends PathOf<'get'>>(path: P, ...[options, extra = {}]: Args<P, Extra>) {
  return useQuery<Answer<'get', P>, ApiError>({
    queryKey: keyOf(path as string, options),
    queryFn: async ({ signal }) => (await api.get(path, ...([{ ...options, signal }] as never))).data,
    enabled: extra.enabled ?? true,
    refetchInterval: extra.everyMs ?? false,
    refetchIntervalInBackground: false,
    placeholderData: extra.keep ? (kept(options) as never) : undefined,
    ...(extra.staleMs === undefined ? {} : { staleTime: extra.staleMs }),
  })
}

/** Reads a resource with its `ETag`, for pages that edit it: `data.data` and `data.etag`. */
export function useEditable<P extends PathOf<'get'>>(path: P, ...[options, extra = {}]: Args<P, Extra>) {
  return useQuery({
    queryKey: [path as string, options ?? {}, 'editable'],
    queryFn: ({ signal }) => api.get(path, ...([{ ...options, signal }] as never)),
    enabled: extra.enabled ?? true,
  })
}

type Row<P extends PathOf<'get'>> = Answer<'get', P> extends { data: (infer R)[] } ? R : never

/** Reads a list page by page: `rows` so far, `more()` for the next page. */
export function useList<P extends PathOf<'get'>>(path: P, ...[options, extra = {}]: Args<P, Extra>) {
  const list = useInfiniteQuery({
    queryKey: [path as string, options ?? {}, 'list'],
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...(options as { query?: object } | undefined)?.query, ...(pageParam ? { cursor: pageParam } : {}) }
      const reply = await api.get(path, ...([{ ...options, query, signal }] as never))
      return { ...(reply.data as { data: Row<P>[]; next_cursor: string | null }), etag: reply.etag }
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    enabled: extra.enabled ?? true,
    refetchInterval: extra.everyMs ?? false,
    placeholderData: extra.keep ? (kept(options) as never) : undefined,
  })
  const { fetchNextPage } = list
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage])
  return {
    /** The version that the first page was read at, where the list has one: what changed while the rest came is a newer one. */
    etag: list.data?.pages[0]?.etag ?? null,
    rows: list.data?.pages.flatMap((page) => page.data) ?? (NONE as Row<P>[]),
    loading: list.isPending && list.fetchStatus !== 'idle',
    error: list.error as ApiError | null,
    retry: () => void list.refetch(),
    hasMore: list.hasNextPage,
    loadingMore: list.isFetchingNextPage,
    /** How many pages were fetched. */
    pages: list.data?.pages.length ?? 0,
    more,
    stale: list.isPlaceholderData,
  }
}
const NONE: never[] = []

/** How to try again what is not there since it could not be loaded. */
export function failedOf(query: { error: unknown; data: unknown; refetch: () => unknown }): (() => void) | undefined {
  return query.error && query.data === undefined ? () => void query.refetch() : undefined
}

/** Has every answer asked again whose path begins with one of these. */
export function refresh(...prefixes: string[]): Promise<void> {
  return queries.invalidateQueries({ predicate: (query) => prefixes.some((prefix) => String(query.queryKey[0]).startsWith(prefix)) })
}

/** The value as it was when it last stood still for a while: for searching as one types. */
export function useSettled<T>(value: T, ms = 250): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}
