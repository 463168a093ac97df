import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { readAmount, sign } from '~/lib/decimal'
import { money, words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, useAccount } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Act } from '~/ui/ask'
import { Card, PageHead } from '~/ui/card'
import { CheckField, TextField } from '~/ui/form'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { InvoiceTabs } from './tabs'

type Row = Schema<'Charge'>
const changed = () => void refresh('/reseller/billing/charges', '/reseller/invoices/preview')

/** What waits for an account's next invoice. */
export default function Charges() {
  const { account, can } = useViewer()
  const [filters, setFilters] = useFilters<'account'>()
  const of = filters.account ?? (account.kind === 'operator' ? undefined : account.id)
  const below = of !== undefined && of !== account.id
  const list = useList('/reseller/billing/charges', { query: { account_id: of, limit: 50 } }, { enabled: of !== undefined, keep: true })
  const currency = useAccount(of).currency ?? account.currency
  const manage = below && can('billing.manage')
  const columns: Column<Row>[] = [
    { id: 'text', head: 'Text', cell: (row) => <span title={row.text}>{row.text}</span> },
    { id: 'kind', head: 'Kind', width: 9, from: 'sm', cell: (row) => words(row.kind) },
    { id: 'taxable', head: 'Taxed', width: 5, from: 'md', cell: (row) => (row.taxable ? 'Yes' : 'No') },
    { id: 'created', head: 'Since', width: 9, from: 'md', cell: (row) => <Time at={row.created_at} ago /> },
    { id: 'amount', head: 'Amount', align: 'right', width: 6.5, cell: (row) => <Amount value={row.amount} currency={currency} tone="negative" explain={{ title: row.text, says: 'What the seller wrote down. It is a line of the invoice of the period in which it counts.', parts: [{ label: words(row.kind), amount: row.amount, total: true }], links: [{ label: 'The running month', to: 'invoices/running', search: { account: of } }] }} /> },
    ...(manage
      ? [
          {
            id: 'actions',
            head: '',
            width: 6,
            align: 'right' as const,
            cell: (row: Row) =>
              row.kind === 'adjustment' && (
                <Act
                  label="Take off"
                  small
                  look="quiet"
                  title="Take this charge off?"
                  action="Take it off"
                  danger
                  input={row.id}
                  send={(id) => api.delete('/reseller/billing/charges/{id}', { path: { id }, query: { account_id: row.account_id } })}
                  done={() => {
                    toast.done('The charge is taken off')
                    changed()
                  }}
                >
                  <p>“{row.text}” will not be on the next invoice.</p>
                </Act>
              ),
          },
        ]
      : []),
  ]
  return (
    <>
      <PageHead title="Charges" sub="What waits for an account’s next invoice: purchases of credit, and what its seller added or took off." actions={manage && <AddCharge of={of} currency={currency} />} />
      <InvoiceTabs current="charges" />
      <div className="mb-4 max-w-sm">
        <AccountField label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value || undefined })} />
      </div>
      <Card flush>
        {of === undefined ? (
          <Empty icon="invoice" title="Choose an account">Charges wait for one account’s next invoice: choose whose.</Empty>
        ) : (
          <DataTable
            label="Charges"
            columns={columns}
            rowId={(row) => row.id}
            {...list}
            empty={
              <Empty icon="invoice" title="Nothing waits">
                {manage ? 'What you charge or take off here is a line of the next invoice.' : 'Nothing beside usage and fees will be on the next invoice.'}
              </Empty>
            }
          />
        )}
      </Card>
    </>
  )
}

function AddCharge({ of, currency }: { of: string; currency: string }) {
  const { place } = useViewer()
  const [amount, setAmount] = useState('')
  const [text, setText] = useState('')
  const [taxable, setTaxable] = useState(true)
  const read = readAmount(amount)
  const wrong = amount && (read === null || sign(read) === 0) ? 'An amount other than zero; below zero it is taken off' : null
  return (
    <Act
      label="Add a charge"
      icon="plus"
      look="primary"
      title="Put a charge on the next invoice"
      action={read && sign(read) !== 0 ? (sign(read) < 0 ? `Take off ${money(read.slice(1), currency, place)}` : `Charge ${money(read, currency, place)}`) : 'Add it'}
      wrong={wrong ?? (read === null ? 'Write an amount.' : null)}
      input={{ account_id: of, amount: read ?? '', text: text.trim(), taxable }}
      send={(input, key) => api.post('/reseller/billing/charges', { body: input, idempotencyKey: key })}
      done={() => {
        toast.done('The charge waits for the next invoice')
        setAmount('')
        setText('')
        changed()
      }}
    >
      <p>It is a line of the account’s next invoice. Until then it can be taken off again.</p>
      <TextField label="Amount" pointer="/amount" required inputMode="decimal" value={amount} onChange={setAmount} suffix={currency} wrong={wrong} hint="With a minus in front it is taken off." />
      <TextField label="What the line says" pointer="/text" required maxLength={200} value={text} onChange={setText} />
      <CheckField label="Add tax to it" value={taxable} onChange={setTaxable} />
    </Act>
  )
}
