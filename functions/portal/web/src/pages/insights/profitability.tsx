import type { ProfitBy as By, ProfitRow as Row } from '~/api/contract'
import { explainProfit, type ProfitFigure } from '~/lib/explain'
import { calendar, capital, count, percent } from '~/lib/format'
import { readMonth, thisMonth } from '~/lib/months'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { Badge } from '~/ui/badge'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { FilterSelect } from '~/ui/form'
import { MonthSelect } from '~/ui/months'
import { ShareBar } from '~/ui/share'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { PROFITABILITY_MEANS } from './definitions'
import { daysOf, Definitions, InsightsHead, sortable } from './parts'
import { useProfit } from './profit'

const BY: { value: By; label: string }[] = [
  { value: 'account', label: 'By account' },
  { value: 'meter', label: 'By meter' },
  { value: 'level', label: 'By level' },
]
const HEADS: Record<By, string> = { account: 'Account', meter: 'Meter', level: 'Level' }

/** Which accounts, meters and levels bring something, and which cost. */
export default function Profitability() {
  const { place, can } = useViewer()
  const [filters, setFilters] = useFilters<'month' | 'by' | 'only'>()
  const month = readMonth(filters.month, thisMonth())
  const by: By = filters.by === 'meter' || filters.by === 'level' ? filters.by : 'account'
  const { head: data, ...list } = useProfit(month, by)
  // Losses have the smallest margin, so they come first.
  const onlyLosses = filters.only === 'losses'
  const hasMore = list.hasMore && !(onlyLosses && list.rows.some((row) => !row.loss))
  const rows = list.rows.filter((row) => !onlyLosses || row.loss)
  const range = daysOf({ from: month, to: month })
  const OF: Record<By, (row: Row) => string> = {
    account: (row) => `usage of ${row.name} and of everything below it`,
    meter: (row) => `usage of ${row.name}`,
    level: (row) => `usage of this level (${row.name})`,
  }
  const explain = (figure: ProfitFigure, row: Row) =>
    explainProfit(figure, `${OF[by](row)} in ${calendar(month, place)}`, row, { links: [by === 'account' && row.key.startsWith('acc_') ? { label: 'Its usage day by day', to: `accounts/${row.key}/usage`, search: { range } } : { label: 'Usage day by day', to: 'usage/report', search: { range } }] })
  const explainAll = (figure: ProfitFigure) => data && explainProfit(figure, `all usage in ${calendar(month, place)}: the rows of the table below together`, data.total)
  const all: Column<Row>[] = [
    {
      id: 'name',
      head: HEADS[by],
      sort: 'name',
      value: (row) => row.name,
      cell: (row) => (
        <span className="flex items-center gap-2">
          <span className="truncate">{by === 'account' && row.key.startsWith('acc_') ? <PageLink to={`accounts/${row.key}`}>{row.name}</PageLink> : by === 'meter' ? row.name : capital(row.name)}</span>
          {row.loss && <Badge tone="bad">Loss</Badge>}
        </span>
      ),
    },
    { id: 'revenue', head: 'Revenue', width: 8, align: 'right', from: 'sm', sort: 'revenue', value: (row) => sortable(row.revenue), cell: (row) => <Amount value={row.revenue} currency={data?.currency} explain={explain('revenue', row)} /> },
    { id: 'cost', head: 'Cost', width: 8, align: 'right', from: 'md', sort: 'cost', value: (row) => sortable(row.cost), cell: (row) => <Amount value={row.cost} currency={data?.currency} explain={explain('cost', row)} /> },
    { id: 'margin', head: 'Margin', width: 7.5, align: 'right', sort: 'margin', value: (row) => sortable(row.margin), cell: (row) => <Amount value={row.margin} currency={data?.currency} tone="negative" explain={explain('margin', row)} /> },
    {
      id: 'percent',
      head: 'Of revenue',
      width: 10.5,
      align: 'right',
      from: 'sm',
      sort: 'percent',
      value: (row) => sortable(row.margin_percent),
      cell: (row) => (
        <span className="inline-flex items-center gap-2">
          <span className="hidden lg:inline">
            <ShareBar percent={row.margin_percent} tone={3} />
          </span>
          <span className={`w-14 ${row.loss ? 'text-bad' : ''}`}>{percent(row.margin_percent, place)}</span>
        </span>
      ),
    },
  ]
  // A part of the rows is in the order of the API: another would say who is first of what was fetched.
  const columns = list.hasMore ? all.map((column): Column<Row> => ({ ...column, sort: undefined })) : all
  const losses = data?.losses
  const alert = can('alerts.manage') && (
    <ButtonLink to="alerts/new" search={{ metric: 'loss', period: 'month' }} icon="bell">
      Make a loss alert
    </ButtonLink>
  )
  return (
    <>
      <InsightsHead
        current="profitability"
        title="Profitability"
        sub={`What ${calendar(month, place)} brought and cost you, in UTC.`}
        actions={
          <>
            {alert}
            <FilterSelect label="Grouped by" value={by} onChange={(value) => setFilters({ by: value === 'account' ? undefined : value })} options={BY} />
            <MonthSelect value={month} onChange={(value) => setFilters({ month: value })} />
          </>
        }
      />
      {/* What stands on top is as long as the losses have it: all of it comes at once, and nothing that was read moves down. */}
      <div key={losses ? 'known' : 'loading'} className="space-y-4">
        <div className="min-h-14">
          {losses && losses.count > 0 ? (
            <Notice tone="bad" title={`${count(losses.count, place)} ${losses.count === 1 ? 'loses' : 'lose'} money`}>
              They cost <Amount value={losses.amount} currency={data?.currency} explain={{ title: 'Losses', says: `The margins below zero in ${calendar(month, place)}, of all ${count(losses.count, place)} rows that have one, added up. “Show only these” lists them.`, parts: [{ label: 'Together', amount: losses.amount, total: true }] }} /> more than they brought. Raise their price or end a promotion; prices already used stay as they are.{' '}
              <button type="button" className="underline underline-offset-2" onClick={() => setFilters({ only: onlyLosses ? undefined : 'losses' })}>
                {onlyLosses ? 'Show all' : 'Show only these'}
              </button>
            </Notice>
          ) : losses ? (
            <Notice tone="good" title="Nothing was sold at a loss">
              An alert tells you when that changes.
            </Notice>
          ) : null}
        </div>
        {data && (
          <div className="grid grid-cols-3 gap-3">
            <Stat label="Revenue" loading={false}><Amount value={data.total.revenue} currency={data.currency} explain={explainAll('revenue')} /></Stat>
            <Stat label="Cost" loading={false}><Amount value={data.total.cost} currency={data.currency} explain={explainAll('cost')} /></Stat>
            <Stat label="Margin" loading={false}><Amount value={data.total.margin} currency={data.currency} tone="negative" explain={explainAll('margin')} /></Stat>
          </div>
        )}
        <Card flush>
          <DataTable
            label={`Profitability ${HEADS[by].toLowerCase()} by ${HEADS[by].toLowerCase()}`}
            columns={columns}
            rows={rows}
            rowId={(row) => row.key}
            loading={list.loading}
            error={list.error}
            retry={list.retry}
            stale={list.stale}
            hasMore={hasMore}
            more={list.more}
            loadingMore={list.loadingMore}
            sort="margin"
            empty={
              onlyLosses ? (
                <Empty icon="check" title="No losses here" action={<ButtonLink to="insights/profitability" search={{ month, by }}>Show all</ButtonLink>} />
              ) : (
                <Empty icon="chart" title="Nothing was sold in this month" action={<ButtonLink to="prices">See your prices</ButtonLink>}>
                  Choose another month, or see that your sub-accounts have prices and credit.
                </Empty>
              )
            }
          />
        </Card>
        {!list.loading && <Definitions of={PROFITABILITY_MEANS} />}
      </div>
    </>
  )
}
