import { daysBetween } from './days'

/** How long the periods of a report are. They are in UTC, whatever zone its first day was chosen in. */
export type Period = 'hour' | 'day' | 'month'

/**
 * Which period of a range it is that begins at `start`: 0 is the one `from` stands in. By hours `from` is the moment the range begins; else its first
 * day. Counted so, the second day of one range stands beside the second of another, though the clocks changed or months have other lengths.
 */
export function periodIndex(start: string, from: string, period: Period): number {
  if (period === 'hour') return Math.floor((Date.parse(start) - Date.parse(from)) / 3_600_000)
  if (period === 'day') return daysBetween(from.slice(0, 10), start.slice(0, 10))
  return monthNumber(start) - monthNumber(from)
}

/** When the period with this index begins, in Unix seconds. */
export function periodStart(index: number, from: string, period: Period): number {
  if (period === 'hour') return Date.parse(from) / 1000 + index * 3600
  if (period === 'day') return Date.parse(`${from.slice(0, 10)}T00:00:00Z`) / 1000 + index * 86_400
  const month = monthNumber(from) + index
  return Date.UTC(Math.floor(month / 12), month % 12, 1) / 1000
}

function monthNumber(date: string): number {
  return Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7)) - 1
}
