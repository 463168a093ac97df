import { useId, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Dialog } from '~/ui/dialog'
import { Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { Menu } from '~/ui/menu'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { useRoles } from './keys'

type Member = Schema<'Member'>

/** The people who may do something at an account, and below it. */
export function Members({ accountId }: { accountId: string }) {
  const { can, session } = useViewer()
  const list = useList('/reseller/accounts/{id}/members', { path: { id: accountId }, query: { limit: 100 } })
  const [editing, setEditing] = useState<Member | 'new' | null>(null)
  const [removing, setRemoving] = useState<Member | null>(null)
  const manage = can('members.manage')
  const columns: Column<Member>[] = [
    {
      id: 'name',
      head: 'Person',
      cell: (row) => (
        <span className="flex items-center gap-2">
          <span className="truncate">{row.name ?? row.email}</span>
          {row.id === session.who.id && <Badge>You</Badge>}
        </span>
      ),
    },
    { id: 'email', head: 'E-mail', width: 16, from: 'sm', cell: (row) => row.email },
    { id: 'role', head: 'Role', width: 7, cell: (row) => words(row.role) },
    { id: 'since', head: 'Since', width: 9, from: 'md', cell: (row) => <Time at={row.created_at} style="date" /> },
    ...(manage
      ? [
          {
            id: 'actions',
            head: '',
            width: 4,
            align: 'right' as const,
            cell: (row: Member) => (
              <Menu
                label={`Actions for ${row.name ?? row.email}`}
                text={null}
                icon="more"
                look="quiet"
                small
                items={[
                  { label: 'Change name or role…', icon: 'edit', onSelect: () => setEditing(row) },
                  { label: 'Remove…', icon: 'trash', danger: true, onSelect: () => setRemoving(row) },
                ]}
              />
            ),
          },
        ]
      : []),
  ]
  return (
    <Card
      title="Members"
      sub="People sign in with a link that is sent to their address."
      flush
      actions={
        manage && (
          <Button small icon="plus" onClick={() => setEditing('new')}>
            Add a person
          </Button>
        )
      }
    >
      <DataTable
        label="Members"
        columns={columns}
        rowId={(row) => row.id}
        {...list}
        empty={
          <Empty icon="people" title="Nobody yet" action={manage && <Button look="primary" onClick={() => setEditing('new')}>Add a person</Button>}>
            A person gets a role at this account and over all below it.
          </Empty>
        }
      />
      {editing && <Edit accountId={accountId} member={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
      {removing && <Remove accountId={accountId} member={removing} onClose={() => setRemoving(null)} />}
    </Card>
  )
}

function Edit({ accountId, member, onClose }: { accountId: string; member: Member | null; onClose: () => void }) {
  const id = useId()
  const roles = useRoles(accountId)
  const [email, setEmail] = useState(member?.email ?? '')
  const [name, setName] = useState(member?.name ?? '')
  const [role, setRole] = useState<string>(member?.role ?? 'viewer')
  const save = useSubmit(
    (input: { email: string; name: string; role: string }, idempotencyKey) =>
      member
        ? api.put('/reseller/accounts/{id}/members/{member_id}', {
            path: { id: accountId, member_id: member.id },
            body: { ...(input.name ? { name: input.name } : {}), role: input.role },
            ifMatch: `"${member.version}"`,
          })
        : api.post('/reseller/accounts/{id}/members', { path: { id: accountId }, body: { email: input.email, role: input.role, ...(input.name ? { name: input.name } : {}) }, idempotencyKey }),
    (_reply, input) => {
      toast.done(member ? 'Saved.' : `${input.email} can sign in now.`)
      void refresh('/reseller/accounts/{id}/members')
      onClose()
    },
  )
  return (
    <Dialog open onClose={onClose} title={member ? 'Change a member' : 'Add a person'} footer={<><Button onClick={onClose}>Cancel</Button><Button type="submit" form={id} look="primary" busy={save.busy}>{member ? 'Save' : 'Add'}</Button></>}>
      <Form id={id} error={save.error} onSubmit={() => void save.submit({ email: email.trim(), name: name.trim(), role })}>
        <TextField label="E-mail address" pointer="/email" type="email" value={email} onChange={setEmail} disabled={member !== null} required autoFocus={member === null} />
        <TextField label="Name" pointer="/name" optional value={name} onChange={setName} maxLength={200} />
        <SelectField label="Role" pointer="/role" hint="You cannot give more than you hold." value={role} onChange={setRole} options={roles} />
      </Form>
    </Dialog>
  )
}

function Remove({ accountId, member, onClose }: { accountId: string; member: Member; onClose: () => void }) {
  const remove = useSubmit(
    () => api.delete('/reseller/accounts/{id}/members/{member_id}', { path: { id: accountId, member_id: member.id }, ifMatch: `"${member.version}"` }),
    () => {
      toast.done(`${member.name ?? member.email} was removed.`)
      void refresh('/reseller/accounts/{id}/members')
      onClose()
    },
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => void remove.submit(null)} busy={remove.busy} error={remove.error} title={`Remove ${member.name ?? member.email}?`} action="Remove" danger>
      <p>Their sessions end at once, and what they could do at this account and below it they can no longer do. Keys that they made go on working.</p>
    </Confirm>
  )
}
