import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { calendar, count } from '~/lib/format'
import { useViewer } from '~/session/session'
import { isMonth, monthNow } from '~/pages/invoices/month'
import { AccountField, AccountName } from '~/ui/account'
import { Act } from '~/ui/ask'
import { Badge, State } from '~/ui/badge'
import { PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { TextField } from '~/ui/form'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { BillingTabs } from './tabs'

type Row = Schema<'BillingRun'>

/** Runs of billing: those that were asked for, and for the operator those of the schedule. */
export default function Runs() {
  const { base, place, can } = useViewer()
  const navigate = useNavigate()
  const list = useList('/reseller/billing/runs', { query: { limit: 50 } })
  const columns: Column<Row>[] = [
    { id: 'at', head: 'Begun', width: 7.25, cell: (row) => <PageLink to={`billing/runs/${row.id}`}><Time at={row.created_at} style="date" /></PageLink> },
    { id: 'what', head: 'Of', cell: (row) => (row.month ? calendar(row.month, place) : <span className="text-soft">By the schedule</span>) },
    { id: 'with', head: 'With', width: 11, from: 'lg', cell: (row) => (row.of_account_id && row.of_account_id !== row.account_id ? <AccountName id={row.of_account_id} /> : 'All below') },
    { id: 'kind', head: '', width: 6, from: 'sm', cell: (row) => (row.dry_run ? <Badge>Dry run</Badge> : <Badge tone="info">Run</Badge>) },
    { id: 'state', head: 'State', width: 7, cell: (row) => <State state={row.state} /> },
    { id: 'invoices', head: 'Invoices', align: 'right', width: 6, from: 'md', cell: (row) => count(row.invoices, place) },
    { id: 'failed', head: 'Failed', align: 'right', width: 5, from: 'md', cell: (row) => <span className={row.failed > 0 ? 'font-medium text-bad' : 'text-soft'}>{count(row.failed, place)}</span> },
  ]
  return (
    <>
      <PageHead title="Billing runs" sub="Every period is billed by itself when it ends. A run of your own does the same at once, and no more." actions={can('billing.manage') && <Start />} />
      <BillingTabs current="runs" />
      <Card flush>
        <DataTable
          label="Billing runs"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={(row) => void navigate({ to: `${base}/billing/runs/${row.id}` as never })}
          empty={
            <Empty icon="invoice" title="No runs yet">
              {can('billing.manage') ? 'Start a dry run to see what each account would be billed, line by line. Nothing is made by it.' : 'The schedule bills by itself; runs that somebody asks for stand here.'}
            </Empty>
          }
        />
      </Card>
    </>
  )
}

function Start() {
  const { base, place } = useViewer()
  const navigate = useNavigate()
  const [month, setMonth] = useState(monthNow(1))
  const [of, setOf] = useState('')
  return (
    <Act
      label="Start a dry run"
      icon="play"
      look="primary"
      title="See what a month comes to"
      action="Start the dry run"
      wrong={isMonth(month) ? null : 'Write a month, as 2026-10.'}
      input={{ month, dry_run: true, account_id: of || undefined }}
      send={(body, key) => api.post('/reseller/billing/runs', { body, idempotencyKey: key })}
      done={({ data }) => {
        void refresh('/reseller/billing/runs')
        void navigate({ to: `${base}/billing/runs/${data.id}` as never })
      }}
    >
      <Notice>A dry run makes nothing but its result: for each account the invoice as it would be, what is there already, and the difference. From its page you start the run itself.</Notice>
      <TextField label="Month in which the periods begin" pointer="/month" type="month" required value={month} onChange={setMonth} hint={isMonth(month) ? `${calendar(month, place)}. A period that is not over is not billed.` : undefined} />
      <AccountField label="Account" optional pointer="/account_id" value={of} onChange={setOf} hint="This account and those below it; all below your own unless you choose one." />
    </Act>
  )
}
