import { expect, test } from 'vitest'
import { loses, waterfall } from './waterfall'

const TO = (steps: [string, string][]) => waterfall(steps.map(([label, amount]) => ({ label, amount }))).map((bar) => [bar.amount, bar.from, bar.to])

test('steps lead from the first to what is left, whether they come signed or as sizes', () => {
  const wanted = [
    ['100', '0.000000', '100'],
    ['-10.000000', '100.000000', '90.000000'],
    ['-60.000000', '90.000000', '30.000000'],
    ['30', '0.000000', '30'],
  ]
  expect(TO([['retail', '100'], ['discounts', '-10'], ['wholesale', '-60'], ['margin', '30']])).toEqual(wanted)
  expect(TO([['retail', '100'], ['discounts', '10'], ['wholesale', '60'], ['margin', '30']])).toEqual(wanted)
})

test('a loss ends below zero', () => {
  const bars = waterfall([{ label: 'retail', amount: '10' }, { label: 'wholesale', amount: '-12' }, { label: 'margin', amount: '-2' }])
  expect(bars[1]).toMatchObject({ from: '10.000000', to: '-2.000000' })
  expect(loses(bars)).toBe(true)
})
