import { useNavigate } from '@tanstack/react-router'
import type { Schema } from '~/api/client'
import { useList } from '~/api/query'
import { explainCreditNote } from '~/lib/explain'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { FilterSelect } from '~/ui/form'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { InvoiceTabs, useSide } from './tabs'

type Row = Schema<'CreditNote'>

/** Credit notes that an account issued or was given. */
export default function CreditNotes() {
  const { account, base, customer } = useViewer()
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<'side' | 'account'>()
  const side = useSide(filters.side)
  const of = customer ? undefined : filters.account
  const list = useList('/reseller/credit-notes', { query: { limit: 50, side, account_id: of } }, { keep: true })
  const columns: Column<Row>[] = [
    { id: 'number', head: 'Number', width: 9, cell: (row) => <PageLink to={`credit-notes/${row.id}`} className="font-medium">{row.number}</PageLink> },
    { id: 'reason', head: 'Reason', from: 'md', cell: (row) => <span title={row.reason}>{row.reason}</span> },
    ...(side === 'sold' ? [{ id: 'account', head: 'Account', width: 12, from: 'sm' as const, cell: (row: Row) => <AccountName id={row.account_id} /> }] : []),
    { id: 'issued', head: 'Issued', width: 8, cell: (row) => <Time at={row.issued_at} style="date" /> },
    { id: 'given', head: 'Given back', align: 'right', width: 8, from: 'lg', cell: (row) => <Amount value={row.given_back} currency={row.currency} explain={explainCreditNote(row)} /> },
    { id: 'total', head: 'Total', align: 'right', width: 8, cell: (row) => <Amount value={row.total} currency={row.currency} explain={explainCreditNote(row)} /> },
  ]
  return (
    <>
      <PageHead title="Credit notes" sub="What was taken off invoices, with the taxes on it." />
      <InvoiceTabs current="credit-notes" />
      {!customer && (
        <div className="mb-3 flex flex-wrap items-center gap-2">
          <FilterSelect
            label="Side"
            value={side}
            onChange={(value) => setFilters({ side: value })}
            options={[{ value: 'sold', label: 'Issued' }, ...(account.kind === 'operator' && !of ? [] : [{ value: 'bought', label: 'Received' }])]}
          />
          <div className="w-full sm:w-64">
            <AccountField bare label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value })} />
          </div>
        </div>
      )}
      <Card flush>
        <DataTable
          label="Credit notes"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={(row) => void navigate({ to: `${base}/credit-notes/${row.id}` as never })}
          empty={
            <Empty icon="invoice" title="No credit notes" action={<ButtonLink to="invoices">Open invoices</ButtonLink>}>
              {side === 'sold' ? 'To take something off an invoice, open it and press “Credit note”.' : customer ? 'Nothing was taken off an invoice of yours.' : 'Nothing was taken off an invoice of this account.'}
            </Empty>
          }
        />
      </Card>
    </>
  )
}
