import { useState } from 'react'
import type { SessionRow } from '~/api/contract'
import { useList } from '~/api/query'
import { SettingsHead } from '~/pages/settings/head'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { signOut } from '~/shell/sign-out'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'

const COLUMNS: Column<SessionRow>[] = [
  {
    id: 'device',
    head: 'Device',
    cell: (row) => (
      <span className="flex items-center gap-2">
        <span className="truncate" title={row.user_agent ?? undefined}>
          {row.user_agent ?? 'Unknown'}
        </span>
        {row.current && <Badge tone="good">This one</Badge>}
      </span>
    ),
  },
  { id: 'seen', head: 'Last seen', width: 9, cell: (row) => <Time at={row.last_seen_at} ago /> },
  { id: 'begun', head: 'Signed in', width: 12, from: 'sm', cell: (row) => <Time at={row.created_at} /> },
  { id: 'ends', head: 'Ends by', width: 12, from: 'md', cell: (row) => <Time at={row.expires_at} /> },
]

/** Where somebody is signed in, and the way out of all of it. */
export default function Sessions() {
  const { base } = useViewer()
  const list = useList('/portal/sessions')
  const [filters, setFilters] = useFilters<'do'>()
  const asking = filters.do === 'leave'
  const [busy, setBusy] = useState(false)
  const leave = async () => {
    setBusy(true)
    await signOut(base, true)
    setBusy(false)
  }
  return (
    <>
      <SettingsHead
        current="sessions"
        title="Sessions"
        sub="Where you are signed in. A session ends after 12 hours without use, and after 7 days at the latest."
        actions={
          <Button icon="leave" onClick={() => setFilters({ do: 'leave' })}>
            Sign out everywhere
          </Button>
        }
      />
      <Card flush>
        <DataTable label="Sessions" columns={COLUMNS} rowId={(row) => row.id} {...list} empty={<Empty title="No session">Sign in again to see it here.</Empty>} />
      </Card>
      <Confirm open={asking} onClose={() => setFilters({ do: undefined }, true)} onConfirm={() => void leave()} busy={busy} error={null} title="Sign out everywhere?" action="Sign out everywhere">
        <p>All your sessions end at once, on every device, this one too. API keys go on working.</p>
      </Confirm>
    </>
  )
}
