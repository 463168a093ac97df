import type { Schema } from '~/api/client'
import { compareDecimals, exactMoney, plainDecimal, readDecimal } from '~/lib/exact'
import { count, type Place } from '~/lib/format'

type Model = Schema<'PriceModel'>
type Plain = Schema<'PlainPriceModel'>
export type Kind = 'flat' | 'graduated' | 'volume' | 'package'

/** A band while it is written; the last one's `to` is empty. */
export interface BandText {
  to: string
  unit_price: string
  flat_fee: string
}

/** A model while it is written: what each kind needs stands side by side, so that nothing is lost when another kind is looked at. */
export interface ModelText {
  kind: Kind
  unit_price: string
  bands: BandText[]
  size: string
  price: string
  /** At least so much in a month with usage; empty for none. */
  minimum: string
}

export const NEW_MODEL: ModelText = { kind: 'flat', unit_price: '', bands: [{ to: '1000', unit_price: '', flat_fee: '' }, { to: '', unit_price: '', flat_fee: '' }], size: '100', price: '', minimum: '' }

/** What each model does, in a sentence. */
export const KINDS: Record<Kind, [label: string, says: string]> = {
  flat: ['Flat', 'Every unit costs the same.'],
  graduated: ['Graduated', 'Each unit costs what its own band says. A band’s flat fee is added once, when the month enters it.'],
  volume: ['Volume', 'The band that holds the month’s whole quantity prices all of it.'],
  package: ['Package', 'Units come in packages; one that is begun costs the whole.'],
}

/** A model as an address has it; what is none of it is as in a new one. */
export function modelOf(text: string | undefined): ModelText {
  let read: Partial<Record<keyof ModelText, unknown>>
  try {
    read = Object(JSON.parse(text ?? '{}'))
  } catch {
    read = {}
  }
  const word = (value: unknown) => (typeof value === 'string' ? value : '')
  const bands = Array.isArray(read.bands) ? read.bands.map((band) => ({ to: word(band?.to), unit_price: word(band?.unit_price), flat_fee: word(band?.flat_fee) })) : []
  return {
    kind: Object.hasOwn(KINDS, word(read.kind)) ? (read.kind as Kind) : NEW_MODEL.kind,
    unit_price: word(read.unit_price),
    bands: bands.length > 0 ? bands : NEW_MODEL.bands,
    size: word(read.size) || NEW_MODEL.size,
    price: word(read.price),
    minimum: word(read.minimum),
  }
}

/** Reads what was written: the model, or the first thing that is wrong. */
export function readModel(text: ModelText): { model: Model | null; wrong: string | null } {
  const plain = readPlain(text)
  if (typeof plain === 'string') return { model: null, wrong: plain }
  if (!text.minimum.trim()) return { model: plain, wrong: null }
  const minimum = readDecimal(text.minimum, 6)
  if (minimum === null) return { model: null, wrong: 'The minimum is not an amount.' }
  return { model: { type: 'minimum', minimum, model: plain }, wrong: null }
}

function readPlain(text: ModelText): Plain | string {
  switch (text.kind) {
    case 'flat': {
      const unit_price = readDecimal(text.unit_price, 12)
      return unit_price === null ? 'Write the price of one unit, with at most twelve decimals.' : { type: 'flat', unit_price }
    }
    case 'package': {
      const size = readDecimal(text.size, 6)
      const price = readDecimal(text.price, 6)
      if (size === null || compareDecimals(size, '0') <= 0) return 'Write how many units a package has.'
      return price === null ? 'Write what a package costs.' : { type: 'package', size, price }
    }
    case 'graduated':
    case 'volume': {
      const bands: Schema<'PriceBand'>[] = []
      let from = '0'
      for (const [index, band] of text.bands.entries()) {
        const last = index === text.bands.length - 1
        const to = last ? null : readDecimal(band.to, 6)
        const unit_price = readDecimal(band.unit_price, 12)
        const flat_fee = band.flat_fee.trim() ? readDecimal(band.flat_fee, 6) : undefined
        if (!last && (to === null || compareDecimals(to, from) <= 0)) return `Band ${index + 1} must end above ${from}.`
        if (unit_price === null) return `Band ${index + 1} needs the price of one unit.`
        if (flat_fee === null) return `The flat fee of band ${index + 1} is not an amount.`
        bands.push({ from, to, unit_price, ...(flat_fee === undefined ? {} : { flat_fee }) })
        from = to ?? from
      }
      return { type: text.kind, bands }
    }
  }
}

/** What stands in the fields for a model that there is. */
export function modelText(model: Model): ModelText {
  const plain = model.type === 'minimum' ? model.model : model
  const text: ModelText = { ...NEW_MODEL, kind: plain.type, minimum: model.type === 'minimum' ? plainDecimal(model.minimum) : '' }
  switch (plain.type) {
    case 'flat':
      return { ...text, unit_price: plainDecimal(plain.unit_price) }
    case 'package':
      return { ...text, size: plainDecimal(String(plain.size)), price: plainDecimal(plain.price) }
    case 'graduated':
    case 'volume':
      return { ...text, bands: plain.bands.map((band) => ({ to: band.to === null || band.to === undefined ? '' : plainDecimal(String(band.to)), unit_price: plainDecimal(band.unit_price), flat_fee: band.flat_fee ? plainDecimal(band.flat_fee) : '' })) }
  }
}

/** A model in a line. */
export function modelSays(model: Model, currency: string, unit: string, place: Place): string {
  const each = (price: string) => `${exactMoney(price, currency, place)} a ${unit}`
  switch (model.type) {
    case 'flat':
      return each(model.unit_price)
    case 'package':
      return `${exactMoney(model.price, currency, place)} for ${count(String(model.size), place)}, begun ones whole`
    case 'minimum':
      return `${modelSays(model.model, currency, unit, place)}, at least ${exactMoney(model.minimum, currency, place)} a month`
    case 'graduated':
    case 'volume': {
      const [first] = model.bands
      const last = model.bands.at(-1)
      if (!first || !last) return KINDS[model.type][0]
      return first === last ? each(first.unit_price) : `${model.type === 'volume' ? 'All units' : 'Bands'} ${exactMoney(first.unit_price, currency, place)} → ${exactMoney(last.unit_price, currency, place)}`
    }
  }
}
