import { useViewer } from '~/session/session'
import { CreditsFrame } from './frame'
import { Ledger } from './ledger'

/** The viewer's own ledger. */
export default function Credits() {
  const { account } = useViewer()
  return (
    <CreditsFrame current="history">
      <Ledger accountId={account.id} />
    </CreditsFrame>
  )
}
