import type { ReactNode } from 'react'
import type { Schema } from '~/api/client'
import { plainDecimal, readDecimal } from '~/lib/exact'
import { Button } from '~/ui/button'
import { CheckField, TextField } from '~/ui/form'

/** A postal address while it is written. */
export interface AddressText {
  line1: string
  line2: string
  city: string
  region: string
  postal_code: string
  country: string
}

/** What stands in the fields for an address. */
export function addressText(address: Schema<'BillingAddress'> | null | undefined): AddressText {
  return { line1: address?.line1 ?? '', line2: address?.line2 ?? '', city: address?.city ?? '', region: address?.region ?? '', postal_code: address?.postal_code ?? '', country: address?.country ?? '' }
}

/** The address that was written; null where nothing was. */
export function readAddress(text: AddressText): Schema<'BillingAddress'> | null {
  const of = (value: string) => value.trim() || undefined
  if (!Object.values(text).some((value) => value.trim())) return null
  return { line1: text.line1.trim(), line2: of(text.line2), city: text.city.trim(), region: of(text.region), postal_code: of(text.postal_code), country: text.country.trim().toUpperCase() }
}

/** The fields of a postal address. None filled is no address. */
export function AddressFields({ value, onChange, disabled }: { value: AddressText; onChange: (value: AddressText) => void; disabled?: boolean }) {
  const some = Object.values(value).some((text) => text.trim())
  const set = (name: keyof AddressText) => (text: string) => onChange({ ...value, [name]: text })
  return (
    <fieldset className="space-y-3" disabled={disabled}>
      <legend className="mb-1 text-sm font-medium">Address</legend>
      <TextField label="Street and number" pointer="/address/line1" value={value.line1} onChange={set('line1')} required={some} maxLength={120} autoComplete="address-line1" />
      <TextField label="More of it" pointer="/address/line2" optional value={value.line2} onChange={set('line2')} maxLength={120} autoComplete="address-line2" />
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField label="Postal code" pointer="/address/postal_code" optional value={value.postal_code} onChange={set('postal_code')} maxLength={120} autoComplete="postal-code" />
        <TextField label="Town" pointer="/address/city" value={value.city} onChange={set('city')} required={some} maxLength={120} autoComplete="address-level2" />
        <TextField label="State or province" pointer="/address/region" optional value={value.region} onChange={set('region')} maxLength={120} autoComplete="address-level1" />
        <TextField label="Country" pointer="/address/country" value={value.country} onChange={set('country')} required={some} pattern="[A-Za-z]{2}" title="Two letters, as DE" maxLength={2} hint="Two letters, as DE." autoComplete="country" />
      </div>
    </fieldset>
  )
}

/** A fee while it is written. `tag` and `account_id` narrow it; an account's own fees have neither. */
export interface FeeText {
  id: string
  name: string
  amount: string
  prorate: boolean
  account_id: string
  tag: string
}

export function feeText(fee: Schema<'BillingFee'> | Schema<'OwnFee'>): FeeText {
  const tag = 'tag' in fee ? fee.tag : null
  return { id: fee.id, name: fee.name, amount: plainDecimal(fee.amount), prorate: fee.prorate ?? false, account_id: ('account_id' in fee ? fee.account_id : null) ?? '', tag: tag ? tagText(tag) : '' }
}

export function readFee(fee: FeeText): Schema<'BillingFee'> {
  return { ...readOwnFee(fee), account_id: fee.account_id.trim() || undefined, tag: readTag(fee.tag) }
}

export function readOwnFee(fee: FeeText): Schema<'OwnFee'> {
  return { id: fee.id.trim(), name: fee.name.trim(), amount: readDecimal(fee.amount, 6) ?? fee.amount, prorate: fee.prorate }
}

function tagText(tag: Schema<'HasTag'>): string {
  return tag.value ? `${tag.name}=${tag.value}` : tag.name
}

function readTag(text: string): Schema<'HasTag'> | undefined {
  const trimmed = text.trim()
  if (!trimmed) return undefined
  const at = trimmed.indexOf('=')
  return at < 0 ? { name: trimmed } : { name: trimmed.slice(0, at), value: trimmed.slice(at + 1) }
}

/** A rate of tax while it is written. */
export interface TaxText {
  id: string
  name: string
  percent: string
  country: string
  tag: string
}

export function taxText(rate: Schema<'TaxRate'>): TaxText {
  return { id: rate.id, name: rate.name, percent: rate.percent, country: rate.country ?? '', tag: rate.tag ? tagText(rate.tag) : '' }
}

export function readTax(rate: TaxText): Schema<'TaxRate'> {
  return { id: rate.id.trim(), name: rate.name.trim(), percent: readDecimal(rate.percent, 4) ?? rate.percent, country: rate.country.trim().toUpperCase() || undefined, tag: readTag(rate.tag) }
}

function Rows<Item>({ legend, none, add, empty, items, onChange, children }: { legend: string; none: string; add: string; empty: Item; items: Item[]; onChange: (items: Item[]) => void; children: (item: Item, set: (change: Partial<Item>) => void, index: number) => ReactNode }) {
  return (
    <fieldset className="space-y-3">
      <legend className="mb-1 text-sm font-medium">{legend}</legend>
      {items.length === 0 && <p className="text-sm text-soft">{none}</p>}
      <ol className="space-y-3">
        {items.map((item, index) => (
          <li key={index} className="rounded-lg border border-line p-3">
            {children(item, (change) => onChange(items.map((other, at) => (at === index ? { ...other, ...change } : other))), index)}
            <div className="mt-2 flex justify-end">
              <Button small look="quiet" icon="trash" onClick={() => onChange(items.filter((_, at) => at !== index))}>
                Take off
              </Button>
            </div>
          </li>
        ))}
      </ol>
      <Button small icon="plus" onClick={() => onChange([...items, empty])}>
        {add}
      </Button>
    </fieldset>
  )
}

const KEY = { pattern: '[a-z][a-z0-9_.-]{0,39}', title: 'Small letters, digits, . _ -' }

/** Fees that recur each period. `own` fees are one account's, so they name no accounts. */
export function FeesField({ fees, onChange, currency, own = false }: { fees: FeeText[]; onChange: (fees: FeeText[]) => void; currency: string; own?: boolean }) {
  return (
    <Rows legend="Fees" none="Nothing recurs." add="Add a fee" empty={{ id: '', name: '', amount: '', prorate: true, account_id: '', tag: '' }} items={fees} onChange={onChange}>
      {(fee, set, index) => (
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label="What the invoice says" pointer={`/fees/${index}/name`} required value={fee.name} onChange={(name) => set({ name })} />
          <TextField label="Key" pointer={`/fees/${index}/id`} required {...KEY} value={fee.id} onChange={(id) => set({ id })} />
          <TextField label="Amount a period" pointer={`/fees/${index}/amount`} required inputMode="decimal" suffix={currency} value={fee.amount} onChange={(amount) => set({ amount })} wrong={fee.amount && readDecimal(fee.amount, 6) === null ? 'Not an amount' : null} />
          {!own && <TextField label="Only accounts with the tag" pointer={`/fees/${index}/tag`} optional placeholder="plan=gold" value={fee.tag} onChange={(tag) => set({ tag })} />}
          <CheckField label="A part of a period costs a part of it" value={fee.prorate} onChange={(prorate) => set({ prorate })} />
        </div>
      )}
    </Rows>
  )
}

/** Rates of tax, each added to what is due. */
export function TaxesField({ rates, onChange, disabled }: { rates: TaxText[]; onChange: (rates: TaxText[]) => void; disabled?: boolean }) {
  if (disabled) return null
  return (
    <Rows legend="Rates of tax" none="No tax is added." add="Add a rate" empty={{ id: '', name: '', percent: '', country: '', tag: '' }} items={rates} onChange={onChange}>
      {(rate, set, index) => (
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label="What the invoice says" pointer={`/tax_rates/${index}/name`} required value={rate.name} onChange={(name) => set({ name })} />
          <TextField label="Key" pointer={`/tax_rates/${index}/id`} required {...KEY} value={rate.id} onChange={(id) => set({ id })} />
          <TextField label="Rate" pointer={`/tax_rates/${index}/percent`} required inputMode="decimal" suffix="%" value={rate.percent} onChange={(percent) => set({ percent })} wrong={rate.percent && readDecimal(rate.percent, 4) === null ? 'Not a percentage' : null} />
          <TextField label="Only buyers in" pointer={`/tax_rates/${index}/country`} optional pattern="[A-Za-z]{2}" maxLength={2} title="Two letters, as DE" placeholder="DE" value={rate.country} onChange={(country) => set({ country })} />
          <TextField label="Only accounts with the tag" pointer={`/tax_rates/${index}/tag`} optional placeholder="plan=gold" value={rate.tag} onChange={(tag) => set({ tag })} />
        </div>
      )}
    </Rows>
  )
}

/** A whole number that somebody typed; undefined for nothing, null for what is none. */
export function readWhole(text: string): number | undefined | null {
  if (!text.trim()) return undefined
  return /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : null
}

/** Days as `1, 3, 5`; null for what is no such list. */
export function readDays(text: string): number[] | null {
  const parts = text.split(/[\s,;]+/).filter(Boolean)
  const days = parts.map(Number)
  return days.every((day, index) => Number.isInteger(day) && day >= 1 && day <= 365 && (index === 0 || day > (days[index - 1] as number))) ? days : null
}

/** The end of a long form, in sight wherever one is in it. */
export function SaveBar({ busy, onLoad }: { busy: boolean; onLoad: () => void }) {
  return (
    <div className="sticky bottom-14 flex justify-end gap-2 border-t border-line bg-surface py-3 md:bottom-0">
      <Button onClick={onLoad}>Load anew</Button>
      <Button type="submit" look="primary" busy={busy}>
        Save
      </Button>
    </div>
  )
}
