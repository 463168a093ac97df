import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { Schema } from '~/api/client'
import { useList } from '~/api/query'
import { explainDue, explainTotal } from '~/lib/explain'
import { calendar } from '~/lib/format'
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
import { endsOf, isMonth } from './month'
import { InvoiceTabs, useSide } from './tabs'

type Row = Schema<'InvoiceSummary'>
type InvoiceState = Schema<'InvoiceState'>
const STATES: InvoiceState[] = ['draft', 'finalized', 'past_due', 'paid', 'uncollectible', 'void']

function Period({ row }: { row: Row }) {
  const { place } = useViewer()
  return (
    <>
      {calendar(row.period.label, place)}
      {row.period.part > 1 && <span className="text-soft"> · part {row.period.part}</span>}
    </>
  )
}

/** Invoices: what one sold or bought, by state, month and account. */
export default function Invoices() {
  const { account, base, customer, can } = useViewer()
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<'side' | 'state' | 'month' | 'account'>()
  const side = useSide(filters.side)
  const month = isMonth(filters.month) ? filters.month : undefined
  const state = STATES.find((known) => known === filters.state)
  const of = customer ? undefined : filters.account
  const list = useList('/reseller/invoices', { query: { limit: 50, side, state, account_id: of, ...(month ? endsOf(month) : {}) } }, { keep: true })
  const rows = month ? list.rows.filter((row) => row.period.label === month) : list.rows

  // A page may hold nothing of the month that was asked for, and the next one all of it.
  const { hasMore, loadingMore, more, error } = list
  const searching = rows.length === 0 && !error && (hasMore || loadingMore)
  useEffect(() => {
    if (searching && !loadingMore) more()
  }, [searching, loadingMore, more])

  const columns: Column<Row>[] = [
    {
      id: 'number',
      head: 'Number',
      width: 7.5,
      cell: (row) => (
        <PageLink to={`invoices/${row.id}`} className="font-medium">
          {row.number ?? 'Draft'}
        </PageLink>
      ),
    },
    ...(side === 'sold' ? [{ id: 'account', head: 'Account', from: 'sm' as const, cell: (row: Row) => <AccountName id={row.account_id} /> }] : []),
    { id: 'period', head: 'Period', width: side === 'sold' ? 10 : undefined, from: side === 'sold' ? 'md' : 'sm', cell: (row) => <Period row={row} /> },
    { id: 'state', head: 'State', width: 7.5, cell: (row) => <State state={row.state} /> },
    { id: 'due_at', head: 'Due', width: 7.5, from: 'lg', cell: (row) => (row.state === 'draft' ? <span className="text-soft">Issued <Time at={row.draft_until} style="day" /></span> : <Time at={row.due_at} style="date" />) },
    { id: 'total', head: 'Total', align: 'right', width: 6.5, cell: (row) => <Amount value={row.total} currency={row.currency} explain={explainTotal(row)} /> },
    { id: 'due', head: 'Still due', align: 'right', width: 6.5, from: 'md', cell: (row) => <Amount value={row.due} currency={row.currency} explain={explainDue(row)} className={row.state === 'past_due' ? 'font-medium text-bad' : ''} /> },
  ]
  const filtered = Boolean(state || month || of)
  return (
    <>
      <PageHead
        title="Invoices"
        sub={customer ? 'What you were billed, and what is still to be paid.' : side === 'sold' ? 'What was billed to direct sub-accounts.' : 'What was billed by the account above.'}
        actions={!customer && can('billing.manage') ? <ButtonLink to="billing" icon="play">Billing runs</ButtonLink> : undefined}
      />
      <InvoiceTabs current="invoices" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        {!customer && (
          <FilterSelect
            label="Side"
            value={side}
            onChange={(value) => setFilters({ side: value })}
            options={[
              { value: 'sold', label: 'Sold' },
              ...(account.kind === 'operator' && !of ? [] : [{ value: 'bought', label: 'Bought' }]),
            ]}
          />
        )}
        <FilterSelect
          label="State"
          value={state ?? ''}
          onChange={(value) => setFilters({ state: value })}
          options={[{ value: '', label: 'Any state' }, ...STATES.map((value) => ({ value, label: LABELS[value] }))]}
        />
        <input type="month" aria-label="Month" className="field !h-8.5 !w-40 !border-line" value={month ?? ''} onChange={(event) => setFilters({ month: event.target.value })} />
        {!customer && (
          <div className="w-full sm:w-64">
            <AccountField bare label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value })} />
          </div>
        )}
        {filtered && (
          <Button look="quiet" icon="close" onClick={() => setFilters({ state: undefined, month: undefined, account: undefined })}>
            Clear
          </Button>
        )}
      </div>
      <Card flush>
        <DataTable
          label="Invoices"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          rows={rows}
          loading={list.loading || searching}
          onOpen={(row) => void navigate({ to: `${base}/invoices/${row.id}` as never })}
          empty={
            filtered ? (
              <Empty icon="filter" title="No invoice fits" action={<Button onClick={() => setFilters({ state: undefined, month: undefined, account: undefined })}>Clear the filters</Button>}>
                Nothing {side === 'sold' ? 'sold' : 'bought'} matches state, month and account together.
              </Empty>
            ) : side === 'sold' ? (
              <Empty icon="invoice" title="No invoices yet" action={<ButtonLink to="invoices/running">See a running month</ButtonLink>}>
                They are made by themselves when a sub-account’s period ends, and stand here from then on.
              </Empty>
            ) : (
              <Empty icon="invoice" title="No invoices yet" action={customer ? undefined : <ButtonLink to="invoices/running">See the running month</ButtonLink>}>
                Your first one comes when your running period ends.
              </Empty>
            )
          }
        />
      </Card>
    </>
  )
}

const LABELS: Record<InvoiceState, string> = { draft: 'Draft', finalized: 'To be paid', past_due: 'Past due', paid: 'Paid', uncollectible: 'Given up', void: 'Void' }
