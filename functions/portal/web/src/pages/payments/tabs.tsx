import { useViewer } from '~/session/session'
import { Tabs } from '~/ui/tabs'

/** What stands around payments. Who charges cards is the seller's own matter. */
export function PaymentTabs({ current }: { current: 'payments' | 'cards' | 'processor' }) {
  const { customer } = useViewer()
  const tabs = [
    { id: 'payments', to: 'payments', label: 'Payments' },
    { id: 'cards', to: 'payments/cards', label: 'Payment methods' },
    !customer && { id: 'processor', to: 'payments/processor', label: 'Card processor' },
  ].filter((tab) => tab !== false)
  return <Tabs label="Payments" current={current} tabs={tabs} />
}
