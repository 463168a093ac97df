import { asApiError } from '~/api/problem'
import { Button, ButtonLink } from '~/ui/button'
import { Empty, Failed } from '~/ui/state'

/** An address with nothing behind it, or nothing for this viewer: the two look alike. */
export function Missing({ inside = false }: { inside?: boolean }) {
  // The frame of signed-in pages is a main of its own.
  const Place = inside ? 'div' : 'main'
  return (
    <Place className={inside ? '' : 'mx-auto max-w-lg pt-24'}>
      <h1 className="sr-only">Not found</h1>
      <Empty
        icon="search"
        title="There is no such page"
        action={inside ? <ButtonLink to="">Go to the overview</ButtonLink> : <Button onClick={() => location.assign('/app')}>Go to the dashboard</Button>}
      >
        It may have moved, or your role does not include it.
      </Empty>
    </Place>
  )
}

/** A page that broke, or whose script could not be loaded: after a new release the old one is gone, and loading the page anew brings it. */
export function PageFailed({ error }: { error: unknown }) {
  return (
    <div>
      <h1 className="sr-only">Something went wrong</h1>
      <Failed error={asApiError(error)} retry={() => location.reload()} what="This page" />
    </div>
  )
}
