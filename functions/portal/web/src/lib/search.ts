import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

/** Filters live in the address, so that a view can be shared and the way back works. Everything is text; empty is absent. */
export type Filters = Record<string, string | undefined>

/** Reads any address's search as plain text. */
export function parseSearch(text: string): Filters {
  return Object.fromEntries(new URLSearchParams(text))
}

/** Writes it in one order, so that the same filters are the same address. */
export function writeSearch(filters: object): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(filters).sort(([a], [b]) => a.localeCompare(b))) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text ? `?${text}` : ''
}

/**
 * The filters of the page: `[filters, set]`. `set` merges; `undefined` or `''` takes a filter out. A step that one would want to come back to is
 * kept in the history; typing is not (`replace`).
 */
export function useFilters<Known extends string>(): [Partial<Record<Known, string>>, (change: Partial<Record<Known, string | undefined>>, replace?: boolean) => void] {
  const filters = useSearch({ strict: false }) as Partial<Record<Known, string>>
  const navigate = useNavigate()
  const set = useCallback(
    (change: Partial<Record<Known, string | undefined>>, replace = false) => {
      void navigate({
        to: '.',
        replace,
        resetScroll: false,
        search: ((previous: Filters) => {
          const next: Filters = { ...previous }
          for (const [name, value] of Object.entries(change) as [string, string | undefined][]) {
            if (value === undefined || value === '') delete next[name]
            else next[name] = value
          }
          return next
        }) as never,
      })
    },
    [navigate],
  )
  return [filters, set]
}
