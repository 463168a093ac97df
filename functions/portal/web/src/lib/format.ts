/** In whose language and zone things are said. */
export interface Place {
  locale: string
  timeZone: string
}

function knownLocale(locale: string | null | undefined): string {
  try {
    if (locale) return Intl.getCanonicalLocales(locale)[0] ?? 'en'
  } catch {
    // An unknown tag falls back to the browser's.
  }
  return typeof navigator === 'undefined' ? 'en' : navigator.language
}

function knownZone(zone: string | null | undefined): string {
  try {
    if (zone) return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
  } catch {
    // An unknown zone falls back to UTC, in which the API counts.
  }
  return 'UTC'
}

/** The place of an account; UTC and the browser's language where it names none. */
export function placeOf(account: { locale?: string | null; time_zone?: string | null } | undefined): Place {
  return { locale: knownLocale(account?.locale), timeZone: knownZone(account?.time_zone) }
}

const numberFormats = new Map<string, Intl.NumberFormat>()
function numberFormat(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale + JSON.stringify(options)
  let format = numberFormats.get(key)
  if (!format) numberFormats.set(key, (format = new Intl.NumberFormat(locale, options)))
  return format
}

const dateFormats = new Map<string, Intl.DateTimeFormat>()
function dateFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options)
  let format = dateFormats.get(key)
  if (!format) dateFormats.set(key, (format = new Intl.DateTimeFormat(locale, options)))
  return format
}

/** Formats decimal text without going through a double. */
function exact(format: Intl.NumberFormat, text: string): string {
  return format.format(text as Intl.StringNumericLiteral)
}

function currencyDigits(currency: string): number {
  return numberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
}

export interface MoneyStyle {
  /** `short` rounds to the currency's own places, `exact` shows every place that counts, `compact` says 1.2M. */
  style?: 'short' | 'exact' | 'compact'
  /** A plus in front of what is above zero. */
  signed?: boolean
}

/** An amount with its currency. `short` shows more places where rounding would make something look like nothing. */
export function money(amount: string, currency: string, place: Place, { style = 'short', signed = false }: MoneyStyle = {}): string {
  const base: Intl.NumberFormatOptions = { style: 'currency', currency, signDisplay: signed ? 'exceptZero' : 'negative' }
  if (style === 'compact') return exact(numberFormat(place.locale, { ...base, notation: 'compact', maximumFractionDigits: 1, minimumFractionDigits: 0 }), amount)
  const digits = currencyDigits(currency)
  // Only how many places are shown is decided by a double, never what stands in them.
  const size = Math.abs(Number(amount))
  const maximum = style === 'exact' || (size > 0 && size < 10 ** -digits) ? 12 : digits
  return exact(numberFormat(place.locale, { ...base, minimumFractionDigits: digits, maximumFractionDigits: Math.max(digits, maximum) }), amount)
}

/** A plain count or quantity. */
export function count(value: string | number, place: Place, maximumFractionDigits = 6): string {
  return exact(numberFormat(place.locale, { maximumFractionDigits }), String(value))
}

/** `"12.34"` percent → `12.3 %` in the place's way. */
export function percent(value: string | null, place: Place, { signed = false, digits = 1 }: { signed?: boolean; digits?: number } = {}): string {
  if (value === null) return '–'
  const format = numberFormat(place.locale, { style: 'percent', maximumFractionDigits: digits, signDisplay: signed ? 'exceptZero' : 'auto' })
  return format.format(Number(value) / 100)
}

export type DateStyle = 'date' | 'time' | 'datetime' | 'full' | 'month' | 'day'
const DATE_STYLES: Record<DateStyle, Intl.DateTimeFormatOptions> = {
  date: { year: 'numeric', month: 'short', day: 'numeric' },
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  datetime: { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' },
  full: { year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
  month: { year: 'numeric', month: 'long' },
  day: { month: 'short', day: 'numeric' },
}

/** A moment, in the place's zone. With a time of day, the running year goes without saying. */
export function date(moment: string | Date | null, place: Place, style: DateStyle = 'datetime', now = new Date()): string {
  if (moment === null) return '–'
  const options: Intl.DateTimeFormatOptions = { ...DATE_STYLES[style], timeZone: place.timeZone }
  const at = new Date(moment)
  const year = dateFormat('en', { year: 'numeric', timeZone: place.timeZone })
  if (style === 'datetime' && year.format(at) === year.format(now)) delete options.year
  return dateFormat(place.locale, options).format(at)
}

/** A calendar day `2026-11-01` or month `2026-11`, which is the same everywhere. */
export function calendar(day: string, place: Place, style: DateStyle = day.length === 7 ? 'month' : 'date'): string {
  return dateFormat(place.locale, { ...DATE_STYLES[style], timeZone: 'UTC' }).format(new Date(`${day.length === 7 ? `${day}-01` : day.slice(0, 10)}T00:00:00Z`))
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_556_952],
  ['month', 2_629_746],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

const relativeFormats = new Map<string, Intl.RelativeTimeFormat>()

/** `3 hours ago`, `in 2 days`. */
export function relative(moment: string, place: Place, now = Date.now()): string {
  const seconds = Math.round((new Date(moment).getTime() - now) / 1000)
  let format = relativeFormats.get(place.locale)
  if (!format) relativeFormats.set(place.locale, (format = new Intl.RelativeTimeFormat(place.locale, { numeric: 'auto' })))
  for (const [unit, size] of STEPS) if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit)
  return format.format(Math.trunc(seconds / 10) * 10, 'second')
}

/** A phrase with a capital in front, as it stands at the head of a line. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `suspended_with_credit` → `Suspended with credit`. */
export function words(name: string): string {
  return capital(name.replace(/[._-]+/g, ' '))
}
