import { lazy, type ReactNode, Suspense, useId } from 'react'

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
      <details className="mt-2 text-xs">
        <summary className="text-soft">Show the numbers</summary>
        <div className="mt-2 max-h-64 overflow-auto rounded border border-line" role="region" aria-label={`${title}: numbers`} tabIndex={0}>
          <table className="w-full text-xs">
            <thead>
              <tr>
                <th scope="col" className="sticky top-0 bg-paper px-2 py-1 text-left font-medium text-soft">When</th>
                {series.map((line) => (
                  <th key={line.label} scope="col" className="sticky top-0 bg-paper px-2 py-1 text-right font-medium text-soft">{line.label}</th>
                ))}
                {bands.map((band) => (
                  <th key={band.label} scope="col" className="sticky top-0 bg-paper px-2 py-1 text-right font-medium text-soft">{band.label}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {x.map((at, row) => (
                <tr key={at}>
                  <th scope="row" className="px-2 py-0.5 text-left font-normal">{formatX(at)}</th>
                  {series.map((line) => (
                    <td key={line.label} className="px-2 py-0.5 text-right">{line.values[row] == null ? '–' : format(line.values[row])}</td>
                  ))}
                  {bands.map((band) => (
                    <td key={band.label} className="px-2 py-0.5 text-right">{band.low[row] == null || band.high[row] == null ? '–' : `${format(band.low[row])} – ${format(band.high[row])}`}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  )
}
