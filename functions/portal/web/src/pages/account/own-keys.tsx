import { useViewer } from '~/session/session'
import { PageHead } from '~/ui/card'
import { Keys } from './keys'

/** A customer's own keys. */
export default function OwnKeys() {
  const { account } = useViewer()
  return (
    <>
      <PageHead title="Keys" sub="With these, your programs call the API." />
      <Keys accountId={account.id} />
    </>
  )
}
