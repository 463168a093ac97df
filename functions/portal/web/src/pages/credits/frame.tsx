import type { ReactNode } from 'react'
import { useApi } from '~/api/query'
import { explainBalance } from '~/lib/explain'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { Button, ButtonLink } from '~/ui/button'
import { Card, PageHead, Stat } from '~/ui/card'
import { Failed } from '~/ui/state'
import { Tabs } from '~/ui/tabs'
import { Time } from '~/ui/time'
import { MoveCredit } from './move'

/** What all pages of credit share: the balance on top, and the way to move some. */
export function CreditsFrame({ current, children }: { current: 'history' | 'holds' | 'buy' | 'auto-topup'; children: ReactNode }) {
  const viewer = useViewer()
  const [filters, setFilters] = useFilters<'do'>()
  const balance = useApi('/reseller/credits/balance', { query: {} }, { enabled: viewer.can('credits.read'), everyMs: 30_000 })
  const lots = useApi('/reseller/credits/lots', { query: {} }, { enabled: viewer.can('credits.read') })
  const mayMove = !viewer.customer && (viewer.can('credits.transfer') || viewer.can('credits.allocate'))
  const tabs = [
    { id: 'history', label: 'History', to: 'credits' },
    { id: 'holds', label: 'Holds', to: 'credits/holds' },
    viewer.account.parent_id !== null && viewer.can('pricing.read') && { id: 'buy', label: 'Buy', to: 'credits/buy' },
    viewer.account.parent_id !== null && { id: 'auto-topup', label: 'Auto top-up', to: 'credits/auto-topup' },
  ].filter((tab) => tab !== false)
  const next = lots.data?.lots[0]
  const explained =
    balance.data &&
    explainBalance(balance.data, {
      links: [
        { label: 'Every movement', to: 'credits' },
        { label: 'Open holds', to: 'credits/holds' },
      ],
    })
  const expires =
    lots.data && lots.data.lots.length > 0
      ? {
          title: 'Credit that expires',
          says: 'Lots in the order in which they are spent. Credit that does not expire is spent last.',
          parts: [...lots.data.lots.map((lot) => ({ label: `Until ${new Date(lot.expires_at).toLocaleDateString(viewer.place.locale, { timeZone: viewer.place.timeZone })} (${lot.id.slice(-4)})`, amount: lot.left })), { label: 'Does not expire', amount: lots.data.lasting }],
          currency: lots.data.currency,
        }
      : undefined
  return (
    <>
      <PageHead
        title="Credits"
        sub={viewer.account.name}
        actions={
          <>
            {viewer.account.parent_id !== null && viewer.can('credits.purchase') && current !== 'buy' && (
              <ButtonLink to="credits/buy" icon="plus" look={mayMove ? 'plain' : 'primary'}>
                Buy credit
              </ButtonLink>
            )}
            {mayMove && (
              <Button look="primary" icon="transfer" onClick={() => setFilters({ do: 'transfer' })}>
                Move credit
              </Button>
            )}
          </>
        }
      />
      {balance.error && !balance.data ? (
        <Card className="mb-5">
          <Failed error={balance.error} retry={() => void balance.refetch()} what="The balance" />
        </Card>
      ) : (
        <div className="mb-5 grid grid-cols-2 gap-3 lg:grid-cols-4">
          <Stat label="Available" loading={!balance.data} note="Free to spend">
            <Amount value={balance.data?.available} currency={balance.data?.currency} tone="negative" explain={explained} />
          </Stat>
          <Stat label="Held" loading={!balance.data} note="Set aside by open holds">
            <Amount value={balance.data?.held} currency={balance.data?.currency} explain={explained} />
          </Stat>
          <Stat label="Can be spent" loading={!balance.data} note={balance.data && <>credit limit <Amount value={balance.data.credit_limit} currency={balance.data.currency} explain={explained} /></>}>
            <Amount
              value={balance.data?.spendable}
              currency={balance.data?.currency}
              tone="negative"
              explain={explained}
            />
          </Stat>
          <Stat label="Expires" loading={!lots.data} note={next ? <>next <Amount value={next.left} currency={lots.data?.currency} explain={expires} /> on <Time at={next.expires_at} style="date" /></> : 'Nothing of it expires'}>
            <Amount
              value={lots.data?.expiring}
              currency={lots.data?.currency}
              explain={expires}
            />
          </Stat>
        </div>
      )}
      <Tabs label="Credit" tabs={tabs} current={current} />
      {children}
      {mayMove && filters.do === 'transfer' && <MoveCredit open onClose={() => setFilters({ do: undefined }, true)} />}
    </>
  )
}
