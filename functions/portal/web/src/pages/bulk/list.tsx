import { useNavigate } from '@tanstack/react-router'
import type { Schema } from '~/api/client'
import { useList } from '~/api/query'
import { count } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Badge, State } from '~/ui/badge'
import { ButtonLink, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { ABOUT, KINDS } from './kinds'

type Row = Schema<'BulkJob'>

/** The jobs that were asked for. */
export default function Jobs() {
  const { base, place, can } = useViewer()
  const navigate = useNavigate()
  const list = useList('/reseller/bulk', { query: { limit: 50 } }, { everyMs: 10_000 })
  const manage = can('bulk.manage')
  const columns: Column<Row>[] = [
    { id: 'kind', head: 'Job', cell: (row) => <PageLink to={`bulk/${row.id}`} className="font-medium">{ABOUT[row.kind].label}</PageLink> },
    { id: 'at', head: 'Asked for', width: 10.5, from: 'sm', cell: (row) => <Time at={row.created_at} /> },
    { id: 'dry', head: '', width: 7.5, from: 'md', cell: (row) => row.state === 'completed' && row.phase === 'planned' && <Badge tone="info">Waits for you</Badge> },
    { id: 'state', head: 'State', width: 11, cell: (row) => <State state={row.state} /> },
    { id: 'rows', head: 'Rows', align: 'right', width: 6, from: 'sm', cell: (row) => count(row.rows, place) },
    { id: 'done', head: 'Done', align: 'right', width: 6, from: 'lg', cell: (row) => count(row.done, place) },
    { id: 'failed', head: 'Failed', align: 'right', width: 5, from: 'md', cell: (row) => <span className={row.failed > 0 ? 'font-medium text-bad' : 'text-soft'}>{count(row.failed, place)}</span> },
  ]
  return (
    <>
      <PageHead title="Bulk jobs" sub="Many accounts at once, up to 100,000 rows. Each row is done exactly once." actions={manage && <ButtonLink to="bulk/new" look="primary" icon="plus">New job</ButtonLink>} />
      <Card flush>
        <DataTable
          label="Bulk jobs"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={(row) => void navigate({ to: `${base}/bulk/${row.id}` as never })}
          empty={
            <Empty icon="bulk" title="No jobs yet" action={manage && KINDS.map((kind) => <ButtonLink key={kind} small to="bulk/new" search={{ kind }}>{ABOUT[kind].label}</ButtonLink>)}>
              Paste rows, drop a file, or choose accounts in the accounts grid. Every job is checked and shown first, and done when you say so.
            </Empty>
          }
        />
      </Card>
    </>
  )
}
