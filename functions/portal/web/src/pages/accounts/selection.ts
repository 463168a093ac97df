/** Which accounts are chosen: those named, or all that match the filter but those named. */
export interface Chosen {
  all: boolean
  ids: ReadonlySet<string>
}

export const NONE: Chosen = { all: false, ids: new Set() }
/** All that match, whether they were fetched or not. */
export const ALL: Chosen = { all: true, ids: new Set() }

export function has({ all, ids }: Chosen, id: string): boolean {
  return all !== ids.has(id)
}

/** One account more or less; of all that match, one is left out and the rest stays. */
export function toggle({ all, ids }: Chosen, id: string): Chosen {
  const next = new Set(ids)
  if (!next.delete(id)) next.add(id)
  return { all, ids: next }
}

/** The rows in sight beside what is chosen already; if they all are, nothing is chosen any more. */
export function toggleShown(chosen: Chosen, shown: string[]): Chosen {
  if (everyShown(chosen, shown)) return NONE
  if (!chosen.all) return { all: false, ids: new Set([...chosen.ids, ...shown]) }
  return { all: true, ids: new Set([...chosen.ids].filter((id) => !shown.includes(id))) }
}

export function everyShown(chosen: Chosen, shown: string[]): boolean {
  return shown.length > 0 && shown.every((id) => has(chosen, id))
}

/** How many are chosen of so many that match. */
export function sizeOf({ all, ids }: Chosen, matched: number): number {
  return all ? Math.max(0, matched - ids.size) : ids.size
}
