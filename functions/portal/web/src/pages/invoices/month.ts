import { addMonths } from '~/lib/days'

/**
 * Between which times the periods of a month end, whatever the time zone, the day on which they begin and where they were cut: wide enough for all,
 * so that what does not belong there is left out by its label.
 */
export function endsOf(month: string): { from: string; to: string } {
  const first = `${month}-01`
  return { from: `${addMonths(first, 0)}T00:00:00Z`, to: `${addMonths(first, 2)}T12:00:00Z` }
}

/** Whether it is a month, `2026-11`. */
export function isMonth(text: string | undefined): text is string {
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(text ?? '')
}

/** The month it is in UTC, by which usage is added up; `back` months earlier. */
export function monthNow(back = 0, now = new Date()): string {
  return addMonths(`${now.toISOString().slice(0, 7)}-01`, -back).slice(0, 7)
}
