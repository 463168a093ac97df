import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { readMoment } from '~/lib/days'
import { exactMoney } from '~/lib/exact'
import { count } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, useAccount } from '~/ui/account'
import { Ask } from '~/ui/ask'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { FilterSelect, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { For, LossField, MeterField, MomentField, SellerFilter, SpanShown, StatusShown, useMeters } from './common'
import { KINDS, modelSays, modelText, NEW_MODEL, readModel } from './model'
import { ModelFields } from './model-fields'
import { PriceTabs } from './tabs'

type Row = Schema<'RateCard'>
const changed = () => void refresh('/reseller/pricing')

/** A seller's prices in all versions. */
export default function RateCards() {
  const { place, can } = useViewer()
  const [filters, setFilters] = useFilters<'seller' | 'account' | 'meter' | 'when' | 'do'>()
  const { meters, unitOf, nameOf } = useMeters(filters.seller)
  const [now] = useState(() => new Date().toISOString().replace(/\.\d+Z$/, 'Z'))
  const list = useList(
    '/reseller/pricing/rate-cards',
    { query: { limit: 50, seller_id: filters.seller, account_id: filters.account, meter: filters.meter, at: filters.when === 'now' ? now : undefined } },
    { keep: true },
  )
  const [opened, setOpened] = useState<Row | null>(null)
  const make = () => setFilters({ do: 'set' })
  const manage = can('pricing.manage')
  const columns: Column<Row>[] = [
    { id: 'meter', head: 'Meter', width: 9.5, cell: (row) => <button type="button" className="max-w-full truncate font-medium decoration-line-strong decoration-dotted underline-offset-4 hover:underline" onClick={() => setOpened(row)}>{nameOf(row.meter)}</button> },
    { id: 'price', head: 'Price', cell: (row) => <span title={modelSays(row.model, row.currency, unitOf(row.meter), place)}>{modelSays(row.model, row.currency, unitOf(row.meter), place)}</span> },
    { id: 'for', head: 'For', width: 11, from: 'lg', cell: (row) => <For accountId={row.account_id} /> },
    { id: 'span', head: 'In force', width: 15.5, from: 'md', cell: (row) => <SpanShown row={row} /> },
    { id: 'status', head: 'State', width: 6.5, from: 'sm', cell: (row) => <StatusShown row={row} /> },
  ]
  return (
    <>
      <PageHead title="Prices" sub="A rate card is a price of one meter from a moment on. Cards are added, never changed: what was used is priced for ever as it was then." actions={manage && <Button look="primary" icon="plus" onClick={make}>Set a price</Button>} />
      <PriceTabs current="cards" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <FilterSelect label="Meter" value={filters.meter ?? ''} onChange={(meter) => setFilters({ meter })} options={[{ value: '', label: 'All meters' }, ...meters.map((meter) => ({ value: meter.key, label: meter.name }))]} />
        <FilterSelect label="When" value={filters.when ?? ''} onChange={(when) => setFilters({ when })} options={[{ value: '', label: 'All versions' }, { value: 'now', label: 'In force now' }]} />
        <div className="w-full sm:w-56">
          <AccountField bare label="For one account" value={filters.account ?? ''} onChange={(account) => setFilters({ account })} />
        </div>
        <SellerFilter value={filters.seller} onChange={(seller) => setFilters({ seller })} />
      </div>
      <Card flush>
        <DataTable
          label="Rate cards"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          onOpen={setOpened}
          empty={
            <Empty icon="pricing" title={filters.account ? 'No price for this account alone' : 'No prices yet'} action={manage && <Button onClick={make}>Set a price</Button>}>
              {filters.account ? 'It pays what all direct sub-accounts pay.' : 'Without a card or a markup, what you pay yourself is passed on as it is.'}
            </Empty>
          }
        />
      </Card>
      <Sheet open={opened !== null} onClose={() => setOpened(null)} title="Rate card">
        {opened && <CardShown row={opened} unit={unitOf(opened.meter)} name={nameOf(opened.meter)} manage={manage} onClose={() => setOpened(null)} />}
      </Sheet>
      {manage && filters.do === 'set' && <NewCard onClose={() => setFilters({ do: undefined }, true)} seller={filters.seller} account={filters.account} meter={filters.meter} from={list.rows.find((row) => row.meter === filters.meter && row.status === 'in_force')} />}
    </>
  )
}

function CardShown({ row, unit, name, manage, onClose }: { row: Row; unit: string; name: string; manage: boolean; onClose: () => void }) {
  const [asking, setAsking] = useState(false)
  return (
    <div className="space-y-5 text-sm">
      <Facts
        rows={[
          ['Meter', name],
          ['For', <For key="for" accountId={row.account_id} />],
          ['In force', <SpanShown key="span" row={row} />],
          ['State', <StatusShown key="status" row={row} />],
          ['Under cost', row.allow_loss ? <Badge key="loss" tone="warn">Allowed</Badge> : 'Refused'],
          ['Set', <Time key="created" at={row.created_at} />],
          ['Id', <Id key="id" id={row.id} what="rate card id" />],
        ]}
      />
      <ModelShown model={row.model} currency={row.currency} unit={unit} />
      {row.status === 'scheduled' && manage ? (
        <Button icon="trash" onClick={() => setAsking(true)}>
          Take it back
        </Button>
      ) : (
        <p className="text-soft">A price that was in force is never changed or removed: invoices point to it. Set another from now on instead.</p>
      )}
      <Ask
        open={asking}
        onClose={() => setAsking(false)}
        title="Take this price back?"
        action="Take it back"
        danger
        input={row.id}
        send={(id) => api.delete('/reseller/pricing/rate-cards/{id}', { path: { id }, query: { seller_id: row.seller_id, account_id: row.account_id ?? undefined } })}
        done={() => {
          toast.done('The price is taken back')
          changed()
          onClose()
        }}
      >
        <p>It has not begun, so nothing was priced by it. The price before it stays in force.</p>
      </Ask>
    </div>
  )
}

/** A price model in full. */
export function ModelShown({ model, currency, unit }: { model: Schema<'PriceModel'>; currency: string; unit: string }) {
  const { place } = useViewer()
  const plain = model.type === 'minimum' ? model.model : model
  return (
    <section className="space-y-2">
      <h3>{KINDS[plain.type][0]}</h3>
      <p className="text-soft">{KINDS[plain.type][1]}</p>
      {(plain.type === 'graduated' || plain.type === 'volume') && (
        <table className="w-full">
          <thead>
            <tr className="text-left text-xs text-soft">
              <th scope="col" className="py-1 font-medium">Above</th>
              <th scope="col" className="py-1 font-medium">Up to</th>
              <th scope="col" className="py-1 text-right font-medium">A {unit}</th>
              <th scope="col" className="py-1 text-right font-medium">Flat fee</th>
            </tr>
          </thead>
          <tbody>
            {plain.bands.map((band) => (
              <tr key={String(band.from)} className="border-t border-line">
                <td className="py-1">{count(String(band.from), place)}</td>
                <td className="py-1">{band.to === null || band.to === undefined ? 'no end' : count(String(band.to), place)}</td>
                <td className="py-1 text-right">{exactMoney(band.unit_price, currency, place)}</td>
                <td className="py-1 text-right">{band.flat_fee ? exactMoney(band.flat_fee, currency, place) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {(plain.type === 'flat' || plain.type === 'package') && <p>{modelSays(plain, currency, unit, place)}</p>}
      {model.type === 'minimum' && <p>At least {exactMoney(model.minimum, currency, place)} in a month with usage.</p>}
    </section>
  )
}

function NewCard({ onClose, seller, account, meter: given, from }: { onClose: () => void; seller?: string; account?: string; meter?: string; from?: Row }) {
  const viewer = useViewer()
  const sellerCurrency = useAccount(seller ?? viewer.account.id).currency ?? viewer.account.currency
  const [meter, setMeter] = useState(given ?? '')
  const [only, setOnly] = useState(account ?? '')
  const currency = useAccount(only || null).currency ?? from?.currency ?? sellerCurrency
  const [model, setModel] = useState(from ? modelText(from.model) : NEW_MODEL)
  const [begins, setBegins] = useState('')
  const [loss, setLoss] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'CreateRateCard'>, key) => api.post('/reseller/pricing/rate-cards', { body, idempotencyKey: key }),
    () => {
      toast.done('The price is set')
      changed()
      onClose()
    },
  )
  const save = () => {
    const read = readModel(model)
    setWrong(read.wrong)
    if (read.model) void submit({ seller_id: seller, account_id: only || undefined, meter, currency: currency as Schema<'Currency'>, effective_from: readMoment(begins, viewer.place.timeZone), model: read.model, allow_loss: loss })
  }
  return (
    <FormDialog wide onClose={onClose} title="Set a price from a moment on" action="Set it" busy={busy} error={error} onSubmit={save}>
      <Notice>This adds a version. It is in force until the next one of the same meter, currency and account begins; once it has begun it stays as it is for ever.</Notice>
      {wrong && <Notice tone="bad">{wrong}</Notice>}
      <MeterField value={meter} onChange={setMeter} accountId={seller} />
      <ModelFields value={model} onChange={setModel} currency={currency} pointer="/model" />
      <MomentField label="Begins" pointer="/effective_from" optional value={begins} onChange={setBegins} hint="Now unless you choose a moment. Only the first price of a meter may begin up to 35 days ago." />
      <AccountField label="Only for one direct sub-account" optional pointer="/account_id" value={only} onChange={setOnly} />
      <LossField value={loss} onChange={setLoss} error={error} />
    </FormDialog>
  )
}
