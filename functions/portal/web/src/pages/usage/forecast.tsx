import { useCallback } from 'react'
import { useApi } from '~/api/query'
import { addDays } from '~/lib/days'
import { forDrawing } from '~/lib/decimal'
import { calendar, count, money, percent } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { Card } from '~/ui/card'
import { Chart } from '~/ui/chart'
import { FilterSelect } from '~/ui/form'
import { Empty, Failed, Notice, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { useWhole } from './whole'

const HISTORY_DAYS = 28
/** By meters the history is a row for each day and meter: with more than these pages there is none to draw. */
const HISTORY_PAGES = 30
const AHEAD = ['14', '30', '60', '90']

const MODELS: Record<string, string> = { mstl_ets: 'Trend and weekly pattern', seasonal_naive: 'As last week', mean: 'The mean', naive: 'As yesterday' }

function share(value: string | null, place: Parameters<typeof percent>[1]): string {
  return value === null ? '–' : percent(String(Number(value) * 100), place, { digits: 0 })
}

/** The fan of the coming days: what is expected, and how far from that it will probably stay. */
export function Forecast({ accountId, choose = false }: { accountId: string; choose?: boolean }) {
  const { account, place, customer } = useViewer()
  const own = accountId === account.id
  const [filters, setFilters] = useFilters<'ahead' | 'meter'>()
  const horizon = AHEAD.find((days) => days === filters.ahead) ?? '30'
  const meter = choose ? (filters.meter ?? '') : ''
  const meters = useApi('/reseller/pricing/meters', { query: { limit: 200 } }, { enabled: choose })
  const found = useApi('/reseller/usage/forecast', { query: { ...(own ? {} : { account_id: accountId }), horizon_days: Number(horizon), ...(meter ? { meter } : {}) } }, { keep: true, staleMs: 10 * 60_000 })
  const data = found.data
  const through = data?.history.through
  const past = useWhole(
    data?.forecast && through
      ? {
          ...(own ? {} : { account_id: accountId }),
          subtree: !customer,
          granularity: 'day',
          ...(meter ? { group_by: 'meter' as const } : {}),
          from: `${addDays(through, 1 - HISTORY_DAYS)}T00:00:00Z`,
          to: `${addDays(through, 1)}T00:00:00Z`,
        }
      : null,
    HISTORY_PAGES,
  )
  const quantity = data?.of === 'quantity'
  const currency = data?.currency ?? account.currency
  const format = useCallback(
    (value: number) => (quantity ? `${count(String(Math.round(value)), place)}` : money(value.toFixed(6), currency, place, { style: Math.abs(value) >= 10_000 ? 'compact' : 'short' })),
    [quantity, currency, place],
  )
  const formatX = useCallback((seconds: number) => calendar(new Date(seconds * 1000).toISOString().slice(0, 10), place, 'day'), [place])
  const title = quantity ? `Forecast of ${meter}` : data?.of === 'price' ? 'Forecast of revenue' : customer ? 'Forecast of your spend' : 'Forecast of cost'

  const body = () => {
    if (found.error && !data) return <Failed error={found.error} retry={() => void found.refetch()} what="The forecast" />
    if (!data) return <Skeleton className="h-80 w-full" />
    if (!data.forecast) {
      const missing = Math.max(data.history.days_needed - data.history.days_with_usage, 1)
      return (
        <Empty icon="chart" title="There is too little history for a forecast">
          It takes {data.history.days_needed} days with usage; there are {data.history.days_with_usage}. Come back after {missing} more {missing === 1 ? 'day' : 'days'}.
        </Empty>
      )
    }
    const { points, backtest, warnings, model } = data.forecast
    const known = new Map<string, number>()
    for (const row of past.data?.data ?? []) {
      if (meter ? row.meter !== meter : row.currency !== currency) continue
      const day = row.period_start.slice(0, 10)
      const value = quantity ? row.quantity : data.of === 'price' ? row.price : row.cost
      known.set(day, (known.get(day) ?? 0) + forDrawing(value))
    }
    const before = Array.from({ length: HISTORY_DAYS }, (_, index) => addDays(data.history.through, index + 1 - HISTORY_DAYS))
    // A day without a row had no usage, but only once all rows are there.
    const none = past.data && !past.data.cut ? 0 : null
    const days = [...before, ...points.map((point) => point.date)]
    const pad = <T,>(values: T[]) => [...before.map(() => null), ...values]
    const empty = data.time_to_empty
    const end = (data.of === 'price' ? (data.month.price ?? data.month.cost) : data.month.cost) ?? undefined
    const explained = end && {
      title: `At the end of ${calendar(data.month.month, place)}`,
      says: `What the month has come to so far, and what each of its days to come is expected to add (${(MODELS[model] ?? model).toLowerCase()}). It is an estimate: 95 of 100 months like it should end between the two ends.`,
      parts: [
        { label: 'Lower end', amount: end.lo95 },
        { label: 'Expected', amount: end.mean },
        { label: 'Upper end', amount: end.hi95 },
      ],
      currency,
      links: [{ label: 'The month so far', to: own ? 'usage/report' : `accounts/${accountId}/usage`, search: { range: 'month' } }],
    }
    return (
      <div className="space-y-4">
        {warnings.length > 0 && (
          <Notice tone="warn" title="Before you rely on it">
            <ul>
              {warnings.map((warning) => (
                <li key={warning.code}>{warning.detail}</li>
              ))}
            </ul>
          </Notice>
        )}
        <Chart
          title={title}
          x={days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000)}
          format={format}
          formatX={formatX}
          height={240}
          series={[
            { label: 'Until now', values: [...before.map((day) => (none === null ? null : (known.get(day) ?? none))), ...points.map(() => null)], tone: 2 },
            { label: 'Expected', values: pad(points.map((point) => forDrawing(point.mean))), tone: 1 },
          ]}
          bands={[
            { label: '95 %', low: pad(points.map((point) => forDrawing(point.lo95))), high: pad(points.map((point) => forDrawing(point.hi95))) },
            { label: '80 %', low: pad(points.map((point) => forDrawing(point.lo80))), high: pad(points.map((point) => forDrawing(point.hi80))) },
          ]}
        />
        <dl className="grid gap-x-6 gap-y-3 border-t border-line pt-3 text-sm sm:grid-cols-2 lg:grid-cols-4">
          {empty && (
            <div>
              <dt className="text-soft">Credit runs out</dt>
              <dd className={`font-medium ${empty.state === 'empty' ? 'text-bad' : ''}`}>
                {empty.state === 'empty' ? 'It is used up' : empty.mean ? calendar(empty.mean, place) : `Not before ${empty.through ? calendar(empty.through, place) : 'the end of these days'}`}
              </dd>
              <dd className="text-xs text-soft">
                {empty.state === 'lasts' && (empty.earliest || empty.latest) ? `${empty.earliest ? calendar(empty.earliest, place, 'day') : 'later'} to ${empty.latest ? calendar(empty.latest, place, 'day') : 'later'}, 95 %` : <>of <Amount value={empty.spendable} currency={currency} explain={{ title: 'Can be spent', says: 'Available credit and as far below zero as the credit limit reaches, as it stood when the forecast was made.', parts: [{ label: 'Can be spent', amount: empty.spendable, total: true }], links: [{ label: 'The ledger', to: own ? 'credits' : `accounts/${accountId}/ledger` }] }} /></>}
              </dd>
            </div>
          )}
          {(data.month.price ?? data.month.cost) && !quantity && (
            <div>
              <dt className="text-soft">At the end of {calendar(data.month.month, place)}</dt>
              <dd className="font-medium">
                <Amount value={end?.mean} currency={currency} explain={explained} />
              </dd>
              <dd className="text-xs text-soft">
                <Amount value={end?.lo95} currency={currency} /> to <Amount value={end?.hi95} currency={currency} />, 95 %
              </dd>
            </div>
          )}
          {quantity && data.month.quantity && (
            <div>
              <dt className="text-soft">At the end of {calendar(data.month.month, place)}</dt>
              <dd className="font-medium">{count(data.month.quantity.mean, place, 0)} {data.unit}</dd>
              <dd className="text-xs text-soft">{count(data.month.quantity.lo95, place, 0)} to {count(data.month.quantity.hi95, place, 0)}, 95 %</dd>
            </div>
          )}
          <div>
            <dt className="text-soft">Held in the past</dt>
            <dd className="font-medium">
              {share(backtest.coverage80, place)} in the 80 % band, {share(backtest.coverage95, place)} in the 95 %
            </dd>
            <dd className="text-xs text-soft">
              tried on {count(backtest.covered_of, place)} days that are known{backtest.wape !== null && `, off by ${share(backtest.wape, place)}`}
            </dd>
          </div>
          <div>
            <dt className="text-soft">Model</dt>
            <dd className="font-medium">{MODELS[model] ?? model}</dd>
            <dd className="text-xs text-soft">
              made <Time at={data.made_at} ago />
            </dd>
          </div>
        </dl>
      </div>
    )
  }
  return (
    <Card
      title={title}
      sub="From today on, in days of UTC"
      actions={
        <>
          {choose && (
            <FilterSelect label="Meter" value={meter} onChange={(value) => setFilters({ meter: value })} options={[{ value: '', label: 'Money, all meters' }, ...(meters.data?.data ?? []).map((one) => ({ value: one.key, label: one.key }))]} />
          )}
          <FilterSelect label="Days ahead" value={horizon} onChange={(days) => setFilters({ ahead: days === '30' ? undefined : days })} options={AHEAD.map((days) => ({ value: days, label: `${days} days` }))} />
        </>
      }
    >
      {body()}
    </Card>
  )
}
