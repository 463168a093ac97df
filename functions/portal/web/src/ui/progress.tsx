/** How far something is, 0 to `max`; without `max` it is not known yet. The figures stand beside it in words. */
export function Progress({ value, max, label, tone = 'accent' }: { value: number; max: number | null; label: string; tone?: 'accent' | 'good' | 'warn' | 'bad' }) {
  const colours = { accent: 'bg-(--accent-ink)', good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad' }
  const share = max ? Math.min(100, (value / max) * 100) : 0
  return (
    <div role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={max ?? undefined} aria-valuenow={max === null ? undefined : value} className="h-1.5 w-full overflow-hidden rounded-full bg-sunken">
      <div className={`h-full rounded-full transition-[width] duration-300 ${max === null ? 'w-1/3 animate-pulse' : ''} ${colours[tone]}`} style={max === null ? undefined : { width: `${share}%` }} />
    </div>
  )
}
