import { type ReactNode, useEffect, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { readDecimal } from '~/lib/exact'
import { calendar, count } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Choice } from '~/pages/invoices/actions'
import { isMonth, monthNow } from '~/pages/invoices/month'
import { AccountField, AccountName, useAccount } from '~/ui/account'
import type { Explanation } from '~/ui/amount'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, PageHead, Stat } from '~/ui/card'
import { Exact } from '~/ui/exact'
import { Form, TextField, useSubmit } from '~/ui/form'
import { Empty, Notice } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { MeterField, useMeters } from './common'
import { modelOf, readModel } from './model'
import { ModelFields } from './model-fields'
import { PriceTabs } from './tabs'

const WAYS = ['card', 'percent', 'fixed'] as const

/** What a past month would have brought under another price. Nothing changes by asking. */
export default function WhatIf() {
  const { account, place } = useViewer()
  const [filters, setFilters] = useFilters<'seller' | 'month' | 'way' | 'meter' | 'account' | 'model' | 'adds'>()
  const [seller, setSeller] = useState(filters.seller ?? account.id)
  const currency = useAccount(seller).currency ?? account.currency
  const { nameOf } = useMeters(seller || undefined)
  const [month, setMonth] = useState(isMonth(filters.month) ? filters.month : monthNow(1))
  const [way, setWay] = useState(WAYS.find((known) => known === filters.way) ?? 'card')
  const [meter, setMeter] = useState(filters.meter ?? '')
  const [only, setOnly] = useState(filters.account ?? '')
  const [model, setModel] = useState(() => modelOf(filters.model))
  const [adds, setAdds] = useState(filters.adds ?? '')
  const [wrong, setWrong] = useState<string | null>(null)
  const [answer, setAnswer] = useState<Schema<'WhatIfAnswer'> | null>(null)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'WhatIf'>) => api.post('/reseller/pricing/what-if', { body }),
    ({ data }) => setAnswer(data),
  )
  const negative = adds.trim().startsWith('-')
  const ask = () => {
    const draft = { account_id: only || undefined }
    const base = { seller_id: seller || undefined, month }
    if (!isMonth(month)) return setWrong('Write a month, as 2026-10.')
    setFilters({ seller: seller === account.id ? undefined : seller, month, way, meter, account: only, ...(way === 'card' ? { model: JSON.stringify(model), adds: undefined } : { model: undefined, adds }) }, true)
    if (way === 'card') {
      const read = readModel(model)
      setWrong(read.wrong)
      if (read.model) void submit({ ...base, card: { ...draft, meter, currency: currency as Schema<'Currency'>, model: read.model } } as Schema<'WhatIf'>)
      return
    }
    const value = readDecimal(adds.trim().replace(/^-/, ''), way === 'percent' ? 4 : 12)
    if (value === null || (negative && way === 'fixed')) return setWrong(way === 'percent' ? 'Write a percentage.' : 'Write an amount.')
    setWrong(null)
    void submit({ ...base, markup: { ...draft, meter: meter || undefined, ...(way === 'percent' ? { percent: `${negative ? '-' : ''}${value}` } : { fixed: value }) } } as Schema<'WhatIf'>)
  }
  // An address with a question in it is answered; another seller's currency is not known yet, so that one is asked by hand.
  useEffect(() => {
    if (filters.way && !filters.seller) ask()
    // Once, as it was opened.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [])
  const unit = answer?.currency ?? currency
  return (
    <>
      <PageHead title="What if" sub="Prices a month’s sales anew under a card or a markup that is only tried. What you pay yourself, tiers and the amounts of promotions stay as they were." />
      <PriceTabs current="what-if" />
      <div className="grid items-start gap-4 lg:grid-cols-[24rem_minmax(0,1fr)]">
        <Card title="What is tried">
          <Form error={error} onSubmit={ask}>
            {wrong && <Notice tone="bad">{wrong}</Notice>}
            <TextField label="Month" pointer="/month" type="month" required value={month} onChange={setMonth} max={monthNow()} />
            <AccountField label="Seller" pointer="/seller_id" value={seller} onChange={setSeller} />
            <fieldset className="space-y-2">
              <legend className="mb-1 text-sm font-medium">In place of what was in force</legend>
              <Choice name="way" checked={way === 'card'} onChange={() => setWay('card')} label="A rate card" />
              <Choice name="way" checked={way === 'percent'} onChange={() => setWay('percent')} label="A markup by a share of the cost" />
              <Choice name="way" checked={way === 'fixed'} onChange={() => setWay('fixed')} label="A markup for each unit" />
            </fieldset>
            <MeterField value={meter} onChange={setMeter} pointer={way === 'card' ? '/card/meter' : '/markup/meter'} all={way === 'card' ? undefined : 'All meters'} accountId={seller || undefined} />
            {way === 'card' ? (
              <ModelFields value={model} onChange={setModel} currency={currency} pointer="/card/model" />
            ) : (
              <TextField label={way === 'percent' ? 'Percent of the cost' : 'A unit'} pointer={`/markup/${way}`} required suffix={way === 'percent' ? '%' : currency} value={adds} onChange={setAdds} />
            )}
            <AccountField label="Only for one direct sub-account" optional pointer={way === 'card' ? '/card/account_id' : '/markup/account_id'} value={only} onChange={setOnly} />
            <Button type="submit" look="primary" busy={busy}>
              Compare
            </Button>
          </Form>
        </Card>
        <div className="min-w-0 space-y-4" aria-live="polite">
          {!answer ? (
            <Card>
              <Empty icon="chart" title="Nothing compared yet">Try a price: revenue and margin as they were and as they would have been stand here, by meter and by account.</Empty>
            </Card>
          ) : (
            <>
              <div className="grid gap-3 sm:grid-cols-3">
                <Stat label="Revenue" note={<>was <Exact value={answer.total.before.revenue} currency={unit} explain={explainTried(answer.total)} /></>}>
                  <Exact value={answer.total.after.revenue} currency={unit} explain={explainTried(answer.total)} />
                </Stat>
                <Stat label="Margin" note={<>was <Exact value={answer.total.before.margin} currency={unit} explain={explainTried(answer.total)} /></>}>
                  <Exact value={answer.total.after.margin} currency={unit} explain={explainTried(answer.total)} className={answer.total.after.margin.startsWith('-') ? 'text-bad' : ''} />
                </Stat>
                <Stat label="Difference" note={`${count(answer.repriced, place)} of ${count(answer.total.events, place)} events would have been priced by it`}>
                  <Exact value={answer.total.difference} currency={unit} signed explain={explainTried(answer.total)} className={answer.total.difference.startsWith('-') ? 'text-bad' : 'text-good'} />
                </Stat>
              </div>
              {answer.total.under_cost && <Notice tone="warn" title="It would have sold under cost">Such a price is refused unless it allows a loss.</Notice>}
              <Card title={`By account, ${calendar(answer.month, place)}`} flush>
                <DataTable label="By account" rows={answer.accounts} rowId={(row) => row.account_id} columns={compared<Schema<'ComparedAccount'>>('Account', (row) => <AccountName id={row.account_id} />, unit)} sort="-difference" empty={<Empty icon="accounts" title="No sales">Nothing was sold in this month.</Empty>} />
              </Card>
              <Card title="By meter" flush>
                <DataTable label="By meter" rows={answer.meters} rowId={(row) => row.meter} columns={compared<Schema<'ComparedMeter'>>('Meter', (row) => nameOf(row.meter), unit)} empty={<Empty icon="usage" title="No sales">Nothing was sold in this month.</Empty>} />
              </Card>
            </>
          )}
        </div>
      </div>
    </>
  )
}

/** Sales as they were and as they would have been: what one pays oneself stays, so the margin moves as the revenue does. */
function explainTried(row: Schema<'Comparison'>): Explanation {
  return {
    title: 'As it was and as it would have been',
    says: 'Each event of the month, priced anew where the tried price would have been in force; the others as they were.',
    parts: [
      { label: 'Revenue as it was', amount: row.before.revenue },
      { label: 'Difference', amount: row.difference },
      { label: 'Revenue as it would have been', amount: row.after.revenue, total: true },
      { label: 'Margin as it was', amount: row.before.margin },
      { label: 'Margin as it would have been', amount: row.after.margin },
    ],
  }
}

function compared<Row extends Schema<'Comparison'>>(head: string, name: (row: Row) => ReactNode, currency: string): Column<Row>[] {
  return [
    { id: 'name', head, cell: (row) => <>{name(row)} {row.under_cost && <Badge tone="bad">Under cost</Badge>}</> },
    { id: 'before', head: 'Revenue was', align: 'right', width: 7, from: 'sm', cell: (row) => <Exact value={row.before.revenue} currency={currency} explain={explainTried(row)} /> },
    { id: 'after', head: 'Would be', align: 'right', width: 7, from: 'sm', cell: (row) => <Exact value={row.after.revenue} currency={currency} explain={explainTried(row)} /> },
    { id: 'margin', head: 'New margin', align: 'right', width: 7, from: 'lg', cell: (row) => <Exact value={row.after.margin} currency={currency} explain={explainTried(row)} /> },
    { id: 'difference', head: 'Difference', align: 'right', width: 7.5, sort: 'difference', value: (row) => sortable(row.difference), cell: (row) => <Exact value={row.difference} currency={currency} signed explain={explainTried(row)} className={row.difference.startsWith('-') ? 'text-bad' : 'text-good'} /> },
  ]
}

/** Exact money as a whole number of its smallest place, so that it sorts as what it is. */
function sortable(exact: string): bigint {
  const [whole = '0', part = ''] = exact.replace('-', '').split('.')
  const size = BigInt(whole + part.padEnd(12, '0'))
  return exact.startsWith('-') ? -size : size
}
