/** Small drawings in plain SVG, for the first view. They decorate figures that stand beside them in words. */

/** Two series of days over each other: bars of now, a line of then. Its numbers are given in a table beside it. */
export function CompareBars({ now, then, labels, format, height = 180, label }: { now: (number | null)[]; then: (number | null)[]; labels: string[]; format: (value: number) => string; height?: number; label: string }) {
  const width = 720
  const foot = 20
  const slots = Math.max(now.length, then.length, 1)
  const values = [...now, ...then].filter((value) => value !== null)
  const high = Math.max(...values, 0) || 1
  const low = Math.min(...values, 0)
  const y = (value: number) => 6 + (height - foot - 6) * (1 - (value - low) / (high - low || 1))
  const slot = width / slots
  const line = then.flatMap((value, index) => (value === null ? [] : [`${((index + 0.5) * slot).toFixed(1)},${y(value).toFixed(1)}`]))
  return (
    <figure className="relative">
      <span aria-hidden="true" className="absolute -top-1.5 left-0 bg-paper pr-1.5 text-2xs text-soft">
        {format(high)}
      </span>
      <svg viewBox={`0 0 ${width} ${height}`} width="100%" height={height} preserveAspectRatio="none" role="img" aria-label={label}>
        {[0.5, 1].map((share) => (
          <line key={share} x1={0} x2={width} y1={y(high * share)} y2={y(high * share)} stroke="var(--line)" vectorEffect="non-scaling-stroke" />
        ))}
        <line x1={0} x2={width} y1={y(0)} y2={y(0)} stroke="var(--line-strong)" vectorEffect="non-scaling-stroke" />
        {now.map((value, index) =>
          value === null ? null : (
            <rect key={index} x={index * slot + slot * 0.18} width={slot * 0.64} y={Math.min(y(value), y(0))} height={Math.max(Math.abs(y(value) - y(0)), 0.5)} rx={1.5} fill="var(--series-1)">
              <title>{`${labels[index] ?? ''}: ${format(value)}`}</title>
            </rect>
          ),
        )}
        <polyline points={line.join(' ')} fill="none" stroke="var(--series-2)" strokeWidth={2} vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
      </svg>
      <div aria-hidden="true" className="-mt-4 flex justify-between text-2xs text-soft">
        <span>{labels[0]}</span>
        <span>{labels[Math.floor((slots - 1) / 2)]}</span>
        <span>{labels[slots - 1]}</span>
      </div>
    </figure>
  )
}
