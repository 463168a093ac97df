import { useViewer } from '~/session/session'
import { Forecast } from './forecast'
import { UsageFrame } from './frame'

/** What the coming days will probably bring. */
export default function ForecastPage() {
  const { account } = useViewer()
  return (
    <UsageFrame current="forecast">
      <Forecast accountId={account.id} choose />
    </UsageFrame>
  )
}
