import { useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { useEditable, useList } from '~/api/query'
import { openBeside } from '~/lib/addresses'
import { sign } from '~/lib/decimal'
import { explainCreditNote, explainDispute, explainDue, explainParts, explainPayment, explainTotal } from '~/lib/explain'
import { calendar } from '~/lib/format'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount, type Explanation } from '~/ui/amount'
import { State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { InvoiceActions } from './actions'
import { Lines } from './lines'

type Invoice = Schema<'Invoice'>

/** One invoice: its lines and where they come from, its parties, and what became of it. */
export default function InvoicePage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { place } = useViewer()
  const read = useEditable('/reseller/invoices/{id}', { path: { id } })
  const invoice = read.data?.data
  const back = <PageLink to="invoices">Invoices</PageLink>
  if (read.error && !invoice) {
    return (
      <>
        <PageHead title="Invoice" back={back} />
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The invoice" />
        </Card>
      </>
    )
  }
  return (
    <>
      <PageHead
        back={back}
        title={invoice ? (invoice.number ?? 'Draft invoice') : <Skeleton className="h-6 w-40" />}
        sub={
          invoice ? (
            <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <State state={invoice.state} />
              <span>
                {calendar(invoice.period.label, place)}
                {invoice.period.part > 1 && `, part ${invoice.period.part}`}
              </span>
              <Id id={invoice.id} what="invoice id" />
            </span>
          ) : (
            <Skeleton className="h-4 w-56" />
          )
        }
        actions={invoice && <PdfButton invoice={invoice} />}
      />
      <NotFresh of={read} />
      {!invoice ? (
        <InvoiceSkeleton />
      ) : (
        <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
          <div className="min-w-0 space-y-4">
            <Standing invoice={invoice} />
            <Card title="Lines" sub="Each opens what it is made of." flush>
              <Lines invoice={invoice} />
            </Card>
            {invoice.state !== 'draft' && <Payments invoice={invoice} />}
            {invoice.state !== 'draft' && <CreditNotes invoice={invoice} />}
            {invoice.state !== 'draft' && <Disputes invoice={invoice} />}
          </div>
          <div className="min-w-0 space-y-4">
            <InvoiceActions invoice={invoice} etag={read.data?.etag ?? null} reload={() => void read.refetch()} />
            <Totals invoice={invoice} />
            <Parties invoice={invoice} />
          </div>
        </div>
      )}
    </>
  )
}

function InvoiceSkeleton() {
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
      <Card title="Lines">
        <div className="space-y-3">
          {[1, 2, 3, 4, 5].map((line) => (
            <Skeleton key={line} className="h-5 w-full" />
          ))}
        </div>
      </Card>
      <Card title="Totals">
        <Skeleton className="h-40 w-full" />
      </Card>
    </div>
  )
}

/** What the state means for whoever looks. */
function Standing({ invoice }: { invoice: Invoice }) {
  const { account, place } = useViewer()
  const mine = invoice.account_id === account.id
  switch (invoice.state) {
    case 'draft':
      return <Notice title="A draft">It has no number and nothing of it is collected. {invoice.draft_until && <>It is issued by itself <Time at={invoice.draft_until} />.</>}</Notice>
    case 'past_due':
      return <Notice tone="warn" title="Past due">It was to be paid by <Time at={invoice.due_at} style="date" />. {mine ? 'Pay it now, or dispute what is wrong with it.' : 'It is tried again and reminded of as your billing settings say.'}</Notice>
    case 'uncollectible':
      return <Notice tone="bad" title="Given up">It is chased no more. It can still be paid.</Notice>
    case 'void':
      return <Notice title="Void">It counts for nothing. Its usage stays billed.</Notice>
    default:
      return sign(invoice.disputed) > 0 ? (
        <Notice tone="warn" title="In dispute">
          <Amount value={invoice.disputed} currency={invoice.currency} explain={explainDue(invoice, false)} /> is out of collection until its dispute ends. The rest is due by {invoice.due_at ? calendar(invoice.due_at, place) : '–'}.
        </Notice>
      ) : null
  }
}

function PdfButton({ invoice }: { invoice: Invoice }) {
  const [busy, setBusy] = useState(false)
  const open = async () => {
    setBusy(true)
    try {
      const { data } = await api.get('/reseller/invoices/{id}/pdf', { path: { id: invoice.id } })
      if (!openBeside(data.download_url)) toast.failed(new Error('The link to the file is not one that can be opened.'))
    } catch (error) {
      toast.failed(error, 'The PDF could not be had')
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <Button icon="invoice" onClick={() => print()}>
        Print
      </Button>
      <Button icon="download" busy={busy} onClick={() => void open()}>
        PDF
      </Button>
    </>
  )
}

function Totals({ invoice }: { invoice: Invoice }) {
  const { currency } = invoice
  const due = explainDue(invoice, false)
  const of = (kept: (line: Schema<'InvoiceLine'>) => boolean) => invoice.lines.filter(kept).map((line) : [string, string] => [line.text, line.amount])
  const lines = explainParts('Subtotal', 'The lines of the invoice but for taxes, each rounded once.', of((line) => line.kind !== 'tax'), invoice.subtotal)
  const taxes = explainParts('Tax', 'The taxes on the lines, each rate rounded once.', of((line) => line.kind === 'tax'), invoice.tax)
  const settled = explainParts('Paid from credit with the usage', 'Lines that were paid from credit while the usage came in: they are shown, and not due.', of((line) => line.settled), invoice.paid_from_credit)
  const row = (label: string, value: string, explain: Explanation, strong = false, more = '') => (
    <div key={label} className={`flex items-baseline justify-between gap-4 py-1 ${strong ? 'font-semibold' : ''} ${more}`}>
      <dt className={strong ? '' : 'text-soft'}>{label}</dt>
      <dd>
        <Amount value={value} currency={currency} explain={explain} />
      </dd>
    </div>
  )
  return (
    <Card title="Totals">
      <dl className="text-sm">
        {row('Subtotal', invoice.subtotal, lines)}
        {row('Tax', invoice.tax, taxes)}
        {row('Total', invoice.total, explainTotal(invoice, false), true)}
        {sign(invoice.paid_from_credit) !== 0 && row('Paid from credit with the usage', invoice.paid_from_credit, settled)}
        {sign(invoice.credited) !== 0 && row('Credited', invoice.credited, due)}
        {row('Paid', invoice.paid, due)}
        {sign(invoice.disputed) !== 0 && row('In dispute', invoice.disputed, due)}
        {row('Still due', invoice.due, due, true, 'mt-1 border-t border-line pt-2')}
      </dl>
      <div className="mt-3">
        <Facts
          rows={[
            ['Issued', <Time key="issued" at={invoice.issued_at} style="date" />],
            ['Due', <Time key="due" at={invoice.due_at} style="date" />],
            ['Period', <span key="period"><Time at={invoice.period.start} style="date" /> – <Time at={invoice.period.end} style="date" /></span>],
          ]}
        />
      </div>
    </Card>
  )
}

function Party({ party, id }: { party: Schema<'InvoiceParty'>; id: string }) {
  const { customer, account } = useViewer()
  const { address } = party
  return (
    <address className="text-sm not-italic">
      <span className="block font-medium">{party.brand ?? party.name}</span>
      {party.brand && party.brand !== party.name && <span className="block">{party.name}</span>}
      {address && (
        <>
          <span className="block">{address.line1}</span>
          {address.line2 && <span className="block">{address.line2}</span>}
          <span className="block">
            {[address.postal_code, address.city].filter(Boolean).join(' ')}
            {address.region ? `, ${address.region}` : ''}
          </span>
          <span className="block">{address.country}</span>
        </>
      )}
      {party.tax_id && <span className="block text-soft">Tax id {party.tax_id}</span>}
      {party.po_number && <span className="block text-soft">Order {party.po_number}</span>}
      {party.email && <span className="block text-soft">{party.email}</span>}
      {!customer && id !== account.parent_id && id !== account.id && (
        <span className="block text-xs">
          <AccountName id={id} />
        </span>
      )}
    </address>
  )
}

function Parties({ invoice }: { invoice: Invoice }) {
  return (
    <Card title="Parties" sub="As they were when it was made.">
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-1">
        <div>
          <h3 className="text-xs text-soft">From</h3>
          <Party party={invoice.seller} id={invoice.seller_id} />
        </div>
        <div>
          <h3 className="text-xs text-soft">To</h3>
          <Party party={invoice.buyer} id={invoice.account_id} />
        </div>
      </div>
    </Card>
  )
}

function Payments({ invoice }: { invoice: Invoice }) {
  const list = useList('/reseller/payments', { query: { invoice_id: invoice.id, limit: 20 } })
  return (
    <Related title="Payments" list={list} none="Nothing was paid or tried yet.">
      {list.rows.map((payment) => (
        <li key={payment.id} className="flex items-baseline justify-between gap-4 px-4 py-2">
          <span className="flex min-w-0 flex-wrap items-baseline gap-x-2">
            <PageLink to={`payments/${payment.id}`}>
              <Time at={payment.created_at} />
            </PageLink>
            <span className="text-soft">{BY[payment.by]}</span>
            <State state={payment.state} />
          </span>
          <Amount value={payment.amount} currency={payment.currency} explain={explainPayment(payment)} />
        </li>
      ))}
    </Related>
  )
}

const BY: Record<Schema<'PaidBy'>, string> = { credit: 'from credit', card: 'by card', outside: 'outside' }

function CreditNotes({ invoice }: { invoice: Invoice }) {
  const { account } = useViewer()
  const list = useList('/reseller/credit-notes', { query: { invoice_id: invoice.id, side: invoice.account_id === account.id ? 'bought' : 'sold', limit: 20 } })
  return (
    <Related title="Credit notes" list={list} none="Nothing was taken off it.">
      {list.rows.map((note) => (
        <li key={note.id} className="flex items-baseline justify-between gap-4 px-4 py-2">
          <span className="flex min-w-0 flex-wrap items-baseline gap-x-2">
            <PageLink to={`credit-notes/${note.id}`}>{note.number}</PageLink>
            <span className="truncate text-soft">{note.reason}</span>
          </span>
          <Amount value={note.total} currency={note.currency} explain={explainCreditNote(note)} />
        </li>
      ))}
    </Related>
  )
}

function Disputes({ invoice }: { invoice: Invoice }) {
  const { account } = useViewer()
  const bought = invoice.account_id === account.id
  const list = useList('/reseller/disputes', { query: { account_id: bought ? undefined : invoice.account_id, side: 'bought', limit: 200 } })
  const rows = list.rows.filter((dispute) => dispute.invoice_id === invoice.id)
  return (
    <Related title="Disputes" list={{ ...list, rows }} none={list.hasMore ? 'None among the newest disputes.' : 'Nothing of it was disputed.'}>
      {rows.map((dispute) => (
        <li key={dispute.id} className="flex items-baseline justify-between gap-4 px-4 py-2">
          <span className="flex min-w-0 flex-wrap items-baseline gap-x-2">
            <PageLink to={`disputes/${dispute.id}`}>
              <Time at={dispute.opened_at} />
            </PageLink>
            <State state={dispute.state} />
          </span>
          <Amount value={dispute.amount} currency={dispute.currency} explain={explainDispute(dispute)} />
        </li>
      ))}
    </Related>
  )
}

/** A short list that belongs to the invoice. */
function Related({ title, list, none, children }: { title: string; list: { loading: boolean; error: unknown; retry: () => void; rows: unknown[]; hasMore: boolean; more: () => void; loadingMore: boolean }; none: string; children: ReactNode }) {
  return (
    <Card title={title} flush>
      {list.loading ? (
        <div className="px-4 pb-3">
          <Skeleton className="h-5 w-full" />
        </div>
      ) : list.error && list.rows.length === 0 ? (
        <Failed error={list.error} retry={list.retry} what={title} />
      ) : list.rows.length === 0 ? (
        <p className="px-4 pb-3 text-sm text-soft">{none}</p>
      ) : (
        <ul className="divide-y divide-line text-sm">{children}</ul>
      )}
      {list.hasMore && (
        <div className="flex justify-center p-2">
          <Button small onClick={list.more} busy={list.loadingMore}>
            Load more
          </Button>
        </div>
      )}
    </Card>
  )
}
