import { Tabs } from '~/ui/tabs'

/** What stands around billing. */
export function BillingTabs({ current }: { current: 'runs' | 'settings' | 'profile' }) {
  return (
    <Tabs
      label="Billing"
      current={current}
      tabs={[
        { id: 'runs', to: 'billing', label: 'Runs' },
        { id: 'settings', to: 'billing/settings', label: 'Settings' },
        { id: 'profile', to: 'billing/profile', label: 'Profiles' },
      ]}
    />
  )
}
