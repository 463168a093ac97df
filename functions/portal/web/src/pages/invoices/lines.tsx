import { type ReactNode, useState } from 'react'
import type { Schema } from '~/api/client'
import { useList } from '~/api/query'
import { addMonths } from '~/lib/days'
import { minus, sign, sum } from '~/lib/decimal'
import { calendar, count, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { Badge } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Facts } from '~/ui/card'
import { Sheet } from '~/ui/dialog'
import { Exact } from '~/ui/exact'
import { Empty, Failed, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'

type Invoice = Schema<'Invoice'>
type Line = Schema<'InvoiceLine'>

const SAYS: Record<Schema<'LineKind'>, string> = {
  usage: 'What was used of a meter in a month, at the prices in force when it was used.',
  fee: 'A fee that recurs each period.',
  minimum: 'What usage and fees lack to the least that a period comes to.',
  purchase: 'Credit that was bought, or sent back.',
  adjustment: 'What the seller added or took off.',
  carried_forward: 'What an invoice came to below zero: it is brought to nothing there, and taken off here.',
  promotion: 'What a promotion took off. It is in the prices already, so this line comes to nothing.',
  tax: 'A rate of tax on the lines named below, rounded once.',
}

/** The lines of an invoice; each opens what it is made of. */
export function Lines({ invoice }: { invoice: Invoice }) {
  const { place, customer } = useViewer()
  const [opened, setOpened] = useState<string | null>(null)
  const line = invoice.lines.find((candidate) => candidate.id === opened) ?? null
  const seesCost = !customer && invoice.lines.some((candidate) => candidate.cost !== undefined && candidate.cost !== null)
  const columns: Column<Line>[] = [
    {
      id: 'text',
      head: 'Line',
      cell: (row) => (
        <button type="button" className="max-w-full truncate text-left decoration-line-strong decoration-dotted underline-offset-4 hover:underline" title={row.text} onClick={() => setOpened(row.id)}>
          {row.text}
          {row.settled && <span className="ml-2"><Badge>Paid from credit</Badge></span>}
          {sign(row.disputed) > 0 && <span className="ml-2"><Badge tone="warn">Disputed</Badge></span>}
        </button>
      ),
    },
    { id: 'quantity', head: 'Quantity', align: 'right', width: 9, from: 'sm', cell: (row) => (row.quantity === null || row.quantity === undefined ? <span className="text-faint">–</span> : `${count(row.quantity, place)} ${row.unit ?? ''}`) },
    ...(seesCost ? [{ id: 'cost', head: 'Cost to seller', align: 'right' as const, width: 7.5, from: 'lg' as const, cell: (row: Line) => <Exact value={row.cost} currency={invoice.currency} /> }] : []),
    { id: 'amount', head: 'Amount', align: 'right', width: 6.5, cell: (row) => <Amount value={row.amount} currency={invoice.currency} className={row.settled ? 'text-soft' : ''} /> },
  ]
  return (
    <>
      <DataTable label="Lines" columns={columns} rows={invoice.lines} rowId={(row) => row.id} onOpen={(row) => setOpened(row.id)} empty={<Empty icon="invoice" title="No lines">Nothing was used or charged in this period.</Empty>} />
      <Sheet open={line !== null} onClose={() => setOpened(null)} title="Where this line comes from">
        {line && <LineExplained invoice={invoice} line={line} />}
      </Sheet>
    </>
  )
}

function LineExplained({ invoice, line }: { invoice: Invoice; line: Line }) {
  const { account, place, customer, can } = useViewer()
  const { currency } = invoice
  const rounding = minus(line.amount, trimmed(line.exact))
  return (
    <div className="space-y-5 text-sm">
      <div>
        <p className="font-semibold">{line.text}</p>
        <p className="text-soft">{SAYS[line.kind]}</p>
      </div>
      <Facts
        rows={[
          ['Kind', words(line.kind)],
          ...(line.month ? [['Used in', calendar(line.month, place)] as [string, string]] : []),
          ...(line.quantity ? [['Quantity', `${count(line.quantity, place)} ${line.unit ?? ''}`] as [string, string]] : []),
          ['Exactly', <Exact key="exact" value={line.exact} currency={currency} />],
          ['Rounded once', <Amount key="amount" value={line.amount} currency={currency} style="exact" />],
          ...(sign(rounding) === 0 ? [] : [['Rounding', <Amount key="rounding" value={rounding} currency={currency} style="exact" signed />] as [string, ReactNode]]),
          ...(line.saved && sign(line.saved) !== 0 ? [['Saved', <Amount key="saved" value={line.saved} currency={currency} />] as [string, ReactNode]] : []),
          ...(line.tax_rate ? [['Rate', `${line.tax_rate} %`] as [string, string]] : []),
          ...(line.of.length > 0 ? [['On the lines', invoice.lines.filter((other) => line.of.includes(other.id)).map((other) => other.text).join(', ')] as [string, string]] : []),
          ['Credited', <Amount key="credited" value={line.credited} currency={currency} />],
          ['In dispute', <Amount key="disputed" value={line.disputed} currency={currency} />],
          ...(!customer && line.cost ? [['Cost to the seller', <Exact key="cost" value={line.cost} currency={currency} />] as [string, ReactNode]] : []),
          ['Line', <code key="id" className="font-mono text-xs">{line.id}</code>],
        ]}
      />
      {line.settled && <p className="text-soft">It was paid from credit with the usage itself, so nothing of it is due or taxed.</p>}
      {line.kind === 'usage' && line.meter && line.month && can('usage.read') && <UsageOfLine invoice={invoice} line={line} meter={line.meter} month={line.month} />}
      {line.kind === 'usage' && !line.month && <p className="text-soft">A ledger keeps four months by meter. What comes of older ones is one line.</p>}
      <p className="text-soft">
        The invoice holds entries {count(invoice.ledger.from_seq + 1, place)} to {count(invoice.ledger.to_seq, place)} of the account’s ledger.{' '}
        {can('credits.read') && (
          <PageLink to={invoice.account_id === account.id ? 'credits' : `accounts/${invoice.account_id}/ledger`} search={{ range: `${invoice.period.start.slice(0, 10)}..${invoice.period.end.slice(0, 10)}` }} className="underline">
            Open the ledger
          </PageLink>
        )}
      </p>
    </div>
  )
}

/** Exact money to the six places in which sums are made: what is beyond them is less than any coin. */
function trimmed(exact: string): string {
  return exact.replace(/(\.\d{6})\d*$/, '$1')
}

/** The days of usage behind a line, as the reports count them now. */
function UsageOfLine({ invoice, line, meter, month }: { invoice: Invoice; line: Line; meter: string; month: string }) {
  const { account, place } = useViewer()
  const mine = invoice.account_id === account.id
  const priced = mine || invoice.seller_id === account.id
  const list = useList('/reseller/usage/report', {
    query: { account_id: invoice.account_id, subtree: true, from: `${month}-01T00:00:00Z`, to: `${addMonths(`${month}-01`, 1)}T00:00:00Z`, granularity: 'day', group_by: 'meter', limit: 200 },
  })
  const rows = list.rows.filter((row) => row.meter === meter)
  const amounts = rows.map((row) => (mine ? row.cost : (row.price ?? '0')))
  return (
    <section className="space-y-2">
      <h3>Day by day</h3>
      {list.error ? (
        <Failed error={list.error} retry={list.retry} what="The usage" />
      ) : list.loading ? (
        <Skeleton className="h-24 w-full" />
      ) : rows.length === 0 ? (
        <p className="text-soft">No day of {calendar(month, place)} has usage of this meter in the reports any more.</p>
      ) : (
        <div className="max-h-72 overflow-y-auto rounded-lg border border-line" role="region" aria-label="Usage by day" tabIndex={0}>
          <table className="w-full">
            <thead>
              <tr className="text-left text-xs text-soft">
                <th scope="col" className="px-3 py-1.5 font-medium">Day (UTC)</th>
                <th scope="col" className="px-3 py-1.5 text-right font-medium">Quantity</th>
                {priced && <th scope="col" className="px-3 py-1.5 text-right font-medium">Amount</th>}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={row.period_start} className="border-t border-line">
                  <td className="px-3 py-1.5">{calendar(row.period_start.slice(0, 10), place, 'day')}</td>
                  <td className="px-3 py-1.5 text-right">{row.quantity ? count(row.quantity, place) : '–'}</td>
                  {priced && (
                    <td className="px-3 py-1.5 text-right">
                      <Amount value={amounts[index]} currency={row.currency} />
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
            {priced && !list.hasMore && (
              <tfoot>
                <tr className="border-t border-line font-semibold">
                  <td className="px-3 py-1.5">All days</td>
                  <td />
                  <td className="px-3 py-1.5 text-right">
                    <Amount value={sum(amounts)} currency={invoice.currency} />
                  </td>
                </tr>
              </tfoot>
            )}
          </table>
        </div>
      )}
      {list.hasMore && (
        <Button small onClick={list.more} busy={list.loadingMore}>
          More days
        </Button>
      )}
      {priced && !list.loading && !list.hasMore && rows.length > 0 && sign(minus(sum(amounts), trimmed(line.exact))) !== 0 && (
        <p className="text-xs text-soft">The days are those of the whole month. What was billed of it before this invoice, or came after it, is on the invoice before or after.</p>
      )}
      {!priced && <p className="text-xs text-soft">Amounts stand in this report at your own account’s level, which is not this invoice’s: the quantities are the same.</p>}
      <PageLink to={mine ? 'usage/report' : `accounts/${invoice.account_id}/usage`} search={{ range: `${month}-01..${lastDay(month)}`, by: 'meter' }}>
        Open in usage
      </PageLink>
    </section>
  )
}

function lastDay(month: string): string {
  const [year, number] = month.split('-').map(Number) as [number, number]
  return new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10)
}
