import { useId } from 'react'
import { forDrawing } from '~/lib/decimal'
import { Numbers } from './numbers'

/** One kind of column, with a value for each label. */
export interface ColumnSeries {
  label: string
  values: (string | null)[]
  /** 1 to 5: the theme's colours. */
  tone: 1 | 2 | 3 | 4 | 5
}

/** Round steps for an axis from low to high: three to six of them. */
function ticks(low: number, high: number): number[] {
  const range = high - low || 1
  const power = 10 ** Math.floor(Math.log10(range / 4))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => range / size <= 5) ?? 10 * power
  const marks: number[] = []
  for (let mark = Math.ceil(low / step) * step; mark <= high + step / 1000; mark += step) marks.push(Math.abs(mark) < step / 1000 ? 0 : mark)
  return marks
}

/** Columns over a few labels, as months, in plain elements; below zero they hang. The numbers stand in a table below, exactly. */
export function Columns({ title, labels, ticks: short = labels, series, format, formatTick, height = 220 }: {
  title: string
  labels: string[]
  /** The same, short, for the axis. */
  ticks?: string[]
  series: ColumnSeries[]
  format: (value: string) => string
  formatTick: (value: number) => string
  height?: number
}) {
  const id = useId()
  const drawn = series.map((one) => one.values.map((value) => (value === null ? null : forDrawing(value))))
  const all = drawn.flat().filter((value) => value !== null)
  const marks = ticks(Math.min(0, ...all), Math.max(0, ...all) || 1)
  const [low, high] = [Math.min(marks[0] ?? 0, ...all, 0), Math.max(marks.at(-1) ?? 1, ...all)]
  const share = (value: number) => ((value - low) / (high - low || 1)) * 100
  const every = Math.ceil(labels.length / 6)
  return (
    <figure aria-labelledby={id}>
      <figcaption id={id} className="sr-only">
        {title}
      </figcaption>
      <ul className="mb-3 flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
        {series.map((one) => (
          <li key={one.label} className="inline-flex items-center gap-1.5">
            <span className="size-2.5 rounded-sm" style={{ background: `var(--series-${one.tone})` }} />
            {one.label}
          </li>
        ))}
      </ul>
      <div aria-hidden="true" className="grid grid-cols-[3.75rem_minmax(0,1fr)] text-2xs text-soft">
        <div className="relative" style={{ height }}>
          {marks.map((mark) => (
            <span key={mark} className="absolute right-2 translate-y-1/2 whitespace-nowrap" style={{ bottom: `${share(mark)}%` }}>
              {formatTick(mark)}
            </span>
          ))}
        </div>
        <div className="relative" style={{ height }}>
          {marks.map((mark) => (
            <span key={mark} className={`absolute inset-x-0 border-t ${mark === 0 ? 'border-line-strong' : 'border-line'}`} style={{ bottom: `${share(mark)}%` }} />
          ))}
          <div className="absolute inset-0 flex">
            {labels.map((label, at) => (
              <div key={label} className="flex h-full min-w-0 flex-1 justify-center">
                <div className="flex h-full w-3/4 justify-center gap-px">
                  {drawn.map((values, which) => {
                    const value = values[at] ?? null
                    if (value === null) return <span key={which} className="min-w-0 flex-1" />
                    const [bottom, top] = [share(Math.min(value, 0)), share(Math.max(value, 0))]
                    return (
                      <span key={which} className="relative h-full max-w-10 min-w-0 flex-1" title={`${label}, ${series[which]?.label}: ${format(series[which]?.values[at] ?? '0')}`}>
                        <span className="absolute inset-x-0 rounded-xs" style={{ bottom: `${bottom}%`, height: `max(1px, ${top - bottom}%)`, background: `var(--series-${series[which]?.tone})` }} />
                      </span>
                    )
                  })}
                </div>
              </div>
            ))}
          </div>
        </div>
        <span />
        <div className="flex pt-1.5">
          {labels.map((label, at) => (
            <span key={label} className="relative h-4 min-w-0 flex-1">
              {(labels.length - 1 - at) % every === 0 && <span className={`absolute whitespace-nowrap ${at === labels.length - 1 && labels.length > 4 ? 'right-0' : 'left-1/2 -translate-x-1/2'}`}>{short[at]}</span>}
            </span>
          ))}
        </div>
      </div>
      <Numbers
        title={title}
        heads={series.map((one) => one.label)}
        rows={labels.map((label, at) => ({ key: label, when: label, cells: series.map(({ values }) => (values[at] == null ? '–' : format(values[at]))) }))}
      />
    </figure>
  )
}
