import { useNavigate } from '@tanstack/react-router'
import type { Schema } from '~/api/client'
import { api } from '~/api/client'
import { useInfiniteQuery } from '@tanstack/react-query'
import { count, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { State } from '~/ui/badge'
import { PageLink } from '~/ui/button'
import { Card } from '~/ui/card'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'

const COLUMNS: Column<Schema<'Account'>>[] = [
  { id: 'name', head: 'Account', cell: (row) => <PageLink to={`accounts/${row.id}`} className="text-ink no-underline hover:underline" tabIndex={-1}>{row.name}</PageLink> },
  { id: 'kind', head: 'Kind', width: 7, from: 'sm', cell: (row) => words(row.kind) },
  { id: 'status', head: 'Status', width: 7, cell: (row) => <State state={row.effective_status} /> },
  { id: 'children', head: 'Below it', width: 6, align: 'right', from: 'md', cell: (row) => row.children },
  { id: 'created', head: 'Created', width: 9, from: 'md', cell: (row) => <Time at={row.created_at} style="date" /> },
]

/** Where an account stands: what is above it, what is below, and how it came there. */
export function Relationships({ id }: { id: string }) {
  const { place, base, account: own } = useViewer()
  const navigate = useNavigate()
  const query = useInfiniteQuery({
    queryKey: ['/reseller/accounts/{id}/relationships', { path: { id } }, 'list'],
    queryFn: async ({ pageParam, signal }) => (await api.get('/reseller/accounts/{id}/relationships', { path: { id }, query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) }, signal })).data,
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.children.next_cursor,
  })
  const head = query.data?.pages[0]
  const children = query.data?.pages.flatMap((page) => page.children.data) ?? []
  if (query.error && !head) {
    return (
      <Card>
        <Failed error={query.error} retry={() => void query.refetch()} what="Its relationships" />
      </Card>
    )
  }
  const line = head ? [...head.ancestors, head.account] : []
  return (
    <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[18rem_minmax(0,1fr)]">
      <div className="space-y-4">
        <Card title="Above it">
          {head ? (
            <ol className="text-sm">
              {line.map((one, depth) => (
                <li key={one.id} className="flex items-center gap-2 py-1" style={{ paddingLeft: `${depth * 0.75}rem` }}>
                  <span aria-hidden="true" className="text-faint">{depth === 0 ? '' : '└'}</span>
                  {one.id === id ? <strong className="truncate" aria-current="true">{one.name}</strong> : <PageLink to={`accounts/${one.id}`} className="truncate text-ink">{one.name}</PageLink>}
                  {one.id === own.id && <span className="text-xs text-soft">you</span>}
                </li>
              ))}
            </ol>
          ) : (
            <Skeleton className="h-14 w-full" />
          )}
        </Card>
        <Card title="Subtree">
          {head ? (
            <>
              <p className="text-sm">{count(head.subtree.accounts, place)} accounts below it</p>
              <ul className="mt-1 text-sm text-soft">
                {head.subtree.by_depth.map((level) => (
                  <li key={level.depth} className="flex justify-between">
                    <span>Level {level.depth}</span>
                    <span>{count(level.accounts, place)}</span>
                  </li>
                ))}
              </ul>
            </>
          ) : (
            <Skeleton className="h-10 w-full" />
          )}
        </Card>
        {head && head.moves.length > 0 && (
          <Card title="Moves">
            <ol className="space-y-2 text-sm">
              {head.moves.map((move) => (
                <li key={move.moved_at}>
                  <Time at={move.moved_at} />
                  <div className="text-soft">
                    <AccountName id={move.from_parent_id} /> → <AccountName id={move.to_parent_id} />
                  </div>
                </li>
              ))}
            </ol>
          </Card>
        )}
      </div>
      {head && <Card title="Right below it" flush>
        <DataTable
          label="Accounts right below it"
          columns={COLUMNS}
          rows={children}
          rowId={(row) => row.id}
          loading={query.isPending}
          onOpen={(row) => void navigate({ to: `${base}/accounts/${row.id}` as never })}
          hasMore={query.hasNextPage}
          more={() => void query.fetchNextPage()}
          loadingMore={query.isFetchingNextPage}
          empty={<Empty icon="accounts" title="Nothing is below it">{head?.account.kind === 'customer' ? 'A customer has no sub-accounts.' : 'Accounts that are created below it are listed here.'}</Empty>}
        />
      </Card>}
    </div>
  )
}
