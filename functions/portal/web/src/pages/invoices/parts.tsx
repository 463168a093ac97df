import type { Schema } from '~/api/client'
import { plainDecimal } from '~/lib/exact'
import { compare, minus, readAmount, sign, sum } from '~/lib/decimal'
import { SelectField, useFieldError } from '~/ui/form'
import { Amount } from '~/ui/amount'

type Line = Schema<'InvoiceLine'>
/** What is typed for each line that was chosen, by the line's id. */
export type Typed = Record<string, string>

/** What of a line can still be taken off or disputed: without taxes, which go with the lines that they are on. */
export function leftOf(line: Line): string {
  return minus(minus(line.amount, line.credited), line.disputed)
}

/** The lines of which a part can be chosen. */
export function choosable(lines: Line[]): Line[] {
  return lines.filter((line) => line.kind !== 'tax' && line.kind !== 'promotion' && !line.settled && sign(leftOf(line)) > 0)
}

/** Reads what was typed: the parts, their sum, and the first thing that is wrong with them. */
export function readParts(lines: { id: string; most: string }[], typed: Typed): { parts: Schema<'LinePart'>[]; total: string; wrong: string | null } {
  const parts: Schema<'LinePart'>[] = []
  let wrong: string | null = null
  for (const line of lines) {
    const text = typed[line.id]
    if (text === undefined) continue
    const amount = readAmount(text)
    if (amount === null || sign(amount) <= 0) wrong ??= 'Each chosen line needs an amount above zero.'
    else if (compare(amount, line.most) > 0) wrong ??= 'No line gives more than is left of it.'
    else parts.push({ line: line.id, amount })
  }
  if (!wrong && parts.length === 0) wrong = 'Choose at least one line.'
  return { parts, total: sum(parts.map((part) => part.amount)), wrong }
}

/** Chooses parts of lines: a tick for each line, and how much of it. */
export function PartsField({ lines, currency, typed, onChange, verb }: { lines: { id: string; text: string; most: string }[]; currency: string; typed: Typed; onChange: (typed: Typed) => void; verb: string }) {
  const said = useFieldError('/lines')
  return (
    <fieldset className="space-y-1">
      <legend className="mb-1 font-medium">Of which lines how much (without taxes, which follow)</legend>
      {said && <p className="text-xs text-bad">{said}</p>}
      <ul className="divide-y divide-line rounded-lg border border-line">
        {lines.map((line, index) => {
          const on = typed[line.id] !== undefined
          return (
            <Part
              key={line.id}
              line={line}
              pointer={`/lines/${Object.keys(typed).indexOf(line.id)}/amount`}
              index={index}
              currency={currency}
              verb={verb}
              on={on}
              text={typed[line.id] ?? ''}
              onToggle={() => {
                const next = { ...typed }
                if (on) delete next[line.id]
                else next[line.id] = plainDecimal(line.most)
                onChange(next)
              }}
              onText={(text) => onChange({ ...typed, [line.id]: text })}
            />
          )
        })}
      </ul>
    </fieldset>
  )
}

function Part({ line, index, currency, verb, on, text, pointer, onToggle, onText }: { line: { id: string; text: string; most: string }; index: number; currency: string; verb: string; on: boolean; text: string; pointer: string; onToggle: () => void; onText: (text: string) => void }) {
  const said = useFieldError(on ? pointer : undefined)
  const amount = on ? readAmount(text) : null
  const wrong = on && (amount === null || sign(amount) <= 0 ? 'An amount above zero' : compare(amount, line.most) > 0 ? 'More than is left' : said)
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2">
      <label className="flex min-w-0 flex-1 items-center gap-2.5">
        <input type="checkbox" className="size-4 shrink-0 accent-(--accent-ink)" checked={on} onChange={onToggle} />
        <span className="min-w-0">
          <span className="block">{line.text}</span>
          <span className="text-xs text-soft">
            up to <Amount value={line.most} currency={currency} />
          </span>
        </span>
      </label>
      {on && (
        <span className="w-28">
          <input className="field text-right" inputMode="decimal" aria-label={`${verb} of line ${index + 1}: ${line.text}`} aria-invalid={wrong ? true : undefined} value={text} onChange={(event) => onText(event.target.value)} />
          {wrong && <span className="block text-xs text-bad">{wrong}</span>}
        </span>
      )}
    </li>
  )
}

/** How that is given back of which too much was paid. */
export function GivenAsField({ value, onChange }: { value: Schema<'GivenAs'>; onChange: (value: Schema<'GivenAs'>) => void }) {
  return (
    <SelectField
      label="What was paid already is given back"
      pointer="/given_as"
      value={value}
      onChange={(chosen) => onChange(chosen as Schema<'GivenAs'>)}
      options={[
        { value: 'credit', label: 'As credit, from you' },
        { value: 'card', label: 'To the card that it was paid with' },
        { value: 'outside', label: 'Outside: it is only written down' },
      ]}
    />
  )
}
