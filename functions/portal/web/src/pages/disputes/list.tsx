import { useNavigate } from '@tanstack/react-router'
import type { Schema } from '~/api/client'
import { useList } from '~/api/query'
import { explainDispute } from '~/lib/explain'
import { words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { Button, ButtonLink, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { FilterSelect } from '~/ui/form'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { useSide } from '~/pages/invoices/tabs'

type Row = Schema<'DisputeSummary'>
const STATES: Schema<'DisputeState'>[] = ['opened', 'under_review', 'accepted', 'partly_accepted', 'rejected', 'withdrawn']

/** Disputes of what an account bought or sold. */
export default function Disputes() {
  const { account, base, customer } = useViewer()
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<'side' | 'state' | 'account'>()
  const side = useSide(filters.side)
  const state = STATES.find((known) => known === filters.state)
  const of = customer ? undefined : filters.account
  const list = useList('/reseller/disputes', { query: { limit: 50, side, state, account_id: of } }, { keep: true })
  const columns: Column<Row>[] = [
    { id: 'opened', head: 'Opened', width: 7, cell: (row) => <PageLink to={`disputes/${row.id}`}><Time at={row.opened_at} style="date" /></PageLink> },
    ...(side === 'sold' ? [{ id: 'account', head: 'Account', from: 'sm' as const, cell: (row: Row) => <AccountName id={row.account_id} /> }] : []),
    { id: 'reason', head: 'Why', from: 'md', width: side === 'sold' ? 10 : undefined, cell: (row) => (row.origin === 'chargeback' ? 'A bank’s chargeback' : words(row.reason)) },
    { id: 'state', head: 'State', width: 8.5, cell: (row) => <State state={row.state} /> },
    { id: 'respond', head: 'Answer by', width: 9, from: 'lg', cell: (row) => <RespondBy row={row} /> },
    { id: 'amount', head: 'About', align: 'right', width: 6.5, cell: (row) => <Amount value={row.amount} currency={row.currency} explain={explainDispute(row)} /> },
    { id: 'accepted', head: 'Accepted', align: 'right', width: 8, from: 'lg', cell: (row) => <Amount value={row.accepted} currency={row.currency} explain={explainDispute(row)} /> },
  ]
  return (
    <>
      <PageHead title="Disputes" sub={side === 'sold' ? 'What sub-accounts dispute of their invoices. You have 14 days to answer each.' : 'What is disputed of invoices. It is not collected until its dispute ends.'} />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        {!customer && (
          <FilterSelect
            label="Side"
            value={side}
            onChange={(value) => setFilters({ side: value })}
            options={[{ value: 'sold', label: 'Of what was sold' }, ...(account.kind === 'operator' && !of ? [] : [{ value: 'bought', label: 'Of what was bought' }])]}
          />
        )}
        <FilterSelect label="State" value={state ?? ''} onChange={(value) => setFilters({ state: value })} options={[{ value: '', label: 'Any state' }, ...STATES.map((value) => ({ value, label: words(value) }))]} />
        {!customer && (
          <div className="w-full sm:w-64">
            <AccountField bare label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value })} />
          </div>
        )}
      </div>
      <Card flush>
        <DataTable
          label="Disputes"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={(row) => void navigate({ to: `${base}/disputes/${row.id}` as never })}
          empty={
            state || of ? (
              <Empty icon="filter" title="No dispute fits" action={<Button onClick={() => setFilters({ state: undefined, account: undefined })}>Clear the filters</Button>} />
            ) : (
              <Empty icon="disputes" title="Nothing is disputed" action={<ButtonLink to="invoices">Open invoices</ButtonLink>}>
                {side === 'sold' ? 'When a sub-account disputes lines of an invoice, it stands here.' : 'If something on an invoice is wrong, open it and dispute its lines.'}
              </Empty>
            )
          }
        />
      </Card>
    </>
  )
}

/** Until when its seller has to answer; in red once that is over. */
export function RespondBy({ row }: { row: Row }) {
  if (!row.respond_by) return <span className="text-faint">–</span>
  const late = new Date(row.respond_by).getTime() < Date.now()
  return (
    <span className={late ? 'font-medium text-bad' : ''}>
      <Time at={row.respond_by} ago />
    </span>
  )
}
