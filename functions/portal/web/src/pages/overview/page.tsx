import { useApi } from '~/api/query'
import { Amount } from '~/ui/amount'
import { PageHead, Stat } from '~/ui/card'
import { Failed } from '~/ui/state'
import { OVERVIEW } from './data'

export default function Overview() {
  const overview = useApi(OVERVIEW.path, OVERVIEW.options)
  const { data } = overview
  return (
    <>
      <PageHead title="Overview" />
      {overview.error ? (
        <Failed error={overview.error} retry={() => void overview.refetch()} what="The overview" />
      ) : (
        <Stat label="Balance" loading={!data}>
          <Amount value={data?.balance.available} currency={data?.currency} />
        </Stat>
      )}
    </>
  )
}
