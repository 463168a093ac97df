import { exactMoney } from '~/lib/exact'
import { useViewer } from '~/session/session'
import { type Explanation, Figure } from './amount'

/** Money with all of its up to twelve decimals: prices of one unit, and what is not rounded yet. With `explain` it opens where it comes from. */
export function Exact({ value, currency, signed = false, explain, className = '' }: { value: string | null | undefined; currency: string; signed?: boolean; explain?: Explanation; className?: string }) {
  const { place } = useViewer()
  if (value === null || value === undefined) return <span className={`text-faint ${className}`}>–</span>
  return <Figure shown={exactMoney(value, currency, place, signed)} currency={currency} explain={explain} className={className} />
}
