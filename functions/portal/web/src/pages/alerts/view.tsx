import { useNavigate, useParams } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi, useList } from '~/api/query'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Badge } from '~/ui/badge'
import { Button, ButtonLink, PageLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { useSubmit } from '~/ui/form'
import { Id } from '~/ui/copy'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { sentence, valueOf } from './words'

type Turn = Schema<'AlertTurn'>
type Firing = Schema<'AlertFiring'>

/** One alert: where it fires now, and what it told. */
export default function ViewAlert() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { account, place, can, base } = useViewer()
  const navigate = useNavigate()
  const [filters] = useFilters<'account_id'>()
  const query = filters.account_id ? { account_id: filters.account_id } : {}
  const alert = useApi('/reseller/alerts/{id}', { path: { id }, query }, { everyMs: 30_000 })
  const history = useList('/reseller/alerts/{id}/history', { path: { id }, query: { ...query, limit: 50 } })
  const of = useApi('/reseller/accounts/{id}', { path: { id: filters.account_id ?? '' } }, { enabled: Boolean(filters.account_id) && filters.account_id !== account.id })
  const [removing, setRemoving] = useState(false)
  const { data } = alert
  const currency = of.data?.currency ?? account.currency
  const removal = useSubmit(
    useCallback((of: { id: string; account_id?: string }) => api.delete('/reseller/alerts/{id}', { path: { id: of.id }, query: of.account_id ? { account_id: of.account_id } : {} } as never), []),
    useCallback(() => {
      toast.done('The alert was deleted.')
      void refresh('/reseller/alerts')
      void navigate({ to: `${base}/alerts` as never })
    }, [navigate, base]),
  )
  const shown = (value: string) => (data ? valueOf(data, value, currency, place) : value)
  const accountCell = (watched: string) => <AccountName id={watched} />
  const firing: Column<Firing>[] = [
    { id: 'account', head: 'Account', cell: (row) => accountCell(row.account_id) },
    { id: 'value', head: 'Value then', width: 8, align: 'right', cell: (row) => shown(row.value) },
    { id: 'since', head: 'Since', width: 8, from: 'sm', cell: (row) => <Time at={row.since} ago /> },
  ]
  const turns: Column<Turn>[] = [
    { id: 'turn', head: 'What', width: 6, cell: (row) => (row.turn === 'fired' ? <Badge tone="bad">Fired</Badge> : <Badge tone="good">Resolved</Badge>) },
    { id: 'account', head: 'Account', cell: (row) => accountCell(row.account_id) },
    { id: 'value', head: 'Value', width: 6.5, align: 'right', cell: (row) => shown(row.value) },
    { id: 'threshold', head: 'Threshold', width: 6.5, align: 'right', from: 'md', cell: (row) => shown(row.threshold) },
    { id: 'at', head: 'When', width: 8, from: 'sm', cell: (row) => <Time at={row.at} ago /> },
  ]
  if (alert.error && !data) {
    return (
      <>
        <PageHead back={<PageLink to="alerts">Alerts</PageLink>} title="Alert" />
        <Card>
          <Failed error={alert.error} retry={() => void alert.refetch()} what="The alert" />
        </Card>
      </>
    )
  }
  return (
    <>
      <PageHead
        back={<PageLink to="alerts" search={query}>Alerts</PageLink>}
        title={data ? sentence(data, currency, place) : <Skeleton className="h-6 w-64" />}
        sub={data ? (data.firing.length > 0 ? <Badge tone="bad">Fires now</Badge> : data.enabled ? <Badge tone="good">On, and quiet</Badge> : <Badge>Off</Badge>) : <Skeleton className="h-4 w-20" />}
        actions={
          can('alerts.manage') && (
            <>
              <ButtonLink to={`alerts/${id}/edit`} search={query} icon="edit">
                Edit
              </ButtonLink>
              <Button icon="trash" disabled={!data} onClick={() => setRemoving(true)}>
                Delete
              </Button>
            </>
          )
        }
      />
      {!data ? (
        <Skeleton className="h-[32rem] w-full !rounded-xl" />
      ) : (
        <div className="grid items-start gap-5 grid-cols-1 lg:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
          <div className="space-y-5">
            <Card flush title="Fires now" sub="At most a hundred accounts are listed.">
              <DataTable label="Accounts of which it fires" columns={firing} rows={data.firing} rowId={(row) => row.account_id} empty={<Empty icon="check" title="It is quiet">{data.enabled === false ? 'It is off, so nothing is watched. Edit it to put it in force.' : 'No account it watches is beyond the threshold.'}</Empty>} />
            </Card>
            <Card flush title="History">
              <DataTable label="What the alert told" columns={turns} {...history} rowId={(row) => row.event_id} empty={<Empty icon="clock" title="It has told nothing yet">Each crossing of the threshold will stand here, and each way back.</Empty>} />
            </Card>
          </div>
          <Card title="How it is set">
            <Facts
                rows={[
                  ['Account', accountCell(data.account_id)],
                  ['Watches', data.subtree ? 'It and everything below, each by itself' : 'It alone'],
                  ['Fires', data.recurring ? 'At every crossing' : 'Once for each account'],
                  ['Webhooks', data.channels.webhook ? 'Told' : 'Not told'],
                  ['E-mail', data.channels.emails?.length ? <ul>{data.channels.emails.map((email) => <li key={email}>{email}</li>)}</ul> : 'Nobody'],
                  ['Made', <Time key="made" at={data.created_at} />],
                  ['Changed', <Time key="changed" at={data.updated_at} />],
                  ['Id', <Id key="id" id={data.id} what="alert id" />],
                ]}
              />
          </Card>
        </div>
      )}
      <Confirm open={removing} onClose={() => { setRemoving(false); removal.reset() }} onConfirm={() => void removal.submit({ id, ...query })} title="Delete this alert?" action="Delete" danger busy={removal.busy} error={removal.error}>
        <p>{data && sentence(data, currency, place)}: nothing more is told of it, not even that it is back. Its history leaves with it.</p>
      </Confirm>
    </>
  )
}
