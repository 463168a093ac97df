import { useViewer } from '~/session/session'
import { Tabs } from '~/ui/tabs'

/** What stands around payments. A customer has its cards alone. */
export function PaymentTabs({ current }: { current: 'payments' | 'cards' | 'processor' }) {
  const { customer } = useViewer()
  if (customer) return null
  return (
    <Tabs
      label="Payments"
      current={current}
      tabs={[
        { id: 'payments', to: 'payments', label: 'Payments' },
        { id: 'cards', to: 'payments/cards', label: 'Payment methods' },
        { id: 'processor', to: 'payments/processor', label: 'Card processor' },
      ]}
    />
  )
}
