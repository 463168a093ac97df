import { date, type DateStyle, relative } from '~/lib/format'
import { useViewer } from '~/session/session'

/** A moment in the account's zone. `ago` says how long ago, with the moment in the title. */
export function Time({ at, ago = false, style = 'datetime' }: { at: string | null | undefined; ago?: boolean; style?: DateStyle }) {
  const { place } = useViewer()
  if (!at) return <span className="text-faint">–</span>
  return (
    <time dateTime={at} title={date(at, place, 'full')} className="whitespace-nowrap">
      {ago ? relative(at, place) : date(at, place, style)}
    </time>
  )
}
