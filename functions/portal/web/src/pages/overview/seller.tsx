import { useState } from 'react'
import type { AttentionKind, InsightsOverview } from '~/api/contract'
import { useApi } from '~/api/query'
import { addDays, addMonths } from '~/lib/days'
import { forDrawing, minus } from '~/lib/decimal'
import { explain, explainProfit, type ProfitFigure } from '~/lib/explain'
import { calendar, count, money, percent, words } from '~/lib/format'
import { percentOf } from '~/lib/ratio'
import { useViewer } from '~/session/session'
import { mayOpen } from '~/shell/pages'
import { Amount, type Explanation } from '~/ui/amount'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, PageHead, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Icon } from '~/ui/icon'
import { CompareBars } from '~/ui/spark'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { OVERVIEW } from './data'

const ATTENTION: Record<AttentionKind, { says: (count: string, one: boolean) => string; to: string; search: Record<string, string>; tone: string }> = {
  past_due: { says: (n, one) => `${n} ${one ? 'account has' : 'accounts have'} invoices past due`, to: 'invoices', search: { side: 'sold', state: 'past_due' }, tone: 'text-bad' },
  loss: { says: (n, one) => `${n} ${one ? 'account costs more than it brings' : 'accounts cost more than they bring'}`, to: 'accounts', search: { sort: 'margin' }, tone: 'text-bad' },
  low_credit: { says: (n, one) => `${n} ${one ? 'account is' : 'accounts are'} low on credit`, to: 'accounts', search: { sort: 'balance', status: 'active' }, tone: 'text-warn' },
  at_risk: { says: (n, one) => `${n} ${one ? 'account brings' : 'accounts bring'} half of before, or less`, to: 'accounts', search: { at_risk: 'true', sort: '-decay' }, tone: 'text-warn' },
  suspended_with_credit: { says: (n, one) => `${n} suspended ${one ? 'account still holds' : 'accounts still hold'} credit`, to: 'accounts', search: { status: 'suspended', sort: '-balance' }, tone: 'text-info' },
}

/** The dashboard's first view: one answer, whatever the number of accounts. */
export function SellerOverview() {
  const viewer = useViewer()
  const { place, account } = viewer
  const allowed = viewer.can('insights.read')
  const overview = useApi(OVERVIEW.path, OVERVIEW.options, { enabled: allowed, everyMs: 60_000 })
  const data = overview.data
  const loading = !data

  if (!allowed) {
    return (
      <>
        <PageHead title="Overview" />
        <Card>
          <Empty icon="lock" title="Your role does not include the figures">
            The pages that you may open are in the menu. An owner or admin of {account.name} can change your role.
          </Empty>
        </Card>
      </>
    )
  }
  return (
    <>
      <PageHead
        title="Overview"
        sub={data ? <>This month so far, counted up to <Time at={data.as_of} ago /></> : <Skeleton className="h-4 w-56" />}
        actions={
          <>
            {mayOpen(viewer, { right: 'credits.transfer' }) && (
              <ButtonLink to="credits" search={{ do: 'transfer' }} icon="transfer">
                Move credit
              </ButtonLink>
            )}
            {viewer.can('accounts.create') && (
              <ButtonLink to="accounts" search={{ do: 'create' }} look="primary" icon="plus">
                New account
              </ButtonLink>
            )}
          </>
        }
      />
      {overview.error && !data ? (
        <Card>
          <Failed error={overview.error} retry={() => void overview.refetch()} what="The overview" />
        </Card>
      ) : (
        <div className="space-y-4">
          <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
            <Stat label="Revenue" loading={loading} note={data && <Versus compared={data.revenue} currency={data.currency} />}>
              <Amount value={data?.revenue.this} currency={data?.currency} explain={data && explainMonth('revenue', data)} />
            </Stat>
            <Stat
              label="Margin"
              loading={loading}
              note={data && <Versus compared={data.margin} currency={data.currency} />}
            >
              <Amount value={data?.margin.this} currency={data?.currency} tone="negative" explain={data && explainMonth('margin', data)} />
            </Stat>
            <Stat label="Your balance" loading={loading} note={data && <><Amount value={data.balance.held} currency={data.currency} explain={explainBalance(data)} /> held</>}>
              <Amount value={data?.balance.available} currency={data?.currency} tone="negative" explain={data && explainBalance(data)} />
            </Stat>
            <Stat label="Credit of sub-accounts" loading={loading} note={data && <><Amount value={minus(data.subtree_balance.held, data.balance.held)} currency={data.currency} explain={explainBelow(data)} /> held</>}>
              <Amount value={data && minus(data.subtree_balance.available, data.balance.available)} currency={data?.currency} tone="negative" explain={data && explainBelow(data)} />
            </Stat>
            <Stat label="Accounts" loading={loading} note={data && `${count(data.accounts.active, place)} active, ${count(data.accounts.suspended, place)} suspended`}>
              <PageLink to="accounts" className="text-inherit no-underline hover:underline">
                {data && count(data.accounts.total, place)}
              </PageLink>
            </Stat>
            <Stat label="New this month" loading={loading} note={data && `${count(data.accounts.closed, place)} closed`}>
              <PageLink to="accounts" search={{ sort: '-created_at' }} className="text-inherit no-underline hover:underline">
                {data && count(data.accounts.new, place)}
              </PageLink>
            </Stat>
            <Stat label="Open invoices" loading={loading} note={data && `${count(data.open_invoices.count, place)} invoices`}>
              <Amount value={data?.open_invoices.amount} currency={data?.currency} explain={data && explainOpen(data)} />
            </Stat>
            <Stat label="Past due" loading={loading} note={data && `${count(data.past_due.count, place)} invoices`}>
              <span className={data && data.past_due.count > 0 ? 'text-bad' : ''}>
                <Amount value={data?.past_due.amount} currency={data?.currency} explain={data && explainPastDue(data)} />
              </span>
            </Stat>
          </div>
          <Months data={data} />
          <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
            <Top data={data} />
            <Attention data={data} />
          </div>
        </div>
      )}
    </>
  )
}

function Versus({ compared, currency }: { compared: InsightsOverview['revenue']; currency: string }) {
  const { place } = useViewer()
  return (
    <>
      <Change value={compared.change_percent} /> against {money(compared.last, currency, place)} in all of last month
    </>
  )
}

function explainMonth(figure: ProfitFigure, data: InsightsOverview): Explanation {
  return explainProfit(
    figure,
    'usage of your direct sub-accounts and of everything below them this month so far, and the cost of your own. The change is against the whole of last month',
    { revenue: data.revenue.this, cost: data.cost.this, margin: data.margin.this },
    {
      links: [
        { label: `${words(figure)} by account`, to: 'accounts', search: { sort: `-${figure}` } },
        { label: 'Where revenue comes from', to: 'insights' },
      ],
      asOf: data.as_of,
    },
  )
}

function explainBelow({ balance, subtree_balance: all, as_of }: InsightsOverview): Explanation {
  return explain(
    'Credit of sub-accounts',
    'What is available on the accounts below yours, each as its own ledger stands. Accounts that keep another currency are not in it.',
    [
      ['Yours and all below', all.available],
      ['Your own', minus('0', balance.available)],
      ['Of sub-accounts', minus(all.available, balance.available), 'total'],
      ['Held beside it', minus(all.held, balance.held)],
    ],
    { links: [{ label: 'Credit by account', to: 'accounts', search: { sort: '-balance' } }], asOf: as_of },
  )
}

function explainBalance({ balance, as_of }: InsightsOverview): Explanation {
  return explain(
    'Your balance',
    'Credit on your own account. What open holds set aside cannot be spent until they end.',
    [
      ['Available', balance.available],
      ['Held beside it', balance.held],
    ],
    {
      links: [
        { label: 'Every movement', to: 'credits' },
        { label: 'Open holds', to: 'credits/holds' },
      ],
      asOf: as_of,
    },
  )
}

function explainPastDue({ open_invoices: open, past_due: late, as_of }: InsightsOverview): Explanation {
  return explain(
    'Past due',
    'What is still to be paid of invoices that you sent and whose time to be paid is over.',
    [
      ['Open in all', open.amount],
      ['Not due yet', minus(late.amount, open.amount)],
      ['Past due', late.amount, 'total'],
    ],
    { links: [{ label: 'Invoices past due', to: 'invoices', search: { side: 'sold', state: 'past_due' } }], asOf: as_of },
  )
}

function explainOpen({ open_invoices: open, past_due: late, as_of }: InsightsOverview): Explanation {
  return explain(
    'Open invoices',
    'Invoices that you sent and that are not paid in full, those that are past due counted in.',
    [
      ['Past due', late.amount],
      ['Not due yet', minus(open.amount, late.amount)],
      ['Open in all', open.amount, 'total'],
    ],
    { links: [{ label: 'Open invoices', to: 'invoices', search: { side: 'sold' } }], asOf: as_of },
  )
}

function explainTop(figure: ProfitFigure, row: InsightsOverview['top'][number], data: InsightsOverview): Explanation {
  return explainProfit(figure, `usage of ${row.name} and of everything below it this month so far`, { ...row, cost: minus(row.revenue, row.margin) }, { links: [{ label: 'Its usage day by day', to: `accounts/${row.account_id}/usage`, search: { range: 'month' } }], asOf: data.as_of })
}

/** This month's days over last month's. */
function Months({ data }: { data: InsightsOverview | undefined }) {
  const { place } = useViewer()
  const [figure, setFigure] = useState<ProfitFigure>('revenue')
  if (!data) {
    return (
      <Card title="Day by day">
        <Skeleton className="h-56 w-full" />
      </Card>
    )
  }
  const first = `${data.period.from.slice(0, 7)}-01`
  const earlier = addMonths(first, -1)
  const by = new Map(data.usage_by_day.map((day) => [day.date, day]))
  const take = (from: string) =>
    Array.from({ length: 31 }, (_, index) => addDays(from, index))
      .filter((day) => day.slice(0, 7) === from.slice(0, 7))
      .map((day) => ({ day, value: by.get(day)?.[figure] ?? null }))
  const [now, then] = [take(first), take(earlier)]
  const days = Math.max(now.length, then.length)
  const labels = Array.from({ length: days }, (_, index) => String(index + 1))
  const shown = (value: string | null) => (value === null ? '–' : money(value, data.currency, place))
  const figures = ['revenue', 'margin', 'cost'] as const
  return (
    <Card
      title="Day by day"
      sub={
        <>
          <span className="mr-3 inline-flex items-center gap-1.5">
            <span className="inline-block h-2 w-2 rounded-sm bg-(--series-1)" /> {calendar(first.slice(0, 7), place)}
          </span>
          <span className="inline-flex items-center gap-1.5">
            <span className="inline-block h-0.5 w-3 bg-(--series-2)" /> {calendar(earlier.slice(0, 7), place)}
          </span>
        </>
      }
      actions={
        <div role="group" aria-label="Figure" className="inline-flex rounded-md border border-line p-0.5">
          {figures.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={figure === name}
              className={`rounded px-2.5 py-1 text-xs capitalize ${figure === name ? 'bg-accent-wash font-medium text-ink' : 'text-soft hover:text-ink'}`}
              onClick={() => setFigure(name)}
            >
              {name}
            </button>
          ))}
        </div>
      }
    >
      <CompareBars
        now={now.map((one) => (one.value === null ? null : forDrawing(one.value)))}
        then={then.map((one) => (one.value === null ? null : forDrawing(one.value)))}
        labels={labels}
        format={(value) => money(value.toFixed(2), data.currency, place)}
        label={`${figure} by day: ${calendar(first.slice(0, 7), place)} compared with ${calendar(earlier.slice(0, 7), place)}. The numbers are in the table below.`}
      />
      <details className="mt-2 text-xs">
        <summary className="text-soft">Show the numbers</summary>
        <div className="mt-2 max-h-56 overflow-auto rounded border border-line" role="region" aria-label="Day by day: numbers" tabIndex={0}>
          <table className="w-full">
            <thead>
              <tr className="text-soft">
                <th scope="col" className="px-2 py-1 text-left font-medium">Day</th>
                <th scope="col" className="px-2 py-1 text-right font-medium">{calendar(first.slice(0, 7), place)}</th>
                <th scope="col" className="px-2 py-1 text-right font-medium">{calendar(earlier.slice(0, 7), place)}</th>
              </tr>
            </thead>
            <tbody>
              {labels.map((label, index) => (
                <tr key={label}>
                  <th scope="row" className="px-2 py-0.5 text-left font-normal">{label}</th>
                  <td className="px-2 py-0.5 text-right">{shown(now[index]?.value ?? null)}</td>
                  <td className="px-2 py-0.5 text-right">{shown(then[index]?.value ?? null)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Card>
  )
}

function Top({ data }: { data: InsightsOverview | undefined }) {
  const { place } = useViewer()
  const rows = data?.top
  const share = (revenue: string) => (data ? percent(percentOf(revenue, data.revenue.this), place) : '–')
  return (
    <Card title="Top accounts" sub="By revenue this month" flush actions={<PageLink to="accounts" search={{ sort: '-revenue' }} className="text-sm">All accounts</PageLink>}>
      {rows && rows.length === 0 ? (
        <Empty icon="accounts" title="No usage yet this month">As soon as a sub-account is charged, it stands here.</Empty>
      ) : (
        <table className="w-full text-sm">
          <thead>
            <tr className="text-xs text-soft">
              <th scope="col" className="py-2 pl-4 text-left font-medium">Account</th>
              <th scope="col" className="py-2 text-right font-medium">Revenue</th>
              <th scope="col" className="hidden py-2 text-right font-medium sm:table-cell">Share</th>
              <th scope="col" className="py-2 pr-4 text-right font-medium">Margin</th>
            </tr>
          </thead>
          <tbody>
            {(rows ?? Array.from({ length: 5 }, () => null)).map((row, index) => (
              <tr key={row?.account_id ?? index} className="h-10 border-t border-line">
                <td className="max-w-0 truncate pl-4">{row ? <PageLink to={`accounts/${row.account_id}`} className="text-ink no-underline hover:underline">{row.name}</PageLink> : <Skeleton className="h-3 w-32" />}</td>
                <td className="w-32 text-right">{row ? <Amount value={row.revenue} currency={data?.currency} explain={data && explainTop('revenue', row, data)} /> : <Skeleton className="h-3 w-16" />}</td>
                <td className="hidden w-20 text-right text-soft sm:table-cell">{row && share(row.revenue)}</td>
                <td className="w-32 pr-4 text-right">{row ? <Amount value={row.margin} currency={data?.currency} tone="negative" explain={data && explainTop('margin', row, data)} /> : <Skeleton className="h-3 w-16" />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  )
}

function Attention({ data }: { data: InsightsOverview | undefined }) {
  const { place } = useViewer()
  const items = data?.attention
  return (
    <Card title="Needs attention" flush>
      {items && items.length === 0 ? (
        <Empty icon="check" title="Nothing waits for you">No invoice is past due, and no account is low on credit or drifting away.</Empty>
      ) : (
        <ul>
          {(items ?? Array.from({ length: 5 }, () => null)).map((item, index) => (
            <li key={item?.kind ?? index} className="border-t border-line first:border-t-0">
              {item ? (
                <PageLink to={ATTENTION[item.kind].to} search={ATTENTION[item.kind].search} className="flex h-11.5 items-center gap-3 px-4 text-sm text-ink no-underline hover:bg-surface">
                  <Icon name="alert" className={ATTENTION[item.kind].tone} />
                  <span className="flex-1">{ATTENTION[item.kind].says(count(item.count, place), item.count === 1)}</span>
                  <Icon name="right" className="text-faint" />
                </PageLink>
              ) : (
                <div className="flex h-11.5 items-center px-4">
                  <Skeleton className="h-3 w-48" />
                </div>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
