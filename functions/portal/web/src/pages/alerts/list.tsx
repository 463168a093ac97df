import { useNavigate } from '@tanstack/react-router'
import { useApi, useList } from '~/api/query'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Badge } from '~/ui/badge'
import { Button, ButtonLink, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { type Alert, sentence, told } from './words'

/** The alerts of an account. */
export default function Alerts() {
  const { account, place, can, customer, base } = useViewer()
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<'account_id'>()
  const other = !customer && filters.account_id && filters.account_id !== account.id ? filters.account_id : undefined
  const of = useApi('/reseller/accounts/{id}', { path: { id: other ?? '' } }, { enabled: Boolean(other) })
  const list = useList('/reseller/alerts', { query: { ...(other ? { account_id: other } : {}), limit: 50 } })
  const currency = of.data?.currency ?? account.currency
  const search = (alert: Alert) => (alert.account_id === account.id ? undefined : { account_id: alert.account_id })
  const columns: Column<Alert>[] = [
    {
      id: 'what',
      head: 'Fires on',
      cell: (row) => (
        <PageLink to={`alerts/${row.id}`} search={search(row)}>
          {sentence(row, currency, place)}
        </PageLink>
      ),
    },
    { id: 'where', head: 'Watches', width: 12, from: 'md', cell: (row) => (row.subtree ? 'Account and all below' : 'The account') },
    { id: 'often', head: 'How often', width: 8, from: 'xl', cell: (row) => (row.recurring ? 'Each crossing' : 'Once') },
    { id: 'told', head: 'Tells', width: 13, from: 'sm', cell: (row) => told(row.channels) },
    { id: 'changed', head: 'Changed', width: 8, from: 'xl', cell: (row) => <Time at={row.updated_at} ago /> },
    { id: 'state', head: 'State', width: 5, cell: (row) => (row.enabled ? <Badge tone="good">On</Badge> : <Badge>Off</Badge>) },
  ]
  const create = can('alerts.manage') && (
    <ButtonLink to="alerts/new" search={other ? { account_id: other } : undefined} look="primary" icon="plus">
      New alert
    </ButtonLink>
  )
  return (
    <>
      <PageHead
        title="Alerts"
        sub="A threshold on one number. Each crossing is told once, and once more when the number is back."
        actions={create}
      />
      {other && (
        <div className="mb-4">
          <Notice title={`Alerts of ${of.data?.name ?? 'a sub-account'}`} action={<Button small onClick={() => setFilters({ account_id: undefined })}>Show your own</Button>} />
        </div>
      )}
      <Card flush>
        <DataTable
          label="Alerts"
          columns={columns}
          {...list}
          rowId={(row) => row.id}
          onOpen={(row) => void navigate({ to: `${base}/alerts/${row.id}` as never, search: (search(row) ?? {}) as never })}
          empty={
            <Empty icon="bell" title="No alerts yet" action={create}>
              {customer ? 'An alert tells you before your credit runs out, or when you spend more than you meant to.' : 'An alert tells you before credit runs out, when somebody spends more than usual, or when something is sold at a loss. One can watch all your sub-accounts, each by itself.'}
            </Empty>
          }
        />
      </Card>
    </>
  )
}
