import { webAddress } from '~/lib/addresses'
import { Icon } from './icon'

/** A link that somebody wrote down: opened only if it goes to the web, and told nothing of where it was pressed. Else it is shown as text. */
export function DataLink({ url }: { url: string }) {
  const address = webAddress(url)
  if (!address) return <span>{url}</span>
  return (
    <a href={address} target="_blank" rel="noreferrer noopener nofollow" className="inline-flex items-center gap-1">
      <span>{url}</span>
      <Icon name="out" size={12} />
      <span className="sr-only">(opens in a new window)</span>
    </a>
  )
}
