/** Calendar months as `YYYY-MM`. Usage and money are added up by months in UTC. */

/** A range of months, both ends counted in. */
export interface Months {
  from: string
  to: string
}

/** The month it is in UTC. */
export function thisMonth(now = new Date()): string {
  return now.toISOString().slice(0, 7)
}

/** The month so many months later. */
export function addToMonth(month: string, months: number): string {
  const [year, number] = month.split('-').map(Number) as [number, number]
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 7)
}

/** The months of a range, the first first. At most 120. */
export function monthsIn({ from, to }: Months): string[] {
  const months: string[] = []
  for (let month = from; month <= to && months.length < 120; month = addToMonth(month, 1)) months.push(month)
  return months
}

/** The range of the same length right before. */
export function monthsBefore(range: Months): Months {
  const length = monthsIn(range).length
  return { from: addToMonth(range.from, -length), to: addToMonth(range.from, -1) }
}

/** Ranges that are asked for by name. */
export const MONTH_PRESETS = [
  ['month', 'This month'],
  ['last', 'Last month'],
  ['3m', 'Last 3 months'],
  ['6m', 'Last 6 months'],
  ['12m', 'Last 12 months'],
  ['year', 'This year'],
] as const

function preset(name: string, now: Date): Months | null {
  const month = thisMonth(now)
  if (name === 'month') return { from: month, to: month }
  if (name === 'last') return { from: addToMonth(month, -1), to: addToMonth(month, -1) }
  if (name === 'year') return { from: `${month.slice(0, 4)}-01`, to: month }
  const many = /^([1-9]\d?)m$/.exec(name)
  return many ? { from: addToMonth(month, 1 - Number(many[1])), to: month } : null
}

/** A month in few letters, for axes: `Nov 26`. */
export function shortMonth(month: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { month: 'short', year: '2-digit', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`))
}

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/

/** What an address says of a range: a preset's name, or `2026-01..2026-06`. What is neither is the fallback. */
export function readMonths(text: string | undefined, fallback = '6m', now = new Date()): Months {
  const [from = '', to = ''] = (text ?? '').split('..')
  if (MONTH.test(from) && MONTH.test(to) && from <= to) return { from, to }
  return preset(text ?? fallback, now) ?? (preset(fallback, now) as Months)
}

/** What an address says of one month; the fallback if it says none. */
export function readMonth(text: string | undefined, fallback: string): string {
  return text && MONTH.test(text) ? text : fallback
}
