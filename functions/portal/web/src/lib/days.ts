/** Calendar days as `YYYY-MM-DD`, counted in a zone. */

/** The day it is in a zone. */
export function today(timeZone: string, now = new Date()): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(now)
}

/** The day so many days later. */
export function addDays(day: string, days: number): string {
  const moment = new Date(`${day}T00:00:00Z`)
  moment.setUTCDate(moment.getUTCDate() + days)
  return moment.toISOString().slice(0, 10)
}

/** The same day so many months later, or that month's last if it has no such day. */
export function addMonths(day: string, months: number): string {
  const [year, month, date] = day.split('-').map(Number) as [number, number, number]
  const last = new Date(Date.UTC(year, month - 1 + months + 1, 0)).getUTCDate()
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10)
}

/** Days from one to another; 0 for the same. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000)
}

/** The moment at which a day begins in a zone, RFC 3339. Where clocks skip midnight, the first moment after it. */
export function startOf(day: string, timeZone: string): string {
  return momentOf(`${day}T00:00:00`, timeZone)
}

/** A moment as a `datetime-local` field writes it, read in a zone, RFC 3339; undefined for nothing. */
export function readMoment(text: string, timeZone: string): string | undefined {
  const [, minutes, seconds = ':00'] = /^(\d{4,6}-\d{2}-\d{2}T\d{2}:\d{2})(:\d{2})?/.exec(text) ?? []
  return minutes === undefined || Number.isNaN(Date.parse(`${minutes}${seconds}Z`)) ? undefined : momentOf(`${minutes}${seconds}`, timeZone)
}

/** When the clocks of a zone show this. What they show twice is the first of the two; what they skip is as long after the skip as it would be into it. */
function momentOf(clock: string, timeZone: string): string {
  const wanted = Date.parse(`${clock}Z`)
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const shown = (moment: number) => {
    const parts = Object.fromEntries(format.formatToParts(moment).map((part) => [part.type, part.value]))
    return Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`)
  }
  // Clocks change by less than a day and rarely: one of the offsets of the days around is the one in force.
  const [earlier, later] = [wanted - 86_400_000, wanted + 86_400_000].map((around) => wanted - (shown(around) - around)) as [number, number]
  const moment = [earlier, later].find((candidate) => shown(candidate) === wanted) ?? earlier
  return new Date(moment).toISOString().replace('.000Z', 'Z')
}

/** A range of days, both ends counted in. */
export interface Days {
  from: string
  to: string
}

/** The range of the same length right before. */
export function before({ from, to }: Days): Days {
  const length = daysBetween(from, to) + 1
  return { from: addDays(from, -length), to: addDays(from, -1) }
}

/** Ranges that are asked for by name. */
export function preset(name: string, timeZone: string, now = new Date()): Days | null {
  const day = today(timeZone, now)
  const first = `${day.slice(0, 8)}01`
  switch (name) {
    case 'today':
      return { from: day, to: day }
    case '7d':
      return { from: addDays(day, -6), to: day }
    case '30d':
      return { from: addDays(day, -29), to: day }
    case 'month':
      return { from: first, to: day }
    case 'last_month':
      return { from: addMonths(first, -1), to: addDays(first, -1) }
    case '90d':
      return { from: addDays(day, -89), to: day }
    case 'year':
      return { from: `${day.slice(0, 4)}-01-01`, to: day }
    default:
      return null
  }
}
