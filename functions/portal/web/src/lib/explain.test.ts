import { describe, expect, it } from 'vitest'
import type { Explanation } from '~/ui/amount'
import { sum } from './decimal'
import { explainCreditNote, explainDue, explainMovement, explainParts, explainProfit, explainTotal, explainUsage } from './explain'
import { explainCapture, explainHold, explainOffer, explainSaving, explainStays } from './explain-credit'

/** What stands above the total, added up, and the total. */
function addUp({ parts = [] }: Explanation): [string, string | null | undefined] {
  const at = parts.findIndex((part) => part.total)
  return [sum(parts.slice(0, at).map((part) => part.amount ?? '0')), parts[at]?.amount]
}

const INVOICE = { id: 'inv_1', state: 'finalized' as const, currency: 'USD' as const, subtotal: '100.000000', tax: '20.000000', total: '120.000000', paid_from_credit: '30.000000', credited: '40.000000', paid: '50.000000', disputed: '0.000000', due: '0.000000' }

const LOOSE = { package_id: null, name: null, valid_days: null, quantity: 1, credits: '5.000000', bonus: '0.000000', price: '5.000000' }

describe('what stands above a total adds up to it', () => {
  it.each<[string, Explanation]>([
    ['margin', explainProfit('margin', 'usage', { revenue: '10.500000', cost: '4.250000', margin: '6.250000' })],
    ['a loss', explainUsage('price', 'usage', { price: '1.000000', cost: '3.000000', margin: '-2.000000' })],
    ['usage of which a part was not sold on', explainUsage('cost', 'usage', { price: '5.000000', cost: '4.000000', margin: '2.000000' })],
    ['more parts than are shown', explainParts('Spend', '', Array.from({ length: 20 }, (_, index) => [`meter ${index}`, `${index}.000000`]), '190.000000')],
    ['an invoice', explainTotal(INVOICE)],
    ['what is due', explainDue(INVOICE)],
    ['what is due after something was given back', explainDue({ ...INVOICE, paid: '60.000000', due: '0.000000' })],
    ['what is due of an open invoice', explainDue({ ...INVOICE, paid: '0.000000', due: '50.000000', disputed: '5.000000' })],
    ['a credit note', explainCreditNote({ id: 'crn_1', invoice_id: 'inv_1', total: '40.000000', reduces: '25.000000', given_back: '15.000000', currency: 'USD' })],
    ['a hold', explainHold({ status: 'captured', amount: '10.000000', captured: '4.000000', currency: 'USD' })],
    ['what a capture sets free', explainCapture({ amount: '10.000000', currency: 'USD' }, '4.000000')],
    ['what a transfer leaves', explainStays({ available: '7.000000', credit_limit: '5.000000', spendable: '12.000000', currency: 'USD' }, '10.000000')],
    ['purchases', explainOffer({ parts: [{ ...LOOSE, quantity: 2, credits: '200.000000', bonus: '10.000000', price: '180.000000' }, LOOSE], price: '185.000000' }, 'USD')],
    ['what is saved', explainSaving({ price: '185.000000', saving: '30.000000' }, 'USD')],
    ['what is dearer', explainSaving({ price: '250.000000', saving: '-35.000000' }, 'USD')],
    ['a movement', explainMovement({ amount: '-5.000000', balance_after: '-1.500000', currency: 'USD' }, 'Usage')],
  ])('%s', (_, explanation) => {
    const [parts, total] = addUp(explanation)
    expect(parts).toBe(total)
  })
})

it('keeps what nothing was used of at nothing', () => {
  expect(addUp(explainUsage('price', 'usage', undefined))).toEqual(['0.000000', '0'])
})

it('tells of own usage only what it costs', () => {
  const { title, parts } = explainUsage('margin', 'usage', { price: null, cost: '2.000000', margin: null })
  expect(title).toBe('Cost')
  expect(parts).toEqual([{ label: 'Cost', amount: '2.000000', total: true }])
})

it('says of a draft that nothing is due', () => {
  expect(explainDue({ ...INVOICE, state: 'draft' }).parts).toBeUndefined()
})
