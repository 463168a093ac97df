import { useViewer } from '~/session/session'
import { Tabs } from '~/ui/tabs'

/** What stands around invoices. A customer has what it was sent: its invoices, and what was taken off them. */
export function InvoiceTabs({ current }: { current: 'invoices' | 'running' | 'credit-notes' | 'charges' }) {
  const { customer } = useViewer()
  const tabs = [
    { id: 'invoices', to: 'invoices', label: 'Invoices' },
    !customer && { id: 'running', to: 'invoices/running', label: 'Running month' },
    { id: 'credit-notes', to: 'invoices/credit-notes', label: 'Credit notes' },
    !customer && { id: 'charges', to: 'invoices/charges', label: 'Charges' },
  ].filter((tab) => tab !== false)
  return <Tabs label="Invoices" current={current} tabs={tabs} />
}

/** Whose list it is and from which side, as the address says it: what an account sold, or what it bought. The operator buys nothing. */
export function useSide(side: string | undefined): 'sold' | 'bought' {
  const { account, customer } = useViewer()
  if (customer) return 'bought'
  if (account.kind === 'operator' && side === undefined) return 'sold'
  return side === 'bought' ? 'bought' : 'sold'
}
