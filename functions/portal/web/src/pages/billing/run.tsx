import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi, useList } from '~/api/query'
import { minus, sign, sum } from '~/lib/decimal'
import { calendar, count } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Act } from '~/ui/ask'
import { Badge, State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, PageHead, Stat } from '~/ui/card'
import { Copy, Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { FilterSelect } from '~/ui/form'
import { Progress } from '~/ui/progress'
import { Empty, Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'

type Run = Schema<'BillingRun'>
type Row = Schema<'BillingRunRow'>
const STATES: Schema<'BillingRunRowState'>[] = ['made', 'billed', 'empty', 'running', 'failed']
/** With a filter on, so many pages are looked through in one go. */
const PAGES_AT_ONCE = 20
const PAGE_ROWS = 200
const keyOf = (row: Row) => `${row.account_id} ${row.month} ${row.part}`

/** One run: how far it is, and what it says of each account. */
export default function RunPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { place, can } = useViewer()
  const [filters, setFilters] = useFilters<'state'>()
  const [opened, setOpened] = useState<string | null>(null)
  const [over, setOver] = useState(false)
  const read = useApi('/reseller/billing/runs/{id}', { path: { id } }, { everyMs: over ? false : 2_000 })
  const run = read.data
  const completed = run?.state === 'completed'
  if (completed !== over) setOver(completed)
  const rows = useList('/reseller/billing/runs/{id}/rows', { path: { id }, query: { limit: PAGE_ROWS } }, { enabled: run !== undefined && run.month !== null, everyMs: over ? false : 4_000 })
  const state = STATES.find((known) => known === filters.state)
  const shown = state ? rows.rows.filter((row) => row.state === state) : rows.rows

  // The platform cannot filter: a finished run is looked through until what it says there is was found, or for so many pages.
  const [reach, setReach] = useState(PAGES_AT_ONCE)
  const wanted = run && state === 'failed' ? run.failed : run && state === 'empty' ? run.empty : Number.POSITIVE_INFINITY
  const missing = state !== undefined && shown.length < wanted && rows.hasMore
  // Of what is not counted, a page full is enough.
  const enough = Number.isFinite(wanted) ? wanted : PAGE_ROWS
  const searching = missing && shown.length < enough && completed && !rows.error && rows.pages < reach
  const { more, loadingMore } = rows
  useEffect(() => {
    if (searching && !loadingMore) more()
  }, [searching, loadingMore, more])
  const goOn = () => {
    setReach(rows.pages + PAGES_AT_ONCE)
    more()
  }
  const line = rows.rows.find((row) => keyOf(row) === opened) ?? null
  const currencies = new Set(shown.map((row) => row.currency).filter(Boolean))
  const columns: Column<Row>[] = [
    { id: 'account', head: 'Account', cell: (row) => <AccountName id={row.account_id} /> },
    { id: 'state', head: run?.dry_run ? 'Would be' : 'State', width: 6.5, cell: (row) => <State state={row.state} /> },
    { id: 'there', head: 'There already', align: 'right', width: 8, from: 'md', cell: (row) => <Amount value={row.there} currency={row.currency ?? undefined} /> },
    { id: 'total', head: 'Total', align: 'right', width: 8, from: 'sm', cell: (row) => <Amount value={row.total} currency={row.currency ?? undefined} /> },
    {
      id: 'difference',
      head: 'Difference',
      align: 'right',
      width: 8,
      cell: (row) => (
        <button type="button" className="decoration-line-strong decoration-dotted underline-offset-4 hover:underline" onClick={() => setOpened(keyOf(row))}>
          <Amount value={row.difference} currency={row.currency ?? undefined} signed tone="negative" />
          <span className="sr-only">: the lines of this account</span>
        </button>
      ),
    },
  ]
  return (
    <>
      <PageHead
        back={<PageLink to="billing">Billing runs</PageLink>}
        title={run ? `${run.dry_run ? 'Dry run' : 'Run'}${run.month ? ` of ${calendar(run.month, place)}` : ' of the schedule'}` : read.error ? 'Billing run' : <Skeleton className="h-6 w-56" />}
        sub={run ? <span className="flex flex-wrap items-center gap-x-3"><State state={run.state} />{run.dry_run && <Badge>Nothing is made</Badge>}<Id id={run.id} what="run id" /></span> : <Skeleton className="h-4 w-48" />}
        actions={run?.dry_run && run.state === 'completed' && run.month && can('billing.manage') ? <ForReal run={run} month={run.month} failed={run.failed} /> : run || read.error ? undefined : <Skeleton className="h-8.5 w-28" />}
      />
      <NotFresh of={read} />
      {read.error && !read.data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The run" />
        </Card>
      ) : !run ? (
        <Card key="loading">
          <Skeleton className="h-64 w-full" />
        </Card>
      ) : (
        <div key="run" className="space-y-4">
          <Card>
            <div className="min-h-12 space-y-2 text-sm">
              {run ? (
                <>
                  <div className="flex flex-wrap justify-between gap-2">
                    <span>
                      {run.state === 'listing' ? 'The accounts are listed…' : run.state === 'working' ? `${count(run.done, place)} of ${count(run.chunks, place)} chunks of accounts are done` : <>Completed <Time at={run.ended_at} /></>}
                    </span>
                    <span className="text-soft">
                      Periods that can be closed by <Time at={run.as_of} />
                    </span>
                  </div>
                  <Progress label="How far the run is" value={completed ? 1 : run.done} max={completed ? 1 : run.state === 'listing' ? null : Math.max(run.chunks, 1)} tone={completed ? (run.failed > 0 ? 'warn' : 'good') : 'accent'} />
                </>
              ) : (
                <Skeleton className="h-10 w-full" />
              )}
            </div>
          </Card>
          <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
            <Stat label="Accounts" loading={!run} note="Looked at">{run && count(run.accounts, place)}</Stat>
            <Stat label="Invoices" loading={!run} note={run?.dry_run ? 'There, or would be' : 'There, or made'}>{run && count(run.invoices, place)}</Stat>
            <Stat label="Nothing to bill" loading={!run} note="Periods closed without an invoice">{run && count(run.empty, place)}</Stat>
            <Stat label="Failed" loading={!run} note="In the next run again">{run && <span className={run.failed > 0 ? 'text-bad' : ''}>{count(run.failed, place)}</span>}</Stat>
          </div>
          {run?.digest && (
            <p className="flex flex-wrap items-center gap-2 text-xs text-soft">
              Digest <code className="font-mono">{run.digest.slice(0, 20)}…</code>
              <Copy text={run.digest} what="digest" />
              The same digest in two runs says that they billed the same.
            </p>
          )}
          {run && run.month === null ? (
            <Notice>What a run of the schedule made stands among the invoices; rows are kept of runs that somebody asked for.</Notice>
          ) : (
            <Card
              title="Account by account"
              sub={run?.dry_run ? 'The difference is what the run itself would charge.' : 'The difference is what this run charged.'}
              actions={<FilterSelect label="State" value={state ?? ''} onChange={(value) => setFilters({ state: value })} options={[{ value: '', label: 'All' }, ...STATES.map((value) => ({ value, label: ROW_STATES[value] }))]} />}
              flush
            >
              <DataTable
                label="Accounts"
                columns={columns}
                {...rows}
                rows={shown}
                rowId={keyOf}
                loading={rows.loading || (searching && shown.length === 0)}
                hasMore={state ? missing : rows.hasMore}
                more={state ? goOn : more}
                onOpen={(row) => setOpened(keyOf(row))}
                empty={<Empty icon="accounts" title={state ? 'None in this state' : completed ? 'No account' : 'Nothing yet'}>{state ? (rows.hasMore && missing ? 'Among the rows that were looked through. Load more to look further.' : 'Clear the filter to see the others.') : completed ? 'No account has a period that begins in this month.' : 'Rows come as chunks are done.'}</Empty>}
              />
              {missing && (
                <p role="status" className="border-t border-line px-4 py-2 text-sm text-soft">
                  {count(rows.rows.length, place)} of about {count(Math.max(run.accounts, rows.rows.length), place)} rows looked through, {count(shown.length, place)}{Number.isFinite(wanted) && ` of ${count(wanted, place)}`} found{searching ? '…' : '.'}
                </p>
              )}
              {!rows.hasMore && shown.length > 1 && currencies.size === 1 && (
                <p className="flex justify-between gap-4 border-t border-line px-4 py-2 text-sm font-semibold">
                  <span>{count(shown.length, place)} accounts</span>
                  <Amount value={sum(shown.map((row) => row.difference))} currency={[...currencies][0] ?? undefined} signed />
                </p>
              )}
            </Card>
          )}
        </div>
      )}
      <Sheet open={line !== null} onClose={() => setOpened(null)} title="Line by line">
        {line && <RowLines row={line} dry={run?.dry_run ?? false} />}
      </Sheet>
    </>
  )
}

const ROW_STATES: Record<Schema<'BillingRunRowState'>, string> = { made: 'Made', billed: 'Billed before', empty: 'Nothing to bill', running: 'Period runs', failed: 'Failed' }

function RowLines({ row, dry }: { row: Row; dry: boolean }) {
  const currency = row.currency ?? undefined
  return (
    <div className="space-y-4 text-sm">
      <p className="flex flex-wrap items-center gap-2 font-medium">
        <AccountName id={row.account_id} />
        <State state={row.state} />
      </p>
      {row.error && <Notice tone="bad" title="Could not be billed">{row.error}</Notice>}
      {row.state === 'running' && <p className="text-soft">Its period is not over: nothing is billed of it.</p>}
      {row.lines.length > 0 && (
        <table className="w-full">
          <thead>
            <tr className="text-left text-xs text-soft">
              <th scope="col" className="py-1.5 font-medium">Line</th>
              <th scope="col" className="py-1.5 text-right font-medium">There</th>
              <th scope="col" className="py-1.5 text-right font-medium">{dry ? 'Would be' : 'Now'}</th>
            </tr>
          </thead>
          <tbody>
            {row.lines.map((line) => (
              <tr key={line.id} className="border-t border-line align-top">
                <td className="py-1.5 pr-2">{line.text}</td>
                <td className="py-1.5 pr-2 text-right"><Amount value={line.there} currency={currency} /></td>
                <td className={`py-1.5 text-right ${sign(minus(line.amount, line.there)) === 0 ? 'text-soft' : 'font-medium'}`}><Amount value={line.amount} currency={currency} /></td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr className="border-t border-line font-semibold">
              <td className="py-1.5">Total</td>
              <td className="py-1.5 pr-2 text-right"><Amount value={row.there} currency={currency} /></td>
              <td className="py-1.5 text-right"><Amount value={row.total} currency={currency} /></td>
            </tr>
          </tfoot>
        </table>
      )}
      {row.invoice_id && (row.state === 'billed' || (!dry && row.state === 'made')) && <PageLink to={`invoices/${row.invoice_id}`}>Open the invoice</PageLink>}
    </div>
  )
}

function ForReal({ run, month, failed }: { run: Run; month: string; failed: number }) {
  const { base, place } = useViewer()
  const navigate = useNavigate()
  return (
    <>
      <Button icon="refresh" onClick={() => void refresh('/reseller/billing/runs')}>
        Look again
      </Button>
      <Act
        label="Run it"
        icon="play"
        look="primary"
        title={`Bill ${calendar(month, place)} now?`}
        action="Make the invoices"
        input={{ month, dry_run: false, account_id: run.of_account_id && run.of_account_id !== run.account_id ? run.of_account_id : undefined }}
        send={(body, key) => api.post('/reseller/billing/runs', { body, idempotencyKey: key })}
        done={({ data }) => {
          toast.done('The run has begun')
          void refresh('/reseller/billing/runs', '/reseller/invoices')
          void navigate({ to: `${base}/billing/runs/${data.id}` as never })
        }}
      >
        <p>Invoices are made as this dry run says, less or more what happened since. Each is made once, however often this is pressed. What is issued is corrected by credit notes alone.</p>
        {failed > 0 && <Notice tone="warn">{count(failed, place)} accounts could not be billed: they are left out.</Notice>}
      </Act>
    </>
  )
}
