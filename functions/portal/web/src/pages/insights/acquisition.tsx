import { useCallback, useId, useState } from 'react'
import type { Acquisition as Answer, AcquisitionRow, Spend } from '~/api/contract'
import { api } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { minus, readAmount, sign } from '~/lib/decimal'
import { explainProfit, type ProfitFigure } from '~/lib/explain'
import { calendar, count } from '~/lib/format'
import { readMonths, thisMonth } from '~/lib/months'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { Badge } from '~/ui/badge'
import { Button, ButtonLink } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { MonthField, MonthsPicker } from '~/ui/months'
import { Empty, Failed } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { toast } from '~/ui/toast'
import { ACQUISITION_MEANS } from './definitions'
import { useOffsets } from './offsets'
import { Definitions, InsightsHead, sortable } from './parts'

function RecordSpend({ open, onClose, channels }: { open: boolean; onClose: () => void; channels: string[] }) {
  const { account } = useViewer()
  const id = useId()
  const [channel, setChannel] = useState('')
  const [campaign, setCampaign] = useState('')
  const [month, setMonth] = useState(thisMonth())
  const [amount, setAmount] = useState('')
  const read = readAmount(amount)
  const wrong = amount && (read === null ? 'write it as 1234.50' : sign(read) <= 0 ? 'it must be above zero' : null)
  const { submit, busy, error, reset } = useSubmit(
    useCallback((body: { channel: string; campaign?: string; month: string; amount: string }, key: string) => api.post('/reseller/insights/spend', { body, idempotencyKey: key }), []),
    useCallback(() => {
      toast.done('The spend was recorded.')
      setAmount('')
      setCampaign('')
      void refresh('/reseller/insights/spend', '/reseller/insights/acquisition')
      onClose()
    }, [onClose]),
  )
  const close = () => {
    reset()
    onClose()
  }
  return (
    <FormDialog
      open={open}
      onClose={close}
      title="Record spend"
      action="Record"
      disabled={!channel.trim() || !read || Boolean(wrong)}
      busy={busy}
      error={error}
      onSubmit={() => read && void submit({ channel: channel.trim(), ...(campaign.trim() ? { campaign: campaign.trim() } : {}), month, amount: read })}
    >
      <TextField label="Channel" pointer="/channel" value={channel} onChange={setChannel} required maxLength={100} list={`${id}-channels`} autoComplete="off" hint="As in your accounts’ tag “channel”: search, partners, fairs…" />
      <datalist id={`${id}-channels`}>
        {channels.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <TextField label="Campaign" pointer="/campaign" optional value={campaign} onChange={setCampaign} maxLength={100} autoComplete="off" hint="As in the tag “campaign”. Without one it counts for accounts of the channel that name no campaign." />
      <div className="grid gap-4 sm:grid-cols-2">
        <MonthField pointer="/month" value={month} onChange={setMonth} />
        <TextField label="Amount" pointer="/amount" value={amount} onChange={setAmount} required inputMode="decimal" autoComplete="off" suffix={account.currency} wrong={wrong || null} />
      </div>
    </FormDialog>
  )
}

/** A channel and its campaign; accounts that name none have no channel. */
function Channel({ of: { channel, campaign } }: { of: { channel: string | null; campaign: string | null } }) {
  return (
    <>
      {channel ?? <span className="text-soft">No channel</span>}
      {campaign !== null && <span className="text-soft"> · {campaign}</span>}
    </>
  )
}

/** What new accounts cost by channel, and how soon they have paid that back. */
export default function Acquisition() {
  const { place, can } = useViewer()
  const [filters, setFilters] = useFilters<'months' | 'do'>()
  const range = readMonths(filters.months, '12m')
  const [removing, setRemoving] = useState<Spend | null>(null)
  const { head: data, ...answer } = useOffsets<AcquisitionRow, Answer>(['/reseller/insights/acquisition', range], async (offset, signal) => (await api.get('/reseller/insights/acquisition', { query: { ...range, limit: 50, offset }, signal })).data)
  const spends = useList('/reseller/insights/spend', { query: { ...range, limit: 50 } }, { keep: true })
  const may = can('insights.manage')
  const removal = useSubmit(
    useCallback((spend: string) => api.delete('/reseller/insights/spend/{id}', { path: { id: spend } }), []),
    useCallback(() => {
      setRemoving(null)
      toast.done('The spend was taken back.')
      void refresh('/reseller/insights/spend', '/reseller/insights/acquisition')
    }, []),
  )
  const months = (value: string | null) => (value === null ? '–' : Number(value) === 0 ? 'At once' : `${count(value, place, 1)} ${Number(value) === 1 ? 'month' : 'months'}`)
  const cost = (row: { spend: string; accounts: number; cac: string | null }): Explanation => ({
    title: 'Cost of an account',
    says: 'What you recorded as spent in these months by the accounts that were made in them.',
    parts: [{ label: 'Spend', amount: row.spend }, { label: 'New accounts', text: count(row.accounts, place) }, ...(row.cac === null ? [] : [{ label: 'Cost of one', amount: row.cac, total: true }])],
  })
  const brought = (figure: ProfitFigure, row: AcquisitionRow) =>
    explainProfit(figure, 'usage of the accounts that were made in these months and name this channel', { revenue: row.revenue, cost: minus(row.revenue, row.margin), margin: row.margin }, { links: row.channel === null ? [] : [{ label: 'Accounts of this channel', to: 'accounts', search: { tag: `channel:${row.channel}` } }] })
  const columns: Column<AcquisitionRow>[] = [
    {
      id: 'channel',
      head: 'Channel',
      sort: 'channel',
      value: (row) => `${row.channel ?? ''} ${row.campaign ?? ''}`,
      cell: (row) => <Channel of={row} />,
    },
    { id: 'spend', head: 'Spend', width: 7, align: 'right', from: 'sm', sort: 'spend', value: (row) => sortable(row.spend), cell: (row) => <Amount value={row.spend} currency={data?.currency} explain={cost(row)} /> },
    { id: 'accounts', head: 'Accounts', width: 6, align: 'right', from: 'sm', sort: 'accounts', value: (row) => row.accounts, cell: (row) => count(row.accounts, place) },
    { id: 'cac', head: 'Per account', width: 7.5, align: 'right', sort: 'cac', value: (row) => sortable(row.cac), cell: (row) => <Amount value={row.cac} currency={data?.currency} explain={cost(row)} /> },
    { id: 'revenue', head: 'Revenue', width: 7.5, align: 'right', from: 'lg', sort: 'revenue', value: (row) => sortable(row.revenue), cell: (row) => <Amount value={row.revenue} currency={data?.currency} explain={brought('revenue', row)} /> },
    { id: 'margin', head: 'Margin', width: 7.5, align: 'right', from: 'md', sort: 'margin', value: (row) => sortable(row.margin), cell: (row) => <Amount value={row.margin} currency={data?.currency} tone="negative" explain={brought('margin', row)} /> },
    { id: 'payback', head: 'Paid back in', width: 7.5, align: 'right', sort: 'payback', value: (row) => sortable(row.payback_months), cell: (row) => months(row.payback_months) },
  ]
  const spendColumns: Column<Spend>[] = [
    { id: 'channel', head: 'Channel', cell: (row) => <span className={row.removed_at ? 'line-through' : ''}><Channel of={row} /></span> },
    { id: 'month', head: 'Month', width: 9, from: 'sm', cell: (row) => calendar(row.month, place) },
    { id: 'state', head: '', width: 9, from: 'sm', cell: (row) => row.removed_at && <Badge>Taken back</Badge> },
    { id: 'amount', head: 'Amount', width: 8, align: 'right', cell: (row) => <Amount value={row.amount} currency={row.currency} className={row.removed_at ? 'text-soft line-through' : ''} /> },
    ...(may ? [{ id: 'actions', head: '', width: 4, align: 'right', cell: (row: Spend) => !row.removed_at && <Button look="quiet" small icon="trash" label={`Take the spend on ${row.channel} back`} onClick={() => setRemoving(row)} /> } satisfies Column<Spend>] : []),
  ]
  const record = may && (
    <Button look="primary" icon="plus" onClick={() => setFilters({ do: 'record' })}>
      Record spend
    </Button>
  )
  return (
    <>
      <InsightsHead
        current="acquisition"
        title="Acquisition"
        sub="What a new account costs by channel, and how many months of its margin pay that back."
        actions={
          <>
            <MonthsPicker value={filters.months} fallback="12m" onChange={(value) => setFilters({ months: value })} />
            {record}
          </>
        }
      />
      <div className="space-y-5">
        {answer.error && !data ? (
          <Card>
            <Failed error={answer.error} retry={answer.retry} what="Acquisition" />
          </Card>
        ) : (
          <>
            <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
              <Stat label="Spend" loading={!data} note="What you recorded">{data && <Amount value={data.total.spend} currency={data.currency} explain={{ title: 'Spend', says: 'What you recorded as spent in these months and did not take back. “Recorded spend” below has each line.', parts: [{ label: 'Together', amount: data.total.spend, total: true }] }} />}</Stat>
              <Stat label="New accounts" loading={!data} note="Made in these months">{data && count(data.total.accounts, place)}</Stat>
              <Stat label="Cost of an account" loading={!data} note="Spend by new accounts">
                {data && <Amount value={data.total.cac} currency={data.currency} explain={cost(data.total)} />}
              </Stat>
              <Stat label="Paid back in" loading={!data} note="By the margin of these accounts">{data && months(data.total.payback_months)}</Stat>
            </div>
            <Card flush title="By channel" sub="An account belongs to the channel and campaign that its tags name.">
              <DataTable
                label="Acquisition by channel"
                columns={columns}
                {...answer}
                rowId={(row) => JSON.stringify([row.channel, row.campaign])}
                sort={answer.hasMore ? undefined : '-spend'}
                empty={
                  <Empty icon="people" title="No channel yet" action={record || <ButtonLink to="accounts">See your accounts</ButtonLink>}>
                    Give accounts the tag <code>channel</code> when you make them, and record what you spend on each channel: what an account costs and when it has paid for itself is worked out from the two.
                  </Empty>
                }
              />
            </Card>
          </>
        )}
        {/* Below a table of unknown length: it comes when that has, and then stays where it is. */}
        {(data || answer.error) && (
          <>
            <Card flush title="Recorded spend">
              <DataTable label="Recorded spend" columns={spendColumns} {...spends} rowId={(row) => row.id} empty={<Empty icon="credits" title="No spend in these months" action={record}>{may ? 'Record what you pay for advertising, partners and fairs, month by month.' : 'Somebody with the right to keep insights can record it.'}</Empty>} />
            </Card>
            {!spends.loading && <Definitions of={ACQUISITION_MEANS} />}
          </>
        )}
      </div>
      <RecordSpend open={may && filters.do === 'record'} onClose={() => setFilters({ do: undefined }, true)} channels={[...new Set(answer.rows.flatMap((row) => row.channel ?? []))]} />
      <Confirm
        open={removing !== null}
        onClose={() => {
          setRemoving(null)
          removal.reset()
        }}
        onConfirm={() => removing && void removal.submit(removing.id)}
        title="Take this spend back?"
        action="Take it back"
        danger
        busy={removal.busy}
        error={removal.error}
      >
        {removing && (
          <p>
            <Amount value={removing.amount} currency={removing.currency} /> on {removing.channel} in {calendar(removing.month, place)} no longer counts: the cost of an account and its payback are worked out without it. It stays in the list as taken back.
          </p>
        )}
      </Confirm>
    </>
  )
}
