import type { ReactNode } from 'react'
import type { Schema } from '~/api/client'
import { failedOf, useApi } from '~/api/query'
import { sign } from '~/lib/decimal'
import { explainBalance, explainMovement, explainSpend, explainUsage } from '~/lib/explain'
import { calendar, count, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { Button, ButtonLink, PageLink } from '~/ui/button'
import { Card, PageHead, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Denied, Empty, Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'

/** What a customer pays, of one currency. Of its own usage there is nothing else. */
function paid(totals: Schema<'UsageTotals'> | null | undefined, currency: string): string | undefined {
  if (!totals) return undefined
  return totals.money.find((money) => money.currency === currency)?.cost ?? '0'
}

/** Lines on their way: so many stand there, and their room stays. */
const LINES = 6

/** A customer's own account: credit, spend and the newest movements. It asks for nothing about anybody else. */
export function CustomerOverview() {
  const viewer = useViewer()
  const { account, place } = viewer
  const balance = useApi('/reseller/credits/balance', { query: {} }, { enabled: viewer.can('credits.read'), everyMs: 60_000 })
  const summary = useApi('/reseller/usage/summary', { query: {} }, { enabled: viewer.can('usage.read'), everyMs: 60_000 })
  const latest = useApi('/reseller/credits/history', { query: { limit: LINES } }, { enabled: viewer.can('credits.read') })
  const owed = useApi('/reseller/invoices', { query: { limit: 20, state: 'past_due' } }, { enabled: viewer.can('billing.read') })
  const { data } = summary
  const change = data?.change.find((one) => one.currency === account.currency)?.cost
  const low = balance.data && sign(balance.data.spendable) <= 0
  const old = [balance, summary, latest, owed].filter((one) => one.error && one.data)
  // What is to be said on top is known before anything below it is shown: nothing that was read moves down.
  const known = !balance.isLoading && !owed.isLoading
  const credit = { denied: !viewer.can('credits.read'), loading: !known || !balance.data, failed: failedOf(balance) }
  const usage = { denied: !viewer.can('usage.read'), loading: !known || !data, failed: failedOf(summary) }
  const credits = balance.data && explainBalance(balance.data, { links: [{ label: 'Every movement', to: 'credits' }] })
  const follow = (range: string) => ({ links: [{ label: 'Usage day by day', to: 'usage/report', search: { range } }] })
  return (
    <>
      <PageHead
        title={account.name}
        sub={`In ${place.timeZone.replaceAll('_', ' ')} time`}
        actions={
          viewer.can('credits.purchase') && (
            <ButtonLink to="credits/buy" look="primary" icon="plus">
              Buy credit
            </ButtonLink>
          )
        }
      />
      {old[0] && <NotFresh of={{ ...old[0], refetch: () => old.forEach((one) => void one.refetch()) }} />}
      <div key={known ? 'known' : 'loading'} className="space-y-4">
        {known && low && (
          <Notice tone="warn" title="Your credit is used up">
            What you use is refused until there is credit again. <PageLink to="credits/buy">Buy credit</PageLink>
          </Notice>
        )}
        {known && owed.data && owed.data.data.length > 0 && (
          <Notice tone="warn" title={owed.data.data.length === 1 ? 'An invoice is past due' : `${owed.data.data.length}${owed.data.next_cursor ? '+' : ''} invoices are past due`}>
            <PageLink to="invoices" search={{ state: 'past_due' }}>
              See and pay
            </PageLink>
          </Notice>
        )}
        {known && failedOf(owed) && (
          <Notice tone="warn" title="It is not known whether an invoice is past due" action={<Button small icon="refresh" onClick={failedOf(owed)}>Try again</Button>}>
            {owed.error?.message}
          </Notice>
        )}
        <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
          <Stat label="Credit" {...credit} note={balance.data && <><Amount value={balance.data.held} currency={balance.data.currency} explain={credits} /> held</>}>
            <Amount
              value={balance.data?.available}
              currency={balance.data?.currency}
              tone="negative"
              explain={credits}
            />
          </Stat>
          <Stat label="Spent today" {...usage} note={data?.today ? `${count(data.today.meters.length, place)} ${data.today.meters.length === 1 ? 'meter' : 'meters'}` : ''}>
            <Amount value={paid(data?.today, account.currency)} explain={data && explainSpend('Spent today', data.today, account.currency, follow('today'))} />
          </Stat>
          <Stat label="Spent this month" {...usage} note={data && <><Change value={change} good="none" /> against the same days</>}>
            <Amount value={paid(data?.this_month, account.currency)} explain={data && explainSpend('Spent this month', data.this_month, account.currency, follow('month'))} />
          </Stat>
          <Stat label="Last month" {...usage} note={data && calendar(data.last_month.from.slice(0, 7), place)}>
            <Amount value={paid(data?.last_month, account.currency)} explain={data && explainSpend('Spent last month', data.last_month, account.currency, follow('last_month'))} />
          </Stat>
        </div>
        <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
          <Card title="Newest movements" flush actions={<PageLink to="credits" className="text-sm">All</PageLink>}>
            {credit.denied ? (
              <Denied what="credit" />
            ) : failedOf(latest) ? (
              <Failed error={latest.error} retry={failedOf(latest)} what="What moved" />
            ) : known && latest.data && latest.data.data.length === 0 ? (
              <Empty icon="credits" title="No movement yet">Credit that comes and goes is listed here.</Empty>
            ) : (
              <Lines
                rows={(known ? latest.data : undefined)?.data.map((entry) => ({
                  key: entry.id,
                  left: entry.reference ?? words(entry.kind),
                  middle: <Time at={entry.created_at} ago />,
                  right: <Amount value={entry.amount} currency={entry.currency} signed tone="both" explain={explainMovement(entry, words(entry.kind), { links: [{ label: 'Every movement', to: 'credits' }] })} />,
                }))}
              />
            )}
          </Card>
          {/* The last, since what is used may be one line or six: nothing below it moves. */}
          <Card title="What you use" sub="This month" flush actions={<PageLink to="usage" className="text-sm">Usage</PageLink>}>
            {usage.denied ? (
              <Denied what="usage" />
            ) : usage.failed ? (
              <Failed error={summary.error} retry={usage.failed} what="Usage" />
            ) : known && data && data.top_meters.length === 0 ? (
              <Empty icon="usage" title="Nothing used this month">As soon as something is counted, it stands here.</Empty>
            ) : (
              <Lines
                rows={(known ? data : undefined)?.top_meters.slice(0, LINES).map((meter) => ({
                  key: `${meter.meter}${meter.currency}`,
                  left: meter.meter,
                  middle: `${count(meter.quantity, place)} ${meter.unit ?? ''}`,
                  right: <Amount value={meter.cost} currency={meter.currency} explain={explainUsage('cost', `${count(meter.quantity, place)} ${meter.unit ?? ''} of ${meter.meter} this month`, { cost: meter.cost }, follow('month'))} />,
                }))}
              />
            )}
          </Card>
        </div>
      </div>
    </>
  )
}

function Lines({ rows }: { rows: { key: string; left: ReactNode; middle: ReactNode; right: ReactNode }[] | undefined }) {
  return (
    <ul className="text-sm">
      {(rows ?? Array.from({ length: LINES }, () => null)).map((row, index) => (
        <li key={row?.key ?? index} className="flex h-10 items-center gap-3 border-t border-line px-4 first:border-t-0">
          {row ? (
            <>
              <span className="min-w-0 flex-1 truncate">{row.left}</span>
              <span className="text-xs text-soft">{row.middle}</span>
              <span className="min-w-24 text-right">{row.right}</span>
            </>
          ) : (
            <Skeleton className="h-3 w-2/3" />
          )}
        </li>
      ))}
    </ul>
  )
}
