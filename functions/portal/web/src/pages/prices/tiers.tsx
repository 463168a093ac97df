import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useEditable } from '~/api/query'
import { plainDecimal, readDecimal } from '~/lib/exact'
import { calendar, count } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField } from '~/ui/account'
import { Act } from '~/ui/ask'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, PageHead, Stat } from '~/ui/card'
import { Exact } from '~/ui/exact'
import { TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Progress } from '~/ui/progress'
import { Empty, Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { useOpening } from './common'
import { PriceTabs } from './tabs'

type Tier = Schema<'Tier'>
const changed = () => void refresh('/reseller/pricing')
const SOURCE = { own: 'Set by the seller', default: 'The platform’s table', none: 'No tiers are given' }

/** Volume tiers: what a seller gives its resellers, and where it stands itself with its own seller. */
export default function Tiers() {
  const { account, can } = useViewer()
  const [filters, setFilters] = useFilters<'account'>()
  const of = filters.account ?? account.id
  const read = useEditable('/reseller/pricing/tiers', { query: { account_id: filters.account } })
  const tiers = read.data?.data
  const editing = useOpening()
  const standing = tiers?.as_buyer
  return (
    <>
      <PageHead title="Volume tiers" sub="A discount for resellers by what their whole subtree uses in a month. The higher of this month’s tier and last month’s is in force." />
      <PriceTabs current="tiers" />
      <div className="mb-4 max-w-sm">
        <AccountField label="Account" value={of} onChange={(value) => setFilters({ account: value || undefined })} />
      </div>
      <NotFresh of={read} />
      {read.error && !read.data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The tiers" />
        </Card>
      ) : !tiers ? (
        <Card key="loading">
          <Skeleton className="h-80 w-full" />
        </Card>
      ) : (
        <div key="tiers" className="space-y-4">
          {standing && <Standing standing={standing} />}
          <Card
            title={of === account.id ? 'What you give your resellers' : 'What it gives its resellers'}
            sub={tiers.as_seller ? SOURCE[tiers.as_seller.source] : undefined}
            actions={
              can('pricing.manage') && tiers.as_seller ? (
                <>
                  <Button small onClick={editing.show}>Edit</Button>
                  {tiers.as_seller.source === 'own' && (
                    <Act
                      label="Take it away"
                      small
                      look="quiet"
                      danger
                      title="Take this table away?"
                      action="Take it away"
                      input={of}
                      reload={() => void read.refetch()}
                      send={() => api.put('/reseller/pricing/tiers', { body: { account_id: filters.account, tiers: null }, ifMatch: read.data?.etag ?? undefined })}
                      done={() => {
                        toast.done('The table is taken away')
                        changed()
                      }}
                    >
                      <p>From now on resellers get {account.kind === 'operator' && of === account.id ? 'the platform’s own table' : 'no discount by volume'}. What was used is priced as it was.</p>
                    </Act>
                  )}
                </>
              ) : undefined
            }
            flush
          >
            {tiers.as_seller && tiers.as_seller.tiers.length > 0 ? (
              <TierTable tiers={tiers.as_seller.tiers} />
            ) : (
              <Empty icon="pricing" title="No tiers">{tiers.as_seller ? 'Nobody below gets a discount by volume. Edit the table to give one.' : 'This account sells to nobody.'}</Empty>
            )}
          </Card>
          {!standing && tiers.as_seller && <p className="text-sm text-soft">Only resellers stand in a table of tiers: the operator buys from nobody, and customers get no discount by volume.</p>}
        </div>
      )}
      {tiers?.as_seller && <EditTiers key={editing.round} open={editing.open} onClose={editing.close} of={filters.account} tiers={tiers.as_seller.tiers} etag={read.data?.etag ?? null} reload={() => void read.refetch()} />}
    </>
  )
}

function TierTable({ tiers, current }: { tiers: Tier[]; current?: string }) {
  const { place } = useViewer()
  return (
    <table className="w-full text-sm">
      <thead>
        <tr className="border-b border-line text-left text-xs text-soft">
          <th scope="col" className="px-4 py-2 font-medium">Tier</th>
          <th scope="col" className="px-4 py-2 text-right font-medium">From units a month</th>
          <th scope="col" className="px-4 py-2 text-right font-medium">Discount</th>
        </tr>
      </thead>
      <tbody>
        {tiers.map((tier) => (
          <tr key={tier.name} className={`border-b border-line last:border-0 ${tier.name === current ? 'bg-accent-wash font-medium' : ''}`}>
            <td className="px-4 py-2">
              {tier.name} {tier.name === current && <Badge tone="good">In force</Badge>}
            </td>
            <td className="px-4 py-2 text-right">{count(tier.from, place)}</td>
            <td className="px-4 py-2 text-right">{count(tier.discount, place)} %</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Where an account stands with its seller: the tier in force, how far the next one is, and what it would have saved. */
function Standing({ standing }: { standing: Schema<'TierStanding'> }) {
  const { place } = useViewer()
  const { next } = standing
  const grace = standing.decided_by === 'previous_month'
  return (
    <section aria-label="Where this account stands" className="space-y-3">
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <Stat label="Tier in force" note={grace ? 'By last month’s volume: the month’s grace' : standing.decided_by === 'this_month' ? 'By this month’s volume' : 'Below the first tier'}>
          {standing.tier} <span className="text-base font-normal text-soft">{count(standing.discount, place)} % off</span>
        </Stat>
        <Stat label={`Volume in ${calendar(standing.month, place)}`} note={`${count(standing.previous_volume, place)} the month before`}>
          {count(standing.volume, place)}
        </Stat>
        <Stat label="Paid for usage this month">
          <Exact value={standing.spend} currency={standing.currency} explain={{ title: 'Paid for usage', says: 'What the account paid its seller for usage this month so far, in UTC, with tiers and promotions taken off.', parts: [{ label: 'So far', amount: standing.spend, total: true }], links: [{ label: 'Usage of this month', to: 'usage/report', search: { range: 'month' } }] }} />
        </Stat>
        <Stat label={next ? `Missing to ${next.name}` : 'Next tier'} note={next ? <>It would have saved <Exact value={next.would_save} currency={standing.currency} explain={{ title: 'What the next tier would save', says: `What this month’s usage so far would have cost less with ${next.name}: ${next.discount} % off instead of ${standing.discount} %.`, parts: [{ label: 'Paid so far', amount: standing.spend }, { label: 'It would have saved', amount: next.would_save }] }} /> this month</> : 'This is the highest'}>
          {next ? count(next.missing, place) : '–'}
        </Stat>
      </div>
      {next && (
        <Card>
          <p className="mb-1.5 flex justify-between gap-4 text-sm">
            <span>{count(standing.volume, place)} units</span>
            <span className="text-soft">
              {next.name} at {count(next.from, place)}: {count(next.discount, place)} % off
            </span>
          </p>
          <Progress label={`Volume on the way to ${next.name}`} value={Number(standing.volume)} max={Number(next.from)} />
        </Card>
      )}
      {grace && <Notice>Usage of this month alone would come to a lower tier. A tier is kept for one month after a month that earned it.</Notice>}
      {standing.table.tiers.length > 0 && (
        <Card title="The seller’s table" flush>
          <TierTable tiers={standing.table.tiers} current={standing.tier} />
        </Card>
      )}
    </section>
  )
}

function EditTiers({ open, onClose, of, tiers, etag, reload }: { open: boolean; onClose: () => void; of: string | undefined; tiers: Tier[]; etag: string | null; reload: () => void }) {
  const [rows, setRows] = useState(tiers.map((tier) => ({ name: tier.name, from: plainDecimal(tier.from), discount: tier.discount })))
  // What is read while this is open has another version than the rows here.
  const [version] = useState(etag)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'PutTiers'>) => api.put('/reseller/pricing/tiers', { body, ifMatch: version ?? undefined }),
    () => {
      toast.done('The tiers are set')
      changed()
      onClose()
    },
  )
  const set = (index: number, change: Partial<(typeof rows)[number]>) => setRows(rows.map((row, at) => (at === index ? { ...row, ...change } : row)))
  const save = () => {
    if (rows.some((row) => readDecimal(row.from, 6) === null || readDecimal(row.discount, 4) === null)) return
    void submit({ account_id: of, tiers: rows.map((row) => ({ name: row.name.trim(), from: readDecimal(row.from, 6) as string, discount: readDecimal(row.discount, 4) as string })) })
  }
  return (
    <FormDialog wide open={open} onClose={onClose} title="Volume tiers of direct resellers" action="Set them" busy={busy} error={error} onSubmit={save}>
      {error?.code === 'precondition_failed' && <Notice tone="warn" title="Somebody changed them meanwhile" action={<Button small onClick={() => { reload(); onClose() }}>Load theirs</Button>} />}
      <Notice tone="warn">They take part in every price from the moment they are set. Lowest first; both volume and discount rise.</Notice>
      <ol className="space-y-3">
        {rows.map((row, index) => (
          <li key={index} className="grid grid-cols-[1fr_1fr_5.5rem_auto] items-end gap-2">
            <TextField label="Name" pointer={`/tiers/${index}/name`} required pattern="[a-z][a-z0-9_.-]{0,39}" title="Small letters, digits, . _ -" value={row.name} onChange={(name) => set(index, { name })} />
            <TextField label="From units" pointer={`/tiers/${index}/from`} required inputMode="decimal" value={row.from} onChange={(from) => set(index, { from })} wrong={row.from && readDecimal(row.from, 6) === null ? 'Not a quantity' : null} />
            <TextField label="Off, %" pointer={`/tiers/${index}/discount`} required inputMode="decimal" value={row.discount} onChange={(discount) => set(index, { discount })} wrong={row.discount && readDecimal(row.discount, 4) === null ? 'Not a percentage' : null} />
            <Button look="quiet" icon="trash" label={`Take tier ${index + 1} off`} onClick={() => setRows(rows.filter((_, at) => at !== index))} />
          </li>
        ))}
      </ol>
      {rows.length < 20 && <Button small icon="plus" onClick={() => setRows([...rows, { name: '', from: '', discount: '' }])}>Add a tier</Button>}
    </FormDialog>
  )
}
