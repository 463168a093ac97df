import { Button } from '~/ui/button'
import { SelectField, TextField } from '~/ui/form'
import { type BandText, type Kind, KINDS, type ModelText } from './model'

/** The fields of a price model; `pointer` is where it stands in the request. */
export function ModelFields({ value, onChange, currency, pointer }: { value: ModelText; onChange: (value: ModelText) => void; currency: string; pointer: string }) {
  const inside = value.minimum.trim() ? `${pointer}/model` : pointer
  const setBand = (index: number, change: Partial<BandText>) => onChange({ ...value, bands: value.bands.map((band, at) => (at === index ? { ...band, ...change } : band)) })
  return (
    <fieldset className="space-y-3">
      <SelectField label="Model" pointer={`${inside}/type`} value={value.kind} onChange={(kind) => onChange({ ...value, kind: kind as Kind })} options={Object.entries(KINDS).map(([kind, [label]]) => ({ value: kind, label }))} hint={KINDS[value.kind][1]} />
      {value.kind === 'flat' && <TextField label="Price of one unit" pointer={`${inside}/unit_price`} required inputMode="decimal" suffix={currency} value={value.unit_price} onChange={(unit_price) => onChange({ ...value, unit_price })} hint="Up to twelve decimals." />}
      {value.kind === 'package' && (
        <div className="grid grid-cols-2 gap-3">
          <TextField label="Units in a package" pointer={`${inside}/size`} required inputMode="decimal" value={value.size} onChange={(size) => onChange({ ...value, size })} />
          <TextField label="Price of a package" pointer={`${inside}/price`} required inputMode="decimal" suffix={currency} value={value.price} onChange={(price) => onChange({ ...value, price })} />
        </div>
      )}
      {(value.kind === 'graduated' || value.kind === 'volume') && (
        <div className="space-y-2">
          <p className="text-sm font-medium">Bands of the month’s quantity</p>
          <ol className="space-y-3">
            {value.bands.map((band, index) => {
              const last = index === value.bands.length - 1
              const from = index === 0 ? '0' : (value.bands[index - 1]?.to ?? '')
              return (
                <li key={index} className="rounded-lg border border-line p-3">
                  <div className="flex items-center justify-between gap-2 pb-2 text-sm">
                    <span>
                      Above {from || '…'}
                      {last ? ', without an end' : ''}
                    </span>
                    {value.bands.length > 1 && <Button small look="quiet" icon="trash" label={`Take band ${index + 1} off`} onClick={() => onChange({ ...value, bands: value.bands.filter((_, at) => at !== index) })} />}
                  </div>
                  <div className="grid grid-cols-2 gap-3">
                    {!last && <TextField label="Up to and with" pointer={`${inside}/bands/${index}/to`} required inputMode="decimal" value={band.to} onChange={(to) => setBand(index, { to })} />}
                    <TextField label="Price of one unit" pointer={`${inside}/bands/${index}/unit_price`} required inputMode="decimal" suffix={currency} value={band.unit_price} onChange={(unit_price) => setBand(index, { unit_price })} />
                    <TextField label="Flat fee" pointer={`${inside}/bands/${index}/flat_fee`} optional inputMode="decimal" suffix={currency} value={band.flat_fee} onChange={(flat_fee) => setBand(index, { flat_fee })} />
                  </div>
                </li>
              )
            })}
          </ol>
          {value.bands.length < 50 && (
            <Button
              small
              icon="plus"
              onClick={() => {
                const before = value.bands.at(-2)
                const last = value.bands.at(-1) as BandText
                onChange({ ...value, bands: [...value.bands.slice(0, -1), { ...last, to: before?.to ? String(Number(before.to) * 10 || '') : '1000' }, { to: '', unit_price: '', flat_fee: '' }] })
              }}
            >
              Add a band
            </Button>
          )}
        </div>
      )}
      <TextField label="At least, in a month with usage" pointer={`${pointer}/minimum`} optional inputMode="decimal" suffix={currency} value={value.minimum} onChange={(minimum) => onChange({ ...value, minimum })} hint="The month’s first event carries it; those after it cost nothing until it is used up." />
    </fieldset>
  )
}
