import { useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { useApi } from '~/api/query'
import { compare, minus, readAmount, sign } from '~/lib/decimal'
import { explain, explainPayment } from '~/lib/explain'
import { money, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Act } from '~/ui/ask'
import { State } from '~/ui/badge'
import { PageLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Id } from '~/ui/copy'
import { DataLink } from '~/ui/data-link'
import { TextField } from '~/ui/form'
import { Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { declineSays } from '~/pages/invoices/actions'
import { invoiceChanged } from '~/pages/invoices/changed'
import { paidBy } from './list'

type Payment = Schema<'Payment'>
const OPEN = ['created', 'sent', 'unknown', 'processing', 'action_required']
const CAUSES = { credit_note: 'A credit note', overpaid: 'It was paid too much', no_credit: 'The credit could not be given' }

/** One payment: where it stands, what went back of it, and what a bank took back. */
export default function PaymentPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { account, can } = useViewer()
  const [open, setOpen] = useState(true)
  const read = useApi('/reseller/payments/{id}', { path: { id } }, { everyMs: open ? 5_000 : false })
  const payment = read.data
  const stillOpen = payment ? OPEN.includes(payment.state) || payment.refunds.some((refund) => refund.state === 'sent') : !read.error
  if (stillOpen !== open) setOpen(stillOpen)
  const seller = payment !== undefined && payment.account_id !== account.id && can('billing.manage')
  const left = payment ? minus(payment.applied, payment.refunded) : '0'
  const failed = payment?.refunds.filter((refund) => refund.state === 'failed') ?? []
  return (
    <>
      <PageHead
        back={<PageLink to="payments">Payments</PageLink>}
        title={payment ? <Amount value={payment.amount} currency={payment.currency} explain={explainPayment(payment)} /> : read.error ? 'Payment' : <Skeleton className="h-6 w-32" />}
        sub={payment ? <span className="flex flex-wrap items-center gap-x-3"><State state={payment.state} /><Id id={payment.id} what="payment id" /></span> : <Skeleton className="h-4 w-48" />}
        actions={
          payment && seller ? (
            <>
              {failed.length > 0 && <RetryRefunds payment={payment} failed={failed.length} />}
              {payment.by === 'card' && payment.invoice_id && payment.state === 'succeeded' && sign(left) > 0 && <Refund payment={payment} left={left} />}
            </>
          ) : undefined
        }
      />
      <NotFresh of={read} />
      {read.error && !read.data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The payment" />
        </Card>
      ) : !payment ? (
        <Card>
          <Skeleton className="h-56 w-full" />
        </Card>
      ) : (
        <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
          <div className="min-w-0 space-y-4">
            <Standing payment={payment} />
            <Card title="Refunds" sub="What goes back to its card." flush>
              <DataTable
                label="Refunds"
                rows={payment.refunds}
                rowId={(row) => row.id}
                columns={[
                  { id: 'cause', head: 'Why', cell: (row) => (row.credit_note_id ? <PageLink to={`credit-notes/${row.credit_note_id}`}>{CAUSES[row.cause]}</PageLink> : CAUSES[row.cause]) },
                  { id: 'at', head: 'When', width: 12, from: 'sm', cell: (row) => <Time at={row.created_at} /> },
                  { id: 'state', head: 'State', width: 7, cell: (row) => <State state={row.state} /> },
                  { id: 'amount', head: 'Amount', align: 'right', width: 8, cell: (row) => <Amount value={row.amount} currency={payment.currency} explain={{ ...explainPayment(payment), title: 'Refund', says: 'What goes back to the card. “Given back” counts it once the processor has said that it went.', parts: [{ label: 'This refund', amount: row.amount }, { label: 'Counted of the payment', amount: payment.applied }, { label: 'Given back so far', amount: payment.refunded }] }} /> },
                ]}
                empty={<p className="px-4 pb-3 text-sm text-soft">Nothing was sent back.</p>}
              />
            </Card>
            <Card title="Chargebacks" sub="What the payer’s bank asks about, or took back." flush>
              <DataTable
                label="Chargebacks"
                rows={payment.chargebacks}
                rowId={(row) => `${row.state}-${row.amount}-${row.dispute_id ?? ''}`}
                columns={[
                  { id: 'state', head: 'State', width: 8, cell: (row) => <State state={row.state} /> },
                  { id: 'dispute', head: 'Dispute', cell: (row) => (row.dispute_id ? <PageLink to={`disputes/${row.dispute_id}`}>Open the dispute</PageLink> : 'Nothing was left to dispute') },
                  { id: 'amount', head: 'Amount', align: 'right', width: 8, cell: (row) => <Amount value={row.amount} currency={payment.currency} explain={{ ...explainPayment(payment), title: 'Chargeback', says: 'What the payer’s bank asks about, or took back. It is disputed at the processor.', parts: [{ label: 'This chargeback', amount: row.amount }, { label: 'Counted of the payment', amount: payment.applied }] }} /> },
                ]}
                empty={<p className="px-4 pb-3 text-sm text-soft">The bank asked about nothing.</p>}
              />
            </Card>
          </div>
          <Card title="Payment">
            <Facts rows={facts(payment)} />
          </Card>
        </div>
      )}
    </>
  )
}

function facts(payment: Payment): [string, ReactNode][] {
  return [
    ['From', paidBy(payment)],
    ...(payment.payment_method ? [['Card', <Id key="card" id={payment.payment_method} what="card" />] as [string, ReactNode]] : []),
    ['Counted', <Amount key="applied" value={payment.applied} currency={payment.currency} explain={explainPayment(payment)} />],
    ['Given back', <Amount key="refunded" value={payment.refunded} currency={payment.currency} explain={explainPayment(payment)} />],
    ['Attempt', payment.attempt],
    ['Payer', <AccountName key="payer" id={payment.account_id} />],
    ['Seller', <AccountName key="seller" id={payment.seller_id} />],
    ...(payment.invoice_id ? [['Invoice', <PageLink key="invoice" to={`invoices/${payment.invoice_id}`}>Open the invoice</PageLink>] as [string, ReactNode]] : []),
    ...(payment.credits ? [['Credit', <Amount key="credits" value={payment.credits} currency={payment.currency} explain={{ ...explainPayment(payment), says: 'The credit that the payment buys. It comes to the account once it is paid.' }} />] as [string, ReactNode]] : []),
    ...(payment.received
      ? ([
          ['Came by', words(payment.received.method)],
          ['Statement', payment.received.reference],
          ['Came on', <Time key="paid" at={payment.received.paid_at} style="date" />],
        ] as [string, ReactNode][])
      : []),
    ['Begun', <Time key="created" at={payment.created_at} />],
    ['Last change', <Time key="changed" at={payment.changed_at} />],
  ]
}

function Standing({ payment }: { payment: Payment }) {
  switch (payment.state) {
    case 'succeeded':
      return null
    case 'declined':
      return <Notice tone="bad" title="Declined">{declineSays(payment.decline)} Nothing was charged.</Notice>
    case 'cancelled':
      return <Notice title="Given up">Nothing was charged, and it cannot be paid any more.</Notice>
    case 'action_required':
      return <Notice tone="warn" title="Waits for the card’s holder">{payment.action_url ? <DataLink url={payment.action_url} /> : 'The bank asks the holder for a confirmation.'}</Notice>
    case 'unknown':
      return <Notice tone="warn" title="Its outcome is not known">An answer was lost on the way. It is looked up until it is known, and never charged twice.</Notice>
    default:
      return <Notice title="On its way">This page looks again every few seconds.</Notice>
  }
}

function Refund({ payment, left }: { payment: Payment; left: string }) {
  const { place } = useViewer()
  const [amount, setAmount] = useState('')
  const [reason, setReason] = useState('')
  const read = amount ? readAmount(amount) : null
  const wrong = amount && (read === null || sign(read) <= 0) ? 'Not an amount' : read && compare(read, left) > 0 ? `At most ${money(left, payment.currency, place)} is left` : null
  return (
    <Act
      label="Refund"
      icon="refresh"
      title="Send this back to its card?"
      action={`Refund ${money(read && !wrong ? read : left, payment.currency, place)}`}
      danger
      wrong={wrong || null}
      input={{ amount: read ?? undefined, reason: reason.trim() }}
      send={(input, key) => api.post('/reseller/payments/{id}/refund', { path: { id: payment.id }, body: input, idempotencyKey: key })}
      done={({ data }) => {
        toast.done(`Refunded by ${data.number}`, money(data.total, data.currency, place))
        invoiceChanged()
      }}
    >
      <p>The money goes back to the card. A credit note takes as much off the invoice’s lines in their order, with their taxes. Neither can be taken back.</p>
      <TextField label="Amount" pointer="/amount" optional inputMode="decimal" value={amount} onChange={setAmount} suffix={payment.currency} wrong={wrong || null} hint={<>All that is left unless you say less: <Amount value={left} currency={payment.currency} explain={explain('Left of the payment', 'What of it counted and was not given back.', [['Counted', payment.applied], ['Given back of that', minus('0', payment.refunded)], ['Left', left, 'total']], { currency: payment.currency })} /></>} />
      <TextField label="Reason" pointer="/reason" required maxLength={200} hint="The credit note says it." value={reason} onChange={setReason} />
    </Act>
  )
}

function RetryRefunds({ payment, failed }: { payment: Payment; failed: number }) {
  return (
    <Act
      label="Ask again for failed refunds"
      icon="refresh"
      look="primary"
      title="Ask again for the refunds that failed?"
      action="Ask again"
      input={payment.id}
      send={(id) => api.post('/reseller/payments/{id}/retry-refunds', { path: { id } })}
      done={() => {
        toast.done('Asked for again')
        invoiceChanged()
      }}
    >
      <p>
        {failed === 1 ? 'One refund' : `${failed} refunds`} did not reach the card: you still have the money. Each is asked for again once. As an alternative, give it back outside.
      </p>
    </Act>
  )
}
