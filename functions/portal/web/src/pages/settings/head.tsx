import type { ReactNode } from 'react'
import { useViewer } from '~/session/session'
import { PageHead } from '~/ui/card'
import { Tabs } from '~/ui/tabs'

/** The head of a page of settings, with the way to the others that the viewer may open. */
export function SettingsHead({ current, title, sub, actions }: { current: string; title: string; sub?: ReactNode; actions?: ReactNode }) {
  const { can, account, session, customer } = useViewer()
  const tabs = [
    { id: 'account', to: 'settings', label: 'Account' },
    can('members.read') && { id: 'members', to: 'settings/members', label: 'Members' },
    can('roles.read') && { id: 'roles', to: 'settings/roles', label: 'Roles' },
    can('keys.read') && { id: 'keys', to: 'settings/keys', label: 'API keys' },
    can('accounts.read') && { id: 'permissions', to: 'settings/permissions', label: 'Permissions' },
    { id: 'sessions', to: 'sessions', label: 'Sessions' },
    // Clocks are the operator's alone, and only where keys are test keys.
    !customer && can('billing.manage') && account.kind === 'operator' && session.mode === 'test' && { id: 'clocks', to: 'settings/test-clocks', label: 'Test clocks' },
  ].filter((tab) => tab !== false)
  return (
    <>
      <PageHead title={title} sub={sub} actions={actions} />
      <Tabs label="Settings" tabs={tabs} current={current} />
    </>
  )
}
