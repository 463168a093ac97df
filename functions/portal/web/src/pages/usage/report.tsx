import { useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { addDays, before, daysBetween, type Days, startOf } from '~/lib/days'
import { forDrawing, minus, sign, sum } from '~/lib/decimal'
import { explainParts, explainUsage } from '~/lib/explain'
import { calendar, count, date, money } from '~/lib/format'
import { type Period, periodIndex, periodStart } from '~/lib/periods'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Button, PageLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Chart } from '~/ui/chart'
import { FilterSelect } from '~/ui/form'
import { RangePicker, readRange } from '~/ui/range'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Export } from './export'
import { type Query, type Report, useWhole } from './whole'

type Row = Schema<'UsageRow'>
type Figure = 'price' | 'cost' | 'margin' | 'events'

function totalOf(report: Report | undefined, figure: Figure, currency: string): string | undefined {
  if (!report) return undefined
  const total = report.totals?.find((one) => one.currency === currency)
  if (!total) return '0'
  return figure === 'events' ? String(total.events) : (total[figure] ?? '0')
}

function changeOf(now: string | undefined, then: string | undefined): string | null {
  if (now === undefined || then === undefined || sign(then) === 0) return null
  return String((Number(minus(now, then)) / Math.abs(Number(then))) * 100)
}

/** Usage of an account and all below it over some days: what it brings and costs at the viewer's level, by day, meter and account. */
export function UsageReport({ accountId }: { accountId: string }) {
  const viewer = useViewer()
  const { account, place, customer } = viewer
  const [filters, setFilters] = useFilters<'range' | 'compare' | 'by' | 'figure'>()
  const days = readRange(filters.range, place.timeZone)
  const compare = filters.compare === '1'
  const own = accountId === account.id
  // Of their own usage accounts only pay: there is no price and no margin.
  const figures: Figure[] = customer ? ['cost', 'events'] : ['price', 'cost', 'margin', 'events']
  const figure = figures.includes(filters.figure as Figure) ? (filters.figure as Figure) : (figures[0] as Figure)
  const by = filters.by === 'account' && !customer ? 'account' : 'meter'
  const length = daysBetween(days.from, days.to) + 1
  const granularity: Period = length <= 2 ? 'hour' : length > 200 ? 'month' : 'day'
  const [exporting, setExporting] = useState(false)

  const base = useCallback(
    (range: Days): Query => ({ ...(own ? {} : { account_id: accountId }), subtree: !customer, from: startOf(range.from, place.timeZone), to: startOf(addDays(range.to, 1), place.timeZone) }),
    [accountId, own, customer, place.timeZone],
  )
  const overTime = useWhole({ ...base(days), granularity })
  const earlier = useWhole(compare ? { ...base(before(days)), granularity } : null)
  const parts = useInfiniteQuery({
    queryKey: ['/reseller/usage/report', { ...base(days), by }, 'parts'],
    queryFn: async ({ pageParam, signal }) => (await api.get('/reseller/usage/report', { query: { ...base(days), granularity: 'month', group_by: by, limit: 200, ...(pageParam ? { cursor: pageParam } : {}) }, signal })).data,
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  })
  const labels: Record<Figure, string> = { price: 'Revenue', cost: customer ? 'Spend' : 'Cost', margin: 'Margin', events: 'Events' }

  const merged = useMemo(() => {
    const groups = new Map<string, Part>()
    for (const row of parts.data?.pages.flatMap((page) => page.data) ?? []) {
      const name = (by === 'meter' ? row.meter : row.account_id) ?? '–'
      const key = `${name} ${row.currency}`
      const known = groups.get(key)
      groups.set(key, known ? join(known, row) : { key, name, currency: row.currency, unit: row.unit, quantity: row.quantity, events: row.events, cost: row.cost, price: row.price, margin: row.margin })
    }
    return [...groups.values()]
  }, [parts.data, by])
  // Rows come in the order of the tree: a part of them sorted here would say who is first of what was fetched.
  const complete = !parts.hasNextPage
  const columns = useMemo<Column<Part>[]>(() => {
    const amount = (id: 'cost' | 'price' | 'margin', head: string, from?: 'sm' | 'md'): Column<Part> => ({ id, head, align: 'right', width: 8, from, sort: id, value: (row) => Number(row[id] ?? 0), cell: (row) => <Amount value={row[id]} currency={row.currency} tone={id === 'margin' ? 'negative' : 'none'} explain={explainUsage(id, `${by === 'meter' ? `usage of ${row.name}` : 'the usage of this account itself'} in these days: ${row.events} events, each at the price in force when it happened`, row, { links: by === 'account' ? [{ label: 'Its usage', to: `accounts/${row.name}/usage`, search: { range: filters.range } }] : [] })} /> })
    const all: Column<Part>[] = [
      { id: 'name', head: by === 'meter' ? 'Meter' : 'Account', sort: 'name', value: (row) => row.name, cell: (row) => (by === 'meter' ? row.name : <AccountName id={row.name} />) },
      ...(by === 'meter' ? [{ id: 'quantity', head: 'Quantity', align: 'right', width: 10, from: 'sm', sort: 'quantity', value: (row) => Number(row.quantity ?? 0), cell: (row) => (row.quantity === null ? '–' : <Quantity row={row} />) } as Column<Part>] : []),
      { id: 'events', head: 'Events', align: 'right', width: 7, from: 'md', sort: 'events', value: (row) => row.events, cell: (row) => <Events value={row.events} /> },
      ...(customer ? [amount('cost', 'Spend')] : [amount('price', 'Revenue'), amount('cost', 'Cost', 'md'), amount('margin', 'Margin', 'sm')]),
    ]
    return complete ? all : all.map((column): Column<Part> => ({ ...column, sort: undefined }))
  }, [by, customer, complete, filters.range])

  const explainTotalOf = (one: 'price' | 'cost' | 'margin', total: string) =>
    by === 'account'
      ? { title: labels[one], says: 'The sum of all usage in these days. The table below it has the parts, account by account.', parts: [{ label: 'Together', amount: total, total: true }] }
      : explainParts(labels[one], 'The sum of all usage in these days, meter by meter: each event at the price in force when it happened.', merged.filter((row) => row.currency === account.currency).map((row): [string, string] => [row.name, row[one] ?? '0']), total)

  const error = overTime.error ?? parts.error
  const zone = place.timeZone.replaceAll('_', ' ')
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center gap-2">
        <RangePicker value={filters.range} onChange={(range) => setFilters({ range })} compare={compare} onCompare={(on) => setFilters({ compare: on ? '1' : undefined })} />
        <FilterSelect label="Figure" value={figure} onChange={(value) => setFilters({ figure: value })} options={figures.map((value) => ({ value, label: labels[value] }))} />
        {!customer && <FilterSelect label="Group by" value={by} onChange={(value) => setFilters({ by: value })} options={[{ value: 'meter', label: 'By meter' }, { value: 'account', label: 'By account' }]} />}
        <span className="flex-1" />
        <Button icon="download" onClick={() => setExporting(true)}>
          Export
        </Button>
      </div>
      <div className={`grid grid-cols-2 gap-3 ${customer ? '' : 'lg:grid-cols-4'}`}>
        {figures.map((one) => {
          const now = totalOf(overTime.data, one, account.currency)
          const then = compare ? totalOf(earlier.data, one, account.currency) : undefined
          return (
            <Stat key={one} label={labels[one]} loading={overTime.isPending && !overTime.error} note={compare ? <><Change value={changeOf(now, then)} good={one === 'cost' ? (customer ? 'none' : 'down') : 'up'} /> against the days before</> : 'In these days'}>
              {one === 'events' ? now === undefined ? '–' : count(now, place) : <Amount value={now} tone={one === 'margin' ? 'negative' : 'none'} explain={now === undefined ? undefined : explainTotalOf(one, now)} />}
            </Stat>
          )
        })}
      </div>
      <Card title={`${labels[figure]} by ${granularity}`} sub={overTime.data?.cut ? 'The first part of the days; choose fewer to see all.' : granularity === 'hour' ? `Hours of ${zone}` : granularity === 'day' ? 'UTC days' : 'UTC months'}>
        {overTime.error && !overTime.data ? (
          <Failed error={overTime.error} retry={() => void overTime.refetch()} what="Usage" />
        ) : !overTime.data ? (
          <Skeleton className="h-72 w-full" />
        ) : overTime.data.data.length === 0 ? (
          <Empty icon="usage" title="Nothing was used in these days" action={<Button onClick={() => setFilters({ range: '90d' })}>Look at 90 days</Button>} />
        ) : (
          <Drawn report={overTime.data} earlier={compare ? earlier.data : undefined} days={days} period={granularity} figure={figure} label={labels[figure]} />
        )}
      </Card>
      <Card
        title={by === 'meter' ? 'By meter' : 'By account'}
        sub={by === 'account' ? (complete ? 'All accounts with usage in these days' : 'In the order of the tree: load all to sort them') : undefined}
        actions={by === 'account' && own && viewer.can('insights.read') && <PageLink to="accounts" search={{ sort: '-revenue' }} className="text-sm">Who brings in most this month</PageLink>}
        flush
      >
        <DataTable
          label={by === 'meter' ? 'Usage by meter' : 'Usage by account'}
          columns={columns}
          rows={merged}
          rowId={(row) => row.key}
          sort={customer ? '-cost' : '-price'}
          loading={parts.isPending}
          error={parts.error}
          retry={() => void parts.refetch()}
          hasMore={parts.hasNextPage}
          more={() => void parts.fetchNextPage()}
          loadingMore={parts.isFetchingNextPage}
          empty={<Empty icon="usage" title="Nothing was used in these days">Choose other days, or send usage to POST /reseller/usage/events.</Empty>}
        />
      </Card>
      {error ? null : <p className="text-xs text-soft">{zone === 'UTC' ? 'All days are UTC days.' : `The chosen days begin and end at midnight in ${zone}. Usage is added up by UTC days: the first and the last may hold a part of one.`}</p>}
      {exporting && <Export query={base(days)} onClose={() => setExporting(false)} />}
    </div>
  )
}

interface Part {
  key: string
  name: string
  currency: string
  unit: string | null
  quantity: string | null
  events: number
  cost: string
  price: string | null
  margin: string | null
}

function add(left: string | null, right: string | null): string | null {
  return left === null ? right : right === null ? left : sum([left, right])
}

function join(part: Part, row: Row): Part {
  return { ...part, quantity: add(part.quantity, row.quantity), events: part.events + row.events, cost: sum([part.cost, row.cost]), price: add(part.price, row.price), margin: add(part.margin, row.margin) }
}

function Quantity({ row }: { row: Part }) {
  const { place } = useViewer()
  return (
    <>
      {count(row.quantity ?? '0', place)} <span className="text-soft">{row.unit}</span>
    </>
  )
}

function Events({ value }: { value: number }) {
  const { place } = useViewer()
  return <>{count(value, place)}</>
}

function Drawn({ report, earlier, days, period, figure, label }: { report: Report; earlier: (Report & { cut: boolean }) | undefined; days: Days; period: Period; figure: Figure; label: string }) {
  const { account, place } = useViewer()
  const hours = period === 'hour'
  const fromOf = (of: Report, range: Days) => (hours ? of.from : range.from)
  const from = fromOf(report, days)
  const points = (of: Report, since: string) => {
    const sums = new Map<number, number>()
    for (const row of of.data) {
      if (row.currency !== account.currency) continue
      const index = periodIndex(row.period_start, since, period)
      sums.set(index, (sums.get(index) ?? 0) + (figure === 'events' ? row.events : forDrawing(row[figure])))
    }
    return sums
  }
  const now = points(report, from)
  const then = earlier ? points(earlier, fromOf(earlier, before(days))) : null
  const indexes = [...new Set([...now.keys(), ...(then?.keys() ?? [])])].sort((a, b) => a - b)
  // A period without a row had no usage, as long as all rows are there.
  const none = earlier?.cut ? null : 0
  const format = useCallback((value: number) => (figure === 'events' ? count(String(Math.round(value)), place) : money(value.toFixed(6), account.currency, place, { style: Math.abs(value) >= 10_000 ? 'compact' : 'short' })), [figure, account.currency, place])
  const formatX = useCallback(
    (seconds: number) => {
      const moment = new Date(seconds * 1000)
      return hours ? date(moment, place, 'time').replace(/:00(?=\s|$)/, '') : period === 'month' ? calendar(moment.toISOString().slice(0, 7), place) : calendar(moment.toISOString().slice(0, 10), place, 'day')
    },
    [hours, period, place],
  )
  return (
    <Chart
      title={`${label} over time`}
      x={indexes.map((index) => periodStart(index, from, period))}
      format={format}
      formatX={formatX}
      series={[
        { label, values: indexes.map((index) => now.get(index) ?? null), kind: 'bars', tone: 1 },
        ...(then ? [{ label: 'The days before', values: indexes.map((index) => then.get(index) ?? none), kind: 'line' as const, tone: 2 as const }] : []),
      ]}
    />
  )
}
