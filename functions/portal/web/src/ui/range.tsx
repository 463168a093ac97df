import { useState } from 'react'
import { before, type Days, preset } from '~/lib/days'
import { calendar } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Button } from './button'
import { TextField } from './form'
import { Popover } from './menu'

const PRESETS = [
  ['today', 'Today'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
  ['month', 'This month'],
  ['last_month', 'Last month'],
  ['90d', 'Last 90 days'],
  ['year', 'This year'],
] as const

/** What an address says of a range: a preset's name, or `2026-11-01..2026-11-30`. */
export function readRange(text: string | undefined, timeZone: string, fallback = '30d'): Days {
  const own = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/.exec(text ?? '')
  if (own?.[1] && own[2] && own[1] <= own[2]) return { from: own[1], to: own[2] }
  return preset(text ?? fallback, timeZone) ?? (preset(fallback, timeZone) as Days)
}

/** Chooses days, and what they are compared with. The value is what `readRange` reads, so it goes into the address as it is. */
export function RangePicker({ value, fallback = '30d', any = false, onChange, compare, onCompare }: { value: string | undefined; fallback?: string; /** No value means any time, and can be chosen. */ any?: boolean; onChange: (value: string) => void; compare?: boolean; onCompare?: (compare: boolean) => void }) {
  const { place } = useViewer()
  const days = readRange(value, place.timeZone, fallback)
  const all = any && !value
  const named = all ? (['', 'Any time'] as const) : PRESETS.find(([name]) => name === (value ?? fallback))
  const [own, setOwn] = useState(days)
  const past = before(days)
  return (
    <Popover label={`Period: ${named?.[1] ?? `${calendar(days.from, place)} – ${calendar(days.to, place)}`}`} icon="calendar" align="left" text={named?.[1] ?? `${calendar(days.from, place)} – ${calendar(days.to, place)}`}>
      {(close) => (
        <div className="w-72">
          <ul>
            {[...(any ? [['', 'Any time'] as const] : []), ...PRESETS].map(([name, label]) => (
              <li key={name}>
                <Button
                  look="quiet"
                  className="w-full !justify-start !text-ink [&:not([aria-pressed=true])>svg]:invisible"
                  icon="check"
                  aria-pressed={name === (all ? '' : (value ?? fallback))}
                  onClick={() => {
                    onChange(name)
                    close()
                  }}
                >
                  {label}
                </Button>
              </li>
            ))}
          </ul>
          <form
            className="mt-1 space-y-2 border-t border-line p-2"
            onSubmit={(event) => {
              event.preventDefault()
              onChange(`${own.from}..${own.to}`)
              close()
            }}
          >
            <div className="grid grid-cols-2 gap-2">
              <TextField label="From" type="date" value={own.from} max={own.to} onChange={(from) => setOwn({ ...own, from })} required />
              <TextField label="To" type="date" value={own.to} min={own.from} onChange={(to) => setOwn({ ...own, to })} required />
            </div>
            <Button type="submit" small className="w-full">
              Use these days
            </Button>
          </form>
          {onCompare && (
            <label className="flex items-center gap-2 border-t border-line p-2 text-sm">
              <input type="checkbox" className="size-4 accent-(--accent-ink)" checked={compare ?? false} onChange={(event) => onCompare(event.target.checked)} />
              <span>
                Compare with {calendar(past.from, place, 'day')} – {calendar(past.to, place, 'day')}
              </span>
            </label>
          )}
        </div>
      )}
    </Popover>
  )
}
