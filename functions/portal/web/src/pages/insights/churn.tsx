import type { Churn as Answer } from '~/api/contract'
import { useApi } from '~/api/query'
import { minus, sum } from '~/lib/decimal'
import { calendar, count, percent, words } from '~/lib/format'
import { shortMonth } from '~/lib/months'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { Cohorts } from '~/ui/cohorts'
import { Columns } from '~/ui/columns'
import { FilterSelect } from '~/ui/form'
import { ShareBar } from '~/ui/share'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { Survival } from '~/ui/survival'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { Definitions, InsightsHead, sortable } from './parts'

type Month = Answer['months'][number]
type Risk = Answer['at_risk'][number]

const SPANS = [
  { value: '6', label: 'Last 6 months' },
  { value: '12', label: 'Last 12 months' },
  { value: '24', label: 'Last 24 months' },
]

/** So many accounts at risk are named at most. */
const RISKS_MAX = 200

/** A share of 0 to 1 in percent. */
function inPercent(share: number): string {
  return String(share * 100)
}

/** What became of what accounts brought in the month before. */
function explainMonth(row: Month, of: string): Explanation {
  return {
    title: `Revenue of ${of}`,
    says: 'What the accounts that paid in the month before brought in then; what of it went with those who left, and how much less and more those who stayed brought in. New accounts are not in it.',
    parts: [
      { label: 'In the month before', amount: row.revenue_opening },
      { label: 'Of those who left', amount: minus('0', row.revenue_lost) },
      { label: 'Used less', amount: minus('0', row.contraction) },
      { label: 'Used more', amount: row.expansion },
      { label: 'Kept, with what was used more', amount: minus(sum([row.revenue_opening, row.expansion]), sum([row.revenue_lost, row.contraction])), total: true },
    ],
    links: [{ label: 'Revenue by account', to: 'insights' }],
  }
}

/** Who leaves, what that costs, and who may be next. */
export default function Churn() {
  const { place } = useViewer()
  const [filters, setFilters] = useFilters<'months'>()
  const span = SPANS.find((option) => option.value === filters.months)?.value ?? '12'
  const answer = useApi('/reseller/insights/churn', { query: { months: Number(span) } }, { keep: true })
  const { data } = answer
  const last = data?.months.at(-1)
  const nothing = data !== undefined && data.cohorts.length === 0 && data.at_risk.length === 0 && data.months.every((row) => row.opening === 0)
  const months: Column<Month>[] = [
    { id: 'month', head: 'Month', cell: (row) => calendar(row.month, place) },
    { id: 'opening', head: 'Accounts', width: 6, align: 'right', from: 'sm', cell: (row) => count(row.opening, place) },
    { id: 'lost', head: 'Lost', width: 4.5, align: 'right', cell: (row) => count(row.lost, place) },
    { id: 'logo', head: 'Logo churn', width: 6.5, align: 'right', cell: (row) => percent(row.logo_churn_percent, place) },
    { id: 'gross', head: 'Revenue churn', width: 8, align: 'right', from: 'sm', cell: (row) => percent(row.gross_churn_percent, place) },
    { id: 'net', head: 'Net retention', width: 7.5, align: 'right', from: 'md', cell: (row) => percent(row.net_retention_percent, place) },
    { id: 'new', head: 'New', width: 4.5, align: 'right', from: 'md', cell: (row) => count(row.new, place) },
    { id: 'returned', head: 'Returned', width: 5.5, align: 'right', from: 'lg', cell: (row) => count(row.returned, place) },
    { id: 'revenue_lost', head: 'Revenue lost', width: 8, align: 'right', from: 'lg', cell: (row) => <Amount value={row.revenue_lost} currency={data?.currency} explain={explainMonth(row, calendar(row.month, place))} /> },
    { id: 'contraction', head: 'Used less', width: 7.5, align: 'right', from: 'xl', cell: (row) => <Amount value={row.contraction} currency={data?.currency} explain={explainMonth(row, calendar(row.month, place))} /> },
    { id: 'expansion', head: 'Used more', width: 7.5, align: 'right', from: 'xl', cell: (row) => <Amount value={row.expansion} currency={data?.currency} explain={explainMonth(row, calendar(row.month, place))} /> },
    { id: 'revenue', head: 'Revenue before', width: 8.5, align: 'right', from: 'lg', cell: (row) => <Amount value={row.revenue_opening} currency={data?.currency} explain={explainMonth(row, calendar(row.month, place))} /> },
  ]
  const risks: Column<Risk>[] = [
    { id: 'name', head: 'Account', sort: 'name', value: (row) => row.name, cell: (row) => <PageLink to={`accounts/${row.account_id}`}>{row.name}</PageLink> },
    {
      id: 'decay',
      head: 'Fell by',
      width: 10,
      align: 'right',
      sort: 'decay',
      value: (row) => sortable(row.decay),
      cell: (row) => (
        <span className="inline-flex items-center gap-2">
          <span className="hidden sm:inline">
            <ShareBar percent={row.decay} tone={4} />
          </span>
          {percent(row.decay, place)}
        </span>
      ),
    },
    { id: 'seen', head: 'Last used', width: 8, from: 'sm', sort: 'seen', value: (row) => row.last_usage_at ?? '', cell: (row) => <Time at={row.last_usage_at} ago /> },
    { id: 'revenue', head: 'Last month', width: 7.5, align: 'right', sort: 'revenue', value: (row) => sortable(row.revenue_last), cell: (row) => <Amount value={row.revenue_last} currency={data?.currency} explain={{ title: `Revenue from ${row.name}`, says: 'What you were paid for its usage in the last whole month.', parts: [{ label: 'Last month', amount: row.revenue_last, total: true }], links: [{ label: 'Its usage of that month', to: `accounts/${row.account_id}/usage`, search: { range: 'last_month' } }] }} /> },
  ]
  return (
    <>
      <InsightsHead
        current="churn"
        title="Churn"
        sub="Which direct sub-accounts stop paying for usage, what that takes from your revenue, and who may be next."
        actions={<FilterSelect label="Months" value={span} onChange={(value) => setFilters({ months: value === '12' ? undefined : value })} options={SPANS} />}
      />
      {answer.error && !data ? (
        <Card>
          <Failed error={answer.error} retry={() => void answer.refetch()} what="Churn" />
        </Card>
      ) : nothing ? (
        <Card>
          <Empty icon="people" title="There is nothing to count yet" action={<ButtonLink to="accounts">See your accounts</ButtonLink>}>
            Churn is counted by whole months, from the second in which your direct sub-accounts paid you for usage.
          </Empty>
        </Card>
      ) : (
        <div className={`space-y-5 transition-opacity ${answer.isPlaceholderData ? 'opacity-60' : ''}`}>
          <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
            <Stat label="Logo churn" loading={!data} note={last && calendar(last.month, place)}>{last && percent(last.logo_churn_percent, place)}</Stat>
            <Stat label="Revenue churn" loading={!data} note="Lost and less, of what was there">{last && percent(last.gross_churn_percent, place)}</Stat>
            <Stat label="Net retention" loading={!data} note="With what others use more">{last && percent(last.net_retention_percent, place)}</Stat>
            <Stat label="At risk" loading={!data} note="Accounts whose revenue fell by half">{data && `${count(data.at_risk.length, place)}${data.at_risk.length === RISKS_MAX ? '+' : ''}`}</Stat>
          </div>
          <div className="grid gap-5 grid-cols-1 lg:grid-cols-2">
            <Card title="By month" sub="The share of accounts and of revenue that was lost.">
              {data ? (
                <Columns
                  title="Logo churn and revenue churn by month, in percent"
                  labels={data.months.map((row) => calendar(row.month, place))}
                    ticks={data.months.map((row) => shortMonth(row.month, place.locale))}
                  series={[
                    { label: 'Logo churn', tone: 1, values: data.months.map((row) => row.logo_churn_percent) },
                    { label: 'Revenue churn', tone: 4, values: data.months.map((row) => row.gross_churn_percent) },
                  ]}
                  format={(value) => percent(value, place)}
                  formatTick={(value) => percent(String(value), place)}
                />
              ) : (
                <Skeleton className="h-72 w-full" />
              )}
            </Card>
            <Card title="How long accounts stay" sub="The share still with you so many months after the first they paid in (Kaplan–Meier).">
              {!data ? (
                <Skeleton className="h-72 w-full" />
              ) : data.survival.length < 2 ? (
                <p className="text-sm text-soft">There are too few months yet for a curve.</p>
              ) : (
                <>
                  <Survival points={data.survival} label="The share of accounts still with you, by months since the first they paid in, with a 95 percent band" formatX={(month) => (month === 0 ? 'Start' : `${month} mo`)} />
                  <details className="mt-2 text-xs">
                    <summary className="text-soft">Show the numbers</summary>
                    <div className="mt-2 max-h-64 overflow-auto rounded border border-line" role="region" aria-label="How long accounts stay: numbers" tabIndex={0}>
                      <table className="w-full text-xs">
                        <thead>
                          <tr>
                            {['Months', 'Watched', 'Left', 'Still there', '95 % band'].map((head, index) => (
                              <th key={head} scope="col" className={`sticky top-0 bg-paper px-2 py-1 font-medium text-soft ${index === 0 ? 'text-left' : 'text-right'}`}>{head}</th>
                            ))}
                          </tr>
                        </thead>
                        <tbody>
                          {data.survival.map((row) => (
                            <tr key={row.month}>
                              <th scope="row" className="px-2 py-0.5 text-left font-normal">{row.month}</th>
                              <td className="px-2 py-0.5 text-right">{count(row.at_risk, place)}</td>
                              <td className="px-2 py-0.5 text-right">{count(row.events, place)}</td>
                              <td className="px-2 py-0.5 text-right">{percent(inPercent(row.survival), place)}</td>
                              <td className="px-2 py-0.5 text-right whitespace-nowrap">{percent(inPercent(row.low), place)} – {percent(inPercent(row.high), place)}</td>
                            </tr>
                          ))}
                        </tbody>
                      </table>
                    </div>
                  </details>
                </>
              )}
            </Card>
          </div>
          <Card flush title="Accounts at risk" sub={`Accounts anywhere below you whose revenue of the last 14 whole days is at least half below that of the 14 before.${data?.at_risk.length === RISKS_MAX ? ` The ${RISKS_MAX} that brought in most last month.` : ''}`}>
            <DataTable label="Accounts at risk" columns={risks} rows={data?.at_risk ?? []} rowId={(row) => row.account_id} loading={!data} sort="-decay" empty={<Empty icon="check" title="Nobody is at risk">No account brings half of what it used to, or less.</Empty>} />
          </Card>
          <Card flush title="Cohorts" sub="Of the accounts that paid first in a month, the share that paid in it, in the month after, and so on.">
            {!data ? <div className="px-4 pb-4"><Skeleton className="h-56 w-full" /></div> : data.cohorts.length === 0 ? <p className="px-4 pb-4 text-sm text-soft">No account paid for the first time in these months.</p> : <Cohorts rows={data.cohorts} />}
          </Card>
          <Card flush title="Month by month">
            <DataTable label="Churn month by month" columns={months} rows={[...(data?.months ?? [])].reverse()} rowId={(row) => row.month} loading={!data} empty={<Empty title="No months yet" />} />
          </Card>
          <Definitions of={Object.entries(data?.definitions ?? {}).map(([word, meaning]) => [words(word), meaning])} />
        </div>
      )}
    </>
  )
}
