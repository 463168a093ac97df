import { useEffect, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { readMoment } from '~/lib/days'
import { readDecimal } from '~/lib/exact'
import { calendar, count } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Button } from '~/ui/button'
import { Card, PageHead, Stat } from '~/ui/card'
import { Exact } from '~/ui/exact'
import { Form, TextField, useSubmit } from '~/ui/form'
import { Empty } from '~/ui/state'
import { Time } from '~/ui/time'
import { MeterField, MomentField, useMeters } from './common'
import { PriceTabs } from './tabs'
import { LevelTrace } from './trace'

/** Lines as an address has them: `[[meter, quantity], …]`; one that is empty if it has none. */
function linesOf(text: string | undefined): { meter: string; quantity: string }[] {
  let read: unknown
  try {
    read = JSON.parse(text ?? '[]')
  } catch {
    read = []
  }
  const lines = (Array.isArray(read) ? read : []).filter(Array.isArray).map(([meter, quantity]: unknown[]) => ({ meter: String(meter ?? ''), quantity: String(quantity ?? '') }))
  return lines.length > 0 ? lines.slice(0, 100) : [{ meter: '', quantity: '' }]
}

/** What a quantity would cost an account, and why: sale by sale, rule by rule. Nothing changes by asking. */
export default function QuotePage() {
  const { account, place } = useViewer()
  const [filters, setFilters] = useFilters<'account' | 'at' | 'lines'>()
  const [of, setOf] = useState(filters.account ?? account.id)
  const { unitOf, nameOf } = useMeters()
  const [lines, setLines] = useState(() => linesOf(filters.lines))
  const [at, setAt] = useState(filters.at ?? '')
  const [quoted, setQuoted] = useState<Schema<'Quoted'> | null>(null)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'Quote'>) => api.post('/reseller/pricing/quote', { body }),
    ({ data }) => setQuoted(data),
  )
  const set = (index: number, change: Partial<(typeof lines)[number]>) => setLines(lines.map((line, here) => (here === index ? { ...line, ...change } : line)))
  const ask = () => {
    if (lines.some((line) => !line.meter || readDecimal(line.quantity, 6) === null)) return
    setFilters({ account: of === account.id ? undefined : of, at, lines: JSON.stringify(lines.map((line) => [line.meter, line.quantity])) }, true)
    void submit({ account_id: of || undefined, at: readMoment(at, place.timeZone), lines: lines.map((line) => ({ meter: line.meter, quantity: readDecimal(line.quantity, 6) as string })) } as Schema<'Quote'>)
  }
  // An address with a question in it is answered.
  useEffect(() => {
    if (filters.lines) ask()
    // Once, as it was opened.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [])
  const explained = quoted
    ? {
        title: 'What it would cost',
        says: 'The lines of the quote, each from where the account stands in its month. Below, each line says by which rule, tier and promotion it is priced.',
        parts: [
          ...quoted.lines.map((line) => ({ label: `${count(line.quantity, place)} of ${nameOf(line.meter)}`, amount: line.price })),
          { label: 'Exactly', amount: quoted.price, total: true },
          { label: 'Rounded once', amount: quoted.amount },
        ],
      }
    : undefined
  return (
    <>
      <PageHead title="Quote" sub="What a quantity would cost from where the account stands in its month, and why. Nothing changes by asking." />
      <PriceTabs current="quote" />
      <div className="grid items-start gap-4 lg:grid-cols-[22rem_minmax(0,1fr)]">
        <Card title="What would be used">
          <Form error={error} onSubmit={ask}>
            <AccountField label="By" pointer="/account_id" value={of} onChange={setOf} hint="Your own account unless you choose one below." />
            <ol className="space-y-3">
              {lines.map((line, index) => (
                <li key={index} className="space-y-3 rounded-lg border border-line p-3">
                  <MeterField value={line.meter} onChange={(meter) => set(index, { meter })} pointer={`/lines/${index}/meter`} />
                  <TextField label="Quantity" pointer={`/lines/${index}/quantity`} required inputMode="decimal" suffix={line.meter ? unitOf(line.meter) : undefined} value={line.quantity} onChange={(quantity) => set(index, { quantity })} wrong={line.quantity && readDecimal(line.quantity, 6) === null ? 'A quantity with at most six decimals' : null} />
                  {lines.length > 1 && <Button small look="quiet" icon="trash" onClick={() => setLines(lines.filter((_, here) => here !== index))}>Take off</Button>}
                </li>
              ))}
            </ol>
            {lines.length < 100 && <Button small icon="plus" onClick={() => setLines([...lines, { meter: '', quantity: '' }])}>Another line, as if those before it had been used</Button>}
            <MomentField label="When" pointer="/at" optional value={at} onChange={setAt} hint="Now unless you choose: at most 35 days ago, at most 366 ahead." />
            <Button type="submit" look="primary" busy={busy}>Price it</Button>
          </Form>
        </Card>
        <div className="min-w-0 space-y-4" aria-live="polite">
          {!quoted ? (
            <Card>
              <Empty icon="pricing" title="No quote yet">Choose a meter and a quantity: each sale of the chain that you see is shown here, with its rule, tier, promotion, cost and margin.</Empty>
            </Card>
          ) : (
            <>
              <div className="grid gap-3 sm:grid-cols-2">
                <Stat label={<><AccountName id={quoted.account_id} link={false} /> would pay</>} note={<>Exactly <Exact value={quoted.price} currency={quoted.currency} explain={explained} /></>}>
                  <Amount value={quoted.amount} currency={quoted.currency} explain={explained} />
                </Stat>
                <Stat label="Added to" note={<Time at={quoted.at} />}>{calendar(quoted.period, place)}</Stat>
              </div>
              {quoted.lines.map((line, index) => (
                <Card key={index} title={`${count(line.quantity, place)} of ${nameOf(line.meter)}`} sub={`Adds ${count(line.contribution, place)} to the month, which stands at ${count(line.position, place)}`}>
                  {line.levels.length === 0 ? (
                    <p className="text-sm text-soft">You see only the price of what you buy yourself: <Exact value={line.price} currency={quoted.currency} />.</p>
                  ) : (
                    <ol className="space-y-3">
                      {line.levels.map((level) => (
                        <LevelTrace key={`${level.payer_id} ${level.seller_id}`} level={level} currency={quoted.currency} />
                      ))}
                    </ol>
                  )}
                </Card>
              ))}
            </>
          )}
        </div>
      </div>
    </>
  )
}
