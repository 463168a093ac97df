import { useEditable } from '~/api/query'
import { useViewer } from '~/session/session'
import { ButtonLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Failed, Skeleton } from '~/ui/state'
import { Members } from './members'
import { Settings } from './settings'

/** The viewer's own account: what it is called, its zone and its people. */
export default function OwnSettings() {
  const viewer = useViewer()
  const { account, customer } = viewer
  const found = useEditable('/reseller/accounts/{id}', { path: { id: account.id } })
  return (
    <>
      <PageHead
        title="Settings"
        sub={account.name}
        actions={
          <>
            {!customer && viewer.can('keys.read') && (
              <ButtonLink to={`accounts/${account.id}/keys`} icon="key">
                API keys
              </ButtonLink>
            )}
            <ButtonLink to="sessions" icon="lock">
              Sessions
            </ButtonLink>
          </>
        }
      />
      <div className="space-y-4">
        {found.data ? (
          <Settings key={found.data.data.version} account={found.data.data} etag={found.data.etag} reload={() => void found.refetch()} />
        ) : (
          <Card>{found.error ? <Failed error={found.error} retry={() => void found.refetch()} what="Your account" /> : <Skeleton className="h-[32rem] w-full" />}</Card>
        )}
        {viewer.can('members.read') && (found.data || found.error) && <Members accountId={account.id} />}
      </div>
    </>
  )
}
