import type { Schema } from '~/api/client'
import { count, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Badge } from '~/ui/badge'
import { Exact } from '~/ui/exact'

/** What each rule is, in the order in which they are looked at. */
export const RULES: Record<Schema<'RuleKind'>, string> = {
  account_card: 'The seller’s card for this very account',
  account_meter_markup: 'The seller’s markup for this account and meter',
  account_markup: 'The seller’s markup for this account',
  card: 'The seller’s card of the meter',
  meter_markup: 'The seller’s markup for the meter',
  markup: 'The seller’s default markup',
  inherited_markup: 'A markup that is inherited from further up',
  cost: 'What the seller pays itself, passed on',
}

/** How a price came about, line by line. */
export function ExplanationLines({ lines, currency }: { lines: Schema<'ExplanationLine'>[]; currency: string }) {
  return (
    <ol className="divide-y divide-line rounded-lg border border-line text-sm">
      {lines.map((line, index) => (
        <li key={index} className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-3 py-2">
          <span className="min-w-0 flex-1">
            <span className="mr-2 text-xs text-soft">{words(line.rule)}</span>
            {line.detail}
          </span>
          {line.amount !== null && line.amount !== undefined && <Exact value={line.amount} currency={currency} />}
        </li>
      ))}
    </ol>
  )
}

/** One sale of a chain: who pays whom, by which rule, with tier, promotion, cost and margin. */
export function LevelTrace({ level, currency }: { level: Schema<'PricedLevel'>; currency: string }) {
  const { place } = useViewer()
  return (
    <li className="space-y-3 rounded-lg border border-line p-4">
      <p className="flex flex-wrap items-baseline justify-between gap-2 text-sm">
        <span>
          <span className="font-medium"><AccountName id={level.payer_id} /></span> pays <span className="font-medium"><AccountName id={level.seller_id} /></span>
        </span>
        <Exact value={level.price} currency={currency} className="text-base font-semibold" />
      </p>
      <p className="flex flex-wrap gap-1.5 text-sm">
        <Badge tone="info">{RULES[level.rule.kind]}</Badge>
        {level.tier && <Badge>Tier {level.tier.name}: {level.tier.discount} % off{level.tier.grace ? ', by grace' : ''}</Badge>}
        {level.promotion && <Badge>Promotion, borne by {level.promotion.funded_by === 'owner' ? 'its owner' : 'the seller'}</Badge>}
      </p>
      <dl className="grid grid-cols-2 gap-x-6 gap-y-1 text-sm sm:grid-cols-4">
        <div><dt className="text-xs text-soft">Quantity before</dt><dd>{count(level.position, place)}</dd></div>
        <div><dt className="text-xs text-soft">Rule says</dt><dd><Exact value={level.base} currency={currency} /></dd></div>
        <div><dt className="text-xs text-soft">Seller’s cost</dt><dd><Exact value={level.cost} currency={currency} /></dd></div>
        <div><dt className="text-xs text-soft">Seller’s margin</dt><dd><Exact value={level.margin} currency={currency} className={level.margin?.startsWith('-') ? 'text-bad' : ''} /></dd></div>
      </dl>
      <ExplanationLines lines={level.explanation} currency={currency} />
    </li>
  )
}
