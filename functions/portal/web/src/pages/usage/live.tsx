import { useEffect, useState } from 'react'
import type { Schema } from '~/api/client'
import { refresh, useApi, useList } from '~/api/query'
import { explainSpend, explainUsage } from '~/lib/explain'
import { count } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Badge } from '~/ui/badge'
import { Button, ButtonLink, PageLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { FilterSelect } from '~/ui/form'
import { Empty, Failed } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { UsageFrame } from './frame'

const EVERY_MS = 5000

/** Whether the page is seen. */
function useSeen(): boolean {
  const [seen, setSeen] = useState(() => document.visibilityState === 'visible')
  useEffect(() => {
    const look = () => setSeen(document.visibilityState === 'visible')
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return seen
}

/** Seconds since a moment; counts on. */
function useSince(at: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return Math.max(0, Math.round((now - at) / 1000))
}

function moneyOf(totals: Schema<'UsageTotals'> | null | undefined, currency: string) {
  return totals?.money.find((one) => one.currency === currency)
}

/**
 * Usage as it comes in. The summary is asked every five seconds with its ETag, which costs a 304 while nothing happened; what is below it is asked
 * anew only when it changed. Nothing is asked while the page is not seen.
 */
export default function Live() {
  const viewer = useViewer()
  const { account, place, customer } = viewer
  const [filters, setFilters] = useFilters<'by'>()
  const by = filters.by === 'account' && !customer ? 'account' : 'meter'
  const [paused, setPaused] = useState(false)
  const seen = useSeen()
  const running = seen && !paused
  const summary = useApi('/reseller/usage/summary', { query: customer ? {} : { subtree: true } }, { everyMs: running ? EVERY_MS : false, staleMs: 0 })
  const data = summary.data
  const from = data?.today?.from
  const accounts = useList(
    '/reseller/usage/report',
    { query: { subtree: true, granularity: 'day', group_by: 'account', limit: 200, ...(from ? { from } : {}) } },
    { enabled: by === 'account' && from !== undefined, keep: true },
  )
  const events = moneyOf(data?.today, account.currency)?.events
  useEffect(() => {
    if (events !== undefined) void refresh('/reseller/usage/report')
  }, [events])

  const today = moneyOf(data?.today, account.currency)
  const month = moneyOf(data?.this_month, account.currency)
  const change = data?.change.find((one) => one.currency === account.currency)
  const days = (range: 'today' | 'month') => [{ label: 'Usage day by day', to: 'usage/report', search: { range } }]
  const earned = (figure: 'price' | 'cost' | 'margin', range: 'today' | 'month', of: typeof today) => explainUsage(figure, `usage ${range === 'today' ? 'today, in UTC' : 'this month so far, in UTC'}`, of, { links: days(range) })
  const ofMeter = (figure: 'price' | 'cost' | 'margin', row: Schema<'MeterUsage'>) => explainUsage(figure, `usage of ${row.meter} today: ${count(row.events, place)} events, each at the price in force when it happened`, row, { links: days('today') })
  const ofAccount = (figure: 'price' | 'cost' | 'margin', row: Schema<'UsageRow'>) => explainUsage(figure, `the usage of this account itself today: ${count(row.events, place)} events`, row, { links: [{ label: 'Its usage', to: `accounts/${row.account_id ?? account.id}/usage`, search: { range: 'today' } }] })
  const meterColumns: Column<Schema<'MeterUsage'>>[] = [
    { id: 'meter', head: 'Meter', cell: (row) => row.meter },
    { id: 'quantity', head: 'Quantity', width: 12, align: 'right', from: 'sm', cell: (row) => <>{count(row.quantity, place)} <span className="text-soft">{row.unit}</span></> },
    { id: 'events', head: 'Events', width: 7, align: 'right', from: 'lg', cell: (row) => count(row.events, place) },
    ...(customer
      ? [{ id: 'cost', head: 'Spend', width: 8, align: 'right', cell: (row) => <Amount value={row.cost} currency={row.currency} explain={ofMeter('cost', row)} /> } as Column<Schema<'MeterUsage'>>]
      : ([
          { id: 'price', head: 'Revenue', width: 8, align: 'right', cell: (row) => <Amount value={row.price} currency={row.currency} explain={ofMeter('price', row)} /> },
          { id: 'cost', head: 'Cost', width: 8, align: 'right', from: 'md', cell: (row) => <Amount value={row.cost} currency={row.currency} explain={ofMeter('cost', row)} /> },
          { id: 'margin', head: 'Margin', width: 8, align: 'right', from: 'sm', cell: (row) => <Amount value={row.margin} currency={row.currency} tone="negative" explain={ofMeter('margin', row)} /> },
        ] as Column<Schema<'MeterUsage'>>[])),
  ]
  const accountsAll: Column<Schema<'UsageRow'>>[] = [
    { id: 'account', head: 'Account', cell: (row) => <AccountName id={row.account_id ?? null} /> },
    { id: 'events', head: 'Events', width: 7, align: 'right', sort: 'events', value: (row) => row.events, cell: (row) => count(row.events, place) },
    { id: 'price', head: 'Revenue', width: 8, align: 'right', sort: 'price', value: (row) => Number(row.price ?? 0), cell: (row) => <Amount value={row.price} currency={row.currency} explain={ofAccount('price', row)} /> },
    { id: 'cost', head: 'Cost', width: 8, align: 'right', from: 'md', cell: (row) => <Amount value={row.cost} currency={row.currency} explain={ofAccount('cost', row)} /> },
    { id: 'margin', head: 'Margin', width: 8, align: 'right', from: 'sm', cell: (row) => <Amount value={row.margin} currency={row.currency} tone="negative" explain={ofAccount('margin', row)} /> },
  ]
  // Rows come in the order of the tree: a part of them sorted here would say who is first of what was fetched.
  const accountColumns = accounts.hasMore ? accountsAll.map((column) => ({ ...column, sort: undefined })) : accountsAll
  const none = (
    <Empty icon="live" title="Nothing was used today" action={<ButtonLink to="usage/report">Look at other days</ButtonLink>}>
      What is counted shows up here within seconds.
    </Empty>
  )
  return (
    <UsageFrame current="live" sub={<Pulse at={summary.dataUpdatedAt} running={running} hidden={!seen} failed={summary.error !== null} />}>
      {summary.error && !data ? (
        <Card>
          <Failed error={summary.error} retry={() => void summary.refetch()} what="Usage" />
        </Card>
      ) : (
        <div className="space-y-4">
          <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
            <Stat label={customer ? 'Spent today' : 'Revenue today'} loading={!data} note={today && `${count(today.events, place)} events`}>
              <Amount value={customer ? (today?.cost ?? '0') : (today?.price ?? '0')} explain={customer ? explainSpend('Spent today', data?.today, account.currency, { links: days('today') }) : earned('price', 'today', today)} />
            </Stat>
            {!customer && (
              <Stat label="Margin today" loading={!data} note={<>cost <Amount value={today?.cost ?? '0'} explain={earned('cost', 'today', today)} /></>}>
                <Amount value={today?.margin ?? '0'} tone="negative" explain={earned('margin', 'today', today)} />
              </Stat>
            )}
            <Stat label={customer ? 'Spent this month' : 'Revenue this month'} loading={!data} note={<><Change value={customer ? change?.cost : change?.price} good={customer ? 'none' : 'up'} /> against the same days</>}>
              <Amount value={customer ? (month?.cost ?? '0') : (month?.price ?? '0')} explain={customer ? explainSpend('Spent this month', data?.this_month, account.currency, { links: days('month') }) : earned('price', 'month', month)} />
            </Stat>
            {customer ? (
              <Stat label="Events this month" loading={!data} note={<><Change value={change?.events} /> against the same days</>}>
                {count(month?.events ?? 0, place)}
              </Stat>
            ) : (
              <Stat label="Volume tier" loading={!data} note={data?.tier?.next ? `${count(data.tier.next.missing, place)} more to ${data.tier.next.name}` : data?.tier ? 'The highest there is' : 'No tiers are set'}>
                <span className="capitalize">{data?.tier?.name ?? 'None'}</span>
              </Stat>
            )}
          </div>
          <Card
            title="Today"
            sub={by === 'account' && accounts.hasMore ? 'Counted in UTC days; in the order of the tree' : 'Counted in UTC days'}
            flush
            actions={
              <>
                {by === 'account' && viewer.can('insights.read') && <PageLink to="accounts" search={{ sort: '-revenue' }} className="text-sm">Who brings in most this month</PageLink>}
                {!customer && <FilterSelect label="Group by" value={by} onChange={(value) => setFilters({ by: value })} options={[{ value: 'meter', label: 'By meter' }, { value: 'account', label: 'By account' }]} />}
                <Button icon={paused ? 'play' : 'pause'} onClick={() => setPaused(!paused)}>
                  {paused ? 'Go on' : 'Pause'}
                </Button>
              </>
            }
          >
            {by === 'meter' ? (
              <DataTable label="Usage today by meter" columns={meterColumns} rows={data?.today?.meters ?? []} rowId={(row) => `${row.meter} ${row.currency}`} loading={!data} empty={none} />
            ) : (
              <DataTable label="Usage today by account" columns={accountColumns} {...accounts} rowId={(row) => `${row.account_id ?? ''} ${row.currency}`} sort="-price" loading={accounts.loading || from === undefined} empty={none} />
            )}
          </Card>
        </div>
      )}
    </UsageFrame>
  )
}

/** Says whether the page follows, and how old what it shows is. */
function Pulse({ at, running, hidden, failed }: { at: number; running: boolean; hidden: boolean; failed: boolean }) {
  const seconds = useSince(at)
  return (
    <span className="flex items-center gap-2">
      {failed ? <Badge tone="bad">No answer, trying again</Badge> : running ? <Badge tone="good">Live</Badge> : <Badge tone="warn">{hidden ? 'Paused while hidden' : 'Paused'}</Badge>}
      <span>{at === 0 ? 'Asking…' : seconds < 2 ? 'As of now' : `As of ${seconds} seconds ago`}</span>
    </span>
  )
}
