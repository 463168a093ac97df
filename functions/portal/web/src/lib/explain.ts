/** Where figures come from, in words and parts. What is listed above a total adds up to it. */

import type { Schema } from '~/api/client'
import type { Explanation } from '~/ui/amount'
import { compare, minus, plain, sign, sum } from './decimal'
import { capital } from './format'

type Part = NonNullable<Explanation['parts']>[number]
/** What the page knows besides: where the figure can be followed, in which currency it is, how old it is. */
type More = Pick<Explanation, 'links' | 'currency' | 'asOf'>

const less = (label: string, amount: string): Part[] => (sign(amount) === 0 ? [] : [{ label, amount: minus('0', amount) }])

export type ProfitFigure = 'revenue' | 'cost' | 'margin'
const PROFIT: Record<ProfitFigure, string> = {
  revenue: 'What your account is paid for',
  cost: 'What your account pays its own seller for',
  margin: 'What your account keeps, revenue less cost, of',
}

/** Revenue, cost or margin of something: `of` goes on the sentence, as “usage of Corner Shop this month”. */
export function explainProfit(figure: ProfitFigure, of: string, row: Record<ProfitFigure, string>, more: More = {}): Explanation {
  // What the account used itself has a cost, and neither revenue nor margin where usage is counted event by event.
  const own = minus(row.margin, minus(row.revenue, row.cost))
  return {
    title: capital(figure),
    says: `${PROFIT[figure]} ${of}.`,
    parts: [
      { label: 'Revenue', amount: row.revenue },
      { label: 'Cost', amount: minus('0', row.cost) },
      ...(sign(own) === 0 ? [] : [{ label: 'Of that, for what was not sold on', amount: own }]),
      { label: 'Margin', amount: row.margin, total: true },
    ],
    ...more,
  }
}

/** The same of a row of usage. Of its own usage an account only pays: there is no price and no margin then. */
export function explainUsage(figure: 'price' | 'cost' | 'margin', of: string, row: { price?: string | null; cost: string; margin?: string | null } | undefined, more: More = {}): Explanation {
  // Where nothing was used there is no row.
  const { price, cost, margin } = row ?? { price: '0', cost: '0', margin: '0' }
  if (price === null || price === undefined || margin === null || margin === undefined) {
    return { title: 'Cost', says: `What your account pays for ${of}: each event at the price in force when it happened.`, parts: [{ label: 'Cost', amount: cost, total: true }], ...more }
  }
  return explainProfit(figure === 'price' ? 'revenue' : figure, of, { revenue: price, cost, margin }, more)
}

/** The total of an invoice. */
export function explainTotal(invoice: Pick<Schema<'InvoiceSummary'>, 'id' | 'subtotal' | 'tax' | 'total' | 'currency'>, link = true): Explanation {
  return {
    title: 'Total of the invoice',
    says: 'All of its lines, each rounded once, and the taxes on them.',
    parts: [
      { label: 'Lines', amount: invoice.subtotal },
      { label: 'Taxes', amount: invoice.tax },
      { label: 'Total', amount: invoice.total, total: true },
    ],
    currency: invoice.currency,
    links: link ? [{ label: 'Its lines', to: `invoices/${invoice.id}` }] : undefined,
  }
}

/** What is still to be paid of an invoice. */
export function explainDue(invoice: Pick<Schema<'InvoiceSummary'>, 'id' | 'state' | 'total' | 'paid_from_credit' | 'credited' | 'paid' | 'disputed' | 'due' | 'currency'>, link = true): Explanation {
  const links = link ? [{ label: 'The invoice with its payments and credit notes', to: `invoices/${invoice.id}` }] : undefined
  if (invoice.state === 'draft' || invoice.state === 'void') {
    return { title: 'Still due', says: `Nothing is due of a ${invoice.state === 'draft' ? 'draft' : 'void invoice'}.`, links }
  }
  // What credit notes gave back of what was paid already counts neither as credited nor as paid any more.
  const left = [invoice.paid_from_credit, invoice.credited, invoice.paid].reduce(minus, invoice.total)
  const back = minus(invoice.due, left)
  return {
    title: 'Still due',
    says: sign(invoice.disputed) === 0 ? 'What of the total is neither paid nor credited.' : 'What of the total is neither paid nor credited. A part of it is in dispute and not collected until that ends.',
    parts: [
      { label: 'Total', amount: invoice.total },
      ...less('Paid from credit with the usage', invoice.paid_from_credit),
      ...less('Credited', invoice.credited),
      ...less('Paid', invoice.paid),
      ...(sign(back) === 0 ? [] : [{ label: 'Of that, given back', amount: back }]),
      { label: 'Still due', amount: invoice.due, total: true },
    ],
    currency: invoice.currency,
    links,
  }
}

/** The total of a credit note. */
export function explainCreditNote(note: Pick<Schema<'CreditNote'>, 'id' | 'invoice_id' | 'total' | 'reduces' | 'given_back' | 'currency'>): Explanation {
  return {
    title: 'Credit note',
    says: 'What it takes off its invoice, with the taxes on it: what was due lessens first, and what was paid already is given back.',
    parts: [
      { label: 'Off what was due', amount: note.reduces },
      { label: 'Given back', amount: note.given_back },
      { label: 'Total', amount: note.total, total: true },
    ],
    currency: note.currency,
    links: [
      { label: 'Its lines', to: `credit-notes/${note.id}` },
      { label: 'Its invoice', to: `invoices/${note.invoice_id}` },
    ],
  }
}

/** A payment: what of it counted, and what of that went back. */
export function explainPayment(payment: Pick<Schema<'Payment'>, 'id' | 'invoice_id' | 'amount' | 'applied' | 'refunded' | 'currency'>): Explanation {
  return {
    title: 'Payment',
    says: 'One attempt to pay. What counted of it lessens what is due, or bought credit; what was refunded or charged back does not count any more.',
    parts: [
      { label: 'Asked for', amount: payment.amount },
      { label: 'Counted', amount: payment.applied },
      { label: 'Given back of that', amount: payment.refunded },
    ],
    currency: payment.currency,
    links: [{ label: 'The payment', to: `payments/${payment.id}` }, ...(payment.invoice_id ? [{ label: 'Its invoice', to: `invoices/${payment.invoice_id}` }] : [])],
  }
}

/** The balance of an account. */
export function explainBalance(balance: Pick<Schema<'Balance'>, 'available' | 'held' | 'credit_limit' | 'spendable' | 'currency'>, more: More = {}): Explanation {
  return {
    title: 'Credit',
    says: 'What the ledger stands at: every movement carries the balance after it. What open holds set aside is not in it.',
    parts: [
      { label: 'Available', amount: balance.available },
      { label: 'Credit limit', amount: balance.credit_limit },
      { label: 'Can be spent', amount: balance.spendable, total: true },
      { label: 'Held beside it', amount: balance.held },
    ],
    currency: balance.currency,
    ...more,
  }
}

/** A balance after a movement. */
export function explainMovement(entry: Pick<Schema<'Entry'>, 'amount' | 'balance_after' | 'currency'>, what: string, more: More = {}): Explanation {
  return {
    title: what,
    says: 'One line of the ledger. The balance before it and what it moved make the balance after it.',
    parts: [
      { label: 'Balance before', amount: minus(entry.balance_after, entry.amount) },
      { label: what, amount: entry.amount },
      { label: 'Balance after', amount: entry.balance_after, total: true },
    ],
    currency: entry.currency,
    ...more,
  }
}

/** More parts than these are one part together. */
const PARTS_MAX = 12

/** An amount by what it is made of, the largest part first. What is not among the parts is one part more. */
export function explainParts(title: string, says: string, parts: { label: string; amount: string }[], total: string, more: More = {}): Explanation {
  const shown = parts
    .filter((part) => sign(part.amount) !== 0)
    .sort((one, other) => compare(other.amount, one.amount))
    .slice(0, PARTS_MAX)
  const rest = minus(total, sum(shown.map((part) => part.amount)))
  return { title, says, parts: [...shown, ...(sign(rest) === 0 ? [] : [{ label: 'Everything else', amount: rest }]), { label: 'Together', amount: total, total: true }], ...more }
}

/** What was paid for usage, by its meters. */
export function explainSpend(title: string, of: Schema<'UsageTotals'> | null | undefined, currency: string, more: More = {}): Explanation {
  const meters = (of?.meters ?? []).filter((row) => row.currency === currency).map((row) => ({ label: row.meter, amount: row.cost }))
  const total = of?.money.find((money) => money.currency === currency)?.cost ?? '0'
  return explainParts(title, 'What you pay for what you used, meter by meter: each event at the price in force when it happened.', meters, total, { currency, ...more })
}

/** What a dispute is about. */
export function explainDispute(dispute: Pick<Schema<'DisputeSummary'>, 'id' | 'invoice_id' | 'amount' | 'accepted' | 'currency'>): Explanation {
  return {
    title: 'Dispute',
    says: 'What is disputed of the lines of an invoice, taxes included. It is not collected while the dispute is open; what is accepted of it is credited.',
    parts: [
      { label: 'Disputed', amount: dispute.amount },
      { label: 'Accepted of that', amount: dispute.accepted },
    ],
    currency: dispute.currency,
    links: [
      { label: 'Its lines', to: `disputes/${dispute.id}` },
      { label: 'Its invoice', to: `invoices/${dispute.invoice_id}` },
    ],
  }
}

/** Credit that was set aside, and what became of it. */
export function explainHold(hold: Pick<Schema<'Hold'>, 'status' | 'amount' | 'captured' | 'currency'>): Explanation {
  return {
    title: 'Hold',
    says: hold.status === 'open' ? 'Credit that is set aside: it cannot be spent otherwise until it is captured, released or ends by itself.' : 'Credit that was set aside. What was not captured was set free when the hold ended.',
    parts: [
      { label: 'Captured', amount: hold.captured },
      { label: hold.status === 'open' ? 'Still set aside' : 'Set free', amount: minus(hold.amount, hold.captured) },
      { label: 'Set aside', amount: hold.amount, total: true },
    ],
    currency: hold.currency,
    links: [{ label: 'The ledger', to: 'credits' }],
  }
}

/** The price of a package, and what one credit of it comes to. */
export function explainPackage(of: { name?: string; credits: string; bonus: string; price: string; price_per_credit: string; currency: string }): Explanation {
  return {
    title: of.name ?? 'The price of credit',
    says: 'The price by all credits that it gives, those on top counted in, is what one credit costs, rounded half to even.',
    parts: [
      { label: 'Price', amount: of.price },
      { label: 'Credits paid for', text: plain(of.credits) },
      { label: 'Credits on top', text: plain(of.bonus) },
      { label: 'One credit costs', amount: of.price_per_credit },
    ],
    currency: of.currency,
  }
}
