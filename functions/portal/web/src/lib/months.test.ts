import { expect, test } from 'vitest'
import { addToMonth, monthsBefore, monthsIn, readMonth, readMonths } from './months'

const NOW = new Date('2026-11-30T23:30:00Z')

test('months go over years both ways', () => {
  expect(addToMonth('2026-11', 3)).toBe('2027-02')
  expect(addToMonth('2026-02', -14)).toBe('2024-12')
})

test('a range counts both of its ends', () => {
  expect(monthsIn({ from: '2025-11', to: '2026-02' })).toEqual(['2025-11', '2025-12', '2026-01', '2026-02'])
  expect(monthsBefore({ from: '2025-11', to: '2026-02' })).toEqual({ from: '2025-07', to: '2025-10' })
})

test('an address says a range by name or by its ends, and nonsense is the fallback', () => {
  expect(readMonths('3m', '6m', NOW)).toEqual({ from: '2026-09', to: '2026-11' })
  expect(readMonths('2026-01..2026-06', '6m', NOW)).toEqual({ from: '2026-01', to: '2026-06' })
  expect(readMonths('year', '6m', NOW)).toEqual({ from: '2026-01', to: '2026-11' })
  for (const wrong of ['2026-06..2026-01', '2026-13..2027-01', 'x', '', '0m']) expect(readMonths(wrong, '6m', NOW)).toEqual({ from: '2026-06', to: '2026-11' })
  expect(readMonth('2026-1', '2026-10')).toBe('2026-10')
})
