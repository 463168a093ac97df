import { describe, expect, it } from 'vitest'
import { endsOf, isMonth, monthNow } from './month'

describe('months of invoices', () => {
  it('finds periods that end west of UTC, on the last anchor day, and where they were cut', () => {
    const { from, to } = endsOf('2026-12')
    for (const end of ['2026-12-09T10:00:00Z', '2027-01-01T00:00:00Z', '2027-01-01T12:00:00Z', '2027-01-31T12:00:00Z']) expect(end >= from && end < to).toBe(true)
  })
  it('knows a month', () => {
    expect(isMonth('2026-11')).toBe(true)
    expect(isMonth('2026-13')).toBe(false)
    expect(isMonth(undefined)).toBe(false)
    expect(monthNow(1, new Date('2026-01-31T23:00:00Z'))).toBe('2025-12')
  })
})
