import { useNavigate } from '@tanstack/react-router'
import type { Schema } from '~/api/client'
import { useList } from '~/api/query'
import { explainDue, explainTotal } from '~/lib/explain'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { PageLink } from '~/ui/button'
import { Card } from '~/ui/card'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'

const COLUMNS: Column<Schema<'InvoiceSummary'>>[] = [
  { id: 'number', head: 'Invoice', cell: (row) => <PageLink to={`invoices/${row.id}`} className="text-ink no-underline hover:underline" tabIndex={-1}>{row.number ?? 'Draft'}</PageLink> },
  { id: 'state', head: 'State', width: 7, cell: (row) => <State state={row.state} /> },
  { id: 'period', head: 'Period from', width: 9, from: 'md', cell: (row) => <Time at={row.period.start} style="date" /> },
  { id: 'due_at', head: 'Due', width: 9, from: 'sm', cell: (row) => <Time at={row.due_at} style="date" /> },
  { id: 'total', head: 'Total', width: 8, align: 'right', cell: (row) => <Amount value={row.total} currency={row.currency} explain={explainTotal(row)} /> },
  { id: 'due', head: 'Open', width: 8, align: 'right', from: 'sm', cell: (row) => <Amount value={row.due} currency={row.currency} explain={explainDue(row)} /> },
]

/** Invoices that an account was sent. */
export function Invoices({ accountId }: { accountId: string }) {
  const { base } = useViewer()
  const navigate = useNavigate()
  const list = useList('/reseller/invoices', { query: { account_id: accountId, limit: 50 } })
  return (
    <Card flush>
      <DataTable label="Invoices" columns={COLUMNS} rowId={(row) => row.id} {...list} onOpen={(row) => void navigate({ to: `${base}/invoices/${row.id}` as never })} empty={<Empty icon="invoice" title="No invoice yet">The first one is made when its first billing period closes.</Empty>} />
    </Card>
  )
}
