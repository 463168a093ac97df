import { fromMicros, toMicros } from './decimal'

/** `part` of `whole` in percent with two places, or null where there is no whole. Rounds half away from zero. */
export function percentOf(part: string, whole: string): string | null {
  const [a, b] = [toMicros(part), toMicros(whole)]
  if (b === 0n) return null
  return hundredths(divide(a * 10_000n, b < 0n ? -b : b))
}

/** By how many percent something grew; null where there was nothing before. */
export function growth(now: string, before: string): string | null {
  return percentOf(fromMicros(toMicros(now) - toMicros(before)), before)
}

/** A decimal of up to twelve places, as exact prices have, rounded to six. */
export function rounded(exact: string): string {
  const [whole = '0', places = ''] = exact.split('.')
  if (places.length <= 6) return exact
  const negative = whole.startsWith('-')
  const micros = BigInt(whole.replace('-', '')) * 1_000_000n + BigInt(places.slice(0, 6)) + (places.charCodeAt(6) >= 53 ? 1n : 0n)
  return fromMicros(negative ? -micros : micros)
}

/** An amount with so many percent on top. `percent` has four places at most. */
export function withPercent(amount: string, percent: string): string {
  const scaled = toMicros(percent) + 100_000_000n
  return fromMicros(divide(toMicros(amount) * scaled, 100_000_000n))
}

/** An amount so many times. */
export function times(amount: string, factor: number): string {
  return fromMicros(toMicros(amount) * BigInt(factor))
}

function divide(a: bigint, b: bigint): bigint {
  const [size, sign] = a < 0n ? [-a, -1n] : [a, 1n]
  return sign * ((size * 2n + b) / (b * 2n))
}

function hundredths(value: bigint): string {
  const size = value < 0n ? -value : value
  return `${value < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')}`
}
