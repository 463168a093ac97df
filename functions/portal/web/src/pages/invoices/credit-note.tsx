import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useApi } from '~/api/query'
import { explainCreditNote } from '~/lib/explain'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { PageLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Failed, NotFresh, Skeleton } from '~/ui/state'
import { DataTable } from '~/ui/table'
import { Time } from '~/ui/time'

const GIVEN = { credit: 'As credit', card: 'To the card that it was paid with', outside: 'Outside' }

/** One credit note: what it took off, and where that went. */
export default function CreditNotePage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { can } = useViewer()
  const read = useApi('/reseller/credit-notes/{id}', { path: { id } })
  const note = read.data
  const invoice = useApi('/reseller/invoices/{id}', { path: { id: note?.invoice_id ?? '-' } }, { enabled: note !== undefined && can('billing.read') })
  const textOf = (line: string) => invoice.data?.lines.find((candidate) => candidate.id === line)?.text ?? line
  return (
    <>
      <PageHead
        back={<PageLink to="invoices/credit-notes">Credit notes</PageLink>}
        title={note?.number ?? (read.error ? 'Credit note' : <Skeleton className="h-6 w-40" />)}
        sub={note ? <Id id={note.id} what="credit note id" /> : <Skeleton className="h-4 w-40" />}
      />
      <NotFresh of={read} />
      {read.error && !read.data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The credit note" />
        </Card>
      ) : !note ? (
        <Card key="loading">
          <Skeleton className="h-64 w-full" />
        </Card>
      ) : (
        <div key="note" className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
          <Card title="What it takes off" flush>
            <DataTable
              label="Lines"
              rows={note?.lines ?? []}
              loading={!note}
              rowId={(row) => row.line}
              columns={[
                { id: 'line', head: 'Line', cell: (row) => <span title={row.line}>{textOf(row.line)}</span> },
                { id: 'amount', head: 'Amount', align: 'right', width: 9, cell: (row) => <Amount value={row.amount} currency={note.currency} explain={{ title: textOf(row.line), says: 'What is taken off this line of the invoice. Taxes are lines of their own, and go with the lines that they are on.', parts: [{ label: 'Taken off', amount: row.amount }, { label: 'Credit note, all lines', amount: note.total }], links: [{ label: 'The invoice', to: `invoices/${note.invoice_id}` }] }} /> },
              ]}
              empty={null}
            />
          </Card>
          <Card title="What became of it">
            {note ? (
              <Facts
                rows={[
                  ['Total', <Amount key="total" value={note.total} currency={note.currency} explain={explainCreditNote(note)} className="font-semibold" />],
                  ['Off what is due', <Amount key="reduces" value={note.reduces} currency={note.currency} explain={explainCreditNote(note)} />],
                  ['Given back', <Amount key="given" value={note.given_back} currency={note.currency} explain={explainCreditNote(note)} />],
                  ['How', GIVEN[note.given_as]],
                  ['Reason', note.reason],
                  ['Issued', <Time key="issued" at={note.issued_at} />],
                  ['Account', <AccountName key="account" id={note.account_id} />],
                  ['Invoice', <PageLink key="invoice" to={`invoices/${note.invoice_id}`}>{invoice.data?.number ?? 'Open the invoice'}</PageLink>],
                  ...(note.dispute_id ? [['Dispute', <PageLink key="dispute" to={`disputes/${note.dispute_id}`}>Open the dispute</PageLink>] as [string, ReactNode]] : []),
                  ...(note.payment_id ? [['Payment', <PageLink key="payment" to={`payments/${note.payment_id}`}>Open the payment</PageLink>] as [string, ReactNode]] : []),
                  ...(note.transfer_id ? [['Movement of credit', <Id key="transfer" id={note.transfer_id} what="transfer id" />] as [string, ReactNode]] : []),
                ]}
              />
            ) : (
              <Skeleton className="h-48 w-full" />
            )}
          </Card>
        </div>
      )}
    </>
  )
}
