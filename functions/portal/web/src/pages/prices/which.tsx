import type { Schema } from '~/api/client'
import { useApi } from '~/api/query'
import { readMoment } from '~/lib/days'
import { exactMoney } from '~/lib/exact'
import { words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, AccountName } from '~/ui/account'
import { Badge } from '~/ui/badge'
import { Card, PageHead, Stat } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Exact } from '~/ui/exact'
import { Icon } from '~/ui/icon'
import { Empty, Failed, NotFresh, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { ModelShown } from './cards'
import { MeterField, MomentField, useMeters } from './common'
import { markupSays } from './markups'
import { PriceTabs } from './tabs'
import { ExplanationLines, RULES } from './trace'

const VERDICTS: Record<Schema<'RuleVerdict'>, string> = {
  applies: 'Sets the price',
  absent: 'There is none',
  not_yet_in_force: 'Not yet in force',
  ended: 'Ended',
  other_currency: 'In another currency',
  not_inherited: 'Not inherited',
  former_seller: 'Of a former seller',
  nothing_to_add_to: 'There is no cost to add to',
}

/** Which rule sets the price of a meter at each sale, and why no other does. */
export default function Which() {
  const { account, place } = useViewer()
  const [filters, setFilters] = useFilters<'account' | 'meter' | 'at'>()
  const { unitOf } = useMeters()
  const of = filters.account ?? account.id
  const read = useApi('/reseller/pricing/resolve', { query: { account_id: of, meter: filters.meter ?? '', at: readMoment(filters.at ?? '', place.timeZone) } }, { enabled: Boolean(filters.meter), keep: true })
  const { data } = read
  return (
    <>
      <PageHead title="Which price" sub="Which rule sets the price at each sale that you see, with every rule that was looked at and why it did not apply." />
      <PriceTabs current="which" />
      <div className="mb-4 grid gap-3 sm:grid-cols-3">
        <AccountField label="Using account" value={of} onChange={(value) => setFilters({ account: value || undefined })} />
        <MeterField value={filters.meter ?? ''} onChange={(meter) => setFilters({ meter })} pointer="/query/meter" />
        <MomentField label="When" pointer="/query/at" optional value={filters.at ?? ''} onChange={(at) => setFilters({ at }, true)} hint="Now unless you choose." />
      </div>
      <NotFresh of={read} />
      {!filters.meter ? (
        <Card>
          <Empty icon="pricing" title="Choose a meter">Then each sale from the using account upwards is shown with its rule.</Empty>
        </Card>
      ) : read.error && !data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The price" />
        </Card>
      ) : !data ? (
        <Card>
          <Skeleton className="h-72 w-full" />
        </Card>
      ) : (
        <div className="space-y-4">
          {data.you_pay && (
            <Stat label="You pay for one more unit now" note={<Time at={data.at} />}>
              <Exact value={data.you_pay} currency={data.currency} explain={{ title: 'One more unit', says: 'What your own seller would charge for one more unit from where your month stands. A quote says what a quantity comes to.', parts: [{ label: 'You pay', amount: data.you_pay, total: true }], links: [{ label: 'Quote a quantity', to: 'prices/quote', search: { lines: JSON.stringify([[data.meter, '1']]) } }] }} />
            </Stat>
          )}
          {data.levels.length === 0 && (
            <Card>
              <Empty icon="pricing" title="No sale that you see">What your own account buys is its seller’s matter: you see its price alone.</Empty>
            </Card>
          )}
          {data.levels.map((level) => (
            <Level key={`${level.payer_id} ${level.seller_id}`} level={level} meter={data.meter} currency={data.currency} unit={unitOf(data.meter)} />
          ))}
          {data.promotions.length > 0 && (
            <Card title="Promotions in force" sub="Of those that fit an event, the one that takes most off counts." flush>
              <ul className="divide-y divide-line text-sm">
                {data.promotions.map((promotion) => (
                  <Promotion key={promotion.id} promotion={promotion} currency={data.currency} />
                ))}
              </ul>
            </Card>
          )}
        </div>
      )}
    </>
  )
}

function Promotion({ promotion, currency }: { promotion: Schema<'PromotionInForce'>; currency: string }) {
  const { place } = useViewer()
  return (
    <li className="flex flex-wrap items-baseline justify-between gap-3 px-4 py-2">
      <span>
        {promotion.name} {promotion.code && <Badge>Code {promotion.code}</Badge>}
      </span>
      <span className="text-soft">
        {promotion.percent ? `${promotion.percent} %` : `${exactMoney(promotion.fixed ?? '0', currency, place)} a unit`}, until <Time at={promotion.ends_at} style="date" />
      </span>
    </li>
  )
}

function Level({ level, meter, currency, unit }: { level: Schema<'ResolvedLevel'>; meter: string; currency: string; unit: string }) {
  const { place } = useViewer()
  return (
    <Card
      title={
        <>
          <AccountName id={level.payer_id} link={false} /> pays <AccountName id={level.seller_id} link={false} />
        </>
      }
      sub={RULES[level.rule.kind]}
      actions={
        <span className="text-sm">
          One more {unit}: <Exact value={level.next_unit} currency={currency} explain={{ title: 'One more unit', says: `${RULES[level.rule.kind]}. The lines of this card say how the price comes about; a quote works out a quantity the same way.`, parts: [{ label: 'One more unit', amount: level.next_unit, total: true }], links: [{ label: 'Quote one more unit', to: 'prices/quote', search: { account: level.payer_id, lines: JSON.stringify([[meter, '1']]) } }] }} className="font-semibold" />
        </span>
      }
    >
      <div className="grid gap-5 text-sm lg:grid-cols-2">
        <div className="space-y-4">
          {level.model && <ModelShown model={level.model} currency={currency} unit={unit} />}
          {level.markup && <p className="font-medium">{markupSays(level.markup, currency, place)}</p>}
          {level.allow_loss && <Badge tone="warn">May sell under cost</Badge>}
          {level.tiers && level.tiers.length > 0 && <p className="text-soft">The seller gives tiers: {level.tiers.map((tier) => `${tier.name} ${tier.discount} %`).join(', ')}.</p>}
          <ExplanationLines lines={level.explanation} currency={currency} />
        </div>
        <div>
          <h3 className="mb-2">Rules in their order</h3>
          <ol className="divide-y divide-line rounded-lg border border-line">
            {level.considered.map((rule, index) => {
              const applies = rule.verdict === 'applies'
              return (
                <li key={index} className={`flex items-start gap-2.5 px-3 py-2 ${applies ? 'bg-good-wash' : ''}`}>
                  <Icon name={applies ? 'check' : 'close'} size={14} className={`mt-1 ${applies ? 'text-good' : 'text-faint'}`} />
                  <span className="min-w-0 flex-1">
                    <span className={applies ? 'font-medium' : ''}>{RULES[rule.rule] ?? words(rule.rule)}</span>
                    <span className="block text-xs text-soft">
                      {VERDICTS[rule.verdict]}
                      {rule.of && <> · <AccountName id={rule.of} link={false} /></>}
                    </span>
                  </span>
                  {rule.id && <Id id={rule.id} what="rule id" />}
                </li>
              )
            })}
          </ol>
        </div>
      </div>
    </Card>
  )
}
