import type { Place } from './format'

const formats = new Map<string, Intl.NumberFormat>()

/** Formats money with up to twelve decimals, without going through a double. */
export function exactMoney(value: string, currency: string, place: Place, signed = false): string {
  const key = `${place.locale} ${currency} ${signed}`
  let format = formats.get(key)
  if (!format) {
    const minimumFractionDigits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().minimumFractionDigits
    formats.set(key, (format = new Intl.NumberFormat(place.locale, { style: 'currency', currency, minimumFractionDigits, maximumFractionDigits: 12, signDisplay: signed ? 'exceptZero' : 'negative' })))
  }
  return format.format(value as Intl.StringNumericLiteral)
}

/** What somebody typed as a decimal with so many places at most and not below zero; null if it is none. A comma may stand for the dot. */
export function readDecimal(typed: string, places: number): string | null {
  const text = typed.replace(/[\s\u00a0\u202f'’]/g, '').replace(',', '.')
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text)
  return match && (match[2] ?? '').length <= places ? text : null
}

/** A decimal without the zeros behind it, as one would type it: `10.500000` → `10.5`. */
export function plainDecimal(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** Orders two plain decimals of any number of places. */
export function compareDecimals(left: string, right: string): number {
  const scaled = (text: string) => {
    const [whole = '0', part = ''] = text.replace('-', '').split('.')
    const size = BigInt(whole + part.padEnd(12, '0').slice(0, 12))
    return text.startsWith('-') ? -size : size
  }
  const [a, b] = [scaled(left), scaled(right)]
  return a < b ? -1 : a > b ? 1 : 0
}
