import { useId } from 'react'

/** A point of a survival curve: shares from 0 to 1, at so many months. */
export interface SurvivalPoint {
  month: number
  survival: number
  low: number
  high: number
}

const [WIDTH, HEIGHT] = [1000, 240]

/** A step path: a share holds until the next point. */
function steps(points: [number, number][]): string {
  return points.map(([x, y], index) => (index === 0 ? `M${x} ${y}` : `H${x} V${y}`)).join(' ')
}

/** A Kaplan–Meier curve with its band, drawn in steps since nothing happens between two observations. Its numbers belong in a table beside it. */
export function Survival({ points, label, formatX }: { points: SurvivalPoint[]; label: string; formatX: (month: number) => string }) {
  const id = useId()
  const last = Math.max(points.at(-1)?.month ?? 1, 1)
  const x = (month: number) => (month / last) * WIDTH
  const y = (share: number) => (1 - share) * HEIGHT
  const line = steps(points.map((point) => [x(point.month), y(point.survival)]))
  const high = points.map((point) => [x(point.month), y(point.high)] as [number, number])
  // Back along the lower bound: the step's height changes at the later point, so going back it is the level first, then the way.
  const low = points.map((point) => [x(point.month), y(point.low)] as [number, number]).reverse()
  const back = low.map(([lx, ly], index) => (index === 0 ? `L${lx} ${ly}` : `V${ly} H${lx}`)).join(' ')
  const every = Math.max(1, Math.ceil(last / 6))
  const marks = points.map((point) => point.month).filter((month) => month % every === 0)
  return (
    <figure aria-labelledby={id}>
      <figcaption id={id} className="sr-only">
        {label}
      </figcaption>
      <ul className="mb-3 flex flex-wrap gap-x-4 text-xs text-soft">
        <li className="inline-flex items-center gap-1.5">
          <span className="h-0.5 w-3 rounded" style={{ background: 'var(--series-1)' }} />
          Still with you
        </li>
        <li className="inline-flex items-center gap-1.5">
          <span className="h-2.5 w-3 rounded-sm" style={{ background: 'var(--series-1)', opacity: 0.2 }} />
          95 % band
        </li>
      </ul>
      <div aria-hidden="true" className="grid grid-cols-[2.75rem_minmax(0,1fr)] text-2xs text-soft">
        <div className="relative h-60">
          {[0, 25, 50, 75, 100].map((mark) => (
            <span key={mark} className="absolute right-2 translate-y-1/2" style={{ bottom: `${mark}%` }}>
              {mark} %
            </span>
          ))}
        </div>
        <div className="relative h-60">
          {[0, 25, 50, 75, 100].map((mark) => (
            <span key={mark} className={`absolute inset-x-0 border-t ${mark === 0 ? 'border-line-strong' : 'border-line'}`} style={{ bottom: `${mark}%` }} />
          ))}
          <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="absolute inset-0 h-full w-full">
            <path d={`${steps(high)} ${back} Z`} fill="var(--series-1)" opacity={0.16} />
            <path d={line} fill="none" stroke="var(--series-1)" strokeWidth={2} vectorEffect="non-scaling-stroke" />
          </svg>
        </div>
        <span />
        <div className="relative h-5">
          {marks.map((mark) => (
            <span key={mark} className={`absolute top-1.5 whitespace-nowrap ${mark === 0 ? '' : mark === last ? '-translate-x-full' : '-translate-x-1/2'}`} style={{ left: `${(mark / last) * 100}%` }}>
              {formatX(mark)}
            </span>
          ))}
        </div>
      </div>
    </figure>
  )
}
