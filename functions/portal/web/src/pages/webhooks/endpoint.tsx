import { useNavigate, useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi, useEditable, useList } from '~/api/query'
import { readMoment } from '~/lib/days'
import { count, words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Act } from '~/ui/ask'
import { Badge, State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Copy, Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { CheckField, FilterSelect, SelectField, TextField } from '~/ui/form'
import { Empty, Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { EndpointDialog, hears, SigningSecret } from './fields'

type Endpoint = Schema<'Webhook'>
type Delivery = Schema<'WebhookDelivery'>
const STATUSES: Schema<'DeliveryStatus'>[] = ['pending', 'delivered', 'failed']
const changed = () => void refresh('/reseller/webhooks')
const WHY: Record<string, string> = { failing: 'It failed for three days without a break.', gone: 'It answered 410 Gone.' }

/** One endpoint, what was sent to it, and every try. */
export default function EndpointPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { base, can } = useViewer()
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<'account' | 'status' | 'event'>()
  const account_id = filters.account
  const read = useEditable('/reseller/webhooks/{id}', { path: { id }, query: { account_id } })
  const endpoint = read.data?.data
  const etag = read.data?.etag ?? undefined
  const reload = () => void read.refetch()
  const manage = can('webhooks.manage')
  const status = STATUSES.find((known) => known === filters.status)
  const list = useList('/reseller/webhooks/{id}/deliveries', { path: { id }, query: { account_id, status, limit: 50 } }, { keep: true, everyMs: 10_000 })
  // With the version that the fields began on: what is read while they are written in has another.
  const [editing, setEditing] = useState({ round: 0, etag })
  const [editOpen, setEditOpen] = useState(false)
  const [rotated, setRotated] = useState<Endpoint | null>(null)
  const columns: Column<Delivery>[] = [
    { id: 'type', head: 'Event', cell: (row) => <button type="button" className="max-w-full truncate font-mono text-xs decoration-line-strong decoration-dotted underline-offset-4 hover:underline" onClick={() => setFilters({ event: row.event_id })}>{row.event_type}</button> },
    { id: 'account', head: 'Of', width: 11, from: 'lg', cell: (row) => <AccountName id={row.account_id} link={false} /> },
    { id: 'status', head: 'State', width: 6.5, cell: (row) => <State state={row.status} /> },
    { id: 'answer', head: 'Last answer', width: 9, from: 'sm', cell: (row) => <LastAnswer row={row} /> },
    { id: 'tries', head: 'Tries', align: 'right', width: 4.5, from: 'md', cell: (row) => row.tries },
    { id: 'next', head: 'Next try', width: 8, from: 'xl', cell: (row) => <Time at={row.next_attempt_at} ago /> },
    { id: 'at', head: 'When', width: 8.5, from: 'sm', cell: (row) => <Time at={row.created_at} ago /> },
  ]
  return (
    <>
      <PageHead
        back={<PageLink to="webhooks" search={account_id ? { account: account_id } : undefined}>Webhooks</PageLink>}
        title={endpoint ? <span className="break-all">{endpoint.url}</span> : read.error ? 'Endpoint' : <Skeleton className="h-6 w-64" />}
        sub={endpoint ? <span className="flex flex-wrap items-center gap-x-3"><State state={endpoint.status} /><Id id={endpoint.id} what="endpoint id" /></span> : <Skeleton className="h-4 w-48" />}
        actions={
          endpoint && manage ? (
            <>
              <Act
                label="Test"
                icon="play"
                title="Send a test event?"
                action="Send webhook.ping"
                input={endpoint.id}
                send={() => api.post('/reseller/webhooks/{id}/test', { path: { id }, query: { account_id } })}
                done={({ data }) => {
                  toast.done('The test is on its way')
                  changed()
                  setFilters({ event: data.event_id })
                }}
              >
                <p>The event <code className="font-mono text-xs">webhook.ping</code> is sent at once, whatever the endpoint hears otherwise. What came of it is shown.</p>
              </Act>
              <Button icon="edit" onClick={() => { setEditing({ round: editing.round + 1, etag }); setEditOpen(true) }}>Edit</Button>
              <Rotate endpoint={endpoint} account_id={account_id} etag={etag} reload={reload} done={setRotated} />
              <Act
                label="Remove"
                look="quiet"
                icon="trash"
                danger
                title="Remove this endpoint?"
                action="Remove it"
                type="remove"
                input={endpoint.id}
                send={() => api.delete('/reseller/webhooks/{id}', { path: { id }, query: { account_id } })}
                done={() => {
                  toast.done('The endpoint is removed')
                  changed()
                  void navigate({ to: `${base}/webhooks` as never })
                }}
              >
                <p>Nothing is sent there any more. What is still to be delivered to it is given up, and what was delivered is no longer shown.</p>
              </Act>
            </>
          ) : manage && !read.error ? (
            <Skeleton className="h-8.5 w-80 max-w-full" />
          ) : undefined
        }
      />
      <NotFresh of={read} />
      {read.error && !read.data ? (
        <Card key="failed">
          <Failed error={read.error} retry={reload} what="The endpoint" />
        </Card>
      ) : !endpoint ? (
        <Card key="loading">
          <Skeleton className="h-64 w-full" />
        </Card>
      ) : (
        <div key="endpoint" className="space-y-4">
          {endpoint?.status === 'disabled' && (
            <Notice
              tone="warn"
              title="Switched off"
              action={
                manage && (
                  <Act
                    label="Enable"
                    small
                    title="Send to this endpoint again?"
                    action="Enable it"
                    input={endpoint.id}
                    reload={reload}
                    send={() => api.post('/reseller/webhooks/{id}/enable', { path: { id }, query: { account_id }, ifMatch: etag })}
                    done={() => {
                      toast.done('The endpoint is on again', 'What it missed is sent when you replay it.')
                      changed()
                    }}
                  >
                    <p>Events are sent from now on. What it missed while it was off is kept for 30 days: replay it afterwards.</p>
                  </Act>
                )
              }
            >
              {WHY[endpoint.disabled_reason ?? ''] ?? 'It is sent nothing.'} Since <Time at={endpoint.disabled_at} />.
            </Notice>
          )}
          <Card title="What it hears">
            {endpoint ? (
              <Facts
                rows={[
                  ['Events', <span key="events" className="flex flex-wrap gap-1">{endpoint.events.map((event) => <Badge key={event}>{event === '*' ? 'All' : event}</Badge>)}</span>],
                  ['Of', endpoint.subtree ? 'Its account and every account below' : 'Its account alone'],
                  ...(endpoint.description ? [['For', endpoint.description] as [string, ReactNode]] : []),
                  ...(endpoint.previous_secret_signs_until ? [['Old secret signs until', <Time key="old" at={endpoint.previous_secret_signs_until} />] as [string, ReactNode]] : []),
                  ['Changed', <Time key="updated" at={endpoint.updated_at} />],
                ]}
              />
            ) : (
              <Skeleton className="h-20 w-full" />
            )}
          </Card>
          <Card
            title="Deliveries"
            sub="Of the last 30 days, newest first. Each is tried ten times over three days."
            actions={
              <>
                <FilterSelect label="State" value={status ?? ''} onChange={(value) => setFilters({ status: value })} options={[{ value: '', label: 'All' }, ...STATUSES.map((value) => ({ value, label: words(value) }))]} />
                {manage && <ReplayRange id={id} account_id={account_id} />}
              </>
            }
            flush
          >
            <DataTable
              label="Deliveries"
              columns={columns}
              rowId={(row) => row.event_id}
              {...list}
              onOpen={(row) => setFilters({ event: row.event_id })}
              empty={<Empty icon="webhook" title={status ? `Nothing ${words(status).toLowerCase()}` : 'Nothing was sent yet'}>{status ? 'Choose another state to see the others.' : manage ? 'Press “Test” to send the first event.' : 'Events stand here as they happen.'}</Empty>}
            />
          </Card>
        </div>
      )}
      <Sheet open={Boolean(filters.event)} onClose={() => setFilters({ event: undefined })} title="Delivery">
        {filters.event && <DeliveryShown id={id} eventId={filters.event} account_id={account_id} manage={manage} endpoint={endpoint} />}
      </Sheet>
      {endpoint && (
        <EndpointDialog
          key={editing.round}
          open={editOpen}
          onClose={() => setEditOpen(false)}
          title="Edit the endpoint"
          action="Save"
          begin={{ url: endpoint.url, events: endpoint.events, subtree: endpoint.subtree, description: endpoint.description ?? '' }}
          send={(body) => api.put('/reseller/webhooks/{id}', { path: { id }, query: { account_id }, body, ifMatch: editing.etag })}
          done={() => {
            toast.done('Saved')
            changed()
          }}
          stale={reload}
        />
      )}
      {rotated && <SigningSecret secret={rotated.secret} overlapUntil={rotated.previous_secret_signs_until} onClose={() => setRotated(null)} />}
    </>
  )
}

function LastAnswer({ row }: { row: Pick<Delivery, 'attempts'> }) {
  const last = row.attempts.at(-1)
  if (!last) return <span className="text-faint">–</span>
  return last.status ? <Badge tone={last.status < 300 ? 'good' : 'bad'}>{last.status}</Badge> : <span title={last.error ?? undefined} className="text-bad">{last.error ?? 'No answer'}</span>
}

function Rotate({ endpoint, account_id, etag, reload, done }: { endpoint: Endpoint; account_id: string | undefined; etag: string | undefined; reload: () => void; done: (endpoint: Endpoint) => void }) {
  const [hours, setHours] = useState('24')
  return (
    <Act
      label="Rotate secret"
      icon="key"
      title="Give it a new secret?"
      action="Rotate"
      danger={hours === '0'}
      input={{ overlap_hours: Number(hours) }}
      reload={reload}
      send={(body) => api.post('/reseller/webhooks/{id}/rotate-secret', { path: { id: endpoint.id }, query: { account_id }, body, ifMatch: etag })}
      done={({ data }) => {
        done(data)
        changed()
      }}
    >
      <p>The new secret is shown once. {hours === '0' ? 'The old one signs nothing from now on: until the new one is in place, your service refuses what it is sent.' : 'Meanwhile each event is signed with both, so nothing is missed while you put it in place.'}</p>
      <SelectField label="The old secret signs for" pointer="/overlap_hours" value={hours} onChange={setHours} options={[['0', 'Not any more: it leaked'], ['1', 'One hour'], ['24', 'A day'], ['48', 'Two days'], ['72', 'Three days']].map(([value, label]) => ({ value: value as string, label: label as string }))} />
    </Act>
  )
}

function ReplayRange({ id, account_id }: { id: string; account_id: string | undefined }) {
  const { place } = useViewer()
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const [failedOnly, setFailedOnly] = useState(true)
  const [sent, setSent] = useState(0)
  const [rest, setRest] = useState<string | null>(null)
  const moment = (text: string) => readMoment(text, place.timeZone)
  const zone = `In the time of ${place.timeZone.replaceAll('_', ' ')}`
  return (
    <Act
      label="Replay a time"
      icon="refresh"
      small
      title="Send the events of some time again?"
      action={rest ? 'Send the rest' : 'Replay'}
      onOpen={() => {
        setRest(null)
        setSent(0)
      }}
      wrong={moment(from) ? null : 'Choose from when.'}
      input={{ from: moment(from) ?? '', to: rest ?? moment(to), only_failed: failedOnly }}
      send={async (body) => {
        // One request sends some 500: it is asked for the rest until there is none, and what was sent so far stays said if one of them fails.
        let next: string | null | undefined = body.to
        let all = sent
        for (;;) {
          const { data }: { data: Schema<'ReplayedDeliveries'> } = await api.post('/reseller/webhooks/{id}/replay', { path: { id }, query: { account_id }, body: { ...body, to: next ?? undefined } })
          all += data.replayed
          setSent(all)
          setRest(data.continue_to ?? null)
          next = data.continue_to
          if (!next) return all
        }
      }}
      done={(all) => {
        toast.done(all === 0 ? 'There was nothing to send again' : `${count(all, place)} events are sent again within a minute`)
        changed()
      }}
    >
      <p>Each goes out under the same id as before: a service that keeps the ids it has seen drops those it has.</p>
      {sent > 0 && <p className="font-medium">{count(sent, place)} are on their way so far.</p>}
      <TextField label="From" pointer="/from" type="datetime-local" required value={from} onChange={setFrom} hint={`${zone}; at most 30 days ago.`} />
      <TextField label="To" pointer="/to" type="datetime-local" optional value={to} onChange={setTo} hint={`Now unless you choose. ${zone}.`} />
      <CheckField label="Only those that failed" hint="Otherwise those too that were taken." value={failedOnly} onChange={setFailedOnly} />
    </Act>
  )
}

/** JSON with its lines broken, or the text as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

function Code({ label, text }: { label: string; text: string }) {
  return (
    <div className="space-y-1">
      <p className="flex items-center justify-between text-xs text-soft">
        {label}
        <Copy text={text} what={label.toLowerCase()} />
      </p>
      <pre className="max-h-72 overflow-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs break-all whitespace-pre-wrap" role="region" aria-label={label} tabIndex={0}>
        {pretty(text)}
      </pre>
    </div>
  )
}

function DeliveryShown({ id, eventId, account_id, manage, endpoint }: { id: string; eventId: string; account_id: string | undefined; manage: boolean; endpoint: Endpoint | undefined }) {
  const [pending, setPending] = useState(true)
  const read = useApi('/reseller/webhooks/{id}/deliveries/{event_id}', { path: { id, event_id: eventId }, query: { account_id } }, { everyMs: pending ? 2_500 : false })
  const delivery = read.data
  const stillPending = delivery ? delivery.status === 'pending' : read.error?.status === 404
  if (stillPending !== pending) setPending(stillPending)
  // A test's delivery is there a moment after the test was asked for.
  if (read.error && !delivery && read.error.status !== 404) return <Failed error={read.error} retry={() => void read.refetch()} what="The delivery" />
  if (!delivery) {
    return (
      <div className="space-y-3">
        <p className="text-sm text-soft">{read.error ? 'It is not known yet: looking again.' : 'Loading…'}</p>
        <Skeleton className="h-40 w-full" />
      </div>
    )
  }
  return (
    <div className="space-y-5 text-sm">
      <NotFresh of={read} />
      <div className="flex flex-wrap items-center justify-between gap-2">
        <span className="flex items-center gap-2">
          <code className="font-mono">{delivery.event_type}</code>
          <State state={delivery.status} />
        </span>
        {manage && (
          <Act
            label="Replay"
            icon="refresh"
            small
            title="Send this event again?"
            action="Send it again"
            input={delivery.tries}
            send={() => api.post('/reseller/webhooks/{id}/deliveries/{event_id}/replay', { path: { id, event_id: eventId }, query: { account_id } })}
            done={() => {
              toast.done('It is sent again within a minute')
              changed()
            }}
          >
            <p>It goes out under the same id, tried as often as a new one.</p>
          </Act>
        )}
      </div>
      {endpoint && !hears(endpoint.events, delivery.event_type) && delivery.event_type !== 'webhook.ping' && <p className="text-soft">The endpoint does not hear of this type any more.</p>}
      <Facts
        rows={[
          ['Event', <Id key="event" id={delivery.event_id} what="event id" />],
          ['Happened to', <AccountName key="account" id={delivery.account_id} />],
          ['Known since', <Time key="created" at={delivery.created_at} />],
          ...(delivery.next_attempt_at ? [['Next try', <Time key="next" at={delivery.next_attempt_at} ago />] as [string, ReactNode]] : []),
          ...(delivery.ended_at ? [[delivery.status === 'delivered' ? 'Taken' : 'Given up', <Time key="ended" at={delivery.ended_at} />] as [string, ReactNode]] : []),
        ]}
      />
      {delivery.body && <Code label="Request body" text={delivery.body} />}
      <section className="space-y-2">
        <h3>Tries</h3>
        {delivery.attempts.length === 0 ? (
          <p className="text-soft">None has ended yet.</p>
        ) : (
          <ol className="space-y-3">
            {[...delivery.attempts].reverse().map((attempt, index) => (
              <li key={attempt.at} className="space-y-2 rounded-lg border border-line p-3">
                <p className="flex flex-wrap items-center justify-between gap-2">
                  <span className="flex items-center gap-2">
                    {attempt.status ? <Badge tone={attempt.status < 300 ? 'good' : 'bad'}>HTTP {attempt.status}</Badge> : <Badge tone="bad">No answer</Badge>}
                    <Time at={attempt.at} style="datetime" />
                  </span>
                  <span className="text-xs text-soft">{attempt.duration_ms} ms</span>
                </p>
                {attempt.error && <p className="text-bad">{attempt.error}</p>}
                {attempt.response && <Code label={`Response ${delivery.attempts.length - index}`} text={attempt.response} />}
              </li>
            ))}
          </ol>
        )}
      </section>
    </div>
  )
}
