import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField } from '~/ui/account'
import { Badge, State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { EndpointDialog, SigningSecret } from './fields'

type Row = Schema<'Webhook'>

/** The addresses that events are sent to. */
export default function Webhooks() {
  const { account, base, can } = useViewer()
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<'account'>()
  const of = filters.account ?? account.id
  const list = useList('/reseller/webhooks', { query: { account_id: filters.account } }, { keep: true })
  const [making, setMaking] = useState(0)
  const [open, setOpen] = useState(false)
  const [made, setMade] = useState<Row | null>(null)
  const manage = can('webhooks.manage')
  const search = filters.account ? { account: filters.account } : undefined
  const begin = () => {
    setMaking(making + 1)
    setOpen(true)
  }
  const columns: Column<Row>[] = [
    { id: 'url', head: 'Address', cell: (row) => <PageLink to={`webhooks/${row.id}`} search={search} className="font-medium">{row.url}</PageLink> },
    { id: 'events', head: 'Events', width: 14, from: 'md', cell: (row) => <span title={row.events.join(', ')}>{row.events.includes('*') ? 'All' : row.events.join(', ')}</span> },
    { id: 'subtree', head: '', width: 7.5, from: 'lg', cell: (row) => row.subtree && <Badge>With all below</Badge> },
    { id: 'status', head: 'State', width: 6, cell: (row) => <State state={row.status} /> },
    { id: 'created', head: 'Made', width: 8, from: 'lg', cell: (row) => <Time at={row.created_at} style="date" /> },
  ]
  return (
    <>
      <PageHead title="Webhooks" sub="What happens is sent to addresses of yours, signed, at least once." actions={manage && list.rows.length < 20 && <Button look="primary" icon="plus" onClick={begin}>Add an endpoint</Button>} />
      <div className="mb-3 max-w-sm">
        <AccountField bare label="Account" value={of} onChange={(value) => setFilters({ account: value || undefined })} />
      </div>
      <Card flush>
        <DataTable
          label="Endpoints"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={(row) => void navigate({ to: `${base}/webhooks/${row.id}` as never, search: (search ?? {}) as never })}
          empty={<Empty icon="webhook" title="No endpoints" action={manage && <Button onClick={begin}>Add an endpoint</Button>}>Have events sent to your own service: movements of credit, invoices, alerts, and all else that happens here. What happened before an endpoint was made is not sent to it.</Empty>}
        />
      </Card>
      <EndpointDialog
        key={making}
        open={open}
        onClose={() => setOpen(false)}
        title="Add an endpoint"
        action="Add it"
        begin={{ url: '', events: [], subtree: false, description: '' }}
        send={(body, key) => api.post('/reseller/webhooks', { body: { ...body, account_id: filters.account }, idempotencyKey: key })}
        done={({ data }) => {
          setMade(data)
          void refresh('/reseller/webhooks')
        }}
      />
      {made && (
        <SigningSecret
          secret={made.secret}
          onClose={() => {
            setMade(null)
            void navigate({ to: `${base}/webhooks/${made.id}` as never, search: (search ?? {}) as never })
          }}
        />
      )}
    </>
  )
}
