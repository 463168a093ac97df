import { lazy, type ReactNode, Suspense, useId } from 'react'
import { Numbers } from './numbers'

/** One line, area or column of a chart. */
export interface Series {
  label: string
  values: (number | null)[]
  kind?: 'line' | 'bars' | 'dashed'
  /** 1 to 5: the theme's colours. 1 is the brand's. */
  tone?: 1 | 2 | 3 | 4 | 5
}

/** A range around a series, drawn as a wash: the upper and lower bounds. */
export interface Band {
  label: string
  low: (number | null)[]
  high: (number | null)[]
}

export interface ChartProps {
  /** What is drawn, in a sentence: it stands for the drawing where that is not seen. */
  title: string
  /** Unix seconds, ascending. */
  x: number[]
  series: Series[]
  bands?: Band[]
  format: (value: number) => string
  formatX: (seconds: number) => string
  height?: number
  /** A level worth seeing, as "credit limit". */
  mark?: { at: number; label: string }
}

const Drawing = lazy(() => import('./chart-drawing'))

/** A chart with its numbers in a table below, for whoever does not see it or wants them exactly. Its room is kept while it loads. */
export function Chart(props: ChartProps & { legend?: ReactNode }) {
  const { title, x, series, bands = [], format, formatX, height = 260 } = props
  const id = useId()
  return (
    <figure aria-labelledby={id}>
      <figcaption id={id} className="sr-only">
        {title}
      </figcaption>
      <div className="mb-1 flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
        {series.map((line, index) => (
          <span key={line.label} className="inline-flex items-center gap-1.5">
            <span className="h-0.5 w-3 rounded" style={{ background: `var(--series-${line.tone ?? index + 1})` }} />
            {line.label}
          </span>
        ))}
        {bands.map((band, index) => (
          <span key={band.label} className="inline-flex items-center gap-1.5">
            <span className="h-2.5 w-3 rounded-sm" style={{ background: 'var(--series-1)', opacity: 0.14 + 0.16 * index }} />
            {band.label}
          </span>
        ))}
      </div>
      <div style={{ height }} aria-hidden="true">
        <Suspense fallback={<div className="skeleton h-full w-full" />}>
          <Drawing {...props} height={height} />
        </Suspense>
      </div>
      <Numbers
        title={title}
        heads={[...series, ...bands].map((one) => one.label)}
        rows={x.map((at, row) => ({
          key: at,
          when: formatX(at),
          cells: [
            ...series.map(({ values }) => (values[row] == null ? '–' : format(values[row]))),
            ...bands.map(({ low, high }) => (low[row] == null || high[row] == null ? '–' : `${format(low[row])} – ${format(high[row])}`)),
          ],
        }))}
      />
    </figure>
  )
}
