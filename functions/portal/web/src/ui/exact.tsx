import { exactMoney } from '~/lib/exact'
import { useViewer } from '~/session/session'

/** Money with all of its up to twelve decimals: prices of one unit, and what is not rounded yet. */
export function Exact({ value, currency, signed = false, className = '' }: { value: string | null | undefined; currency: string; signed?: boolean; className?: string }) {
  const { place } = useViewer()
  if (value === null || value === undefined) return <span className={`text-faint ${className}`}>–</span>
  return <span className={`tabular-nums whitespace-nowrap ${className}`}>{exactMoney(value, currency, place, signed)}</span>
}
