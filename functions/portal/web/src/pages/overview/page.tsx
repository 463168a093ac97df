import { useViewer } from '~/session/session'
import { CustomerOverview } from './customer'
import { SellerOverview } from './seller'

/** What stands first: a seller's business, or a customer's own account. */
export default function Overview() {
  const { customer } = useViewer()
  return customer ? <CustomerOverview /> : <SellerOverview />
}
