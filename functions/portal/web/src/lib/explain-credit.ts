/** Where amounts of credit come from: what is set aside, moved, bought and drawn. */

import type { Schema } from '~/api/client'
import type { Explanation } from '~/ui/amount'
import { minus, plain, sign, sum } from './decimal'
import { explain, type Part, some } from './explain'

/** Credit that was set aside, and what became of it. */
export function explainHold(hold: Pick<Schema<'Hold'>, 'status' | 'amount' | 'captured' | 'currency'>): Explanation {
  return explain(
    'Hold',
    hold.status === 'open' ? 'Credit that is set aside: it cannot be spent otherwise until it is captured, released or ends by itself.' : 'Credit that was set aside. What was not captured was set free when the hold ended.',
    [
      ['Captured', hold.captured],
      [hold.status === 'open' ? 'Still set aside' : 'Set free', minus(hold.amount, hold.captured)],
      ['Set aside', hold.amount, 'total'],
    ],
    { currency: hold.currency, links: [{ label: 'The ledger', to: 'credits' }] },
  )
}

/** The price of a package, and what one credit of it comes to. */
export function explainPackage(of: { name?: string; credits: string; bonus: string; price: string; price_per_credit: string; currency: string }): Explanation {
  return explain(
    of.name ?? 'The price of credit',
    'The price by all credits that it gives, those on top counted in, is what one credit costs, rounded half to even.',
    [
      ['Price', of.price],
      { label: 'Credits paid for', text: plain(of.credits) },
      { label: 'Credits on top', text: plain(of.bonus) },
      ['One credit costs', of.price_per_credit],
    ],
    { currency: of.currency },
  )
}

/** What a capture spends of a hold, and what it sets free. */
export function explainCapture(hold: Pick<Schema<'Hold'>, 'amount' | 'currency'>, amount: string): Explanation {
  return explain(
    'Capture of a hold',
    'A hold is captured once: what is not spent of it then can be spent otherwise at once.',
    [
      ['Spent', amount],
      ['Set free', minus(hold.amount, amount)],
      ['Set aside', hold.amount, 'total'],
    ],
    { currency: hold.currency },
  )
}

/** What a movement of credit leaves behind. */
export function explainStays(balance: Pick<Schema<'Balance'>, 'available' | 'credit_limit' | 'spendable' | 'currency'>, amount: string): Explanation {
  return explain(
    'What stays',
    'What can be spent now, less what is to be moved.',
    [
      ['Available', balance.available],
      ['Credit limit', balance.credit_limit],
      ['Moved', minus('0', amount)],
      ['Stays', minus(balance.spendable, amount), 'total'],
    ],
    { currency: balance.currency },
  )
}

type Offer = Schema<'PackageOffer'>
const bought = (part: Offer['parts'][number]) => (part.package_id ? `${part.quantity} × ${part.name ?? 'package'}` : `${plain(part.credits)} loose credits`)

/** What purchases cost together. */
export function explainOffer(offer: Pick<Offer, 'parts' | 'price'>, currency: string): Explanation {
  return explain('What it costs', 'What these purchases cost together.', [...offer.parts.map((part): Part => [bought(part), part.price]), ['Together', offer.price, 'total']], { currency })
}

/** What one of several purchases costs. */
export function explainPurchase(part: Offer['parts'][number], currency: string): Explanation {
  return explain(
    bought(part),
    'The price of this purchase, and the credits that it gives.',
    [
      { label: 'Credits paid for', text: plain(part.credits) },
      { label: 'Credits on top', text: plain(part.bonus) },
      ['Price', part.price],
    ],
    { currency },
  )
}

/** What is saved, or lost, against credits at one unit each. */
export function explainSaving(offer: Pick<Offer, 'price' | 'saving'>, currency: string): Explanation {
  const alone = sum([offer.price, offer.saving])
  const parts: Part[] =
    sign(offer.saving) < 0
      ? [['Price', offer.price], ['At one unit each', minus('0', alone)], ['Dearer by', minus('0', offer.saving), 'total']]
      : [['At one unit each', alone], ['Price', minus('0', offer.price)], ['Saved', offer.saving, 'total']]
  return explain('Against one unit each', 'The price beside what all the credits, those on top counted in, would cost at one unit each.', parts, { currency })
}

/** How an account tops itself up, and what it drew. */
export function explainTopup(topup: Schema<'AutoTopup'>): Explanation {
  return explain(
    'Auto top-up',
    topup.amount ? 'Whenever less than the threshold is available, so much is drawn, as often as it takes. Days and months are those of UTC.' : 'Whenever less than the threshold is available, what is missing to the target is drawn. Days and months are those of UTC.',
    [
      ['Threshold', topup.threshold],
      ...(topup.amount ? some('Drawn each time', topup.amount) : []),
      ...(topup.target ? some('Drawn up to', topup.target) : []),
      ['Drawn today', topup.drawn_today],
      ...(topup.daily_cap ? some('At most in a day', topup.daily_cap) : []),
      ['Drawn this month', topup.drawn_this_month],
      ...(topup.monthly_cap ? some('At most in a month', topup.monthly_cap) : []),
    ],
    { currency: topup.currency },
  )
}
