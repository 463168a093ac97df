import { useViewer } from '~/session/session'
import { Tabs } from '~/ui/tabs'

/** What stands around invoices. A customer has its invoices alone. */
export function InvoiceTabs({ current }: { current: 'invoices' | 'running' | 'credit-notes' | 'charges' }) {
  const { customer } = useViewer()
  if (customer) return null
  return (
    <Tabs
      label="Invoices"
      current={current}
      tabs={[
        { id: 'invoices', to: 'invoices', label: 'Invoices' },
        { id: 'running', to: 'invoices/running', label: 'Running month' },
        { id: 'credit-notes', to: 'invoices/credit-notes', label: 'Credit notes' },
        { id: 'charges', to: 'invoices/charges', label: 'Charges' },
      ]}
    />
  )
}

/** Whose list it is and from which side, as the address says it: what an account sold, or what it bought. The operator buys nothing. */
export function useSide(side: string | undefined): 'sold' | 'bought' {
  const { account, customer } = useViewer()
  if (customer) return 'bought'
  if (account.kind === 'operator' && side === undefined) return 'sold'
  return side === 'bought' ? 'bought' : 'sold'
}
