import type { InsightsAccount } from '~/api/contract'
import { minus } from '~/lib/decimal'
import { explain, explainProfit, type ProfitFigure } from '~/lib/explain'
import { percent } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { Badge, State } from '~/ui/badge'
import { PageLink } from '~/ui/button'
import { Change } from '~/ui/change'
import type { Column } from '~/ui/table'
import { Time } from '~/ui/time'
import { words } from '~/lib/format'

function Share({ value }: { value: string | null }) {
  const { place } = useViewer()
  return <span className={value !== null && value.startsWith('-') ? 'text-bad' : ''}>{percent(value, place)}</span>
}

/** By how many percent revenue fell; where it grew, there is no decline. */
function Decline({ value }: { value: string | null }) {
  const { place } = useViewer()
  return value === null || value.startsWith('-') ? <span className="text-faint">–</span> : <>{percent(value, place)}</>
}

/** An amount of a row, which is in the account's own currency as its credit is. */
function Money({ row, value, tone, explain }: { row: InsightsAccount; value: string; tone?: 'negative'; explain: Explanation }) {
  return <Amount value={value} currency={row.currency ?? undefined} tone={tone} explain={explain} />
}

function explainCredit(row: InsightsAccount): Explanation {
  return {
    title: `Credit of ${row.name}`,
    says: 'What the account’s own ledger stands at, before its credit limit; that of accounts below it is not in it. What open holds set aside stands beside it.',
    parts: [
      { label: 'Available', amount: row.available },
      { label: 'Held', amount: row.held },
    ],
    links: [{ label: 'Its ledger', to: `accounts/${row.id}/ledger` }],
  }
}

function explainMonth(figure: ProfitFigure, row: InsightsAccount): Explanation {
  return explainProfit(figure, `usage of ${row.name} and of everything below it this month so far`, row, { links: [{ label: 'Its usage day by day', to: `accounts/${row.id}/usage`, search: { range: 'month' } }] })
}

/** Every column of the grid; the name is always there. */
export const COLUMNS: (Column<InsightsAccount> & { shownAtFirst: boolean })[] = [
  {
    id: 'name',
    head: 'Account',
    sort: 'name',
    shownAtFirst: true,
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-2">
        <PageLink to={`accounts/${row.id}`} className="truncate font-medium text-ink no-underline hover:underline" tabIndex={-1}>
          {row.name}
        </PageLink>
        {row.at_risk && <Badge tone="warn">At risk</Badge>}
      </span>
    ),
  },
  { id: 'external_id', head: 'External id', width: 9, from: 'lg', shownAtFirst: false, cell: (row) => row.external_id ?? <span className="text-faint">–</span> },
  { id: 'kind', head: 'Kind', width: 6.5, from: 'lg', shownAtFirst: false, cell: (row) => words(row.kind) },
  { id: 'status', head: 'Status', width: 7, from: 'sm', shownAtFirst: true, cell: (row) => <State state={row.effective_status} /> },
  { id: 'parent', head: 'Parent', width: 10, from: 'xl', shownAtFirst: false, cell: (row) => row.parent_name ?? <span className="text-faint">–</span> },
  { id: 'tier', head: 'Tier', width: 6, from: 'lg', shownAtFirst: false, cell: (row) => words(row.tier) },
  { id: 'balance', head: 'Balance', align: 'right', width: 8, sort: 'balance', shownAtFirst: true, cell: (row) => <Money row={row} value={row.available} tone="negative" explain={explainCredit(row)} /> },
  { id: 'held', head: 'Held', align: 'right', width: 7, from: 'xl', sort: 'held', shownAtFirst: false, cell: (row) => <Money row={row} value={row.held} explain={explainCredit(row)} /> },
  { id: 'revenue', head: 'Revenue', align: 'right', width: 8, from: 'sm', sort: 'revenue', shownAtFirst: true, cell: (row) => <Money row={row} value={row.revenue} explain={explainMonth('revenue', row)} /> },
  { id: 'change', head: 'Change', align: 'right', width: 6, from: 'lg', sort: 'change', shownAtFirst: true, cell: (row) => <Change value={row.change_percent} /> },
  { id: 'growth', head: 'Growth', align: 'right', width: 8, from: 'lg', sort: 'growth', shownAtFirst: false, cell: (row) => <Amount value={minus(row.revenue, row.revenue_last)} currency={row.currency ?? undefined} signed tone="both" explain={explain('Growth', `Revenue of ${row.name} and of everything below it this month so far, beside all of last month.`, [['This month so far', row.revenue], ['Last month', minus('0', row.revenue_last)], ['Growth', minus(row.revenue, row.revenue_last), 'total']])} /> },
  { id: 'cost', head: 'Cost', align: 'right', width: 8, from: 'lg', sort: 'cost', shownAtFirst: false, cell: (row) => <Money row={row} value={row.cost} explain={explainMonth('cost', row)} /> },
  { id: 'margin', head: 'Margin', align: 'right', width: 8, from: 'md', sort: 'margin', shownAtFirst: true, cell: (row) => <Money row={row} value={row.margin} tone="negative" explain={explainMonth('margin', row)} /> },
  { id: 'margin_percent', head: 'Margin %', align: 'right', width: 6, from: 'lg', sort: 'margin_percent', shownAtFirst: false, cell: (row) => <Share value={row.margin_percent} /> },
  { id: 'last_seen', head: 'Last usage', width: 8, from: 'xl', sort: 'last_seen', shownAtFirst: true, cell: (row) => (row.last_usage_at ? <Time at={row.last_usage_at} ago /> : <span className="text-faint">Never</span>) },
  { id: 'decay', head: 'Decline', align: 'right', width: 6, from: 'lg', sort: 'decay', shownAtFirst: false, cell: (row) => <Decline value={row.decay} /> },
  { id: 'created_at', head: 'Created', width: 8, from: 'lg', sort: 'created_at', shownAtFirst: false, cell: (row) => <Time at={row.created_at} style="date" /> },
]

const KEPT = 'columns:accounts'

/** The columns that this browser shows. */
export function keptColumns(): string[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? 'null') as unknown
    if (Array.isArray(kept)) return kept.filter((id): id is string => typeof id === 'string')
  } catch {
    // What cannot be read is as if it were not there.
  }
  return COLUMNS.filter((column) => column.shownAtFirst).map((column) => column.id)
}

/** Keeps them. */
export function keepColumns(ids: string[]) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(ids))
  } catch {
    // In force until the page is left.
  }
}
