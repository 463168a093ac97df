import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type BodyOf, type Schema } from '~/api/client'
import { ApiError } from '~/api/problem'
import { refresh, useApi, useList } from '~/api/query'
import { plain, readAmount } from '~/lib/decimal'
import { explainTopup } from '~/lib/explain-credit'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { CheckField, Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { Empty, Failed, NotFresh, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { CreditsFrame } from './frame'

type Topup = Schema<'AutoTopup'>
type Body = BodyOf<'put', '/reseller/credits/auto-topup'>
type Kept = Version<Topup | null>

/** What is read where none is set. */
const OFF: Kept = { data: null, etag: null }

/** What is set. That nothing is under the address says that it is off, which is an answer like any other. */
async function read(signal: AbortSignal): Promise<Kept> {
  try {
    const { data, etag } = await api.get('/reseller/credits/auto-topup', { query: {}, signal })
    return { data, etag }
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return OFF
    throw error
  }
}

const REASONS: Record<string, string> = {
  daily_cap: 'The cap of the day is reached.',
  monthly_cap: 'The cap of the month is reached.',
  parent_short: 'The seller has too little credit.',
  parent_suspended: 'The seller is suspended.',
  moved: 'The account was moved.',
  currency_mismatch: 'Currencies differ.',
  package_unavailable: 'The package is no longer sold.',
  limit_reached: 'No more of this package can be bought.',
  out_of_range: 'The balance would grow too large.',
  no_card: 'There is no default card.',
  card_declined: 'The card was declined.',
}

const RUNS: Column<Schema<'AutoTopupRun'>>[] = [
  { id: 'at', head: 'When', width: 11.5, cell: (row) => <Time at={row.at} /> },
  { id: 'outcome', head: 'Outcome', width: 7, cell: (row) => <State state={row.outcome} /> },
  { id: 'reason', head: 'Why', from: 'sm', cell: (row) => (row.reason ? (REASONS[row.reason] ?? words(row.reason)) : <span className="text-faint">–</span>) },
  { id: 'amount', head: 'Drawn', width: 8, align: 'right', cell: (row) => <Amount value={row.amount} explain={{ title: 'Drawn', says: 'Drawn since the credit that was available had fallen below the line.', parts: [{ label: 'Available then', amount: row.available }, { label: 'Drawn', amount: row.amount }], links: [{ label: 'Every movement', to: 'credits', search: { kind: 'auto_topup' } }] }} /> },
]

/** How the account tops itself up, and what it drew. */
export default function AutoTopup() {
  const { can } = useViewer()
  const found = useQuery({ queryKey: ['/reseller/credits/auto-topup', {}, 'kept'], queryFn: ({ signal }) => read(signal) })
  const runs = useList('/reseller/credits/auto-topup/runs', { query: { limit: 50 } })
  const may = can('credits.allocate')
  return (
    <CreditsFrame current="auto-topup">
      <NotFresh of={found} />
      <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[24rem_minmax(0,1fr)]">
        <Card title="Auto top-up" sub="Draws credit whenever less than the threshold is available.">
          {found.isPending ? (
            <Skeleton className="h-[36rem] w-full" />
          ) : !found.data ? (
            <Failed error={found.error} retry={() => void found.refetch()} what="Auto top-up" />
          ) : may ? (
            <Edit newest={found.data} reload={() => found.refetch()} />
          ) : found.data.data ? (
            <Shown of={found.data.data} />
          ) : (
            <Empty icon="refresh" title="It is off">Your role does not include setting it.</Empty>
          )}
        </Card>
        {!found.isPending && <Card title="What was drawn" flush>
          <DataTable label="Runs of auto top-up" columns={RUNS} rowId={(row) => String(row.run)} {...runs} empty={<Empty icon="clock" title="Nothing was drawn yet">Each draw, and each that failed, is listed here with its reason.</Empty>} />
        </Card>}
      </div>
    </CreditsFrame>
  )
}

function Shown({ of }: { of: Topup }) {
  const explained = { ...explainTopup(of), links: [{ label: 'What was drawn', to: 'credits', search: { kind: 'auto_topup' } }] }
  return (
    <Facts
      rows={[
        ['State', <State key="state" state={of.status} />],
        ['Below', <Amount key="below" value={of.threshold} currency={of.currency} explain={explained} />],
        of.amount ? ['Draws', <Amount key="draws" value={of.amount} currency={of.currency} explain={explained} />] : ['Up to', <Amount key="upto" value={of.target} currency={of.currency} explain={explained} />],
        ['Today', <Amount key="today" value={of.drawn_today} currency={of.currency} explain={explained} />],
        ['This month', <Amount key="month" value={of.drawn_this_month} currency={of.currency} explain={explained} />],
      ]}
    />
  )
}

/** What stands in the fields for what is set; of a customer, credit comes from the card unless something else is set. */
function begin(known: Topup | null, customer: boolean) {
  return {
    enabled: known?.enabled ?? true,
    threshold: plain(known?.threshold ?? ''),
    by: (known?.target ? 'target' : 'amount') as 'amount' | 'target',
    size: plain(known?.amount ?? known?.target ?? ''),
    source: known === null ? (customer ? 'card' : 'parent') : typeof known.source === 'string' ? known.source : known.source.package,
    daily: plain(known?.daily_cap ?? ''),
    monthly: plain(known?.monthly_cap ?? ''),
  }
}

function Edit({ newest, reload }: { newest: Kept; reload: () => Promise<{ data?: Kept; error: unknown }> }) {
  const { account, customer, can } = useViewer()
  const { draft, base, set, took, load } = useDraft(newest, (known) => begin(known, customer), reload)
  const { enabled, threshold, by, size, source, daily, monthly } = draft
  const known = base.data
  const packages = useApi('/reseller/pricing/packages', { query: { account_id: account.id } }, { enabled: can('pricing.read') && can('credits.purchase') && account.parent_id !== null })
  const [removing, setRemoving] = useState(false)
  const amount = (text: string) => (text.trim() === '' ? undefined : readAmount(text))
  const [below, drawn, day, month] = [amount(threshold), amount(size), amount(daily), amount(monthly)]
  const fromPackage = source !== 'parent' && source !== 'card'
  const bad = below === null || below === undefined || day === null || month === null || (!fromPackage && !drawn)
  const save = useSubmit(
    (body: Body) => api.put('/reseller/credits/auto-topup', { body, ifMatch: base.etag ?? undefined }),
    (saved) => {
      took(saved)
      toast.done('Auto top-up is set.')
      void refresh('/reseller/credits')
    },
  )
  const remove = useSubmit(
    () => api.delete('/reseller/credits/auto-topup', { query: {}, ifMatch: base.etag ?? undefined }),
    () => {
      took(OFF)
      toast.done('Auto top-up is off.')
      setRemoving(false)
      void refresh('/reseller/credits')
    },
  )
  const staleRemoval = remove.error?.code === 'precondition_failed'
  const stale = save.error?.code === 'precondition_failed'
  const wrong = (value: string | null | undefined) => (value === null ? 'this is no amount' : null)
  return (
    <>
      <Form
        error={stale ? null : save.error}
        onSubmit={() =>
          below &&
          void save.submit({
            threshold: below,
            ...(fromPackage ? {} : by === 'amount' ? { amount: drawn } : { target: drawn }),
            source: fromPackage ? { package: source } : (source as 'parent' | 'card'),
            daily_cap: day ?? null,
            monthly_cap: month ?? null,
            enabled,
          } as Body)
        }
      >
        {known && (
          <div className="space-y-2 rounded-lg bg-surface p-3">
            <Shown of={known} />
            {known.reason && (
              <p className="text-xs text-soft">
                {REASONS[known.reason] ?? words(known.reason)} {known.again_at && <>Tried again <Time at={known.again_at} ago />.</>}
                {known.stopped_at && ' It is tried no more; saving begins anew.'}
              </p>
            )}
          </div>
        )}
        {stale && <Meanwhile what="Auto top-up" load={() => void load(save.reset)} />}
        <CheckField label="In force" value={enabled} onChange={(enabled) => set({ enabled })} />
        <TextField label="When less than this is available" pointer="/threshold" inputMode="decimal" suffix={account.currency} value={threshold} onChange={(threshold) => set({ threshold })} wrong={wrong(below)} required />
        <SelectField
          label="Credit comes from"
          pointer="/source"
          value={source}
          onChange={(source) => set({ source })}
          options={[
            ...(customer ? [] : [{ value: 'parent', label: 'What the seller has' }]),
            { value: 'card', label: 'The default card' },
            ...(packages.data?.packages ?? []).filter((one) => one.status === 'on_sale' || one.id === source).map((one) => ({ value: one.id, label: `Package ${one.name}` })),
            ...(source === 'parent' && customer ? [{ value: 'parent', label: 'What the seller has' }] : []),
          ]}
        />
        {!fromPackage && (
          <div className="grid grid-cols-2 gap-3">
            <SelectField label="Draw" value={by} onChange={(value) => set({ by: value as 'amount' | 'target' })} options={[{ value: 'amount', label: 'This much' }, { value: 'target', label: 'Up to' }]} />
            <TextField label={by === 'amount' ? 'Amount' : 'Balance'} pointer={`/${by}`} inputMode="decimal" suffix={account.currency} value={size} onChange={(size) => set({ size })} wrong={wrong(drawn)} required />
          </div>
        )}
        <div className="grid grid-cols-2 gap-3">
          <TextField label="Most a day" pointer="/daily_cap" optional inputMode="decimal" value={daily} onChange={(daily) => set({ daily })} wrong={wrong(day)} />
          <TextField label="Most a month" pointer="/monthly_cap" optional inputMode="decimal" value={monthly} onChange={(monthly) => set({ monthly })} wrong={wrong(month)} />
        </div>
        <div className="flex gap-2">
          <Button type="submit" look="primary" busy={save.busy} disabled={bad}>
            {known ? 'Save' : 'Turn it on'}
          </Button>
          {known && <Button onClick={() => setRemoving(true)}>Remove…</Button>}
        </div>
      </Form>
      <Confirm open={removing} onClose={() => { setRemoving(false); remove.reset() }} onConfirm={() => void remove.submit(null)} busy={remove.busy} error={staleRemoval ? null : remove.error} title="Remove auto top-up?" action="Remove" danger>
        {staleRemoval && <Meanwhile what="Auto top-up" load={() => void load(remove.reset)} />}
        <p>From now on nothing is drawn by itself. When the credit is used up, usage is refused until somebody adds some.</p>
      </Confirm>
    </>
  )
}
