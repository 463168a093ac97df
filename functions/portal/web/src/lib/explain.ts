/** Where figures come from, in words and parts. What is listed above a total adds up to it. */

import type { Schema } from '~/api/client'
import type { Explanation } from '~/ui/amount'
import { compare, minus, sign, sum } from './decimal'
import { capital } from './format'

/** A name and its amount, the total marked; or what is no amount, in words. */
export type Part = [label: string, amount: string, total?: 'total'] | { label: string; text: string }
/** What the page knows besides: where the figure can be followed, in which currency it is, how old it is. */
type More = Pick<Explanation, 'links' | 'currency' | 'asOf'>

/** An amount with the parts that it is counted from. */
export function explain(title: string, says: string, parts: Part[], more: More = {}): Explanation {
  return { title, says, parts: parts.map((part) => (Array.isArray(part) ? { label: part[0], amount: part[1], ...(part[2] && { total: true }) } : part)), ...more }
}

/** A part unless it is nothing. */
export const some = (label: string, amount: string): Part[] => (sign(amount) === 0 ? [] : [[label, amount]])
/** The same, taken off. */
const less = (label: string, amount: string): Part[] => some(label, minus('0', amount))

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
  return explain(
    capital(figure),
    `${PROFIT[figure]} ${of}.`,
    [
      ['Revenue', row.revenue],
      ['Cost', minus('0', row.cost)],
      ...some('Of that, for what was not sold on', own),
      ['Margin', row.margin, 'total'],
    ],
    more,
  )
}

/** The same of a row of usage. Of its own usage an account only pays: there is no price and no margin then. */
export function explainUsage(figure: 'price' | 'cost' | 'margin', of: string, row: { price?: string | null; cost: string; margin?: string | null } | undefined, more: More = {}): Explanation {
  // Where nothing was used there is no row.
  const { price, cost, margin } = row ?? { price: '0', cost: '0', margin: '0' }
  if (price === null || price === undefined || margin === null || margin === undefined) {
    return explain('Cost', `What your account pays for ${of}: each event at the price in force when it happened.`, [['Cost', cost, 'total']], more)
  }
  return explainProfit(figure === 'price' ? 'revenue' : figure, of, { revenue: price, cost, margin }, more)
}

/** The total of an invoice. */
export function explainTotal(invoice: Pick<Schema<'InvoiceSummary'>, 'id' | 'subtotal' | 'tax' | 'total' | 'currency'>, link = true): Explanation {
  return explain(
    'Total of the invoice',
    'All of its lines, each rounded once, and the taxes on them.',
    [
      ['Lines', invoice.subtotal],
      ['Taxes', invoice.tax],
      ['Total', invoice.total, 'total'],
    ],
    { currency: invoice.currency, links: link ? [{ label: 'Its lines', to: `invoices/${invoice.id}` }] : undefined },
  )
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
  return explain(
    'Still due',
    sign(invoice.disputed) === 0 ? 'What of the total is neither paid nor credited.' : 'What of the total is neither paid nor credited. A part of it is in dispute and not collected until that ends.',
    [
      ['Total', invoice.total],
      ...less('Paid from credit with the usage', invoice.paid_from_credit),
      ...less('Credited', invoice.credited),
      ...less('Paid', invoice.paid),
      ...some('Of that, given back', back),
      ['Still due', invoice.due, 'total'],
    ],
    { currency: invoice.currency, links },
  )
}

/** The total of a credit note. */
export function explainCreditNote(note: Pick<Schema<'CreditNote'>, 'id' | 'invoice_id' | 'total' | 'reduces' | 'given_back' | 'currency'>): Explanation {
  return explain(
    'Credit note',
    'What it takes off its invoice, with the taxes on it: what was due lessens first, and what was paid already is given back.',
    [
      ['Off what was due', note.reduces],
      ['Given back', note.given_back],
      ['Total', note.total, 'total'],
    ],
    {
      currency: note.currency,
      links: [
        { label: 'Its lines', to: `credit-notes/${note.id}` },
        { label: 'Its invoice', to: `invoices/${note.invoice_id}` },
      ],
    },
  )
}

/** A payment: what of it counted, and what of that went back. */
export function explainPayment(payment: Pick<Schema<'Payment'>, 'id' | 'invoice_id' | 'amount' | 'applied' | 'refunded' | 'currency'>): Explanation {
  return explain(
    'Payment',
    'One attempt to pay. What counted of it lessens what is due, or bought credit; what was refunded or charged back does not count any more.',
    [
      ['Asked for', payment.amount],
      ['Counted', payment.applied],
      ['Given back of that', payment.refunded],
    ],
    {
      currency: payment.currency,
      links: [{ label: 'The payment', to: `payments/${payment.id}` }, ...(payment.invoice_id ? [{ label: 'Its invoice', to: `invoices/${payment.invoice_id}` }] : [])],
    },
  )
}

/** The balance of an account. */
export function explainBalance(balance: Pick<Schema<'Balance'>, 'available' | 'held' | 'credit_limit' | 'spendable' | 'currency'>, more: More = {}): Explanation {
  return explain(
    'Credit',
    'What the ledger stands at: every movement carries the balance after it. What open holds set aside is not in it.',
    [
      ['Available', balance.available],
      ['Credit limit', balance.credit_limit],
      ['Can be spent', balance.spendable, 'total'],
      ['Held beside it', balance.held],
    ],
    { currency: balance.currency, ...more },
  )
}

/** A balance after a movement. */
export function explainMovement(entry: Pick<Schema<'Entry'>, 'amount' | 'balance_after' | 'currency'>, what: string, more: More = {}): Explanation {
  return explain(
    what,
    'One line of the ledger. The balance before it and what it moved make the balance after it.',
    [
      ['Balance before', minus(entry.balance_after, entry.amount)],
      [what, entry.amount],
      ['Balance after', entry.balance_after, 'total'],
    ],
    { currency: entry.currency, ...more },
  )
}

/** More parts than these are one part together. */
const PARTS_MAX = 12

/** An amount by what it is made of, the largest part first. What is not among the parts is one part more. */
export function explainParts(title: string, says: string, parts: [label: string, amount: string][], total: string, more: More = {}): Explanation {
  const shown = parts
    .filter(([, amount]) => sign(amount) !== 0)
    .sort(([, one], [, other]) => compare(other, one))
    .slice(0, PARTS_MAX)
  const rest = minus(total, sum(shown.map(([, amount]) => amount)))
  return explain(title, says, [...shown, ...some('Everything else', rest), ['Together', total, 'total']], more)
}

/** What was paid for usage, by its meters. */
export function explainSpend(title: string, of: Schema<'UsageTotals'> | null | undefined, currency: string, more: More = {}): Explanation {
  const meters = (of?.meters ?? []).filter((row) => row.currency === currency).map((row): [string, string] => [row.meter, row.cost])
  const total = of?.money.find((money) => money.currency === currency)?.cost ?? '0'
  return explainParts(title, 'What you pay for what you used, meter by meter: each event at the price in force when it happened.', meters, total, { currency, ...more })
}

/** What a dispute is about. */
export function explainDispute(dispute: Pick<Schema<'DisputeSummary'>, 'id' | 'invoice_id' | 'amount' | 'accepted' | 'currency'>): Explanation {
  return explain(
    'Dispute',
    'What is disputed of the lines of an invoice, taxes included. It is not collected while the dispute is open; what is accepted of it is credited.',
    [
      ['Disputed', dispute.amount],
      ['Accepted of that', dispute.accepted],
    ],
    {
      currency: dispute.currency,
      links: [
        { label: 'Its lines', to: `disputes/${dispute.id}` },
        { label: 'Its invoice', to: `invoices/${dispute.invoice_id}` },
      ],
    },
  )
}
