import { describe, expect, it } from 'vitest'
import { before, startOf } from './days'
import { periodIndex, periodStart } from './periods'

describe('periods of two ranges side by side', () => {
  it('keeps days together when the clocks change between them', () => {
    // In London the first range begins at 23:00 UTC of the day before, the second at midnight UTC.
    const now = { from: '2026-03-30', to: '2026-04-28' }
    const then = before(now)
    expect(startOf(now.from, 'Europe/London')).toBe('2026-03-29T23:00:00Z')
    expect(periodIndex('2026-03-30T00:00:00Z', now.from, 'day')).toBe(0)
    expect(periodIndex('2026-03-29T00:00:00Z', now.from, 'day')).toBe(-1)
    expect(periodIndex(`${then.from}T00:00:00Z`, then.from, 'day')).toBe(0)
    expect(periodIndex('2026-04-28T00:00:00Z', now.from, 'day')).toBe(periodIndex(`${then.to}T00:00:00Z`, then.from, 'day'))
  })

  it('counts hours from where the range begins', () => {
    expect(periodIndex('2026-03-29T22:00:00Z', '2026-03-28T23:00:00Z', 'hour')).toBe(23)
  })

  it('puts months of other lengths side by side, over the end of a year too', () => {
    expect(periodIndex('2026-03-01T00:00:00Z', '2025-11-15', 'month')).toBe(4)
    expect(periodIndex('2025-03-01T00:00:00Z', '2024-11-14', 'month')).toBe(4)
  })

  it('finds the start again', () => {
    for (const [start, from, period] of [['2026-03-01T00:00:00Z', '2025-11-15', 'month'], ['2026-03-31T00:00:00Z', '2026-03-30', 'day'], ['2026-03-29T01:00:00Z', '2026-03-28T23:00:00Z', 'hour']] as const) {
      expect(periodStart(periodIndex(start, from, period), from, period)).toBe(Date.parse(start) / 1000)
    }
  })
})
