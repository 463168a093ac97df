import { useNavigate } from '@tanstack/react-router'
import type { Schema } from '~/api/client'
import { useList } from '~/api/query'
import { explainPayment } from '~/lib/explain'
import { words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { FilterSelect } from '~/ui/form'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { PaymentTabs } from './tabs'

type Row = Schema<'Payment'>
const STATES: Schema<'PaymentState'>[] = ['created', 'sent', 'unknown', 'processing', 'action_required', 'succeeded', 'declined', 'cancelled']

/** From what a payment came, in words. */
export function paidBy(payment: Row): string {
  if (payment.by === 'outside') return payment.received ? words(payment.received.method) : 'Outside'
  return payment.by === 'card' ? 'Card' : 'Credit'
}

/** Payments of an account, each an attempt. */
export default function Payments() {
  const { account, base, customer } = useViewer()
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<'state' | 'account'>()
  const state = STATES.find((known) => known === filters.state)
  const of = customer ? undefined : filters.account
  const list = useList('/reseller/payments', { query: { limit: 50, state, account_id: of } }, { keep: true })
  const columns: Column<Row>[] = [
    { id: 'at', head: 'When', width: 7.25, cell: (row) => <PageLink to={`payments/${row.id}`}><Time at={row.created_at} style="date" /></PageLink> },
    { id: 'for', head: 'For', from: 'md', cell: (row) => (row.invoice_id ? <PageLink to={`invoices/${row.invoice_id}`}>Invoice</PageLink> : row.package_id ? 'A package of credit' : 'Credit') },
    ...(customer ? [] : [{ id: 'account', head: 'Account', width: 12, from: 'lg' as const, cell: (row: Row) => <AccountName id={row.account_id} /> }]),
    { id: 'by', head: 'By', width: 8, from: 'sm', cell: (row) => paidBy(row) },
    { id: 'state', head: 'State', width: 8, cell: (row) => <State state={row.state} /> },
    { id: 'amount', head: 'Amount', align: 'right', width: 6.5, cell: (row) => <Amount value={row.amount} currency={row.currency} explain={explainPayment(row)} /> },
  ]
  const filtered = Boolean(state || of)
  return (
    <>
      <PageHead title="Payments" sub={customer ? 'What you paid or tried to pay, each an attempt.' : of && of !== account.id ? 'What this account paid or tried to pay.' : 'What your own account paid or tried to pay. Choose a sub-account to see what it paid you.'} />
      <PaymentTabs current="payments" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <FilterSelect label="State" value={state ?? ''} onChange={(value) => setFilters({ state: value })} options={[{ value: '', label: 'Any state' }, ...STATES.map((value) => ({ value, label: words(value) }))]} />
        {!customer && (
          <div className="w-full sm:w-64">
            <AccountField bare label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value })} />
          </div>
        )}
      </div>
      <Card flush>
        <DataTable
          label="Payments"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={(row) => void navigate({ to: `${base}/payments/${row.id}` as never })}
          empty={
            filtered ? (
              <Empty icon="filter" title="No payment fits" action={<Button onClick={() => setFilters({ state: undefined, account: undefined })}>Clear the filters</Button>} />
            ) : (
              <Empty icon="credits" title="No payments yet">Payments stand here as soon as an invoice is collected, paid by hand, or credit is bought with a card.{!customer && ' Choose an account to see its own.'}</Empty>
            )
          }
        />
      </Card>
    </>
  )
}
