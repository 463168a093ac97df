import type { Attribution } from '~/api/contract'
import { useApi } from '~/api/query'
import { sign, sum } from '~/lib/decimal'
import { explainProfit, type ProfitFigure } from '~/lib/explain'
import { calendar, capital, percent, type Place } from '~/lib/format'
import { monthsBefore, readMonths, shortMonth } from '~/lib/months'
import { growth, percentOf } from '~/lib/ratio'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Columns } from '~/ui/columns'
import { MonthsPicker } from '~/ui/months'
import { ShareBar } from '~/ui/share'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Waterfall } from '~/ui/waterfall'
import { REVENUE_MEANS } from './definitions'
import { daysOf, Definitions, explainByMonth, explainMonths, InsightsHead, MoneyStat, sortable, totals, useMoneyFormats } from './parts'

/** So many accounts are named at most, those that bring in most. */
const CHILDREN_MAX = 50

type Child = Attribution['by_child'][number]
type Meter = Attribution['by_meter'][number]

function useColumns<Row extends Child | Meter>(first: Column<Row>, currency: string | undefined, before: ((row: Row) => string | undefined) | null, shareOf: (row: Row) => string | null, explain: (figure: ProfitFigure, row: Row) => Explanation): Column<Row>[] {
  const { place } = useViewer()
  const share: Column<Row> = {
    id: 'share',
    head: 'Share',
    width: 10.5,
    from: 'lg',
    align: 'right',
    cell: (row) => (
      <span className="inline-flex items-center gap-2">
        <ShareBar percent={shareOf(row)} />
        <span className="w-12">{percent(shareOf(row), place)}</span>
      </span>
    ),
  }
  const grown = (row: Row) => {
    const was = before?.(row)
    return was === undefined ? null : growth(row.revenue, was)
  }
  const change: Column<Row> = {
    id: 'change',
    head: 'Change',
    width: 6,
    align: 'right',
    from: 'sm',
    cell: (row) => <Change value={grown(row)} />,
    sort: 'change',
    value: (row) => sortable(grown(row)),
  }
  return [
    first,
    { id: 'revenue', head: 'Revenue', width: 8, align: 'right', sort: 'revenue', value: (row) => sortable(row.revenue), cell: (row) => <Amount value={row.revenue} currency={currency} explain={explain('revenue', row)} /> },
    ...(before ? [change] : []),
    { id: 'cost', head: 'Cost', width: 8, align: 'right', from: 'md', sort: 'cost', value: (row) => sortable(row.cost), cell: (row) => <Amount value={row.cost} currency={currency} explain={explain('cost', row)} /> },
    { id: 'margin', head: 'Margin', width: 8, align: 'right', sort: 'margin', value: (row) => sortable(row.margin), cell: (row) => <Amount value={row.margin} currency={currency} tone="negative" explain={explain('margin', row)} /> },
    share,
  ]
}

/** What one level brought in, month by month. */
function explainLevel(label: string, periods: Attribution['periods'], total: string, place: Place): Explanation {
  const months = periods.map((period) => ({ month: period.month, amount: sum(period.levels.filter((level) => level.label === label).map((level) => level.amount)) }))
  return explainByMonth(capital(label), 'What you are paid for the usage of this level, month by month.', months, total, place, [{ label: 'Profit by level', to: 'insights/profitability', search: { by: 'level', month: periods.at(-1)?.month } }])
}

const STEPS: Record<string, string> = {
  retail: 'What your direct sub-accounts pay you: all of the levels together.',
  wholesale: 'What you pay your own seller for the usage that you sold.',
  own_usage: 'What you pay your own seller for what you used yourself.',
  margin: 'What is left of all that you are paid when all that you pay is taken off.',
}

/** A step on the way from what is paid to what is kept: a sum says of what, a level in which months. */
function explainStep({ waterfall, periods }: Attribution, index: number, place: Place): Explanation {
  const step = waterfall[index] as Attribution['waterfall'][number]
  const says = STEPS[step.step]
  if (says === undefined) return explainLevel(step.label, periods, step.amount, place)
  const before = step.total ? waterfall.slice(0, index).filter((one) => !one.total) : []
  return {
    title: capital(step.label),
    says,
    parts: [...before.map((one) => ({ label: capital(one.label), amount: one.amount })), { label: capital(step.label), amount: step.amount, total: true }],
    links: [{ label: 'Profitability, account by account', to: 'insights/profitability', search: { month: periods.at(-1)?.month } }],
  }
}

/** What the viewer's account is paid over the months, by how far below it usage happened. */
function Levels({ periods, currency }: { periods: Attribution['periods']; currency: string }) {
  const { place } = useViewer()
  const levels = new Map<string, { level: number; label: string; amounts: string[] }>()
  for (const period of periods) {
    for (const level of period.levels) {
      // Level 0 is the account itself and who is not below any more: the label tells them apart.
      const known = levels.get(level.label) ?? { ...level, amounts: [] }
      known.amounts.push(level.amount)
      levels.set(level.label, known)
    }
  }
  const rows = [...levels.values()].sort((a, b) => (a.level || Number.POSITIVE_INFINITY) - (b.level || Number.POSITIVE_INFINITY)).map(({ level, label, amounts }) => ({ level, label, amount: sum(amounts) }))
  const top = rows.reduce((most, row) => (sortable(row.amount) > sortable(most) ? row.amount : most), '0.000000')
  if (rows.length === 0) return <p className="text-sm text-soft">Nothing was sold in these months.</p>
  return (
    <ul className="space-y-3 text-sm">
      {rows.map((row) => (
        <li key={row.label}>
          <div className="flex justify-between gap-4">
            <span>{capital(row.label)}</span>
            <Amount value={row.amount} currency={currency} explain={explainLevel(row.label, periods, row.amount, place)} />
          </div>
          <div aria-hidden="true" className="mt-1 h-1.5 overflow-hidden rounded-full bg-sunken">
            <div className="h-full rounded-full" style={{ width: `${Math.max(0, Number(percentOf(row.amount, top) ?? 0))}%`, background: `var(--series-${(row.level % 5) + 1})` }} />
          </div>
        </li>
      ))}
    </ul>
  )
}

/** Where revenue comes from, what goes out of it on the way, and what is left. */
export default function Revenue() {
  const { place } = useViewer()
  const [filters, setFilters] = useFilters<'months' | 'compare'>()
  const range = readMonths(filters.months)
  const comparing = filters.compare !== 'no'
  const past = monthsBefore(range)
  const now = useApi('/reseller/insights/attribution', { query: { from: range.from, to: range.to } }, { keep: true })
  const then = useApi('/reseller/insights/attribution', { query: { from: past.from, to: past.to } }, { enabled: comparing, keep: true })
  const { data } = now
  const before = comparing && then.data ? then.data : undefined
  const sums = totals(data?.periods)
  const pastSums = totals(before?.periods)
  const { format, formatTick } = useMoneyFormats(data?.currency)
  const loading = !data
  const stat = (figure: ProfitFigure) => ({
    value: sums?.[figure],
    before: pastSums && before ? { value: pastSums[figure], explain: explainMonths(figure, before.periods, place) } : undefined,
    explain: data && explainMonths(figure, data.periods, place),
    currency: data?.currency,
    loading,
  })
  const childBefore = before ? new Map(before.by_child.map((row) => [row.account_id, row.revenue])) : null
  const meterBefore = before ? new Map(before.by_meter.map((row) => [row.key, row.revenue])) : null
  const children = useColumns<Child>(
    { id: 'name', head: 'Account', cell: (row) => <PageLink to={`accounts/${row.account_id}`}>{row.name}</PageLink>, sort: 'name', value: (row) => row.name },
    data?.currency,
    // Who is missing in a list that was cut is not known to have been nothing.
    childBefore && before && before.by_child.length < CHILDREN_MAX ? (row) => childBefore.get(row.account_id) ?? '0' : childBefore && ((row) => childBefore.get(row.account_id)),
    (row) => row.share_percent,
    (figure, row) => explainProfit(figure, `usage of ${row.name} and of everything below it in these months`, row, { links: [{ label: 'Its usage in these months', to: `accounts/${row.account_id}/usage`, search: { range: daysOf(range) } }] }),
  )
  const meters = useColumns<Meter>(
    { id: 'name', head: 'Meter', cell: (row) => row.name, sort: 'name', value: (row) => row.name },
    data?.currency,
    meterBefore && ((row) => meterBefore.get(row.key) ?? '0'),
    (row) => (sums ? percentOf(row.revenue, sums.revenue) : null),
    (figure, row) => explainProfit(figure, `usage of ${row.name} in these months`, row, { links: [{ label: 'Usage in these months', to: 'usage/report', search: { range: daysOf(range) } }] }),
  )
  const nothing = sums !== undefined && sign(sums.revenue) === 0 && sign(sums.cost) === 0
  return (
    <>
      <InsightsHead
        current="revenue"
        title="Revenue"
        sub="What your sub-accounts paid you for usage, what you paid for it, and what you kept. Months are in UTC."
        actions={
          <MonthsPicker
            value={filters.months}
            onChange={(months) => setFilters({ months })}
            compare={comparing}
            onCompare={(on) => setFilters({ compare: on ? undefined : 'no' })}
          />
        }
      />
      {now.error && !data ? (
        <Card>
          <Failed error={now.error} retry={() => void now.refetch()} what="Revenue" />
        </Card>
      ) : (
        <div className={`space-y-5 transition-opacity ${now.isPlaceholderData ? 'opacity-60' : ''}`}>
          <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
            <MoneyStat label="Revenue" {...stat('revenue')} />
            <MoneyStat label="Cost" good="down" {...stat('cost')} />
            <MoneyStat label="Margin" {...stat('margin')} />
            <Stat label="Margin of revenue" loading={loading} note={pastSums ? `${percent(percentOf(pastSums.margin, pastSums.revenue), place)} before` : undefined}>
              {sums && percent(percentOf(sums.margin, sums.revenue), place)}
            </Stat>
          </div>
          {nothing ? (
            <Card>
              <Empty icon="chart" title="Nothing was sold in these months" action={<ButtonLink to="setup">Go on with the set-up</ButtonLink>}>
                As soon as a sub-account uses something that has a price, what it brings is shown here. Choose other months, or set a price and give an account credit.
              </Empty>
            </Card>
          ) : (
            <>
              <div className="grid gap-5 grid-cols-1 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
                <Card title="From what you are paid to what you keep" sub="Each bar begins where the one before it ended; the bold ones are what comes to that point.">
                  {data ? <Waterfall label="From what you are paid to what you keep" steps={data.waterfall.map((step, index) => ({ ...step, label: capital(step.label), explain: explainStep(data, index, place) }))} currency={data.currency} /> : <Skeleton className="h-44 w-full" />}
                </Card>
                <Card title="By level" sub="What you are paid, by how far below you the usage happened.">
                  {data ? <Levels periods={data.periods} currency={data.currency} /> : <Skeleton className="h-44 w-full" />}
                </Card>
              </div>
              <Card title="By month">
                {data ? (
                  <Columns
                    title="Revenue, cost and margin by month"
                    labels={data.periods.map((row) => calendar(row.month, place))}
                    ticks={data.periods.map((row) => shortMonth(row.month, place.locale))}
                    series={[
                      { label: 'Revenue', tone: 1, values: data.periods.map((row) => row.revenue) },
                      { label: 'Cost', tone: 2, values: data.periods.map((row) => row.cost) },
                      { label: 'Margin', tone: 3, values: data.periods.map((row) => row.margin) },
                    ]}
                    format={format}
                    formatTick={formatTick}
                  />
                ) : (
                  <Skeleton className="h-72 w-full" />
                )}
              </Card>
              <Card flush title="By account" sub={data?.by_child.length === CHILDREN_MAX ? `The ${CHILDREN_MAX} direct sub-accounts that bring in most, with everything below them.` : 'Your direct sub-accounts, with everything below them.'} actions={data?.by_child.length === CHILDREN_MAX && <PageLink to="insights/profitability" className="text-sm">All of them</PageLink>}>
                <DataTable label="Revenue by account" columns={children} rows={data?.by_child ?? []} rowId={(row) => row.account_id} loading={loading} sort="-revenue" empty={<Empty icon="accounts" title="No account brought anything" action={<ButtonLink to="accounts">See your accounts</ButtonLink>}>Only accounts with usage in these months stand here.</Empty>} />
              </Card>
              <Card flush title="By meter">
                <DataTable label="Revenue by meter" columns={meters} rows={data?.by_meter ?? []} rowId={(row) => row.key} loading={loading} sort="-revenue" empty={<Empty icon="usage" title="Nothing was used" action={<ButtonLink to="usage">See usage</ButtonLink>}>Only meters with usage in these months stand here.</Empty>} />
              </Card>
            </>
          )}
          {data && <Definitions of={REVENUE_MEANS} />}
        </div>
      )}
    </>
  )
}
