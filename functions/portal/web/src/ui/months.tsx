import { useState } from 'react'
import { addToMonth, MONTH_PRESETS, monthsBefore, monthsIn, readMonths, thisMonth } from '~/lib/months'
import { calendar } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Button } from './button'
import { FilterSelect, SelectField } from './form'
import { Popover } from './menu'

const REACH_MONTHS = 36

function useMonthOptions() {
  const { place } = useViewer()
  const now = thisMonth()
  return monthsIn({ from: addToMonth(now, 1 - REACH_MONTHS), to: now })
    .reverse()
    .map((month) => ({ value: month, label: calendar(month, place) }))
}

/** Chooses months, and whether they are compared with as many before. The value is what `readMonths` reads. */
export function MonthsPicker({ value, fallback = '6m', onChange, compare, onCompare }: { value: string | undefined; fallback?: string; onChange: (value: string) => void; compare?: boolean; onCompare?: (compare: boolean) => void }) {
  const { place } = useViewer()
  const range = readMonths(value, fallback)
  const options = useMonthOptions()
  const named = MONTH_PRESETS.find(([name]) => name === (value ?? fallback))
  const [own, setOwn] = useState(range)
  const past = monthsBefore(range)
  const text = named?.[1] ?? (range.from === range.to ? calendar(range.from, place) : `${calendar(range.from, place)} – ${calendar(range.to, place)}`)
  return (
    <Popover label={`Months: ${text}`} icon="calendar" text={text}>
      {(close) => (
        <div className="w-64">
          <ul>
            {MONTH_PRESETS.map(([name, label]) => (
              <li key={name}>
                <Button
                  look="quiet"
                  className="w-full !justify-start !text-ink"
                  icon={name === (value ?? fallback) ? 'check' : undefined}
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
              onChange(own.from <= own.to ? `${own.from}..${own.to}` : `${own.to}..${own.from}`)
              close()
            }}
          >
            <SelectField label="From" value={own.from} onChange={(from) => setOwn({ ...own, from })} options={options} />
            <SelectField label="To" value={own.to} onChange={(to) => setOwn({ ...own, to })} options={options} />
            <Button type="submit" small className="w-full">
              Use these months
            </Button>
          </form>
          {onCompare && (
            <label className="flex items-center gap-2 border-t border-line p-2 text-sm">
              <input type="checkbox" className="size-4 accent-(--accent-ink)" checked={compare ?? false} onChange={(event) => onCompare(event.target.checked)} />
              <span>
                Compare with {calendar(past.from, place)}
                {past.from === past.to ? '' : ` – ${calendar(past.to, place)}`}
              </span>
            </label>
          )}
        </div>
      )}
    </Popover>
  )
}

/** Chooses one month of the last three years. */
export function MonthSelect({ value, onChange, label = 'Month' }: { value: string; onChange: (month: string) => void; label?: string }) {
  return <FilterSelect label={label} value={value} onChange={onChange} options={useMonthOptions()} />
}

/** A month in a form. */
export function MonthField({ value, onChange, pointer }: { value: string; onChange: (month: string) => void; pointer?: string }) {
  return <SelectField label="Month" pointer={pointer} value={value} onChange={onChange} options={useMonthOptions()} />
}
