import { useCallback, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Sheet } from '~/ui/dialog'
import { TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { SettingsHead } from './head'
import { BUILT_IN, type Right, RIGHTS } from './rights'
import { RightsField } from './rights-field'

type Role = Schema<'Role'>
const LIST = '/reseller/accounts/{id}/roles'

/** Makes a role, or changes what it carries. Its name stays. */
function EditRole({ role, onClose }: { role: Role | null; onClose: () => void }) {
  const { account } = useViewer()
  const [name, setName] = useState<string>(role?.name ?? '')
  const [rights, setRights] = useState<ReadonlySet<string>>(new Set(role?.rights ?? []))
  const { submit, busy, error } = useSubmit(
    useCallback(
      ({ name, rights }: { name: string; rights: string[] }, key: string): Promise<unknown> =>
        role
          ? api.put('/reseller/accounts/{id}/roles/{role_id}', { path: { id: account.id, role_id: role.id }, body: { rights: rights as Right[] }, ifMatch: `"${role.version}"` })
          : api.post(LIST, { path: { id: account.id }, body: { name, rights: rights as Right[] }, idempotencyKey: key }),
      [account.id, role],
    ),
    useCallback(() => {
      toast.done(role ? 'The role was changed.' : 'The role was made.')
      void refresh(LIST)
      onClose()
    }, [role, onClose]),
  )
  const wrongName = name && !/^[a-z][a-z0-9_-]{0,39}$/.test(name) ? 'Lower-case letters, digits, - and _; a letter first; at most 40.' : BUILT_IN.some((one) => one.role === name) ? 'That is a built-in role.' : null
  return (
    <FormDialog
      wide
      onClose={onClose}
      title={role ? `Role ${role.name}` : 'New role'}
      action={role ? 'Save' : 'Make the role'}
      disabled={!name || wrongName !== null || rights.size === 0}
      busy={busy}
      error={error}
      onSubmit={() => void submit({ name, rights: [...rights] })}
    >
      {role ? <p className="text-sm text-soft">Everybody who holds this role has the new rights from the next request on.</p> : <TextField label="Name" pointer="/name" value={name} onChange={setName} wrong={wrongName} required autoComplete="off" placeholder="night-ops" hint={`Known at ${account.name} and everywhere below it.`} />}
      <RightsField legend="What it lets one do" value={rights} onChange={setRights} />
    </FormDialog>
  )
}

/** The roles that can be given. */
export default function Roles() {
  const { account, can } = useViewer()
  const list = useList(LIST, { path: { id: account.id }, query: { limit: 50 } })
  const [editing, setEditing] = useState<Role | 'new' | null>(null)
  const [opened, setOpened] = useState<string | null>(null)
  const [removing, setRemoving] = useState<Role | null>(null)
  const may = can('roles.manage')
  const removal = useSubmit(
    useCallback((role: Role) => api.delete('/reseller/accounts/{id}/roles/{role_id}', { path: { id: account.id, role_id: role.id }, ifMatch: `"${role.version}"` } as never), [account.id]),
    useCallback(() => {
      setRemoving(null)
      toast.done('The role was removed.')
      void refresh(LIST)
    }, []),
  )
  const shown = list.rows.find((row) => row.id === opened)
  const columns: Column<Role>[] = [
    {
      id: 'name',
      head: 'Role',
      cell: (row) => (
        <button type="button" className="truncate text-accent-ink underline underline-offset-2" onClick={() => setOpened(row.id)}>
          {row.name}
        </button>
      ),
    },
    { id: 'rights', head: 'Rights', width: 5, align: 'right', cell: (row) => row.rights.length },
    { id: 'made', head: 'Made', width: 8, from: 'sm', cell: (row) => <Time at={row.created_at} style="date" /> },
  ]
  const make = may && (
    <Button look="primary" icon="plus" onClick={() => setEditing('new')}>
      New role
    </Button>
  )
  return (
    <>
      <SettingsHead current="roles" title="Roles" sub="What a role lets its holder do, at its account and everything below." actions={make} />
      <div className="grid items-start gap-5 grid-cols-1 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Card title="Built-in roles" className="lg:order-last">
          <dl className="space-y-3 text-sm">
            {BUILT_IN.map(({ role, says }) => (
              <div key={role}>
                <dt className="font-medium">{words(role)}</dt>
                <dd className="text-soft">{says}</dd>
              </div>
            ))}
          </dl>
        </Card>
        <Card flush title="Custom roles" sub="Made of the rights that you choose.">
          <DataTable
            label="Custom roles"
            columns={columns}
            {...list}
            rowId={(row) => row.id}
            onOpen={(row) => setOpened(row.id)}
            empty={<Empty icon="people" title="No custom roles" action={make}>The built-in roles are enough for most. Make one where somebody should do less than any of them, or another mix.</Empty>}
          />
        </Card>
      </div>
      <Sheet
        open={shown !== undefined}
        onClose={() => setOpened(null)}
        title={shown?.name ?? ''}
        footer={
          shown &&
          may && (
            <>
              <Button icon="trash" onClick={() => { setOpened(null); setRemoving(shown) }}>
                Remove
              </Button>
              <Button look="primary" icon="edit" onClick={() => { setOpened(null); setEditing(shown) }}>
                Change
              </Button>
            </>
          )
        }
      >
        {shown && (
          <ul className="space-y-2 text-sm">
            {shown.rights.map((right) => (
              <li key={right}>
                {RIGHTS[right]}
                <span className="block font-mono text-2xs text-soft">{right}</span>
              </li>
            ))}
          </ul>
        )}
      </Sheet>
      {editing && <EditRole key={editing === 'new' ? 'new' : editing.id} role={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
      <Confirm open={removing !== null} onClose={() => { setRemoving(null); removal.reset() }} onConfirm={() => removing && void removal.submit(removing)} title={`Remove the role ${removing?.name ?? ''}?`} action="Remove" danger busy={removal.busy} error={removal.error}>
        <p>It can no longer be given. Members and keys that hold it can do nothing with it from the next request on: give them another role first.</p>
      </Confirm>
    </>
  )
}
