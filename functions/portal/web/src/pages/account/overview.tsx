import type { ReactNode } from 'react'
import type { Schema } from '~/api/client'
import { failedOf, useApi } from '~/api/query'
import { explainBalance, explainMovement, explainUsage } from '~/lib/explain'
import { explainTopup } from '~/lib/explain-credit'
import { words } from '~/lib/format'
import { KINDS } from '~/pages/credits/kinds'
import { Forecast } from '~/pages/usage/forecast'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { PageLink } from '~/ui/button'
import { Card, Facts, Stat } from '~/ui/card'
import { Change } from '~/ui/change'
import { Empty, Failed, NotFresh, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'

type Account = Schema<'Account'>

/** What an account has, how it goes on, and who it is. */
export function AccountOverview({ id, account }: { id: string; account: Account | undefined }) {
  const viewer = useViewer()
  const own = id === viewer.account.id
  const credit = viewer.can('credits.read')
  const balance = useApi('/reseller/credits/balance', { query: { account_id: id, subtree: true } }, { enabled: credit, everyMs: 60_000 })
  const summary = useApi('/reseller/usage/summary', { query: { account_id: id, subtree: true } }, { enabled: viewer.can('usage.read') })
  const topup = useApi('/reseller/credits/auto-topup', { query: { account_id: id } }, { enabled: credit })
  const history = useApi('/reseller/credits/history', { query: { account_id: id, limit: 6 } }, { enabled: credit })
  const currency = account?.currency ?? viewer.account.currency
  const month = summary.data?.this_month.money.find((one) => one.currency === viewer.account.currency)
  const change = summary.data?.change.find((one) => one.currency === viewer.account.currency)
  const value = own && month?.price === null ? month.cost : (month?.price ?? (summary.data ? '0' : undefined))
  const held = { denied: !credit, loading: !balance.data, failed: failedOf(balance) }
  const used = { denied: !viewer.can('usage.read'), loading: !summary.data, failed: failedOf(summary) }
  const old = [balance, summary, history].filter((one) => one.error && one.data)
  const margin = month?.margin ?? (summary.data ? '0' : undefined)
  const credits = balance.data && explainBalance(balance.data, { links: [{ label: 'Its ledger', to: `accounts/${id}/ledger` }] })
  const usage = (figure: 'price' | 'margin') =>
    summary.data && explainUsage(figure, 'usage of this account and of everything below it this month so far', month, { links: [{ label: 'Usage day by day', to: `accounts/${id}/usage`, search: { range: 'month' } }] })
  return (
    <div className="space-y-4">
      {old[0] && <NotFresh of={{ ...old[0], refetch: () => old.forEach((one) => void one.refetch()) }} />}
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Stat label="Available" {...held} note={balance.data && <><Amount value={balance.data.held} currency={currency} explain={credits} /> held</>}>
          <Amount
            value={balance.data?.available}
            currency={currency}
            tone="negative"
            explain={credits}
          />
        </Stat>
        <Stat label="Can be spent" {...held} note={balance.data && <>limit <Amount value={balance.data.credit_limit} currency={currency} explain={credits} /></>}>
          <Amount value={balance.data?.spendable} currency={currency} tone="negative" explain={credits} />
        </Stat>
        <Stat label={own ? 'Cost this month' : 'Revenue this month'} {...used} note={summary.data && <><Change value={own && month?.price === null ? change?.cost : change?.price} /> against the same days</>}>
          <Amount value={value} explain={usage('price')} />
        </Stat>
        <Stat label="Margin this month" {...used} note={balance.data?.subtree && <>{balance.data.subtree.accounts} accounts in its subtree</>}>
          <Amount value={margin} tone="negative" explain={usage('margin')} />
        </Stat>
      </div>
      {viewer.can('usage.read') && <Forecast accountId={id} />}
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
        <Card title="Account">
          {account ? (
            <Facts
              rows={[
                ['Parent', own ? '–' : <AccountName id={account.parent_id} />],
                ['E-mail', account.email ?? <span className="text-faint">None</span>],
                ['Pays', account.funding === 'prepaid' ? 'From credit, as it uses' : 'By invoice, afterwards'],
                ['Tier', words(account.tier)],
                ['Tags', Object.keys(account.tags).length === 0 ? <span className="text-faint">None</span> : <TagList tags={account.tags} />],
                ['Auto top-up', topup.data ? <span className="flex flex-wrap items-center gap-2"><State state={topup.data.status} /> below <Amount value={topup.data.threshold} currency={currency} explain={explainTopup(topup.data)} /></span> : !credit ? <span className="text-faint">Not shown by your role</span> : topup.isPending ? <Skeleton /> : topup.error?.status === 404 ? 'Off' : <span className="text-faint">Could not be loaded</span>],
                ['Time zone', account.settings.time_zone ?? 'UTC'],
                ['Created', <Time key="created" at={account.created_at} />],
                ...(viewer.can('accounts.update') ? [['Brand', <PageLink key="brand" to="brand" search={{ account_id: id }}>Look and portal</PageLink>] as [string, ReactNode]] : []),
              ]}
            />
          ) : (
            <Skeleton className="h-48 w-full" />
          )}
        </Card>
        {credit && (
          <Card title="Newest movements" flush actions={<PageLink to={`accounts/${id}/ledger`} className="text-sm">Ledger</PageLink>}>
            {history.error && !history.data ? (
              <Failed error={history.error} retry={() => void history.refetch()} what="The ledger" />
            ) : history.data && history.data.data.length === 0 ? (
              <Empty icon="credits" title="No movement yet">The first credit that comes stands here.</Empty>
            ) : (
              <ul className="text-sm">
                {(history.data?.data ?? Array.from({ length: 6 }, () => null)).map((entry, index) => (
                  <li key={entry?.id ?? index} className="flex h-10 items-center gap-3 border-t border-line px-4 first:border-t-0">
                    {entry ? (
                      <>
                        <span className="min-w-0 flex-1 truncate">{words(entry.kind)}{entry.reference && <span className="text-soft"> · {entry.reference}</span>}</span>
                        <span className="text-xs text-soft"><Time at={entry.created_at} ago /></span>
                        <span className="min-w-24 text-right"><Amount value={entry.amount} currency={entry.currency} signed tone="both" explain={explainMovement(entry, KINDS[entry.kind] ?? words(entry.kind), { links: [{ label: 'Its ledger', to: `accounts/${id}/ledger` }] })} /></span>
                      </>
                    ) : (
                      <Skeleton className="h-3 w-2/3" />
                    )}
                  </li>
                ))}
              </ul>
            )}
          </Card>
        )}
      </div>
    </div>
  )
}

function TagList({ tags }: { tags: Record<string, string> }) {
  return (
    <ul className="flex flex-wrap gap-1">
      {Object.entries(tags).map(([name, value]) => (
        <li key={name}>
          <PageLink to="accounts" search={{ tag: `${name}:${value}` }} className="rounded bg-sunken px-1.5 text-xs text-ink no-underline hover:underline">
            {name}: {value}
          </PageLink>
        </li>
      ))}
    </ul>
  )
}
