import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useEditable } from '~/api/query'
import { readMoment } from '~/lib/days'
import { plainDecimal, readDecimal } from '~/lib/exact'
import { compare, fromMicros, sign, toMicros } from '~/lib/decimal'
import { explainOffer, explainPackage, explainPurchase, explainSaving } from '~/lib/explain-credit'
import { count, money } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, useAccount } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Act } from '~/ui/ask'
import { Badge, State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Form, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { MomentField, SellerFilter, useOpening } from './common'
import { PriceTabs } from './tabs'

type Row = Schema<'Package'>
const changed = () => void refresh('/reseller/pricing')

/** Packages of credit and what loose credits cost: what a seller offers, and what one may buy from above. */
export default function Packages() {
  const { account, place, can } = useViewer()
  const [filters, setFilters] = useFilters<'seller'>()
  const read = useEditable('/reseller/pricing/packages', { query: { seller_id: filters.seller ?? account.id } })
  const catalogue = read.data?.data
  const currency = useAccount(filters.seller ?? account.id).currency ?? account.currency
  const making = useOpening()
  const discounting = useOpening()
  const manage = can('pricing.manage')
  const columns: Column<Row>[] = [
    { id: 'name', head: 'Package', cell: (row) => <><span className="font-medium">{row.name}</span>{row.max_per_account ? <span className="text-xs text-soft"> · at most {row.max_per_account} an account</span> : null}</> },
    { id: 'credits', head: 'Credits', align: 'right', width: 9, cell: (row) => <span>{count(row.credits, place)}{sign(row.bonus) > 0 && <span className="text-good"> +{count(row.bonus, place)}</span>}</span> },
    { id: 'price', head: 'Price', align: 'right', width: 6.5, cell: (row) => <Amount value={row.price} currency={row.currency} explain={explainPackage(row)} /> },
    { id: 'each', head: 'A credit', align: 'right', width: 6.5, from: 'md', cell: (row) => <Amount value={row.price_per_credit} currency={row.currency} style="exact" explain={explainPackage(row)} /> },
    { id: 'valid', head: 'Expires after', width: 7.5, from: 'lg', cell: (row) => (row.valid_days ? `${row.valid_days} days` : 'Never') },
    { id: 'until', head: 'On sale until', width: 8, from: 'xl', cell: (row) => <Time at={row.available_until} style="date" /> },
    { id: 'status', head: 'State', width: 6, from: 'sm', cell: (row) => <State state={row.status} /> },
    ...(manage
      ? [
          {
            id: 'actions',
            head: '',
            width: 6,
            align: 'right' as const,
            from: 'sm' as const,
            cell: (row: Row) =>
              (row.status === 'on_sale' || row.status === 'upcoming') && (
                <Act
                  label="Retire"
                  small
                  look="quiet"
                  danger
                  title={`Take “${row.name}” from sale?`}
                  action="Retire it"
                  input={row.id}
                  send={(id) => api.post('/reseller/pricing/packages/{id}/retire', { path: { id }, body: { seller_id: row.seller_id } })}
                  done={() => {
                    toast.done('The package is retired')
                    changed()
                  }}
                >
                  <p>From now on nobody buys it, for good. What was bought stays. To sell at another price, offer another package.</p>
                </Act>
              ),
          },
        ]
      : []),
  ]
  const bands = catalogue?.bulk_discounts
  return (
    <>
      <PageHead title="Packages" sub="Credit that direct sub-accounts buy in advance. A package never changes: retire it, and offer another." actions={manage && <Button look="primary" icon="plus" onClick={making.show}>Offer a package</Button>} />
      <PriceTabs current="packages" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <SellerFilter value={filters.seller} onChange={(seller) => setFilters({ seller })} />
      </div>
      <div className="space-y-4">
        <Card flush>
          <DataTable
            label="Packages"
            columns={columns}
            rows={catalogue?.packages ?? []}
            rowId={(row) => row.id}
            loading={!catalogue && !read.error}
            error={read.error}
            retry={() => void read.refetch()}
            empty={<Empty icon="credits" title="No packages" action={manage && <Button onClick={making.show}>Offer a package</Button>}>Sub-accounts buy loose credits at most. A package gives them a price and a bonus for buying in advance.</Empty>}
          />
        </Card>
        {/* Below a table of unknown length: it comes when that has, and then stays where it is. */}
        {(catalogue || read.error) && (
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <Card title="Loose credits" sub="One unit of the currency each, less the discount of the last band that begins at or below the number bought." actions={manage && catalogue && <Button small onClick={discounting.show}>Edit</Button>} flush>
              {!catalogue ? null : bands === null || bands === undefined ? (
                <p className="px-4 pb-4 text-sm text-soft">None are sold: only packages.</p>
              ) : bands.length === 0 ? (
                <p className="px-4 pb-4 text-sm text-soft">Sold at one unit each, without a discount.</p>
              ) : (
                <table className="w-full text-sm">
                  <thead>
                    <tr className="border-b border-line text-left text-xs text-soft">
                      <th scope="col" className="px-4 py-2 font-medium">From credits</th>
                      <th scope="col" className="px-4 py-2 text-right font-medium">Off, on all of them</th>
                    </tr>
                  </thead>
                  <tbody>
                    {bands.map((band) => (
                      <tr key={band.from} className="border-b border-line last:border-0">
                        <td className="px-4 py-2">{count(band.from, place)}</td>
                        <td className="px-4 py-2 text-right">{count(band.discount, place)} %</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </Card>
            <Cheapest />
          </div>
        )}
      </div>
      <NewPackage key={`new ${making.round}`} open={making.open} onClose={making.close} seller={filters.seller} currency={currency} />
      {catalogue && <EditBands key={`bands ${discounting.round}`} open={discounting.open} onClose={discounting.close} seller={filters.seller} bands={bands ?? null} etag={read.data?.etag ?? null} reload={() => void read.refetch()} />}
    </>
  )
}

/** The cheapest way to come to so many credits, and what else was looked at. */
function Cheapest() {
  const { account, place } = useViewer()
  const [of, setOf] = useState(account.kind === 'operator' ? '' : account.id)
  const [wanted, setWanted] = useState('1000')
  const [quote, setQuote] = useState<Schema<'PackageQuote'> | null>(null)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'QuotePackages'>) => api.post('/reseller/pricing/packages/quote', { body }),
    ({ data }) => setQuote(data),
  )
  const whole = /^\d{1,10}$/.test(wanted.replace(/[\s,']/g, '')) ? wanted.replace(/[\s,']/g, '') : null
  return (
    <Card title="The cheapest way to buy" sub="From the buyer’s parent, bonus counted in. It is exact.">
      <Form
        error={error}
        onSubmit={() => {
          if (whole && of) void submit({ credits: whole, account_id: of })
        }}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <AccountField label="Buyer" pointer="/account_id" value={of} onChange={setOf} />
          <TextField label="At least so many credits" pointer="/credits" required inputMode="numeric" value={wanted} onChange={setWanted} wrong={wanted && !whole ? 'A whole number' : null} />
        </div>
        <Button type="submit" busy={busy} disabled={!of}>
          Find it
        </Button>
      </Form>
      {quote && (
        <div className="mt-4 space-y-3 text-sm" aria-live="polite">
          <p className="text-base">
            <Amount value={quote.price} currency={quote.currency} className="font-semibold" explain={explainOffer(quote, quote.currency)} /> for {count(quote.credits, place)} credits
            {sign(quote.bonus) > 0 && <> and {count(quote.bonus, place)} on top</>}
          </p>
          <Parts offer={quote} currency={quote.currency} />
          <p className="text-soft">
            A credit costs <Amount value={quote.price_per_credit} currency={quote.currency} style="exact" explain={explainPackage(quote)} />.{' '}
            {sign(quote.saving) >= 0 ? <>It saves <Amount value={quote.saving} currency={quote.currency} explain={explainSaving(quote, quote.currency)} /> against one unit each.</> : <>It is <Amount value={quote.saving.slice(1)} currency={quote.currency} explain={explainSaving(quote, quote.currency)} /> dearer than one unit each.</>}
          </p>
          {(quote.alternatives.one_package || quote.alternatives.loose) && (
            <div className="space-y-1 border-t border-line pt-2">
              <p className="font-medium">What else was looked at</p>
              {quote.alternatives.one_package && <Alternative label="One kind of package" offer={quote.alternatives.one_package} best={quote} />}
              {quote.alternatives.loose && <Alternative label="Loose credits alone" offer={quote.alternatives.loose} best={quote} />}
            </div>
          )}
        </div>
      )}
    </Card>
  )
}

function Parts({ offer, currency }: { offer: Schema<'PackageOffer'>; currency: string }) {
  const { place } = useViewer()
  return (
    <ul className="divide-y divide-line rounded-lg border border-line">
      {offer.parts.map((part, index) => (
        <li key={index} className="flex items-baseline justify-between gap-3 px-3 py-2">
          <span>
            {part.package_id ? `${part.quantity} × ${part.name ?? 'package'}` : `${count(part.credits, place)} loose credits`}
            {part.valid_days ? <span className="text-xs text-soft"> · expire after {part.valid_days} days</span> : null}
          </span>
          <Amount value={part.price} currency={currency} explain={explainPurchase(part, currency)} />
        </li>
      ))}
    </ul>
  )
}

function Alternative({ label, offer, best }: { label: string; offer: Schema<'PackageOffer'>; best: Schema<'PackageQuote'> }) {
  return (
    <p className="flex flex-wrap items-baseline justify-between gap-x-3">
      <span className="text-soft">
        {label}: {offer.parts.map((part) => (part.package_id ? `${part.quantity} × ${part.name ?? 'package'}` : 'loose')).join(', ')}
      </span>
      <span>
        <Amount value={offer.price} currency={best.currency} explain={explainOffer(offer, best.currency)} /> {compare(offer.price, best.price) === 0 && <Badge>Same price</Badge>}
      </span>
    </p>
  )
}

function NewPackage({ open, onClose, seller, currency }: { open: boolean; onClose: () => void; seller?: string; currency: string }) {
  const { place } = useViewer()
  const [name, setName] = useState('')
  const [credits, setCredits] = useState('')
  const [bonus, setBonus] = useState('')
  const [price, setPrice] = useState('')
  const [valid, setValid] = useState('')
  const [from, setFrom] = useState('')
  const [until, setUntil] = useState('')
  const [most, setMost] = useState('')
  const { submit, busy, error } = useSubmit(
    (body: Schema<'CreatePackage'>, key) => api.post('/reseller/pricing/packages', { body, idempotencyKey: key }),
    () => {
      toast.done('The package is on offer')
      changed()
      onClose()
    },
  )
  const number = (text: string) => (/^\d{1,10}$/.test(text.trim()) ? text.trim() : null)
  const cost = readDecimal(price, 6)
  const free = cost !== null && sign(cost) === 0
  const all = BigInt(number(credits) ?? 0) + BigInt(number(bonus) ?? 0)
  const each = cost && !free && all > 0n ? fromMicros(toMicros(cost) / all) : null
  const save = () => {
    if (!number(credits) || cost === null || (free && !number(most))) return
    void submit({
      name: name.trim(),
      credits: number(credits) as string,
      bonus: number(bonus) ?? undefined,
      price: cost,
      currency: currency as Schema<'Currency'>,
      valid_days: valid ? Number(valid) : undefined,
      available_from: readMoment(from, place.timeZone),
      available_until: readMoment(until, place.timeZone),
      max_per_account: most ? Number(most) : undefined,
      seller_id: seller,
    } as Schema<'CreatePackage'>)
  }
  return (
    <FormDialog wide open={open} onClose={onClose} title="Offer a package of credit" action="Offer it" busy={busy} error={error} onSubmit={save}>
      <Notice>It is offered to all direct sub-accounts. It never changes afterwards; 50 can be on sale at once.</Notice>
      <TextField label="Name" pointer="/name" required maxLength={200} value={name} onChange={setName} />
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField label="Credits" pointer="/credits" required inputMode="numeric" value={credits} onChange={setCredits} wrong={credits && !number(credits) ? 'A whole number' : null} />
        <TextField label="Bonus credits on top" pointer="/bonus" optional inputMode="numeric" value={bonus} onChange={setBonus} wrong={bonus && !number(bonus) ? 'A whole number' : null} />
        <TextField label="Price" pointer="/price" required inputMode="decimal" suffix={currency} value={price} onChange={setPrice} wrong={price && cost === null ? 'Not an amount' : null} hint={each ? `About ${money(each, currency, place, { style: 'exact' })} a credit` : free ? 'Only with a limit for each account.' : undefined} />
        <TextField label="Credits expire after" pointer="/valid_days" optional inputMode="numeric" suffix="days" pattern="[0-9]{1,4}" title="1 to 3650 days" value={valid} onChange={setValid} hint="Never unless you say so." />
        <MomentField label="On sale from" pointer="/available_from" optional value={from} onChange={setFrom} />
        <MomentField label="On sale until" pointer="/available_until" optional value={until} onChange={setUntil} hint="Until it is retired unless you choose a moment." />
        <TextField label="An account may buy at most" pointer="/max_per_account" optional={!free} required={free} inputMode="numeric" pattern="[0-9]{1,5}" title="1 to 10000" value={most} onChange={setMost} />
      </div>
    </FormDialog>
  )
}

function EditBands({ open, onClose, seller, bands, etag, reload }: { open: boolean; onClose: () => void; seller?: string; bands: Schema<'BulkBand'>[] | null; etag: string | null; reload: () => void }) {
  // What is read while this is open has another version than the rows here.
  const [version] = useState(etag)
  const [sold, setSold] = useState(bands !== null)
  const [rows, setRows] = useState((bands ?? []).map((band) => ({ from: plainDecimal(band.from), discount: band.discount })))
  const { submit, busy, error } = useSubmit(
    (body: Schema<'PutBulkDiscounts'>) => api.put('/reseller/pricing/bulk-discounts', { body, ifMatch: version ?? undefined }),
    () => {
      toast.done('Saved')
      changed()
      onClose()
    },
  )
  const set = (index: number, change: Partial<(typeof rows)[number]>) => setRows(rows.map((row, at) => (at === index ? { ...row, ...change } : row)))
  const save = () => {
    if (sold && rows.some((row) => !/^\d+$/.test(row.from.trim()) || readDecimal(row.discount, 4) === null)) return
    void submit({ seller_id: seller, bands: sold ? rows.map((row) => ({ from: row.from.trim(), discount: readDecimal(row.discount, 4) as string })) : null })
  }
  const stale = error?.code === 'precondition_failed'
  return (
    <FormDialog wide open={open} onClose={onClose} title="What loose credits cost" action="Save" busy={busy} error={stale ? null : error} onSubmit={save}>
      {stale && <Notice tone="warn" title="Somebody changed what is sold meanwhile" action={<Button small onClick={() => { reload(); onClose() }}>Load it anew</Button>}>Nothing was saved. Look at it, then make your change again.</Notice>}
      <label className="flex items-center gap-2.5 text-sm">
        <input type="checkbox" className="size-4 accent-(--accent-ink)" checked={sold} onChange={(event) => setSold(event.target.checked)} />
        Loose credits are sold
      </label>
      {!sold && <Notice tone="warn">From the moment this is saved, sub-accounts buy packages only.</Notice>}
      {sold && (
        <>
          <p className="text-sm text-soft">Both the number and the discount rise from band to band. Without a band they cost one unit each.</p>
          <ol className="space-y-3">
            {rows.map((row, index) => (
              <li key={index} className="grid grid-cols-[1fr_1fr_auto] items-end gap-2">
                <TextField label="From credits" pointer={`/bands/${index}/from`} required inputMode="numeric" value={row.from} onChange={(from) => set(index, { from })} wrong={row.from && !/^\d+$/.test(row.from.trim()) ? 'A whole number' : null} />
                <TextField label="Off" suffix="%" pointer={`/bands/${index}/discount`} required inputMode="decimal" value={row.discount} onChange={(discount) => set(index, { discount })} wrong={row.discount && readDecimal(row.discount, 4) === null ? 'Not a percentage' : null} />
                <Button look="quiet" icon="trash" label={`Take band ${index + 1} off`} onClick={() => setRows(rows.filter((_, at) => at !== index))} />
              </li>
            ))}
          </ol>
          {rows.length < 20 && <Button small icon="plus" onClick={() => setRows([...rows, { from: '', discount: '' }])}>Add a band</Button>}
        </>
      )}
    </FormDialog>
  )
}
