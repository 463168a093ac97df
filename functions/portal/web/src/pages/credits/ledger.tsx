import { useState } from 'react'
import type { QueryOf, Schema } from '~/api/client'
import { useList } from '~/api/query'
import { addDays, startOf } from '~/lib/days'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { FilterSelect } from '~/ui/form'
import { RangePicker, readRange } from '~/ui/range'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { KINDS } from './kinds'
import { EntrySheet } from './entry'

type Entry = Schema<'Entry'>

const COLUMNS: Column<Entry>[] = [
  { id: 'at', head: 'When', width: 11.5, cell: (row) => <Time at={row.created_at} /> },
  { id: 'kind', head: 'What', cell: (row) => KINDS[row.kind] ?? row.kind },
  { id: 'counterparty', head: 'With', width: 11, from: 'md', cell: (row) => <AccountName id={row.counterparty} /> },
  { id: 'reference', head: 'Reference', width: 9, from: 'lg', cell: (row) => row.reference ?? <span className="text-faint">–</span> },
  { id: 'amount', head: 'Amount', width: 8, align: 'right', cell: (row) => <Amount value={row.amount} currency={row.currency} signed tone="both" /> },
  { id: 'balance', head: 'Balance after', width: 9, align: 'right', from: 'sm', cell: (row) => <Amount value={row.balance_after} currency={row.currency} tone="negative" /> },
]

/** An account's ledger, newest first. Each line carries the balance after it, so nothing can be missing unseen. */
export function Ledger({ accountId }: { accountId: string }) {
  const { account, place } = useViewer()
  const [filters, setFilters] = useFilters<'kind' | 'range'>()
  const [shown, setShown] = useState<Entry | null>(null)
  const days = filters.range ? readRange(filters.range, place.timeZone) : null
  const query = {
    limit: 100,
    ...(accountId === account.id ? {} : { account_id: accountId }),
    ...(filters.kind ? { kind: filters.kind } : {}),
    ...(days ? { from: startOf(days.from, place.timeZone), to: startOf(addDays(days.to, 1), place.timeZone) } : {}),
  } as QueryOf<'get', '/reseller/credits/history'>
  const list = useList('/reseller/credits/history', { query }, { keep: true })
  const narrowed = Boolean(filters.kind || filters.range)
  return (
    <Card flush>
      <div className="flex flex-wrap items-center gap-2 border-b border-line p-3">
        <FilterSelect label="Kind" value={filters.kind ?? ''} onChange={(kind) => setFilters({ kind })} options={[{ value: '', label: 'Everything' }, ...Object.entries(KINDS).map(([value, label]) => ({ value, label }))]} />
        <RangePicker value={filters.range} any onChange={(range) => setFilters({ range })} />
        {narrowed && (
          <Button look="quiet" onClick={() => setFilters({ kind: undefined, range: undefined })}>
            Clear
          </Button>
        )}
      </div>
      <DataTable
        label="Ledger"
        columns={COLUMNS}
        rowId={(row) => row.id}
        {...list}
        onOpen={setShown}
        empty={
          narrowed ? (
            <Empty icon="search" title="No movement matches" action={<Button onClick={() => setFilters({ kind: undefined, range: undefined })}>Show everything</Button>} />
          ) : (
            <Empty icon="credits" title="No movement yet">Each credit that comes or goes will be a line here, with the balance after it.</Empty>
          )
        }
      />
      <EntrySheet entry={shown} onClose={() => setShown(null)} />
    </Card>
  )
}
