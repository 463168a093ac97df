import { useState } from 'react'
import type { Schema } from '~/api/client'
import { useApi } from '~/api/query'
import { words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName, AccountPicker, type Picked } from '~/ui/account'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts } from '~/ui/card'
import { Sheet } from '~/ui/dialog'
import { SelectField } from '~/ui/form'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { SettingsHead } from './head'
import { RIGHTS } from './rights'

type Explained = Schema<'ExplainedRight'>
const REASONS: Record<Explained['reason'], string> = {
  granted: 'The role carries it',
  not_in_role: 'The role does not carry it',
  operator_only: 'Only at the operator’s account',
  denied: 'Denied',
  outside_subtree: 'The account is not below the role’s',
}

/** What somebody may do at an account, and why. */
export default function Permissions() {
  const { account, can, customer, session } = useViewer()
  const [filters, setFilters] = useFilters<'who' | 'at' | 'show'>()
  const [picked, setPicked] = useState<Picked | null>(null)
  const at = customer ? account.id : (filters.at ?? account.id)
  const others = can('members.read')
  const members = useApi('/reseller/accounts/{id}/members', { path: { id: account.id }, query: { limit: 200 } }, { enabled: others })
  const keys = useApi('/reseller/accounts/{id}/keys', { path: { id: account.id }, query: { limit: 200 } }, { enabled: others && can('keys.read') })
  const of = useApi('/reseller/accounts/{id}', { path: { id: at } }, { enabled: at !== account.id })
  const who = others ? (filters.who ?? '') : ''
  const answer = useApi(
    '/reseller/accounts/{id}/permissions',
    { path: { id: at }, query: { explain: true, ...(who.startsWith('mem_') ? { member_id: who } : who.startsWith('key_') ? { key_id: who } : {}) } },
    { keep: true },
  )
  const people = [
    { value: '', label: `You (${session.who.name ?? session.who.email ?? 'this key'})` },
    ...(members.data?.data ?? []).filter((row) => row.id !== session.who.id).map((row) => ({ value: row.id as string, label: row.name ?? (row.email as string) })),
    ...(keys.data?.data ?? []).filter((row) => row.status === 'active' && row.id !== session.who.id).map((row) => ({ value: row.id as string, label: `Key: ${row.name}` })),
  ]
  if (who && !people.some((one) => one.value === who)) people.push({ value: who, label: who })
  const explained = answer.data?.explain ?? []
  const rows = explained.filter((row) => (filters.show === 'held' ? row.allowed : filters.show === 'withheld' ? !row.allowed : true))
  const held = explained.filter((row) => row.allowed).length
  const [opened, setOpened] = useState<Explained | null>(null)
  const columns: Column<Explained>[] = [
    {
      id: 'right',
      head: 'Right',
      cell: (row) => (
        <button type="button" className="max-w-full truncate text-left hover:underline" onClick={() => setOpened(row)}>
          {RIGHTS[row.right] ?? row.right}
        </button>
      ),
    },
    { id: 'name', head: 'Name', width: 10, from: 'lg', cell: (row) => <code className="font-mono text-xs text-soft">{row.right}</code> },
    { id: 'held', head: 'Held', width: 4.5, cell: (row) => (row.allowed ? <Badge tone="good">Yes</Badge> : <Badge tone={row.reason === 'denied' ? 'bad' : 'plain'}>No</Badge>) },
    { id: 'why', head: 'Why', width: 17, from: 'sm', cell: (row) => <span title={row.detail}>{row.detail || REASONS[row.reason]}</span> },
  ]
  return (
    <>
      <SettingsHead current="permissions" title="Permissions" sub="What somebody may do at an account, and which grant or deny decides it." />
      <div className="space-y-4">
        <Card>
          <div className="grid gap-4 sm:grid-cols-3">
            {others && <SelectField label="Who" value={who} onChange={(value) => setFilters({ who: value })} options={people} />}
            {!customer && (
              <AccountPicker
                label="At"
                own
                value={picked && picked.id === at ? picked : { id: at, name: at === account.id ? account.name : (of.data?.name ?? '…') }}
                onChange={(chosen) => {
                  setPicked(chosen)
                  setFilters({ at: chosen && chosen.id !== account.id ? chosen.id : undefined })
                }}
              />
            )}
            <SelectField label="Show" value={filters.show ?? ''} onChange={(value) => setFilters({ show: value })} options={[{ value: '', label: 'All rights' }, { value: 'held', label: 'What is held' }, { value: 'withheld', label: 'What is not' }]} />
          </div>
          <p className="mt-3 min-h-5 text-sm text-soft">
            {answer.data && (
              <>
                Holds the role <span className="font-medium text-ink">{words(answer.data.principal.role)}</span>, and with it {held} of {explained.length} rights there.
              </>
            )}
          </p>
        </Card>
        <Card flush>
          <DataTable
            label="Rights"
            columns={columns}
            rows={rows}
            rowId={(row) => row.right}
            onOpen={setOpened}
            loading={!answer.data && !answer.error}
            error={answer.error && !answer.data ? answer.error : undefined}
            retry={() => void answer.refetch()}
            stale={answer.isPlaceholderData}
            empty={<Empty icon="lock" title={filters.show === 'withheld' ? 'Every right is held' : 'No right is held'} action={<Button onClick={() => setFilters({ show: undefined })}>Show all rights</Button>} />}
          />
        </Card>
      </div>
      <Sheet open={opened !== null} onClose={() => setOpened(null)} title={opened?.right ?? ''}>
        {opened && (
          <Facts
            rows={[
              ['Lets one', RIGHTS[opened.right] ?? opened.right],
              ['Held', opened.allowed ? <Badge key="held" tone="good">Yes</Badge> : <Badge key="held" tone={opened.reason === 'denied' ? 'bad' : 'plain'}>No</Badge>],
              ['Why', `${REASONS[opened.reason]}.${opened.detail ? ` ${opened.detail}` : ''}`],
              ['Decided at', <AccountName key="at" id={opened.account_id} />],
            ]}
          />
        )}
      </Sheet>
    </>
  )
}
