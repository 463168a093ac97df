import { useState } from 'react'
import type { Attribution, ProfitRow } from '~/api/contract'
import { useApi } from '~/api/query'
import { compare, minus, sign } from '~/lib/decimal'
import { calendar, percent } from '~/lib/format'
import { addToMonth, readMonth, shortMonth, thisMonth } from '~/lib/months'
import { growth, percentOf } from '~/lib/ratio'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Columns } from '~/ui/columns'
import { FilterSelect } from '~/ui/form'
import { MonthSelect } from '~/ui/months'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { InsightsHead, MoneyStat, sortable, useMoneyFormats } from './parts'
import { useEveryProfit } from './profit'

const TREND_MONTHS = 13
const MOVERS = 8

interface Mover {
  key: string
  name: string
  account: boolean
  now: string
  before: string
  change: string
}

/** What moved between two months; what did not is left out. */
function movers(now: ProfitRow[], before: ProfitRow[], by: 'account' | 'meter'): Mover[] {
  const all = new Map<string, Mover>()
  for (const row of before) all.set(row.key, { key: row.key, name: row.name, account: by === 'account', now: '0.000000', before: row.revenue, change: minus('0', row.revenue) })
  for (const row of now) {
    const was = all.get(row.key)?.before ?? '0.000000'
    all.set(row.key, { key: row.key, name: row.name, account: by === 'account', now: row.revenue, before: was, change: minus(row.revenue, was) })
  }
  return [...all.values()].filter((row) => sign(row.change) !== 0)
}

function moverColumns(currency: string | undefined): Column<Mover>[] {
  return [
    { id: 'name', head: 'Name', cell: (row) => (row.account ? <PageLink to={`accounts/${row.key}`}>{row.name}</PageLink> : row.name) },
    { id: 'before', head: 'Before', width: 7, align: 'right', from: 'lg', cell: (row) => <Amount value={row.before} currency={currency} /> },
    { id: 'now', head: 'Now', width: 7, align: 'right', from: 'sm', cell: (row) => <Amount value={row.now} currency={currency} /> },
    { id: 'change', head: 'Change', width: 7.5, align: 'right', cell: (row) => <Amount value={row.change} currency={currency} signed tone="both" /> },
    { id: 'percent', head: 'Growth', width: 5.5, align: 'right', cell: (row) => (sign(row.before) === 0 ? <span className="text-soft">new</span> : <Change value={growth(row.now, row.before)} />) },
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
  const now = useEveryProfit(month, by)
  const past = addToMonth(month, -1)
  const before = useEveryProfit(past, by)
  const { format, formatTick } = useMoneyFormats(trend.data?.currency)

  const periods = trend.data?.periods
  const running = periods?.at(-1)
  const full = periods?.filter((row) => row.month < current)
  const [last, previous] = [full?.at(-1), full?.at(-2)]
  const yearAgo = last && full?.find((row) => row.month === addToMonth(last.month, -12))
  const best = full?.reduce((most, row) => (compare(row.revenue, most.revenue) > 0 ? row : most), full[0] as Attribution['periods'][number])
  const moved = now.data && before.data ? movers(now.data, before.data, by) : undefined
  const up = moved?.filter((row) => sign(row.change) > 0).sort((a, b) => compare(b.change, a.change)).slice(0, MOVERS)
  const down = moved?.filter((row) => sign(row.change) < 0).sort((a, b) => compare(a.change, b.change)).slice(0, MOVERS)
  const failed = now.error ?? before.error
  const columns = moverColumns(trend.data?.currency)
  const retry = () => {
    void now.refetch()
    void before.refetch()
  }
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
              <MoneyStat label={last ? calendar(last.month, place) : 'Last month'} value={last?.revenue ?? (periods ? '0.000000' : undefined)} before={previous?.revenue} currency={trend.data?.currency} loading={!periods} />
              <Stat label="Against a year before" loading={!periods} note={yearAgo ? <>against <Amount value={yearAgo.revenue} currency={trend.data?.currency} /></> : 'There is no month a year before.'}>
                {last && yearAgo ? <Change value={growth(last.revenue, yearAgo.revenue)} /> : '–'}
              </Stat>
              <Stat label="This month so far" loading={!periods} note={running && running.month === current ? `${percent(percentOf(running.margin, running.revenue), place)} of it is margin` : undefined}>
                <Amount value={running && running.month === current ? running.revenue : '0.000000'} currency={trend.data?.currency} />
              </Stat>
              <Stat label="Best month" loading={!periods} note={best && calendar(best.month, place)}>
                <Amount value={best?.revenue} currency={trend.data?.currency} />
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
                {calendar(month, place)} against {calendar(past, place)}, by how much revenue changed.
              </p>
            </div>
            <div className="flex gap-2">
              <FilterSelect label="Moved by" value={by} onChange={(value) => setFilters({ by: value === 'account' ? undefined : value })} options={[{ value: 'account', label: 'By account' }, { value: 'meter', label: 'By meter' }]} />
              <MonthSelect value={month} onChange={(value) => setFilters({ month: value })} />
            </div>
          </div>
          <div className="grid gap-5 grid-cols-1 xl:grid-cols-2">
            <Card flush title="Grew most">
              <DataTable label="What grew most" columns={columns} rows={up ?? []} rowId={(row) => row.key} loading={!moved} stale={now.isPlaceholderData || before.isPlaceholderData} error={moved ? undefined : failed} retry={retry} empty={<Empty icon="up" title="Nothing grew" action={<ButtonLink to="accounts">See your accounts</ButtonLink>}>No revenue was higher than in the month before. Choose another month to compare.</Empty>} />
            </Card>
            <Card flush title="Fell most">
              <DataTable label="What fell most" columns={columns} rows={down ?? []} rowId={(row) => row.key} loading={!moved} stale={now.isPlaceholderData || before.isPlaceholderData} error={moved ? undefined : failed} retry={retry} empty={<Empty icon="down" title="Nothing fell">No revenue was lower than in the month before.</Empty>} />
            </Card>
          </div>
          {moved && moved.length > 0 && (
            <p className="text-xs text-soft">
              {moved.length} moved in all; {moved.filter((row) => sortable(row.change) > 0).length} of them up.
            </p>
          )}
        </section>
      </div>
    </>
  )
}
