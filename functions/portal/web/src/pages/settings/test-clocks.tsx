import { useCallback, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi } from '~/api/query'
import { startOf } from '~/lib/days'
import { date } from '~/lib/format'
import { useViewer } from '~/session/session'
import { AccountPicker, type Picked } from '~/ui/account'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Id } from '~/ui/copy'
import { SelectField, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { TextLink } from '~/ui/text-link'
import { SettingsHead } from './head'

type Clock = Schema<'TestClock'>
const LIST = '/reseller/test-clocks'
const WATCH_MS = 2000
const ADVANCE_MAX_DAYS = 400

function MakeClock({ onClose }: { onClose: () => void }) {
  const [root, setRoot] = useState<Picked | null>(null)
  const [name, setName] = useState('')
  const { submit, busy, error } = useSubmit(
    useCallback((body: { account_id: string; name?: string }) => api.post(LIST, { body }), []),
    useCallback(() => {
      toast.done('The account is on a clock of its own.')
      void refresh(LIST)
      onClose()
    }, [onClose]),
  )
  return (
    <FormDialog
      onClose={onClose}
      title="New test clock"
      action="Put it on a clock"
      disabled={!root}
      busy={busy}
      error={error}
      onSubmit={() => root && void submit({ account_id: root.id, ...(name.trim() ? { name: name.trim() } : {}) })}
    >
      <p className="text-sm text-soft">
        The account must be just made: right below yours, without sub-accounts, keys or credit. What is made below it later goes by the clock too.{' '}
        <TextLink to="accounts" search={{ do: 'create' }}>Make an account</TextLink>
      </p>
      <AccountPicker label="Account" pointer="/account_id" value={root} onChange={setRoot} />
      <TextField label="Name" pointer="/name" optional value={name} onChange={setName} autoComplete="off" placeholder="Three months of billing" />
    </FormDialog>
  )
}

function AdvanceClock({ clock, onClose }: { clock: Clock; onClose: () => void }) {
  const { place } = useViewer()
  const [how, setHow] = useState<'by' | 'to'>('by')
  const [days, setDays] = useState('31')
  const [to, setTo] = useState('')
  const { submit, busy, error } = useSubmit(
    useCallback((body: { by_days: number } | { to: string }) => api.post('/reseller/test-clocks/{id}/advance', { path: { id: clock.id }, body: body as never }), [clock.id]),
    useCallback(() => {
      toast.done('The clock is on its way.')
      void refresh(LIST)
      onClose()
    }, [onClose]),
  )
  const number = Number(days)
  const wrong = how === 'by' && days && !(Number.isInteger(number) && number >= 1 && number <= ADVANCE_MAX_DAYS) ? `A whole number from 1 to ${ADVANCE_MAX_DAYS}.` : null
  const until = how === 'by' ? (wrong || !days ? null : new Date(Date.parse(clock.now) + number * 86_400_000)) : to ? new Date(startOf(to, place.timeZone)) : null
  return (
    <FormDialog
      onClose={onClose}
      title={`Advance ${clock.name ?? 'the clock'}`}
      action="Advance"
      disabled={!until || wrong !== null}
      busy={busy}
      error={error}
      onSubmit={() => until && void submit(how === 'by' ? { by_days: number } : { to: until.toISOString() })}
    >
      <p className="text-sm">
        It is <Time at={clock.now} style="full" /> there.
      </p>
      <SelectField label="How far" value={how} onChange={(value) => setHow(value as 'by' | 'to')} options={[{ value: 'by', label: 'By so many days' }, { value: 'to', label: 'To the beginning of a day' }]} />
      {how === 'by' ? (
        <TextField label="Days" pointer="/by_days" value={days} onChange={setDays} inputMode="numeric" wrong={wrong} required />
      ) : (
        <TextField label="Day" pointer="/to" type="date" value={to} min={clock.now.slice(0, 10)} onChange={setTo} required />
      )}
      <p className="min-h-10 text-sm text-soft">{until && `On the way to ${date(until, place, 'datetime')} invoices are made, collected and chased, credit expires and accounts top themselves up, as if that time had passed. Time never goes back.`}</p>
    </FormDialog>
  )
}

/** Trees of accounts with a time of their own, for trying out months of billing in a minute. */
export default function TestClocks() {
  const { account, session } = useViewer()
  const may = account.kind === 'operator' && session.mode === 'test'
  const [moving, setMoving] = useState(false)
  const list = useApi(LIST, {}, { enabled: may, everyMs: moving ? WATCH_MS : false })
  const rows = list.data?.data ?? []
  const advancing = rows.some((clock) => clock.state === 'advancing')
  if (advancing !== moving) setMoving(advancing)
  const [making, setMaking] = useState(false)
  const [advance, setAdvance] = useState<Clock | null>(null)
  const [removing, setRemoving] = useState<Clock | null>(null)
  const accounts = useApi('/reseller/accounts', { query: { limit: 200 } }, { enabled: may })
  const names = new Map((accounts.data?.data ?? []).map((row) => [row.id, row.name]))
  const removal = useSubmit(
    useCallback((clock: string) => api.delete('/reseller/test-clocks/{id}', { path: { id: clock } }), []),
    useCallback(() => {
      setRemoving(null)
      toast.done('The clock was removed.')
      void refresh(LIST)
    }, []),
  )
  const columns: Column<Clock>[] = [
    { id: 'name', head: 'Clock', cell: (row) => <>{row.name ?? 'Clock'} <span className="text-soft">· <TextLink to={`accounts/${row.account_id}`}>{names.get(row.account_id) ?? 'its account'}</TextLink></span></> },
    { id: 'now', head: 'Time there', width: 12, from: 'sm', cell: (row) => <Time at={row.now} /> },
    { id: 'state', head: 'State', width: 15, from: 'md', cell: (row) => (row.state === 'advancing' ? <Badge tone="info">On its way to {row.target ? row.target.slice(0, 10) : '…'}</Badge> : <Badge tone="good">Ready</Badge>) },
    { id: 'id', head: 'Id', width: 13, from: 'xl', cell: (row) => <Id id={row.id} what="clock id" /> },
    {
      id: 'actions',
      head: '',
      width: 9.5,
      align: 'right',
      cell: (row) => (
        <span className="inline-flex gap-1">
          <Button small disabled={row.state === 'advancing'} onClick={() => setAdvance(row)}>
            Advance
          </Button>
          <Button small look="quiet" icon="trash" label={`Delete ${row.name ?? 'the clock'}`} onClick={() => setRemoving(row)} />
        </span>
      ),
    },
  ]
  const make = may && (
    <Button look="primary" icon="plus" onClick={() => setMaking(true)}>
      New test clock
    </Button>
  )
  return (
    <>
      <SettingsHead current="clocks" title="Test clocks" sub="Put a tree of accounts on a clock of its own, and let months of billing pass in a minute." actions={make} />
      <Card flush>
        {may ? (
          <DataTable
            label="Test clocks"
            columns={columns}
            rows={rows}
            rowId={(row) => row.id}
            loading={list.isPending}
            error={list.error && !list.data ? list.error : undefined}
            retry={() => void list.refetch()}
            empty={<Empty icon="clock" title="No test clocks" action={make}>Make an account right below yours, put it on a clock, and give it prices, customers and credit. Then send the clock ahead and watch what billing does.</Empty>}
          />
        ) : (
          <Empty icon="clock" title="There are no test clocks here">
            {session.mode === 'live' ? 'Clocks are only where keys are test keys; this platform is live.' : 'Only the operator of the platform makes and advances them. Ask the operator to put a trial account on one.'}
          </Empty>
        )}
      </Card>
      <p className="mt-3 text-xs text-soft">Twenty clocks at most, and 200 accounts on one. Everybody else’s time goes on as before.</p>
      {making && <MakeClock onClose={() => setMaking(false)} />}
      {advance && <AdvanceClock key={advance.id} clock={advance} onClose={() => setAdvance(null)} />}
      <Confirm open={removing !== null} onClose={() => { setRemoving(null); removal.reset() }} onConfirm={() => removing && void removal.submit(removing.id)} title="Delete this clock?" action="Delete" danger busy={removal.busy} error={removal.error}>
        <p>The account at its root must be closed first; what happened in its tree stays as it is.</p>
      </Confirm>
    </>
  )
}
