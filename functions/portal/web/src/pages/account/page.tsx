import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useEditable } from '~/api/query'
import { useViewer } from '~/session/session'
import { Badge, State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Menu } from '~/ui/menu'
import { Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { Tabs } from '~/ui/tabs'
import { Time } from '~/ui/time'
import { words } from '~/lib/format'
import { Ledger } from '~/pages/credits/ledger'
import { MoveCredit } from '~/pages/credits/move'
import { AccountForm } from '~/pages/settings/account'
import { Keys } from '~/pages/settings/keys'
import { Members } from '~/pages/settings/members'
import { UsageReport } from '~/pages/usage/report'
import { type Action, Actions } from './actions'
import { Invoices } from './invoices'
import { AccountOverview } from './overview'
import { Relationships } from './relationships'

const TABS = [
  { id: 'overview', label: 'Overview', right: 'accounts.read' },
  { id: 'relationships', label: 'Relationships', right: 'accounts.read' },
  { id: 'ledger', label: 'Ledger', right: 'credits.read' },
  { id: 'usage', label: 'Usage', right: 'usage.read' },
  { id: 'invoices', label: 'Invoices', right: 'billing.read' },
  { id: 'keys', label: 'Keys', right: 'keys.read' },
  { id: 'members', label: 'Members', right: 'members.read' },
  { id: 'settings', label: 'Settings', right: 'accounts.read' },
] as const

/** One account with all that belongs to it. */
export default function AccountPage() {
  const { id, tab = 'overview' } = useParams({ strict: false }) as { id: string; tab?: string }
  const viewer = useViewer()
  const found = useEditable('/reseller/accounts/{id}', { path: { id } })
  const [action, setAction] = useState<Action | null>(null)
  const [giving, setGiving] = useState(false)
  const account = found.data?.data
  const own = id === viewer.account.id
  const tabs = TABS.filter((one) => viewer.can(one.right))

  if (found.error && !account) {
    return (
      <Card>
        <h1 className="sr-only">Account</h1>
        <Failed error={found.error} retry={() => void found.refetch()} what="This account" />
      </Card>
    )
  }
  const open = account !== undefined && account.status !== 'closed'
  return (
    <>
      <PageHead
        back={own ? undefined : <PageLink to="accounts" className="text-soft no-underline hover:text-ink">Accounts</PageLink>}
        title={account ? account.name : <Skeleton className="h-6 w-56" />}
        sub={
          account ? (
            <span className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
              <State state={account.effective_status} />
              {account.frozen_at && <Badge tone="bad">Frozen</Badge>}
              <span>{words(account.kind)}</span>
              {account.external_id && <span>{account.external_id}</span>}
              <Id id={account.id} what="account id" />
            </span>
          ) : (
            <Skeleton className="h-4 w-64" />
          )
        }
        actions={
          account && (
            <>
              {open && viewer.can('credits.transfer') && (
                <Button icon="transfer" onClick={() => setGiving(true)}>
                  Move credit
                </Button>
              )}
              <Menu
                label="More actions"
                text={null}
                icon="more"
                items={[
                  viewer.can('accounts.suspend') && !own && account.status === 'active' && { label: 'Suspend…', icon: 'pause', onSelect: () => setAction('suspend') },
                  viewer.can('accounts.suspend') && !own && account.status === 'suspended' && { label: 'Reactivate…', icon: 'play', onSelect: () => setAction('reactivate') },
                  viewer.can('accounts.move') && !own && open && { label: 'Move to another parent…', icon: 'accounts', onSelect: () => setAction('move') },
                  viewer.can('accounts.close') && !own && open && { label: 'Close for good…', icon: 'trash', danger: true, onSelect: () => setAction('close') },
                ]}
              />
            </>
          )
        }
      />
      <NotFresh of={found} />
      {account?.frozen_at && (
        <div className="mb-4">
          <Notice tone="bad" title="Frozen: the books do not add up">
            Since <Time at={account.frozen_at} /> nothing in this account or below it can be spent. The operator looks into it and reactivates it.
          </Notice>
        </div>
      )}
      {account && !account.frozen_at && account.status === 'active' && account.effective_status === 'suspended' && (
        <div className="mb-4">
          <Notice tone="warn" title="Suspended from above">
            An account above this one is suspended, so nothing here can be spent until it is reactivated.
          </Notice>
        </div>
      )}
      <Tabs label="Parts of the account" current={tab} tabs={tabs.map((one) => ({ id: one.id, label: one.label, to: one.id === 'overview' ? `accounts/${id}` : `accounts/${id}/${one.id}` }))} />
      {tab === 'overview' && <AccountOverview id={id} account={account} />}
      {tab === 'relationships' && <Relationships id={id} />}
      {tab === 'ledger' && viewer.can('credits.read') && <Ledger accountId={id} />}
      {tab === 'usage' && viewer.can('usage.read') && <UsageReport accountId={id} />}
      {tab === 'invoices' && viewer.can('billing.read') && <Invoices accountId={id} />}
      {tab === 'keys' && viewer.can('keys.read') && <Keys accountId={id} />}
      {tab === 'members' && viewer.can('members.read') && <Members accountId={id} />}
      {tab === 'settings' && (
        <Card title="Settings" className="max-w-3xl">
          {found.data ? <AccountForm key={id} newest={found.data} reload={() => found.refetch()} /> : <Skeleton className="h-96 w-full" />}
        </Card>
      )}
      {account && action && <Actions action={action} account={account} etag={found.data?.etag ?? null} onClose={() => setAction(null)} />}
      {account && giving && <MoveCredit open onClose={() => setGiving(false)} to={own ? undefined : { id: account.id, name: account.name }} from={own ? { id: account.id, name: account.name } : undefined} />}
    </>
  )
}
