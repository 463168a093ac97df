import { describe, expect, it } from 'vitest'
import { compareDecimals, exactMoney, plainDecimal, readDecimal } from './exact'

const place = { locale: 'en-US', timeZone: 'UTC' }

describe('exact money', () => {
  it('shows every place that counts', () => {
    expect(exactMoney('0.000000400000', 'USD', place)).toBe('$0.0000004')
    expect(exactMoney('1234567890123.000000000001', 'USD', place)).toBe('$1,234,567,890,123.000000000001')
    expect(exactMoney('5.000000', 'USD', place)).toBe('$5.00')
  })
  it('reads what people type', () => {
    expect(readDecimal(' 0,05 ', 12)).toBe('0.05')
    expect(readDecimal('0.0000000000001', 12)).toBeNull()
    expect(readDecimal('-1', 12)).toBeNull()
    expect(readDecimal('abc', 12)).toBeNull()
  })
  it('leaves zeros out behind the dot alone', () => {
    expect(['10.500000', '100.000000', '1000', '0.000000'].map(plainDecimal)).toEqual(['10.5', '100', '1000', '0'])
  })
  it('orders decimals with more places than micro-units', () => {
    expect(compareDecimals('0.000000000001', '0.000000000002')).toBe(-1)
    expect(compareDecimals('-1', '0.5')).toBe(-1)
    expect(compareDecimals('1.50', '1.5')).toBe(0)
  })
})
