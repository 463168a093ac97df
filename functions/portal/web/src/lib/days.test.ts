import { describe, expect, it } from 'vitest'
import { readMoment, startOf } from './days'

describe('moments typed in a zone', () => {
  it('begin when the clocks there show it, before and after they change', () => {
    expect(readMoment('2026-03-28T00:00', 'Europe/Zurich')).toBe('2026-03-27T23:00:00Z')
    expect(readMoment('2026-03-30T00:00', 'Europe/Zurich')).toBe('2026-03-29T22:00:00Z')
    expect(readMoment('2026-11-01T12:30', 'America/New_York')).toBe('2026-11-01T17:30:00Z')
    expect(readMoment('2026-07-01T08:15:30', 'Asia/Kolkata')).toBe('2026-07-01T02:45:30Z')
    expect(readMoment('2026-07-01T08:15', 'UTC')).toBe('2026-07-01T08:15:00Z')
  })

  it('are the first of two where clocks go back, and after the gap where they skip', () => {
    expect(readMoment('2026-10-25T02:30', 'Europe/Zurich')).toBe('2026-10-25T00:30:00Z')
    expect(readMoment('2026-11-01T01:30', 'America/New_York')).toBe('2026-11-01T05:30:00Z')
    expect(readMoment('2026-03-29T02:30', 'Europe/Zurich')).toBe('2026-03-29T01:30:00Z')
  })

  it('are none where nothing is typed', () => {
    expect([readMoment('', 'UTC'), readMoment('tomorrow', 'UTC'), readMoment('2026-13-01T00:00', 'UTC')]).toEqual([undefined, undefined, undefined])
  })

  it('begin a day after midnight where midnight is skipped, east and west', () => {
    expect(startOf('2026-03-29', 'Asia/Beirut')).toBe('2026-03-28T22:00:00Z')
    expect(startOf('2018-11-04', 'America/Sao_Paulo')).toBe('2018-11-04T03:00:00Z')
    expect(startOf('2026-03-29', 'Europe/Zurich')).toBe('2026-03-28T23:00:00Z')
  })
})
