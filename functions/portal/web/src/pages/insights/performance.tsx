import { useState } from 'react'
import type { Attribution, InsightsAccounts, ProfitRow } from '~/api/contract'
import type { ApiError } from '~/api/problem'
import { useApi } from '~/api/query'
import { compare, minus, sign } from '~/lib/decimal'
import { explainProfit } from '~/lib/explain'
import { calendar, percent } from '~/lib/format'
import { addToMonth, readMonth, shortMonth, thisMonth } from '~/lib/months'
import { growth, percentOf } from '~/lib/ratio'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Columns } from '~/ui/columns'
import { FilterSelect } from '~/ui/form'
import { MonthSelect } from '~/ui/months'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { TextLink } from '~/ui/text-link'
import { PERFORMANCE_MEANS } from './definitions'
import { Definitions, InsightsHead, MoneyStat, useMoneyFormats } from './parts'
import { useEveryMeter } from './profit'

const TREND_MONTHS = 13
/** So many that grew and so many that fell are named. */
const MOVERS = 10

interface Mover {
  key: string
  name: string
  /** Of an account: its own, which may be another than the viewer's. */
  account?: { currency: string | null }
  now: string
  before: string
  change: string
}

/** What to show of movers: both lists, or that they are still on their way. */
interface Moved {
  up: Mover[] | undefined
  down: Mover[] | undefined
  error: ApiError | null
  retry: () => void
  stale: boolean
}

/** The sub-accounts that moved most, this month against the whole of the last: the platform finds them, however many there are. */
function useAccountMovers(enabled: boolean): Moved {
  const { account } = useViewer()
  const query = { parent_id: account.id, limit: MOVERS }
  const grown = useApi('/reseller/insights/accounts', { query: { ...query, sort: '-growth' } }, { enabled })
  const fallen = useApi('/reseller/insights/accounts', { query: { ...query, sort: 'growth' } }, { enabled })
  const read = (answer: InsightsAccounts | undefined, way: 1 | -1) =>
    answer?.data
      .map((row): Mover => ({ key: row.id, name: row.name, account: { currency: row.currency }, now: row.revenue, before: row.revenue_last, change: minus(row.revenue, row.revenue_last) }))
      .filter((row) => sign(row.change) === way)
  return {
    up: read(grown.data, 1),
    down: read(fallen.data, -1),
    error: grown.error ?? fallen.error,
    retry: () => {
      void grown.refetch()
      void fallen.refetch()
    },
    stale: false,
  }
}

/** The meters that moved most between two months; what did not move is left out. */
function useMeterMovers(month: string, enabled: boolean): Moved {
  const now = useEveryMeter(month, enabled)
  const before = useEveryMeter(addToMonth(month, -1), enabled)
  const moved = now.data && before.data ? metersMoved(now.data, before.data) : undefined
  return {
    up: moved?.filter((row) => sign(row.change) > 0).sort((a, b) => compare(b.change, a.change)).slice(0, MOVERS),
    down: moved?.filter((row) => sign(row.change) < 0).sort((a, b) => compare(a.change, b.change)).slice(0, MOVERS),
    error: now.error ?? before.error,
    retry: () => {
      void now.refetch()
      void before.refetch()
    },
    stale: now.isPlaceholderData || before.isPlaceholderData,
  }
}

function metersMoved(now: ProfitRow[], before: ProfitRow[]): Mover[] {
  const all = new Map<string, Mover>()
  for (const row of before) all.set(row.key, { key: row.key, name: row.name, now: '0.000000', before: row.revenue, change: minus('0', row.revenue) })
  for (const row of now) {
    const was = all.get(row.key)?.before ?? '0.000000'
    all.set(row.key, { key: row.key, name: row.name, now: row.revenue, before: was, change: minus(row.revenue, was) })
  }
  return [...all.values()]
}

/** How a mover's revenue changed. */
function explainMove(row: Mover): Explanation {
  return {
    title: `Revenue from ${row.name}`,
    says: 'What you are paid for its usage, and how much that is above or below the month before.',
    parts: [
      { label: 'Before', amount: row.before },
      { label: 'Change', amount: row.change },
      { label: 'Now', amount: row.now, total: true },
    ],
    links: [row.account ? { label: 'Its usage day by day', to: `accounts/${row.key}/usage`, search: { range: '90d' } } : { label: 'Usage by meter', to: 'usage/report', search: { range: '90d' } }],
  }
}

function moverColumns(own: string | undefined): Column<Mover>[] {
  const currency = (row: Mover) => row.account?.currency ?? own
  return [
    { id: 'name', head: 'Name', cell: (row) => (row.account ? <PageLink to={`accounts/${row.key}`}>{row.name}</PageLink> : row.name) },
    { id: 'before', head: 'Before', width: 6, align: 'right', from: 'lg', cell: (row) => <Amount value={row.before} currency={currency(row)} explain={explainMove(row)} /> },
    { id: 'now', head: 'Now', width: 6, align: 'right', from: 'sm', cell: (row) => <Amount value={row.now} currency={currency(row)} explain={explainMove(row)} /> },
    { id: 'change', head: 'Change', width: 6.25, align: 'right', cell: (row) => <Amount value={row.change} currency={currency(row)} signed tone="both" explain={explainMove(row)} /> },
    { id: 'percent', head: 'Growth', width: 5, align: 'right', cell: (row) => (sign(row.before) === 0 ? <span className="text-soft">new</span> : <Change value={growth(row.now, row.before)} />) },
  ]
}

/** How the business grows: its trend, and who and what moved it. */
export default function Performance() {
  const { place } = useViewer()
  const [filters, setFilters] = useFilters<'month' | 'by'>()
  const current = thisMonth()
  const [trendRange] = useState({ from: addToMonth(current, 1 - TREND_MONTHS), to: current })
  const month = readMonth(filters.month, addToMonth(current, -1))
  const by = filters.by === 'meter' ? 'meter' : 'account'
  const trend = useApi('/reseller/insights/attribution', { query: trendRange })
  const past = addToMonth(month, -1)
  const accounts = useAccountMovers(by === 'account')
  const meters = useMeterMovers(month, by === 'meter')
  const { up, down, ...moved } = by === 'account' ? accounts : meters
  const { format, formatTick } = useMoneyFormats(trend.data?.currency)

  const periods = trend.data?.periods
  const running = periods?.at(-1)
  const full = periods?.filter((row) => row.month < current)
  const [last, previous] = [full?.at(-1), full?.at(-2)]
  const yearAgo = last && full?.find((row) => row.month === addToMonth(last.month, -12))
  const best = full?.reduce((most, row) => (compare(row.revenue, most.revenue) > 0 ? row : most), full[0] as Attribution['periods'][number])
  const explain = (row: Attribution['periods'][number] | undefined) =>
    row && explainProfit('revenue', `usage of your direct sub-accounts and of everything below them in ${calendar(row.month, place)}, and the cost of your own`, row, { links: [{ label: 'Profitability of that month', to: 'insights/profitability', search: { month: row.month } }] })
  const columns = moverColumns(trend.data?.currency)
  return (
    <>
      <InsightsHead current="performance" title="Performance" sub="How revenue and margin grow from month to month, and which accounts and meters make them. Months are in UTC." />
      <div className="space-y-5">
        {trend.error && !trend.data ? (
          <Card>
            <Failed error={trend.error} retry={() => void trend.refetch()} what="The trend" />
          </Card>
        ) : (
          <>
            <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
              <MoneyStat label={last ? calendar(last.month, place) : 'Last month'} value={last?.revenue ?? (periods ? '0.000000' : undefined)} before={previous && { value: previous.revenue, explain: explain(previous) }} explain={explain(last)} currency={trend.data?.currency} loading={!periods} />
              <Stat label="Against a year before" loading={!periods} note={yearAgo ? <>against <Amount value={yearAgo.revenue} currency={trend.data?.currency} explain={explain(yearAgo)} /></> : 'There is no month a year before.'}>
                {last && yearAgo ? <Change value={growth(last.revenue, yearAgo.revenue)} /> : '–'}
              </Stat>
              <Stat label="This month so far" loading={!periods} note={running && running.month === current ? `${percent(percentOf(running.margin, running.revenue), place)} of it is margin` : undefined}>
                <Amount value={running && running.month === current ? running.revenue : '0.000000'} currency={trend.data?.currency} explain={running?.month === current ? explain(running) : undefined} />
              </Stat>
              <Stat label="Best month" loading={!periods} note={best && calendar(best.month, place)}>
                <Amount value={best?.revenue} currency={trend.data?.currency} explain={explain(best)} />
              </Stat>
            </div>
            <div className="grid gap-5 grid-cols-1 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
              <Card title="Trend" sub="The last column is the month that is running.">
                {periods ? (
                  <Columns
                    title="Revenue and margin by month"
                    labels={periods.map((row) => calendar(row.month, place))}
                    ticks={periods.map((row) => shortMonth(row.month, place.locale))}
                    series={[
                      { label: 'Revenue', tone: 1, values: periods.map((row) => row.revenue) },
                      { label: 'Margin', tone: 3, values: periods.map((row) => row.margin) },
                    ]}
                    format={format}
                    formatTick={formatTick}
                  />
                ) : (
                  <Skeleton className="h-72 w-full" />
                )}
              </Card>
              <Card title="Growth" sub="Each full month's revenue against the one before it.">
                {full ? (
                  <Columns
                    title="Growth of revenue by month, in percent"
                    labels={full.slice(1).map((row) => calendar(row.month, place))}
                    ticks={full.slice(1).map((row) => shortMonth(row.month, place.locale))}
                    series={[{ label: 'Growth of revenue', tone: 4, values: full.slice(1).map((row, index) => growth(row.revenue, full[index]?.revenue ?? '0')) }]}
                    format={(value) => percent(value, place, { signed: true })}
                    formatTick={(value) => percent(String(value), place)}
                  />
                ) : (
                  <Skeleton className="h-72 w-full" />
                )}
              </Card>
            </div>
          </>
        )}
        <section aria-labelledby="movers" className="space-y-3 pt-2">
          <div className="flex flex-wrap items-end justify-between gap-3">
            <div>
              <h2 id="movers">What moved</h2>
              <p className="text-xs text-soft">
                {by === 'account' ? `${calendar(current, place)} so far against all of ${calendar(addToMonth(current, -1), place)}` : `${calendar(month, place)} against ${calendar(past, place)}`}, by how much revenue changed.
              </p>
            </div>
            <div className="flex gap-2">
              <FilterSelect label="Moved by" value={by} onChange={(value) => setFilters({ by: value === 'account' ? undefined : value })} options={[{ value: 'account', label: 'By account' }, { value: 'meter', label: 'By meter' }]} />
              {by === 'meter' && <MonthSelect value={month} onChange={(value) => setFilters({ month: value })} />}
            </div>
          </div>
          <div className="grid gap-5 grid-cols-1 xl:grid-cols-2">
            <Card flush title="Grew most">
              <DataTable label="What grew most" columns={columns} rows={up ?? []} rowId={(row) => row.key} loading={!up} stale={moved.stale} error={up ? undefined : moved.error} retry={moved.retry} empty={<Empty icon="up" title="Nothing grew" action={<ButtonLink to="accounts">See your accounts</ButtonLink>}>No revenue is higher than in the month before.</Empty>} />
            </Card>
            <Card flush title="Fell most">
              <DataTable label="What fell most" columns={columns} rows={down ?? []} rowId={(row) => row.key} loading={!down} stale={moved.stale} error={down ? undefined : moved.error} retry={moved.retry} empty={<Empty icon="down" title="Nothing fell">No revenue is lower than in the month before.</Empty>} />
            </Card>
          </div>
          {by === 'account' && (
            <p className="text-xs text-soft">
              Your direct sub-accounts, with everything below them. <TextLink to="accounts" search={{ sort: '-growth' }}>All accounts by growth</TextLink>
            </p>
          )}
        </section>
        {up && down && <Definitions of={PERFORMANCE_MEANS} />}
      </div>
    </>
  )
}
