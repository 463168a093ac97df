import { useCallback, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { TextLink } from '~/ui/text-link'
import { Denied, DeniesDialog, type Holder } from './denies'
import { SettingsHead } from './head'
import { roleSays } from './rights'
import { RoleField } from './role-field'

type Member = Schema<'Member'>
const LIST = '/reseller/accounts/{id}/members'

function InviteMember({ accountId, onClose }: { accountId: string; onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const { submit, busy, error } = useSubmit(
    useCallback((body: { email: string; name?: string; role: string }, key: string) => api.post(LIST, { path: { id: accountId }, body, idempotencyKey: key }), [accountId]),
    useCallback((reply: { data: Member }) => {
      toast.done(`${reply.data.email} is a member now.`, 'They sign in by a link that the sign-in page sends to this address.')
      void refresh(LIST)
      onClose()
    }, [onClose]),
  )
  return (
    <FormDialog
      onClose={onClose}
      title="Invite somebody"
      action="Invite"
      disabled={!email.trim()}
      busy={busy}
      error={error}
      onSubmit={() => void submit({ email: email.trim(), ...(name.trim() ? { name: name.trim() } : {}), role })}
    >
      <TextField label="E-mail" pointer="/email" type="email" value={email} onChange={setEmail} required maxLength={254} autoComplete="off" hint="They sign in by a link that is sent to this address; there is no password." />
      <TextField label="Name" pointer="/name" optional value={name} onChange={setName} maxLength={200} autoComplete="off" />
      <RoleField accountId={accountId} value={role} onChange={setRole} />
      <p className="text-xs text-soft">The role counts at this account and at everything below it.</p>
    </FormDialog>
  )
}

function EditMember({ accountId, member, onClose }: { accountId: string; member: Member; onClose: () => void }) {
  const [name, setName] = useState<string>(member.name ?? '')
  const [role, setRole] = useState<string>(member.role)
  const { submit, busy, error } = useSubmit(
    useCallback((body: { name?: string; role?: string }) => api.put('/reseller/accounts/{id}/members/{member_id}', { path: { id: accountId, member_id: member.id }, body, ifMatch: `"${member.version}"` }), [accountId, member]),
    useCallback(() => {
      toast.done('The member was changed.')
      void refresh(LIST)
      onClose()
    }, [onClose]),
  )
  const body = { ...(name.trim() && name.trim() !== member.name ? { name: name.trim() } : {}), ...(role !== member.role ? { role } : {}) }
  return (
    <FormDialog
      onClose={() => {
        if (error?.code === 'precondition_failed') void refresh(LIST)
        onClose()
      }}
      title={member.name ?? member.email}
      action="Save"
      disabled={Object.keys(body).length === 0}
      busy={busy}
      error={error}
      onSubmit={() => void submit(body)}
    >
      <TextField label="Name" pointer="/name" value={name} onChange={setName} maxLength={200} autoComplete="off" />
      <RoleField accountId={accountId} value={role} onChange={setRole} />
    </FormDialog>
  )
}

/** The people of an account: one's own, or one below it. */
export function Members({ accountId }: { accountId: string }) {
  const { account, can, session } = useViewer()
  const list = useList(LIST, { path: { id: accountId }, query: { limit: 50 } })
  const [inviting, setInviting] = useState(false)
  const [opened, setOpened] = useState<string | null>(null)
  const [editing, setEditing] = useState<Member | null>(null)
  const [denying, setDenying] = useState<string | null>(null)
  const [removing, setRemoving] = useState<Member | null>(null)
  const may = can('members.manage')
  const removal = useSubmit(
    useCallback((member: Member) => api.delete('/reseller/accounts/{id}/members/{member_id}', { path: { id: accountId, member_id: member.id }, ifMatch: `"${member.version}"` }), [accountId]),
    useCallback(() => {
      setRemoving(null)
      toast.done('The member was removed.')
      void refresh(LIST)
    }, []),
  )
  const shown = list.rows.find((row) => row.id === opened)
  const denied = list.rows.find((row) => row.id === denying)
  const holder: Holder | null = denied ? { kind: 'members', at: accountId, id: denied.id, name: denied.name ?? denied.email, denies: denied.denies } : null
  const columns: Column<Member>[] = [
    {
      id: 'who',
      head: 'Who',
      cell: (row) => (
        <span className="flex items-center gap-2">
          <button type="button" className="truncate text-accent-ink underline underline-offset-2" onClick={() => setOpened(row.id)}>
            {row.name ?? row.email}
          </button>
          {row.id === session.who.id && <Badge tone="info">You</Badge>}
        </span>
      ),
    },
    { id: 'email', head: 'E-mail', width: 16, from: 'md', cell: (row) => row.email },
    { id: 'role', head: 'Role', width: 6.5, cell: (row) => words(row.role) },
    { id: 'denies', head: 'Denied', width: 7, from: 'sm', cell: (row) => (row.denies.length ? <Badge tone="warn">{row.denies.length === 1 ? '1 account' : `${row.denies.length} accounts`}</Badge> : <span className="text-faint">–</span>) },
    { id: 'added', head: 'Added', width: 9, from: 'lg', cell: (row) => <Time at={row.created_at} style="date" /> },
  ]
  const invite = may && (
    <Button look="primary" icon="plus" onClick={() => setInviting(true)}>
      Invite
    </Button>
  )
  return (
    <>
      <Card title="People" sub="Each signs in with a link that is sent to their address." actions={invite} flush>
        <DataTable
          label="Members"
          columns={columns}
          {...list}
          rowId={(row) => row.id}
          onOpen={(row) => setOpened(row.id)}
          empty={<Empty icon="people" title="Nobody is a member yet" action={invite}>{may ? 'Invite the people who work with you; each signs in with their own address and does what their role lets them.' : 'Somebody with the right to manage members can invite people.'}</Empty>}
        />
      </Card>
      <Sheet
        open={shown !== undefined}
        onClose={() => setOpened(null)}
        title={shown?.name ?? shown?.email ?? ''}
        footer={
          shown &&
          may && (
            <>
              <Button icon="trash" onClick={() => { setOpened(null); setRemoving(shown) }}>
                Remove
              </Button>
              <Button icon="lock" onClick={() => { setOpened(null); setDenying(shown.id) }}>
                Deny rights
              </Button>
              <Button look="primary" icon="edit" onClick={() => { setOpened(null); setEditing(shown) }}>
                Change
              </Button>
            </>
          )
        }
      >
        {shown && (
          <Facts
            rows={[
              ['E-mail', shown.email],
              ['Role', <span key="role">{words(shown.role)}<span className="block text-xs text-soft">{roleSays(shown.role)}</span></span>],
              ['Denied', shown.denies.length ? <Denied key="denied" denies={shown.denies} /> : 'Nothing'],
              ['Added', <Time key="added" at={shown.created_at} />],
              ['May do', <TextLink key="may" to="settings/permissions" search={{ who: shown.id, at: accountId === account.id ? undefined : accountId }}>See each right and why</TextLink>],
              ['Id', <Id key="id" id={shown.id} what="member id" />],
            ]}
          />
        )}
      </Sheet>
      {inviting && <InviteMember accountId={accountId} onClose={() => setInviting(false)} />}
      {editing && <EditMember key={editing.id} accountId={accountId} member={editing} onClose={() => setEditing(null)} />}
      <DeniesDialog holder={holder} onClose={() => setDenying(null)} />
      <Confirm open={removing !== null} onClose={() => { setRemoving(null); removal.reset() }} onConfirm={() => removing && void removal.submit(removing)} title={`Remove ${removing?.name ?? removing?.email ?? ''}?`} action="Remove" danger busy={removal.busy} error={removal.error}>
        <p>
          {removing?.email} can no longer do anything at this account or below it, and the sessions they have there end at once. Keys that they made go on working, and what they did stays in the audit log.
          {removing?.id === session.who.id && ' That is you: you are signed out.'}
        </p>
      </Confirm>
    </>
  )
}

/** The people of the account that looks. */
export default function MembersPage() {
  const { account } = useViewer()
  return (
    <>
      <SettingsHead current="members" title="Members" sub={`The people of ${account.name}. A role counts here and at everything below.`} />
      <Members accountId={account.id} />
    </>
  )
}
