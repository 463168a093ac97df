import { useApi } from '~/api/query'
import { minus } from '~/lib/decimal'
import { explainDue, explainTotal } from '~/lib/explain'
import { calendar } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Card, PageHead, Stat } from '~/ui/card'
import { Empty, Failed, NotFresh, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { Lines } from './lines'
import { InvoiceTabs } from './tabs'

/** What the invoice of an account would say if its period ended now. */
export default function Running() {
  const { account, place } = useViewer()
  const [filters, setFilters] = useFilters<'account'>()
  const of = filters.account ?? (account.kind === 'operator' ? undefined : account.id)
  const preview = useApi('/reseller/invoices/preview', { query: { account_id: of } }, { enabled: of !== undefined, keep: true })
  const { data } = preview
  const invoice = data?.invoice ?? undefined
  // Of a draft nothing is due: what would be is what it comes to as soon as it is issued.
  const would = invoice && { ...invoice, state: 'finalized' as const, due: minus(invoice.total, invoice.paid_from_credit) }
  return (
    <>
      <PageHead title="Running month" sub="What the invoice would say if the period ended now. Nothing is kept, and it may all change." />
      <InvoiceTabs current="running" />
      <div className="mb-4 max-w-sm">
        <AccountField label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value || undefined })} hint={of === account.id ? 'Your own: what the account above will bill.' : undefined} />
      </div>
      <NotFresh of={preview} />
      {of === undefined ? (
        <Card>
          <Empty icon="invoice" title="Choose an account">The operator is billed by nobody. Choose one of the accounts below to see its running month.</Empty>
        </Card>
      ) : preview.error && !data ? (
        <Card>
          <Failed error={preview.error} retry={() => void preview.refetch()} what="The running month" />
        </Card>
      ) : (
        <div className="space-y-4">
          <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
            <Stat label="Would be due" loading={!data} note={data && <>As of <Time at={data.at} style="time" /></>}>
              <Amount value={would?.due ?? '0.000000'} currency={data?.currency} explain={would && { ...explainDue(would, false), title: 'Would be due' }} />
            </Stat>
            <Stat label="Total" loading={!data} note="Taxes included">
              <Amount value={invoice?.total ?? '0.000000'} currency={data?.currency} explain={invoice && explainTotal(invoice, false)} />
            </Stat>
            <Stat label="Paid from credit with the usage" loading={!data}>
              <Amount value={invoice?.paid_from_credit ?? '0.000000'} currency={data?.currency} explain={would && explainDue(would, false)} />
            </Stat>
            <Stat label="Period" loading={!data} note={data && <>Ends <Time at={data.period.end} /></>}>
              {data && calendar(data.period.label, place)}
            </Stat>
          </div>
          <Card title="Lines" flush>
            {!data ? (
              <div className="space-y-3 px-4 pb-4">
                {[1, 2, 3, 4].map((line) => (
                  <Skeleton key={line} className="h-5 w-full" />
                ))}
              </div>
            ) : invoice ? (
              <Lines invoice={invoice} />
            ) : (
              <Empty icon="invoice" title="Nothing to bill so far">Nothing was used or charged in this period yet.</Empty>
            )}
          </Card>
        </div>
      )}
    </>
  )
}
