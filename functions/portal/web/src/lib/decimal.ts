/** Credit and money are decimal text with six places at most; here they are whole micro-units, so that no sum is a rounding. */

const SHAPE = /^(-)?(\d+)(?:\.(\d+))?$/

/** `"12.5"` → `12500000n`. Throws on what is no decimal or has more than six places that count. */
export function toMicros(text: string): bigint {
  const match = SHAPE.exec(text.trim())
  if (!match) throw new Error(`not a decimal: ${text}`)
  const places = (match[3] ?? '').replace(/0+$/, '')
  if (places.length > 6) throw new Error(`more than six places: ${text}`)
  const micros = BigInt(match[2] as string) * 1_000_000n + BigInt(places.padEnd(6, '0'))
  return match[1] ? -micros : micros
}

/** `12500000n` → `"12.500000"`. */
export function fromMicros(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  return `${micros < 0n ? '-' : ''}${size / 1_000_000n}.${String(size % 1_000_000n).padStart(6, '0')}`
}

/** The shortest text of the same number: `"5000.000000"` → `"5000"`. For fields in which it is edited. */
export function plain(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** The exact sum. */
export function sum(values: Iterable<string>): string {
  let total = 0n
  for (const value of values) total += toMicros(value)
  return fromMicros(total)
}

/** `left − right`, exactly. */
export function minus(left: string, right: string): string {
  return fromMicros(toMicros(left) - toMicros(right))
}

/** -1, 0 or 1. */
export function sign(text: string): -1 | 0 | 1 {
  const micros = toMicros(text)
  return micros < 0n ? -1 : micros > 0n ? 1 : 0
}

/** Orders two decimals. */
export function compare(left: string, right: string): number {
  const [a, b] = [toMicros(left), toMicros(right)]
  return a < b ? -1 : a > b ? 1 : 0
}

/** For drawing only: a chart's pixel is coarser than a double. */
export function forDrawing(text: string | null | undefined): number {
  return text === null || text === undefined ? 0 : Number(text)
}

/** What somebody typed as an amount: `null` if it is none. Takes `1,234.50`, `1 234,5` and `1234.5`; a lone comma with three digits behind it is refused as unclear. */
export function readAmount(typed: string): string | null {
  let text = typed.replace(/[\s\u00a0\u202f'’]/g, '')
  const comma = text.lastIndexOf(',')
  const dot = text.lastIndexOf('.')
  if (comma >= 0 && dot >= 0) text = comma > dot ? text.replaceAll('.', '').replace(',', '.') : text.replaceAll(',', '')
  else if (comma >= 0) {
    if (/^-?\d{1,3}(,\d{3})+$/.test(text)) return null
    text = text.replace(',', '.')
  }
  return SHAPE.test(text) && (text.split('.')[1] ?? '').length <= 6 ? text : null
}
