/** A share as a thin bar, 0 to 100. The number stands beside it in words. */
export function ShareBar({ percent, tone = 1 }: { percent: string | null; tone?: 1 | 2 | 3 | 4 | 5 }) {
  const width = Math.max(0, Math.min(100, Number(percent ?? 0)))
  return (
    <span aria-hidden="true" className="inline-block h-1.5 w-16 overflow-hidden rounded-full bg-sunken align-middle">
      <span className="block h-full rounded-full" style={{ width: `${width}%`, background: `var(--series-${tone})` }} />
    </span>
  )
}
