import { type ReactNode, useState } from 'react'
import { useViewer } from '~/session/session'
import { Button } from '~/ui/button'
import { PageHead } from '~/ui/card'
import { Tabs } from '~/ui/tabs'
import { Explain } from './explain'

const TABS = [
  { id: 'live', label: 'Live', to: 'usage' },
  { id: 'report', label: 'Report', to: 'usage/report' },
  { id: 'forecast', label: 'Forecast', to: 'usage/forecast' },
]

/** What the pages of usage share. */
export function UsageFrame({ current, sub, children }: { current: string; sub?: ReactNode; children: ReactNode }) {
  const { account } = useViewer()
  const [explaining, setExplaining] = useState(false)
  return (
    <>
      <PageHead
        title="Usage"
        sub={sub ?? account.name}
        actions={
          <Button icon="info" onClick={() => setExplaining(true)}>
            Explain a charge
          </Button>
        }
      />
      <Tabs label="Usage" tabs={TABS} current={current} />
      {children}
      <Explain open={explaining} onClose={() => setExplaining(false)} />
    </>
  )
}
