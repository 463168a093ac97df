import { describe, expect, test } from 'vitest'
import { contrast, readable, textOn } from './colour'
import { addMonths, before, daysBetween, preset, startOf } from './days'
import { compare, fromMicros, minus, plain, readAmount, sign, sum, toMicros } from './decimal'
import { calendar, count, date, money, percent, placeOf, relative, words } from './format'
import { safeHttp, safeNext } from './links'
import { parseSearch, writeSearch } from './search'

const english = { locale: 'en-US', timeZone: 'UTC' }
const swiss = { locale: 'de-CH', timeZone: 'Europe/Zurich' }

describe('decimals', () => {
  test('are exact where doubles are not', () => {
    expect(sum(['0.1', '0.2'])).toBe('0.300000')
    expect(minus('9007199254740993.000001', '0.000001')).toBe('9007199254740993.000000')
    expect(fromMicros(toMicros('-0.000001'))).toBe('-0.000001')
    expect(compare('10', '9.999999')).toBe(1)
    expect(['5000.000000', '0.500000', '100', '0.000000'].map(plain)).toEqual(['5000', '0.5', '100', '0'])
    expect([sign('-0.000000'), sign('-0.1'), sign('3')]).toEqual([0, -1, 1])
  })
  test('refuse what is none', () => {
    for (const text of ['', '1e3', '1.', '.5', '--1', '1.0000001']) expect(() => toMicros(text)).toThrow()
  })
  test.each([
    ['1234.5', '1234.5'],
    ['1,234.50', '1234.50'],
    ['1.234,50', '1234.50'],
    ["1'234.5", '1234.5'],
    ['1 234,5', '1234.5'],
    ['12,5', '12.5'],
    ['1,234', null],
    ['1.2345678', null],
    ['twelve', null],
    ['', null],
  ])('typed %j is read as %j', (typed, read) => {
    expect(readAmount(typed)).toBe(read)
  })
})

describe('money', () => {
  test('is not rounded through a double', () => {
    expect(money('9007199254740993.99', 'USD', english)).toBe('$9,007,199,254,740,993.99')
  })
  test('that would round to nothing is shown in full', () => {
    expect(money('0.000012', 'USD', english)).toBe('$0.000012')
    expect(money('0', 'USD', english)).toBe('$0.00')
    expect(money('12.345678', 'USD', english)).toBe('$12.35')
    expect(money('12.345678', 'USD', english, { style: 'exact' })).toBe('$12.345678')
    expect(money('0.000000000012', 'USD', english, { style: 'exact' })).toBe('$0.000000000012')
  })
  test('has the places of its currency', () => {
    expect(money('1234.56', 'JPY', english)).toBe('¥1,235')
    expect(money('3', 'USD', english, { signed: true })).toBe('+$3.00')
  })
})

describe('what people read', () => {
  test('counts, percent, words', () => {
    expect(count('12345678901234567890', english)).toBe('12,345,678,901,234,567,890')
    expect(percent('12.34', english, { signed: true })).toBe('+12.3%')
    expect(percent(null, english)).toBe('–')
    expect(words('past_due')).toBe('Past due')
  })
  test('a moment is told in the zone of the account, a calendar day in none', () => {
    expect(date('2026-10-31T23:30:00Z', swiss, 'date')).toContain('1')
    expect(date('2026-10-31T23:30:00Z', english, 'date')).toBe('Oct 31, 2026')
    expect(date('2026-10-31T23:30:00Z', english, 'datetime', new Date('2026-12-01T00:00:00Z'))).toBe('Oct 31, 11:30 PM')
    expect(date('2026-10-31T23:30:00Z', english, 'datetime', new Date('2027-01-01T00:00:00Z'))).toBe('Oct 31, 2026, 11:30 PM')
    expect(calendar('2026-11', english)).toBe('November 2026')
    expect(relative('2026-11-01T00:00:00Z', english, Date.parse('2026-11-01T03:00:00Z'))).toBe('3 hours ago')
  })
  test('an unknown locale or zone falls back', () => {
    expect(placeOf({ locale: 'not a tag', time_zone: 'Mars/Olympus' }).timeZone).toBe('UTC')
  })
})

describe('days', () => {
  test('begin where the zone says, clock changes counted in', () => {
    expect(startOf('2026-11-01', 'UTC')).toBe('2026-11-01T00:00:00Z')
    expect(startOf('2026-10-25', 'Europe/Berlin')).toBe('2026-10-24T22:00:00Z')
    expect(startOf('2026-10-26', 'Europe/Berlin')).toBe('2026-10-25T23:00:00Z')
    expect(startOf('2026-03-08', 'America/New_York')).toBe('2026-03-08T05:00:00Z')
    expect(startOf('2026-01-01', 'Asia/Kathmandu')).toBe('2025-12-31T18:15:00Z')
  })
  test('months end where they end', () => {
    expect(addMonths('2026-03-31', -1)).toBe('2026-02-28')
    expect(addMonths('2026-12-01', 1)).toBe('2027-01-01')
    expect(daysBetween('2026-10-20', '2026-10-30')).toBe(10)
    expect(before({ from: '2026-11-01', to: '2026-11-30' })).toEqual({ from: '2026-10-02', to: '2026-10-31' })
    expect(preset('last_month', 'UTC', new Date('2026-03-15T12:00:00Z'))).toEqual({ from: '2026-02-01', to: '2026-02-28' })
    expect(preset('today', 'Pacific/Auckland', new Date('2026-11-01T12:00:00Z'))).toEqual({ from: '2026-11-02', to: '2026-11-02' })
  })
})

describe('addresses', () => {
  test('from data are opened only if they are http or a path of this host', () => {
    expect(safeHttp('https://x.example/a')).toBe('https://x.example/a')
    expect(safeHttp('/assets/a.csv')).toBe('/assets/a.csv')
    for (const bad of ['javascript:alert(1)', 'data:text/html,x', '//evil.example', '/\\evil.example', 'x', null, ' java\nscript:1']) expect(safeHttp(bad)).toBeNull()
  })
  test('after signing in stay within the pages', () => {
    expect(safeNext('/app/accounts?q=x', '/app')).toBe('/app/accounts?q=x')
    for (const bad of ['https://evil.example', '//evil.example', '/application', '/app/sign-in', '/portal/x', 7]) expect(safeNext(bad, '/app')).toBe('/app')
  })
  test('carry filters in one order, and nothing empty', () => {
    expect(writeSearch({ q: 'a b', status: '', kind: undefined, a: '1' })).toBe('?a=1&q=a+b')
    expect(parseSearch('?a=1&q=a+b')).toEqual({ a: '1', q: 'a b' })
  })
})

describe('colours', () => {
  test('that text is set in are moved until it reads', () => {
    for (const colour of ['#ffe600', '#0f7b5f', '#2f5fd0', '#ffffff', '#000000']) {
      expect(contrast(readable(colour, '#ffffff'), '#ffffff')).toBeGreaterThanOrEqual(4.5)
      expect(contrast(readable(colour, '#0b0d12'), '#0b0d12')).toBeGreaterThanOrEqual(4.5)
    }
    expect(textOn('#ffe600')).toBe('#000000')
    expect(textOn('#0f3b5f')).toBe('#ffffff')
  })
})
