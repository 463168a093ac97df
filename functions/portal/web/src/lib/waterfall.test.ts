import { expect, test } from 'vitest'
import { type Step, waterfall } from './waterfall'

const part = (label: string, amount: string): Step => ({ label, amount, total: false })
const total = (label: string, amount: string): Step => ({ label, amount, total: true })
const ends = (steps: Step[]) => waterfall(steps).map((bar) => [bar.from, bar.to])

test('parts rise to their total, and what is taken off leads down to what is left', () => {
  expect(ends([part('level 1', '70.000000'), part('level 2', '30.000000'), total('retail', '100.000000'), part('wholesale', '-60.000000'), part('own usage', '-10.000000'), total('margin', '30.000000')])).toEqual([
    ['0.000000', '70.000000'],
    ['70.000000', '100.000000'],
    ['0.000000', '100.000000'],
    ['100.000000', '40.000000'],
    ['40.000000', '30.000000'],
    ['0.000000', '30.000000'],
  ])
})

test('a loss ends below zero', () => {
  expect(ends([total('retail', '10'), part('wholesale', '-12'), total('margin', '-2')])).toEqual([
    ['0.000000', '10.000000'],
    ['10.000000', '-2.000000'],
    ['0.000000', '-2.000000'],
  ])
})
