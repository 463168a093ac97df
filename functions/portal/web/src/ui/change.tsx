import { percent } from '~/lib/format'
import { useViewer } from '~/session/session'

/** A change in percent against what it is compared with; `good` says which way is welcome, if one is. */
export function Change({ value, good = 'up' }: { value: string | null | undefined; good?: 'up' | 'down' | 'none' }) {
  const { place } = useViewer()
  if (value === null || value === undefined) return <span className="text-faint">–</span>
  const number = Number(value)
  const tone = number === 0 || good === 'none' ? 'text-soft' : number > 0 === (good === 'up') ? 'text-good' : 'text-bad'
  return <span className={`tabular-nums whitespace-nowrap ${tone}`}>{percent(value, place, { signed: true })}</span>
}
