import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { readMoment } from '~/lib/days'
import { exactMoney, readDecimal } from '~/lib/exact'
import { type Place } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Choice } from '~/pages/invoices/actions'
import { AccountField, useAccount } from '~/ui/account'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { CheckField, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { toast } from '~/ui/toast'
import { For, LossField, MeterField, MomentField, SellerFilter, SpanShown, StatusShown, useMeters, useOpening } from './common'
import { PriceTabs } from './tabs'

type Row = Schema<'Markup'>
const changed = () => void refresh('/reseller/pricing')

/** What a markup adds, in words. */
export function markupSays(rule: Schema<'MarkupRule'>, currency: string, place: Place): string {
  if (rule.end) return 'Nothing from here on'
  if (rule.percent) return `${rule.percent.startsWith('-') ? '' : '+'}${rule.percent} % of the cost`
  return `+${exactMoney(rule.fixed ?? '0', currency, place)} a unit`
}

/** A seller's markups in all versions. */
export default function Markups() {
  const { account, place, can } = useViewer()
  const [filters, setFilters] = useFilters<'seller' | 'account'>()
  const { nameOf } = useMeters(filters.seller)
  const list = useList('/reseller/pricing/markups', { query: { limit: 50, seller_id: filters.seller, account_id: filters.account } }, { keep: true })
  const making = useOpening()
  const manage = can('pricing.manage')
  const columns: Column<Row>[] = [
    { id: 'adds', head: 'Adds', cell: (row) => <span className="font-medium">{markupSays(row, row.currency ?? account.currency, place)}</span> },
    { id: 'meter', head: 'Meter', width: 11, cell: (row) => (row.meter ? nameOf(row.meter) : <span className="text-soft">All without a card</span>) },
    { id: 'for', head: 'For', width: 12, from: 'lg', cell: (row) => <For accountId={row.account_id} /> },
    { id: 'reach', head: '', width: 10, from: 'xl', cell: (row) => <span className="flex gap-1">{row.inherit && <Badge tone="info">Inherited</Badge>}{row.allow_loss && <Badge tone="warn">Loss allowed</Badge>}</span> },
    { id: 'span', head: 'In force', width: 15.5, from: 'md', cell: (row) => <SpanShown row={row} /> },
    { id: 'status', head: 'State', width: 6.5, from: 'sm', cell: (row) => <StatusShown row={row} /> },
  ]
  return (
    <>
      <PageHead title="Markups" sub="What a seller adds to what it pays itself, where it has no card of its own. A card goes before a markup of the same reach." actions={manage && <Button look="primary" icon="plus" onClick={making.show}>Set a markup</Button>} />
      <PriceTabs current="markups" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <div className="w-full sm:w-56">
          <AccountField bare label="For one account" value={filters.account ?? ''} onChange={(id) => setFilters({ account: id })} />
        </div>
        <SellerFilter value={filters.seller} onChange={(seller) => setFilters({ seller })} />
      </div>
      <Card flush>
        <DataTable
          label="Markups"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          empty={
            <Empty icon="pricing" title="No markups" action={manage && <Button onClick={making.show}>Set a markup</Button>}>
              Where there is neither a card nor a markup, you sell for what you pay yourself and earn nothing.
            </Empty>
          }
        />
      </Card>
      <NewMarkup key={making.round} open={making.open} onClose={making.close} seller={filters.seller} account={filters.account} />
    </>
  )
}

type Way = 'percent' | 'fixed' | 'end'

function NewMarkup({ open, onClose, seller, account }: { open: boolean; onClose: () => void; seller?: string; account?: string }) {
  const viewer = useViewer()
  const [way, setWay] = useState<Way>('percent')
  const [percent, setPercent] = useState('')
  const [fixed, setFixed] = useState('')
  const [meter, setMeter] = useState('')
  const [only, setOnly] = useState(account ?? '')
  const currency = useAccount(only || seller || viewer.account.id).currency ?? viewer.account.currency
  const [begins, setBegins] = useState('')
  const [inherit, setInherit] = useState(false)
  const [loss, setLoss] = useState(false)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'CreateMarkup'>, key) => api.post('/reseller/pricing/markups', { body, idempotencyKey: key }),
    () => {
      toast.done('The markup is set')
      changed()
      onClose()
    },
  )
  const negative = percent.trim().startsWith('-')
  const share = readDecimal(percent.trim().replace(/^-/, ''), 4)
  const percentWrong = percent && share === null ? 'A percentage from -100 to 10,000' : null
  const fixedWrong = fixed && readDecimal(fixed, 12) === null ? 'An amount with at most twelve decimals' : null
  const save = () => {
    if ((way === 'percent' && share === null) || (way === 'fixed' && readDecimal(fixed, 12) === null)) return
    void submit({
      seller_id: seller,
      account_id: only || undefined,
      meter: meter || undefined,
      ...(way === 'percent' ? { percent: `${negative ? '-' : ''}${share}` } : way === 'fixed' ? { fixed: readDecimal(fixed, 12) as string, currency: currency as Schema<'Currency'> } : { end: true }),
      effective_from: readMoment(begins, viewer.place.timeZone),
      ...(way === 'end' ? {} : { inherit: inherit && !only, allow_loss: loss }),
    } as Schema<'CreateMarkup'>)
  }
  return (
    <FormDialog wide open={open} onClose={onClose} title="Set a markup from a moment on" action={way === 'end' ? 'End the markup' : 'Set it'} busy={busy} error={error} onSubmit={save}>
      <fieldset className="space-y-2">
        <legend className="mb-1 text-sm font-medium">What it adds</legend>
        <Choice name="way" checked={way === 'percent'} onChange={() => setWay('percent')} label="A share of the cost" />
        <Choice name="way" checked={way === 'fixed'} onChange={() => setWay('fixed')} label="So much for each unit">
          It serves only accounts kept in {currency}.
        </Choice>
        <Choice name="way" checked={way === 'end'} onChange={() => setWay('end')} label="Nothing from here on">
          Ends the markup of the same reach: the next rule decides.
        </Choice>
      </fieldset>
      {way === 'percent' && <TextField label="Percent" pointer="/percent" required suffix="%" inputMode="text" value={percent} onChange={setPercent} wrong={percentWrong} hint={negative ? 'Below zero it sells under cost.' : undefined} />}
      {way === 'fixed' && <TextField label="A unit" pointer="/fixed" required inputMode="decimal" suffix={currency} value={fixed} onChange={setFixed} wrong={fixedWrong} />}
      <MeterField value={meter} onChange={setMeter} all="All meters without a rule of their own" accountId={seller} />
      <AccountField label="Only for one direct sub-account" optional pointer="/account_id" value={only} onChange={setOnly} />
      <MomentField label="Begins" pointer="/effective_from" optional value={begins} onChange={setBegins} />
      {way !== 'end' && (
        <>
          {!only && <CheckField label="Sellers below use it too" hint="Those that have neither card nor markup for the meter." value={inherit} onChange={setInherit} />}
          <LossField value={loss} onChange={setLoss} error={error} />
          {negative && !loss && <Notice tone="warn">A markup below zero is refused unless selling under cost is allowed.</Notice>}
        </>
      )}
    </FormDialog>
  )
}
