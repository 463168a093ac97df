import { useViewer } from '~/session/session'
import { UsageFrame } from './frame'
import { UsageReport } from './report'

/** The viewer's own report. */
export default function ReportPage() {
  const { account } = useViewer()
  return (
    <UsageFrame current="report">
      <UsageReport accountId={account.id} />
    </UsageFrame>
  )
}
