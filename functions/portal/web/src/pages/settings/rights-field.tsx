import { useFieldError } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { RIGHT_GROUPS, RIGHTS } from './rights'

/** Chooses rights, each with what it lets one do. What the viewer does not hold cannot be given on, and says so. */
export function RightsField({ legend, value, onChange, heldOnly = true, pointer = '/rights' }: { legend: string; value: ReadonlySet<string>; onChange: (value: Set<string>) => void; heldOnly?: boolean; pointer?: string }) {
  const { can } = useViewer()
  const error = useFieldError(pointer)
  const toggle = (rights: string[], on: boolean) => {
    const next = new Set(value)
    for (const right of rights) {
      if (on) next.add(right)
      else next.delete(right)
    }
    onChange(next)
  }
  return (
    <fieldset>
      <legend className="text-sm font-medium">
        {legend} <span className="font-normal text-soft">({value.size} chosen)</span>
      </legend>
      {error && <p className="text-xs text-bad">{error.charAt(0).toUpperCase() + error.slice(1)}</p>}
      <div className="mt-2 divide-y divide-line rounded-lg border border-line">
        {RIGHT_GROUPS.map(([group, rights]) => {
          const open = rights.filter((right) => !heldOnly || can(right))
          const all = open.length > 0 && open.every((right) => value.has(right))
          return (
            <details key={group} open={rights.some((right) => value.has(right))} className="group">
              <summary className="flex items-center gap-2 px-3 py-2 text-sm">
                <Icon name="right" size={14} className="text-soft transition-transform group-open:rotate-90" />
                <span className="flex-1 font-medium">{words(group)}</span>
                <span className="text-xs text-soft">
                  {rights.filter((right) => value.has(right)).length} of {rights.length}
                </span>
              </summary>
              <div className="space-y-2 px-3 pb-3">
                {open.length > 1 && (
                  <button type="button" className="text-xs text-accent-ink underline underline-offset-2" onClick={() => toggle(open, !all)}>
                    {all ? 'None of these' : 'All of these'}
                  </button>
                )}
                {rights.map((right) => {
                  const may = open.includes(right)
                  return (
                    <label key={right} className={`flex items-start gap-2.5 text-sm ${may ? '' : 'text-soft'}`}>
                      <input type="checkbox" className="mt-0.5 size-4 shrink-0 accent-(--accent-ink)" checked={value.has(right)} disabled={!may && !value.has(right)} onChange={(event) => toggle([right], event.target.checked)} />
                      <span>
                        {RIGHTS[right]}
                        <span className="block font-mono text-2xs text-soft">
                          {right}
                          {!may && ' · you do not hold it, so you cannot give it'}
                        </span>
                      </span>
                    </label>
                  )
                })}
              </div>
            </details>
          )
        })}
      </div>
    </fieldset>
  )
}
