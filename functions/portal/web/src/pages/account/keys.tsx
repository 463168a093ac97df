import { useId, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi, useList } from '~/api/query'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Copy } from '~/ui/copy'
import { Dialog } from '~/ui/dialog'
import { Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { Menu } from '~/ui/menu'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'

type Key = Schema<'Key'>
const BUILT_IN = ['owner', 'admin', 'billing', 'support', 'viewer']

/** The roles that can be given at an account: the built-in ones and those made there. */
export function useRoles(accountId: string): { value: string; label: string }[] {
  const { can } = useViewer()
  const own = useApi('/reseller/accounts/{id}/roles', { path: { id: accountId }, query: { limit: 200 } }, { enabled: can('roles.read') })
  return [...BUILT_IN.map((role) => ({ value: role, label: words(role) })), ...(own.data?.data ?? []).map((role) => ({ value: role.name, label: role.name }))]
}

/** An account's API keys. A secret is shown by the request that made it, and by nothing after. */
export function Keys({ accountId }: { accountId: string }) {
  const { can } = useViewer()
  const list = useList('/reseller/accounts/{id}/keys', { path: { id: accountId }, query: { limit: 100 } })
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<Key | null>(null)
  const [rotating, setRotating] = useState<Key | null>(null)
  const [revoking, setRevoking] = useState<Key | null>(null)
  const manage = can('keys.manage')
  const columns: Column<Key>[] = [
    { id: 'name', head: 'Name', cell: (row) => row.name },
    { id: 'secret', head: 'Key', width: 13, from: 'sm', cell: (row) => <code className="font-mono text-xs">{row.prefix ? `${row.prefix}…${row.last4 ?? ''}` : '–'}</code> },
    { id: 'role', head: 'Role', width: 7, cell: (row) => words(row.role) },
    { id: 'status', head: 'Status', width: 7, cell: (row) => <State state={row.status} /> },
    { id: 'old', head: 'Old secret until', width: 11, from: 'lg', cell: (row) => <Time at={row.previous_secret_expires_at} /> },
    { id: 'created', head: 'Made', width: 9, from: 'md', cell: (row) => <Time at={row.created_at} style="date" /> },
    ...(manage
      ? [
          {
            id: 'actions',
            head: '',
            width: 4,
            align: 'right' as const,
            cell: (row: Key) =>
              row.status === 'active' && (
                <Menu
                  label={`Actions for ${row.name}`}
                  text={null}
                  icon="more"
                  look="quiet"
                  small
                  items={[
                    { label: 'New secret…', icon: 'refresh', onSelect: () => setRotating(row) },
                    { label: 'Revoke…', icon: 'trash', danger: true, onSelect: () => setRevoking(row) },
                  ]}
                />
              ),
          },
        ]
      : []),
  ]
  const again = () => void refresh('/reseller/accounts/{id}/keys')
  return (
    <Card
      title="API keys"
      sub="Each holds one role at this account and over all below it."
      flush
      actions={
        manage && (
          <Button small icon="plus" onClick={() => setMaking(true)}>
            New key
          </Button>
        )
      }
    >
      <DataTable
        label="API keys"
        columns={columns}
        rowId={(row) => row.id}
        {...list}
        empty={
          <Empty icon="key" title="No key yet" action={manage && <Button look="primary" onClick={() => setMaking(true)}>Make a key</Button>}>
            With a key, programs call the API for this account.
          </Empty>
        }
      />
      {making && <MakeKey accountId={accountId} onClose={() => setMaking(false)} onMade={(key) => { setMaking(false); setMade(key); again() }} />}
      {rotating && <Rotate accountId={accountId} of={rotating} onClose={() => setRotating(null)} onMade={(key) => { setRotating(null); setMade(key); again() }} />}
      {revoking && <Revoke accountId={accountId} of={revoking} onClose={() => setRevoking(null)} onDone={() => { setRevoking(null); again() }} />}
      <Secret of={made} onClose={() => setMade(null)} />
    </Card>
  )
}

function MakeKey({ accountId, onClose, onMade }: { accountId: string; onClose: () => void; onMade: (key: Key) => void }) {
  const id = useId()
  const roles = useRoles(accountId)
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [until, setUntil] = useState('')
  const make = useSubmit(
    (body: { name: string; role: string; expires_at?: string }, idempotencyKey) => api.post('/reseller/accounts/{id}/keys', { path: { id: accountId }, body, idempotencyKey }),
    ({ data }) => onMade(data),
  )
  return (
    <Dialog open onClose={onClose} title="New API key" footer={<><Button onClick={onClose}>Cancel</Button><Button type="submit" form={id} look="primary" busy={make.busy}>Make the key</Button></>}>
      <Form id={id} error={make.error} onSubmit={() => void make.submit({ name: name.trim(), role, ...(until ? { expires_at: `${until}T00:00:00Z` } : {}) })}>
        <TextField label="Name" pointer="/name" hint="What uses it, as “Billing export”." value={name} onChange={setName} required maxLength={200} autoFocus />
        <SelectField label="Role" pointer="/role" hint="Give the least that does. You cannot give more than you hold." value={role} onChange={setRole} options={roles} />
        <TextField label="Ends by itself on" pointer="/expires_at" optional type="date" value={until} onChange={setUntil} />
      </Form>
    </Dialog>
  )
}

function Rotate({ accountId, of, onClose, onMade }: { accountId: string; of: Key; onClose: () => void; onMade: (key: Key) => void }) {
  const [overlap, setOverlap] = useState('86400')
  const rotate = useSubmit(
    (overlap_s: number, idempotencyKey) => api.post('/reseller/accounts/{id}/keys/{key_id}/rotate', { path: { id: accountId, key_id: of.id }, body: { overlap_s }, idempotencyKey }),
    ({ data }) => onMade(data),
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => void rotate.submit(Number(overlap))} busy={rotate.busy} error={rotate.error} title={`New secret for ${of.name}`} action="Make a new secret">
      <p>The new secret works at once. Put it where the old one is used before the old one ends.</p>
      <SelectField
        label="The old secret ends"
        pointer="/overlap_s"
        value={overlap}
        onChange={setOverlap}
        options={[
          { value: '0', label: 'At once' },
          { value: '3600', label: 'In an hour' },
          { value: '86400', label: 'In a day' },
          { value: '604800', label: 'In a week' },
        ]}
      />
    </Confirm>
  )
}

function Revoke({ accountId, of, onClose, onDone }: { accountId: string; of: Key; onClose: () => void; onDone: () => void }) {
  const revoke = useSubmit(
    () => api.delete('/reseller/accounts/{id}/keys/{key_id}', { path: { id: accountId, key_id: of.id } }),
    () => {
      toast.done(`${of.name} is revoked.`)
      onDone()
    },
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => void revoke.submit(null)} busy={revoke.busy} error={revoke.error} title={`Revoke ${of.name}?`} action="Revoke" danger>
      <p>Whatever uses this key is refused from this moment, and so is everyone signed in with it. It cannot be taken back: make a new key instead.</p>
    </Confirm>
  )
}

function Secret({ of, onClose }: { of: Key | null; onClose: () => void }) {
  return (
    <Dialog open={of !== null} onClose={onClose} title="Copy the secret now" footer={<Button look="primary" onClick={onClose}>I have kept it</Button>}>
      {of && (
        <div className="space-y-4 text-sm">
          {of.secret ? (
            <>
              <Notice tone="warn">It is shown this once and kept nowhere in readable form.</Notice>
              <div className="flex items-center gap-2 rounded-lg border border-line bg-sunken p-3">
                <code className="min-w-0 flex-1 font-mono text-xs break-all">{of.secret}</code>
                <Copy text={of.secret} what="secret" />
              </div>
            </>
          ) : (
            <Notice tone="warn" title="The secret was shown before">
              This request had been answered already, and a secret is shown once. If you do not have it, give the key a new one.
            </Notice>
          )}
          <p className="text-soft">
            {of.name}, {words(of.role).toLowerCase()}
          </p>
        </div>
      )}
    </Dialog>
  )
}
