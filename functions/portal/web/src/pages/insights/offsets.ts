import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import type { ApiError } from '~/api/problem'

interface Part<Row> {
  rows: Row[]
  next_offset: number | null
}

/** A list that is read part by part. Each part has the sums of all: `head` is the first. */
export function useOffsets<Row, Answer extends Part<Row>>(key: unknown[], part: (offset: number, signal: AbortSignal) => Promise<Answer>, staleTime = 15_000) {
  const list = useInfiniteQuery<Answer, ApiError, { pages: Answer[] }, unknown[], number>({
    queryKey: [...key, 'list'],
    queryFn: ({ pageParam, signal }) => part(pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next_offset,
    staleTime,
    placeholderData: keepPreviousData,
  })
  return {
    head: list.data?.pages[0],
    rows: list.data?.pages.flatMap((one) => one.rows) ?? [],
    loading: list.isPending,
    error: list.error,
    retry: () => void list.refetch(),
    stale: list.isPlaceholderData,
    hasMore: list.hasNextPage,
    more: () => void list.fetchNextPage(),
    loadingMore: list.isFetchingNextPage,
  }
}
