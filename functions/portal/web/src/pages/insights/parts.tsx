import type { ReactNode } from 'react'
import { addDays, addMonths } from '~/lib/days'
import { forDrawing, minus, sign, sum } from '~/lib/decimal'
import type { ProfitFigure } from '~/lib/explain'
import { calendar, capital, money, type Place } from '~/lib/format'
import { growth } from '~/lib/ratio'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { PageHead, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Tabs } from '~/ui/tabs'
import type { Definition } from './definitions'

const TABS = [
  { id: 'revenue', to: 'insights', label: 'Revenue' },
  { id: 'performance', to: 'insights/performance', label: 'Performance' },
  { id: 'profitability', to: 'insights/profitability', label: 'Profitability' },
  { id: 'churn', to: 'insights/churn', label: 'Churn' },
  { id: 'acquisition', to: 'insights/acquisition', label: 'Acquisition' },
]

/** The head of a page of insights, with the way to the others. */
export function InsightsHead({ current, title, sub, actions }: { current: string; title: string; sub: ReactNode; actions?: ReactNode }) {
  return (
    <>
      <PageHead title={title} sub={sub} actions={actions} />
      <Tabs label="Insights" tabs={TABS} current={current} />
    </>
  )
}

/** What the figures of a page mean, folded until somebody asks. */
export function Definitions({ of }: { of: Definition[] }) {
  return (
    <details className="card rounded-xl border border-line bg-paper shadow-low">
      <summary className="cursor-pointer rounded-xl px-4 py-3">
        <h2 className="inline">What is counted</h2>
      </summary>
      <dl className="grid gap-x-8 gap-y-3 px-4 pb-4 text-sm sm:grid-cols-2">
        {of.map(([figure, meaning]) => (
          <div key={figure}>
            <dt className="font-medium">{figure}</dt>
            <dd className="text-soft">{meaning}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

/** A sum of money with how it changed. */
export function MoneyStat({ label, value, before, good = 'up', currency, explain, loading }: {
  label: string
  value: string | undefined
  /** The same sum of the time it is compared with, and where that comes from. */
  before?: { value: string; explain: Explanation | undefined }
  good?: 'up' | 'down'
  currency?: string
  /** Where it comes from; there as soon as the value is. */
  explain: Explanation | undefined
  loading: boolean
}) {
  return (
    <Stat
      label={label}
      loading={loading}
      note={
        before !== undefined && value !== undefined ? (
          <>
            <Change value={growth(value, before.value)} good={good} /> from <Amount value={before.value} currency={currency} explain={before.explain} />
          </>
        ) : undefined
      }
    >
      <Amount value={value} currency={currency} explain={explain} tone="negative" />
    </Stat>
  )
}

/** An amount by the months that it is made of. */
export function explainByMonth(title: string, says: string, months: { month: string; amount: string }[], total: string, place: Place, links?: Explanation['links']): Explanation {
  const rest = minus(total, sum(months.map((row) => row.amount)))
  return {
    title,
    says,
    parts: [
      ...months.map((row) => ({ label: calendar(row.month, place), amount: row.amount })),
      ...(sign(rest) === 0 ? [] : [{ label: 'Everything else', amount: rest }]),
      { label: 'Together', amount: total, total: true },
    ],
    links,
  }
}

const SAYS: Record<ProfitFigure, string> = {
  revenue: 'What your direct sub-accounts paid you for the usage of these months, theirs and that of everything below them.',
  cost: 'What you paid your own seller for the same usage, and for your own.',
  margin: 'What is left of your revenue when what you pay your own seller is taken off.',
}

/** Revenue, cost or margin of months together. */
export function explainMonths(figure: ProfitFigure, periods: ({ month: string } & Record<ProfitFigure, string>)[], place: Place): Explanation {
  const months = periods.map((row) => ({ month: row.month, amount: row[figure] }))
  return explainByMonth(capital(figure), SAYS[figure], months, sum(months.map((row) => row.amount)), place, [
    { label: 'Profitability, account by account', to: 'insights/profitability', search: { month: periods.at(-1)?.month } },
    ...(figure === 'revenue' ? [{ label: 'Invoices', to: 'invoices', search: { side: 'sold' } }] : []),
  ])
}

/** Months as the range of days that pages of usage take. */
export function daysOf({ from, to }: { from: string; to: string }): string {
  return `${from}-01..${addDays(addMonths(`${to}-01`, 1), -1)}`
}

/** How money is said in charts: whole in tables, short on axes. */
export function useMoneyFormats(currency: string | undefined) {
  const { account, place } = useViewer()
  const unit = currency ?? account.currency
  return {
    format: (value: string) => money(value, unit, place),
    formatTick: (value: number) => money(value.toFixed(6), unit, place, { style: 'compact' }),
  }
}

/** The sums of what months brought. */
export function totals(periods: { revenue: string; cost: string; margin: string }[] | undefined) {
  if (!periods) return undefined
  return { revenue: sum(periods.map((row) => row.revenue)), cost: sum(periods.map((row) => row.cost)), margin: sum(periods.map((row) => row.margin)) }
}

/** A decimal as a whole number to sort by: money has six places. */
export function sortable(value: string | null): number {
  return value === null ? Number.NEGATIVE_INFINITY : forDrawing(value)
}
