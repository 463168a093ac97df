import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { addDays, startOf, today } from '~/lib/days'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Badge, State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { SelectField, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { SecretDialog } from '~/ui/secret'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { TextLink } from '~/ui/text-link'
import { Denied, DeniesDialog, type Holder } from './denies'
import { SettingsHead } from './head'
import { roleSays } from './rights'
import { RoleField } from './role-field'

type Key = Schema<'Key'>
const LIST = '/reseller/accounts/{id}/keys'
const OVERLAPS = [
  { value: '86400', label: 'A day' },
  { value: '3600', label: 'An hour' },
  { value: '604800', label: 'A week' },
  { value: '0', label: 'Not at all: it ends at once' },
]

/** The newest secret, as far as it is kept. */
function hint(key: Pick<Key, 'prefix' | 'last4'>): string {
  return key.prefix ? `${key.prefix}…${key.last4 ?? ''}` : '–'
}

function MakeKey({ accountId, onClose, onMade }: { accountId: string; onClose: () => void; onMade: (key: Key) => void }) {
  const { place, session } = useViewer()
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [until, setUntil] = useState('')
  const { submit, busy, error } = useSubmit(
    useCallback((body: { name: string; role: string; expires_at?: string }, key: string) => api.post(LIST, { path: { id: accountId }, body, idempotencyKey: key }), [accountId]),
    useCallback((reply: { data: Key }) => onMade(reply.data), [onMade]),
  )
  return (
    <FormDialog
      onClose={onClose}
      title="New API key"
      action="Make the key"
      disabled={!name.trim()}
      busy={busy}
      error={error}
      onSubmit={() => void submit({ name: name.trim(), role, ...(until ? { expires_at: startOf(addDays(until, 1), place.timeZone) } : {}) })}
    >
      <TextField label="Name" pointer="/name" value={name} onChange={setName} required maxLength={200} autoComplete="off" hint="What uses it: “billing job”, “website”…" />
      <RoleField accountId={accountId} value={role} onChange={setRole} />
      <TextField label="Last day" pointer="/expires_at" optional type="date" min={today(place.timeZone)} value={until} onChange={setUntil} hint={`It ends by itself when that day is over (${place.timeZone.replaceAll('_', ' ')}). Without one it goes on until it is revoked.`} />
      <p className="text-xs text-soft">{session.mode === 'test' ? 'This is a test platform: the key begins with rk_test_.' : 'The key works on live accounts: it begins with rk_live_.'}</p>
    </FormDialog>
  )
}

function RotateKey({ accountId, target, onClose, onMade }: { accountId: string; target: Key; onClose: () => void; onMade: (key: Key) => void }) {
  const [overlap, setOverlap] = useState('86400')
  const { submit, busy, error } = useSubmit(
    useCallback((overlap_s: number) => api.post('/reseller/accounts/{id}/keys/{key_id}/rotate', { path: { id: accountId, key_id: target.id }, body: { overlap_s } }), [accountId, target.id]),
    useCallback((reply: { data: Key }) => onMade(reply.data), [onMade]),
  )
  // The old secret is still taken: an earlier press may have done it whose answer never came.
  const twice = error?.code === 'conflict'
  useEffect(() => {
    if (twice) void refresh(LIST)
  }, [twice])
  return (
    <FormDialog
      onClose={onClose}
      title={`Rotate “${target.name}”`}
      action="Give it a new secret"
      busy={busy}
      error={twice ? null : error}
      onSubmit={() => void submit(Number(overlap))}
    >
      {twice && (
        <Notice tone="warn" title="It has a new secret already, or was revoked">
          <p>
            {target.previous_secret_expires_at ? <>The old secret is taken until <Time at={target.previous_secret_expires_at} />.</> : error?.message} If nobody has the new one, because an answer was lost, make a new key before the old secret ends, and revoke this one then.
          </p>
        </Notice>
      )}
      <p className="text-sm">The key keeps its name, role and denies, and gets a new secret. The old one goes on for a while, so that nothing stops while you replace it.</p>
      <SelectField label="The old secret is still taken for" pointer="/overlap_s" value={overlap} onChange={setOverlap} options={OVERLAPS} />
    </FormDialog>
  )
}

/** The API keys of an account: one's own, or one below it. */
export function Keys({ accountId }: { accountId: string }) {
  const { account, can, session } = useViewer()
  const list = useList(LIST, { path: { id: accountId }, query: { limit: 50 } })
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<Key | null>(null)
  const [opened, setOpened] = useState<string | null>(null)
  const [rotating, setRotating] = useState<Key | null>(null)
  const [denying, setDenying] = useState<string | null>(null)
  const [revoking, setRevoking] = useState<Key | null>(null)
  const may = can('keys.manage')
  const revoke = useSubmit(
    useCallback((key: Key) => api.delete('/reseller/accounts/{id}/keys/{key_id}', { path: { id: accountId, key_id: key.id } }), [accountId]),
    useCallback(() => {
      setRevoking(null)
      toast.done('The key was revoked.')
      void refresh(LIST)
    }, []),
  )
  const shown = list.rows.find((row) => row.id === opened)
  const denied = list.rows.find((row) => row.id === denying)
  const holder: Holder | null = denied ? { kind: 'keys', at: accountId, id: denied.id, name: denied.name, denies: denied.denies } : null
  const columns: Column<Key>[] = [
    {
      id: 'name',
      head: 'Name',
      cell: (row) => (
        <span className="flex items-center gap-2">
          <button type="button" className="truncate text-accent-ink underline underline-offset-2" onClick={() => setOpened(row.id)}>
            {row.name}
          </button>
          {row.id === session.who.id && <Badge tone="info">This one</Badge>}
        </span>
      ),
    },
    { id: 'secret', head: 'Secret', width: 12, from: 'md', cell: (row) => <code className="font-mono text-xs">{hint(row)}</code> },
    { id: 'role', head: 'Role', width: 6.5, from: 'sm', cell: (row) => words(row.role) },
    { id: 'status', head: 'State', width: 6.5, cell: (row) => (row.status === 'active' && row.previous_secret_expires_at ? <State state="rotating" /> : <State state={row.status} />) },
    { id: 'created', head: 'Made', width: 8, from: 'lg', cell: (row) => <Time at={row.created_at} style="date" /> },
    { id: 'ends', head: 'Ends', width: 8, from: 'lg', cell: (row) => <Time at={row.expires_at} style="date" /> },
  ]
  const make = may && (
    <Button look="primary" icon="plus" onClick={() => setMaking(true)}>
      New key
    </Button>
  )
  const keep = useCallback((key: Key) => {
    setMaking(false)
    setRotating(null)
    setMade(key)
    void refresh(LIST)
  }, [])
  return (
    <>
      <Card title="Keys" sub="Each holds one role at this account and over all below it." actions={make} flush>
        <DataTable
          label="API keys"
          columns={columns}
          {...list}
          rowId={(row) => row.id}
          onOpen={(row) => setOpened(row.id)}
          empty={<Empty icon="key" title="No keys yet" action={make}>{may ? 'Make one for each program that calls the API, with no more rights than it needs; its secret is shown once.' : 'Somebody with the right to manage keys can make one.'}</Empty>}
        />
      </Card>
      <Sheet
        open={shown !== undefined}
        onClose={() => setOpened(null)}
        title={shown?.name ?? ''}
        footer={
          shown &&
          may &&
          shown.status === 'active' && (
            <>
              <Button icon="trash" onClick={() => { setOpened(null); setRevoking(shown) }}>
                Revoke
              </Button>
              <Button icon="lock" onClick={() => { setOpened(null); setDenying(shown.id) }}>
                Deny rights
              </Button>
              <Button look="primary" icon="refresh" onClick={() => { setOpened(null); setRotating(shown) }}>
                Rotate
              </Button>
            </>
          )
        }
      >
        {shown && (
          <Facts
            rows={[
              ['State', <State key="state" state={shown.status} />],
              ['Secret', <code key="secret" className="font-mono text-xs">{hint(shown)}</code>],
              ...(shown.previous_secret_expires_at ? [['Old secret', <span key="old">taken until <Time at={shown.previous_secret_expires_at} /></span>] as [string, ReactNode]] : []),
              ['Role', <span key="role">{words(shown.role)}<span className="block text-xs text-soft">{roleSays(shown.role)}</span></span>],
              ['Denied', shown.denies.length ? <Denied key="denied" denies={shown.denies} /> : 'Nothing'],
              ['Made', <Time key="made" at={shown.created_at} />],
              ['Ends', shown.expires_at ? <Time key="ends" at={shown.expires_at} /> : 'When it is revoked'],
              ...(shown.revoked_at ? [['Revoked', <Time key="revoked" at={shown.revoked_at} />] as [string, ReactNode]] : []),
              ['May do', <TextLink key="may" to="settings/permissions" search={{ who: shown.id, at: accountId === account.id ? undefined : accountId }}>See each right and why</TextLink>],
              ['Id', <Id key="id" id={shown.id} what="key id" />],
            ]}
          />
        )}
      </Sheet>
      {making && <MakeKey accountId={accountId} onClose={() => setMaking(false)} onMade={keep} />}
      {rotating && <RotateKey accountId={accountId} target={list.rows.find((row) => row.id === rotating.id) ?? rotating} onClose={() => setRotating(null)} onMade={keep} />}
      {made && (
        <SecretDialog title={`Key “${made.name}”`} secret={made.secret} what="secret" onClose={() => setMade(null)}>
          <p className="text-soft">
            Send it as <code className="font-mono text-xs">Authorization: Bearer …</code>. Keep it where passwords are kept, never in a repository or a page.
          </p>
          {made.previous_secret_expires_at && (
            <p className="text-soft">
              The old secret is taken until <Time at={made.previous_secret_expires_at} />.
            </p>
          )}
        </SecretDialog>
      )}
      <DeniesDialog holder={holder} onClose={() => setDenying(null)} />
      <Confirm open={revoking !== null} onClose={() => { setRevoking(null); revoke.reset() }} onConfirm={() => revoking && void revoke.submit(revoking)} title={`Revoke “${revoking?.name ?? ''}”?`} action="Revoke" danger type="revoke" busy={revoke.busy} error={revoke.error}>
        <p>The next request with {revoking ? <code className="font-mono text-xs">{hint(revoking)}</code> : 'it'} is refused, and whatever uses it stops. It cannot be taken back.</p>
        {revoking?.id === session.who.id && <p>You are signed in with this key: your session ends too.</p>}
      </Confirm>
    </>
  )
}

/** The keys of the account that looks. */
export default function KeysPage() {
  const { account } = useViewer()
  return (
    <>
      <SettingsHead current="keys" title="API keys" sub={`What programs sign in with at ${account.name} and everything below it.`} />
      <Keys accountId={account.id} />
    </>
  )
}
