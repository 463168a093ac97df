import { expect, test } from 'vitest'
import { growth, percentOf, rounded, times, withPercent } from './ratio'

test('shares and growth are exact to the hundredth of a percent', () => {
  expect(percentOf('1.000000', '3.000000')).toBe('33.33')
  expect(percentOf('2', '3')).toBe('66.67')
  expect(percentOf('-1', '8')).toBe('-12.50')
  expect(percentOf('1', '0')).toBeNull()
  expect(growth('150', '100')).toBe('50.00')
  expect(growth('50', '100')).toBe('-50.00')
  expect(growth('50', '-100')).toBe('150.00')
  expect(growth('0.1', '0')).toBeNull()
})

test('a markup is taken on the exact cost', () => {
  expect(withPercent('8.000000', '25')).toBe('10.000000')
  expect(withPercent('0.333333', '12.5')).toBe('0.375000')
  expect(times('0.0425', 1000)).toBe('42.500000')
})

test('exact prices are rounded to six places', () => {
  expect(rounded('0.480000000000')).toBe('0.480000')
  expect(rounded('0.1234565')).toBe('0.123457')
  expect(rounded('-0.1234564')).toBe('-0.123456')
  expect(rounded('12.5')).toBe('12.5')
})
