import { useState } from 'react'
import { Button } from './button'
import { Notice } from './state'

/** What was read to be edited, with its version. */
export interface Version<T> {
  data: T
  etag: string | null
}

function equal(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/**
 * What stands in a form over something that may be read anew at any time: `begin` says what the fields hold for it. As long as nothing was
 * written, the form follows what is read. Once something was, the draft stays, and so does the version that it is based on: saving it is then
 * refused if somebody changed it meanwhile. Only a new version with the same fields is taken below a draft, since nothing of it would be lost.
 */
export function useDraft<T, D extends object>(newest: Version<T>, begin: (data: T) => D, reload: () => Promise<{ data?: Version<T>; error: unknown }>) {
  const [state, setState] = useState(() => ({ base: newest, seen: newest as Version<T> | null, draft: begin(newest.data) }))
  const { base, seen, draft } = state
  const first = begin(base.data)
  const changed = !equal(draft, first)
  const over = (old: typeof state, data: Version<T>) => ({ ...old, base: data, draft: equal(begin(data.data), begin(old.base.data)) ? old.draft : begin(data.data) })

  // Right after a save or a load what was read before is older than what was answered: it is passed over.
  if (seen === null) setState({ ...state, seen: newest })
  else if (newest !== seen && (!changed || equal(begin(newest.data), first))) setState({ ...over(state, newest), seen: newest })

  return {
    draft,
    /** What the draft is a change of, and the version to save it on. */
    base,
    changed,
    set: (change: Partial<D>) => setState((old) => ({ ...old, draft: { ...old.draft, ...change } })),
    discard: () => setState((old) => ({ ...old, draft: begin(old.base.data) })),
    /** Takes what a save was answered with; by `keep` the draft stays, for a save of something beside it. */
    took: (saved: Version<T>, keep = false) => setState((old) => ({ base: saved, seen: null, draft: keep ? old.draft : begin(saved.data) })),
    /** Loads it anew, over the draft where the fields have changed. */
    load: async (loaded?: () => void) => {
      const { data, error } = await reload()
      if (error || !data) return
      setState((old) => ({ ...over(old, data), seen: null }))
      loaded?.()
    },
  }
}

/** Stands in a form whose save was refused since there is a newer version. */
export function Meanwhile({ what, load }: { what: string; load: () => void }) {
  return (
    <Notice tone="warn" title={`${what} changed meanwhile`} action={<Button small onClick={load}>Load it anew</Button>}>
      Nothing was saved. Load it anew, look at it and save again; where the same fields were changed, what you wrote here is then gone.
    </Notice>
  )
}
