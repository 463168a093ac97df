import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { useApi } from '~/api/query'
import { startOf, today } from '~/lib/days'
import { compare, readAmount, sign } from '~/lib/decimal'
import { explainDue, explainPayment, explainTotal } from '~/lib/explain'
import { money, words } from '~/lib/format'
import { webAddress } from '~/lib/addresses'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { Ask } from '~/ui/ask'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Dialog } from '~/ui/dialog'
import { Form, SelectField, TextArea, TextField, useSubmit } from '~/ui/form'
import { Notice } from '~/ui/state'
import { toast } from '~/ui/toast'
import { invoiceChanged } from './changed'
import { choosable, GivenAsField, leftOf, PartsField, readParts, type Typed } from './parts'

type Invoice = Schema<'Invoice'>
type Doing = 'pay' | 'record' | 'finalize' | 'void' | 'write-off' | 'credit' | 'dispute'

/** What whoever looks may do with an invoice; nothing where that is nothing. */
export function InvoiceActions({ invoice, etag, reload }: { invoice: Invoice; etag: string | null; reload: () => void }) {
  const { account, can } = useViewer()
  const [doing, setDoing] = useState<Doing | null>(null)
  const close = () => setDoing(null)
  const mine = invoice.account_id === account.id
  const owed = ['finalized', 'past_due', 'uncollectible'].includes(invoice.state) && sign(invoice.due) > 0
  const issued = invoice.state !== 'draft' && invoice.state !== 'void'
  const untouched = sign(invoice.paid) === 0 && sign(invoice.credited) === 0 && sign(invoice.disputed) === 0
  const manage = can('billing.manage')
  const seller = manage && !mine
  const parts = choosable(invoice.lines)
  const may = {
    pay: manage && owed,
    record: seller && owed,
    finalize: seller && invoice.state === 'draft',
    credit: seller && issued && parts.length > 0,
    dispute: can('disputes.manage') && issued && parts.length > 0,
    'write-off': seller && invoice.state === 'past_due',
    void: seller && invoice.state !== 'void' && invoice.state !== 'paid' && untouched,
  }
  if (!Object.values(may).some(Boolean)) return null
  const ifMatch = etag ?? undefined
  const path = { id: invoice.id }
  const name = invoice.number ?? 'this draft'
  return (
    <Card title="Actions" className="no-print">
      <div className="flex flex-col gap-2">
        {may.pay && <Button look="primary" icon="credits" onClick={() => setDoing('pay')}>{mine ? 'Pay' : 'Charge now'}</Button>}
        {may.finalize && <Button look="primary" icon="check" onClick={() => setDoing('finalize')}>Issue now</Button>}
        {may.record && <Button icon="plus" onClick={() => setDoing('record')}>Record a payment</Button>}
        {may.credit && <Button icon="invoice" onClick={() => setDoing('credit')}>Credit note</Button>}
        {may.dispute && <Button icon="disputes" onClick={() => setDoing('dispute')}>{mine ? 'Dispute lines' : 'Open a dispute for it'}</Button>}
        {may['write-off'] && <Button icon="close" onClick={() => setDoing('write-off')}>Give up</Button>}
        {may.void && <Button icon="trash" onClick={() => setDoing('void')}>Void</Button>}
      </div>
      <PayDialog open={doing === 'pay'} onClose={close} invoice={invoice} />
      <RecordDialog open={doing === 'record'} onClose={close} invoice={invoice} />
      <CreditDialog open={doing === 'credit'} onClose={close} invoice={invoice} />
      <DisputeDialog open={doing === 'dispute'} onClose={close} invoice={invoice} />
      <Ask
        open={doing === 'finalize'}
        onClose={close}
        title="Issue this draft now?"
        action="Issue it"
        input={null}
        reload={reload}
        send={() => api.post('/reseller/invoices/{id}/finalize', { path, ifMatch })}
        done={({ data }) => {
          toast.done(`Issued as ${data.number ?? data.id}`)
          invoiceChanged()
        }}
      >
        <p>It gets the next number. Its lines and totals never change after that: a credit note corrects them.</p>
        <p>
          <Amount value={invoice.total} currency={invoice.currency} className="font-semibold" explain={explainTotal(invoice, false)} /> will be collected as your billing settings say.
        </p>
      </Ask>
      <ReasonAsk
        open={doing === 'void'}
        onClose={close}
        title={`Void ${name}?`}
        action="Void it"
        reload={reload}
        type={invoice.number ?? undefined}
        send={(reason) => api.post('/reseller/invoices/{id}/void', { path, ifMatch, body: { reason } })}
        done="Voided"
      >
        <p>It counts for nothing from now on and cannot be brought back. <Amount value={invoice.due} currency={invoice.currency} explain={explainDue(invoice, false)} /> is no longer due.</p>
        <p>Its usage stays billed: what is to be billed after all is a charge on the next invoice.</p>
      </ReasonAsk>
      <ReasonAsk
        open={doing === 'write-off'}
        onClose={close}
        title={`Give up ${name}?`}
        action="Give it up"
        reload={reload}
        send={(reason) => api.post('/reseller/invoices/{id}/write-off', { path, ifMatch, body: { reason } })}
        done="Given up"
      >
        <p><Amount value={invoice.due} currency={invoice.currency} explain={explainDue(invoice, false)} /> is chased no more: no card is tried, nobody is reminded. It can still be paid.</p>
      </ReasonAsk>
    </Card>
  )
}

function ReasonAsk({ send, done, children, ...ask }: { open: boolean; onClose: () => void; title: string; action: string; type?: string; reload: () => void; send: (reason: string | undefined) => Promise<unknown>; done: string; children: ReactNode }) {
  const [reason, setReason] = useState('')
  return (
    <Ask
      {...ask}
      danger
      input={reason}
      send={(text) => send(text.trim() || undefined)}
      done={() => {
        toast.done(done)
        invoiceChanged()
      }}
    >
      {children}
      <TextField label="Reason" pointer="/reason" optional hint="The buyer is told." value={reason} onChange={setReason} maxLength={200} />
    </Ask>
  )
}

const DECLINES: Record<string, string> = {
  insufficient_funds: 'There is too little on the card. It can work on another day.',
  expired_card: 'The card has expired: add another one.',
  lost_or_stolen: 'The bank does not let this card pay any more: use another one.',
  incorrect: 'The card’s number or check code is wrong: add it again.',
  do_not_honor: 'The bank refused and gave no reason. It can work on another day, or ask the bank.',
  authentication_required: 'The card’s holder must confirm this payment.',
  processing: 'Something went wrong on the way to the bank. Try again later.',
  other: 'The bank refused.',
}

/** Why a card was declined, in words. */
export function declineSays(decline: string | null | undefined): string {
  return DECLINES[decline ?? 'other'] ?? (DECLINES.other as string)
}

function PayDialog({ open, onClose, invoice }: { open: boolean; onClose: () => void; invoice: Invoice }) {
  const { account, place, can } = useViewer()
  const mine = invoice.account_id === account.id
  const [from, setFrom] = useState<'card' | 'credit'>('card')
  const [paid, setPaid] = useState<Schema<'Payment'> | null>(null)
  const of = mine ? undefined : invoice.account_id
  const cards = useApi('/reseller/payment-methods', { query: { account_id: of } }, { enabled: open })
  const balance = useApi('/reseller/credits/balance', { query: { account_id: of } }, { enabled: open && can('credits.read') })
  const card = cards.data?.data.find((candidate) => candidate.is_default)
  const { submit, busy, error, reset } = useSubmit(
    (input: { with: 'card' | 'credit' }, key) => api.post('/reseller/invoices/{id}/pay', { path: { id: invoice.id }, body: input, idempotencyKey: key }),
    ({ data }) => {
      setPaid(data)
      invoiceChanged()
    },
  )
  const close = () => {
    reset()
    setPaid(null)
    onClose()
  }
  const link = webAddress(paid?.action_url)
  return (
    <Dialog
      open={open}
      onClose={close}
      sticky={busy}
      title={mine ? 'Pay this invoice' : 'Charge this invoice now'}
      footer={
        paid ? (
          <Button look="primary" onClick={close}>Done</Button>
        ) : (
          <>
            <Button disabled={busy} onClick={close}>Cancel</Button>
            <Button look="primary" type="submit" form="pay" busy={busy} disabled={from === 'card' && !cards.isPending && !card}>
              Pay {money(invoice.due, invoice.currency, place)}
            </Button>
          </>
        )
      }
    >
      {paid ? (
        <div className="space-y-3 text-sm">
          {paid.state === 'succeeded' ? (
            <Notice tone="good" title="Paid">
              <Amount value={paid.amount} currency={paid.currency} explain={explainPayment(paid)} /> was paid {paid.by === 'credit' ? 'from credit' : 'by card'}.
            </Notice>
          ) : paid.state === 'declined' || paid.state === 'cancelled' ? (
            <Notice tone="bad" title="Declined">
              {declineSays(paid.decline)} Nothing was charged.
            </Notice>
          ) : paid.state === 'action_required' ? (
            <Notice tone="warn" title="Waits for the card’s holder">
              {link ? (
                <>
                  The bank asks for a confirmation.{' '}
                  <a href={link} target="_blank" rel="noreferrer noopener">
                    Confirm the payment
                  </a>
                </>
              ) : (
                'The bank asks the holder for a confirmation.'
              )}
            </Notice>
          ) : (
            <Notice title="On its way">The payment’s outcome is not known yet. It is looked up until it is, and never charged twice.</Notice>
          )}
        </div>
      ) : (
        <Form id="pay" error={error} onSubmit={() => void submit({ with: from })}>
          <fieldset className="space-y-2">
            <legend className="mb-1 text-sm font-medium">From what</legend>
            <Choice name="with" checked={from === 'card'} onChange={() => setFrom('card')} label="The default card">
              {cards.isPending ? 'Looking for it…' : card ? `${words(card.brand)} •••• ${card.last4}, to ${String(card.exp_month).padStart(2, '0')}/${card.exp_year}` : 'There is none: add a card first.'}
            </Choice>
            <Choice name="with" checked={from === 'credit'} onChange={() => setFrom('credit')} label="Credit">
              {balance.data ? <>As much as there is in whole coins: <Amount value={balance.data.available} currency={balance.data.currency} /> available. The rest stays due.</> : 'As much as there is in whole coins; the rest stays due.'}
            </Choice>
          </fieldset>
          {sign(invoice.disputed) > 0 && <p className="text-sm text-soft">What is in dispute is not collected.</p>}
          {!mine && <p className="text-sm text-soft">You pay for your sub-account, with its card or its credit. It sees the payment.</p>}
        </Form>
      )}
    </Dialog>
  )
}

/** One of a few ways, with a line that says what it means. */
export function Choice({ name, checked, onChange, label, children }: { name: string; checked: boolean; onChange: () => void; label: string; children?: ReactNode }) {
  return (
    <label className={`flex cursor-pointer items-start gap-2.5 rounded-lg border px-3 py-2 text-sm ${checked ? 'border-(--accent-ink) bg-accent-wash' : 'border-line'}`}>
      <input type="radio" name={name} className="mt-0.5 size-4 accent-(--accent-ink)" checked={checked} onChange={onChange} />
      <span>
        <span className="block font-medium">{label}</span>
        {children && <span className="text-xs text-soft">{children}</span>}
      </span>
    </label>
  )
}

const WAYS: Schema<'PaymentWay'>[] = ['bank_transfer', 'cash', 'cheque', 'card', 'offset', 'other']

function RecordDialog({ open, onClose, invoice }: { open: boolean; onClose: () => void; invoice: Invoice }) {
  const { place } = useViewer()
  const [amount, setAmount] = useState('')
  const [method, setMethod] = useState<Schema<'PaymentWay'>>('bank_transfer')
  const [reference, setReference] = useState('')
  const [day, setDay] = useState('')
  const read = readAmount(amount)
  const wrong = amount === '' ? null : read === null || sign(read) <= 0 ? 'Not an amount' : compare(read, invoice.due) > 0 ? `At most ${money(invoice.due, invoice.currency, place)} is due` : null
  return (
    <Ask
      open={open}
      onClose={onClose}
      title="Record a payment that came outside"
      action="Record it"
      wrong={wrong ?? (read === null ? 'Write how much came.' : null)}
      input={{ amount: read ?? '', method, reference: reference.trim(), paid_at: day ? startOf(day, place.timeZone) : undefined }}
      send={(input, key) => api.post('/reseller/invoices/{id}/payments', { path: { id: invoice.id }, body: input, idempotencyKey: key })}
      done={({ data }) => {
        toast.done(`Recorded ${money(data.amount, data.currency, place)}`)
        setAmount('')
        setReference('')
        invoiceChanged()
      }}
    >
      <p>It counts as paid at once and cannot be taken off again. No money moves: write down what the statement says.</p>
      <TextField label="Amount" pointer="/amount" inputMode="decimal" required value={amount} onChange={setAmount} suffix={invoice.currency} wrong={wrong} hint={<>Still due: <Amount value={invoice.due} currency={invoice.currency} explain={explainDue(invoice, false)} /></>} />
      <SelectField label="Came by" pointer="/method" value={method} onChange={(value) => setMethod(value as Schema<'PaymentWay'>)} options={WAYS.map((value) => ({ value, label: words(value) }))} />
      <TextField label="What the statement says" pointer="/reference" required maxLength={200} value={reference} onChange={setReference} />
      <TextField label="Came on" pointer="/paid_at" type="date" optional max={today(place.timeZone)} value={day} onChange={setDay} hint="Today unless you say otherwise." />
    </Ask>
  )
}

function CreditDialog({ open, onClose, invoice }: { open: boolean; onClose: () => void; invoice: Invoice }) {
  const { base, place } = useViewer()
  const navigate = useNavigate()
  const [typed, setTyped] = useState<Typed>({})
  const [reason, setReason] = useState('')
  const [givenAs, setGivenAs] = useState<Schema<'GivenAs'>>('credit')
  const lines = choosable(invoice.lines).map((line) => ({ id: line.id, text: line.text, most: leftOf(line) }))
  const { parts, total, wrong } = readParts(lines, typed)
  return (
    <Ask
      open={open}
      onClose={onClose}
      title="Credit note"
      action={wrong ? 'Issue it' : `Take off ${money(total, invoice.currency, place)} and taxes`}
      wrong={wrong}
      input={{ lines: parts, reason: reason.trim(), given_as: givenAs }}
      send={(input, key) => api.post('/reseller/invoices/{id}/credit-notes', { path: { id: invoice.id }, body: input, idempotencyKey: key })}
      done={({ data }) => {
        toast.done(`Issued ${data.number}`)
        setTyped({})
        setReason('')
        invoiceChanged()
        void navigate({ to: `${base}/credit-notes/${data.id}` as never })
      }}
    >
      <p>It lessens what is due first. What was paid already is given back. A credit note cannot be taken back.</p>
      <PartsField lines={lines} currency={invoice.currency} typed={typed} onChange={setTyped} verb="Credit" />
      <TextField label="Reason" pointer="/reason" required maxLength={200} hint="The note says it." value={reason} onChange={setReason} />
      <GivenAsField value={givenAs} onChange={setGivenAs} />
    </Ask>
  )
}

const REASONS: Schema<'DisputeReason'>[] = ['wrong_quantity', 'wrong_price', 'duplicate', 'quality', 'fraudulent', 'other']

function DisputeDialog({ open, onClose, invoice }: { open: boolean; onClose: () => void; invoice: Invoice }) {
  const { account, base, place } = useViewer()
  const navigate = useNavigate()
  const mine = invoice.account_id === account.id
  const [typed, setTyped] = useState<Typed>({})
  const [reason, setReason] = useState<Schema<'DisputeReason'>>('wrong_quantity')
  const [said, setSaid] = useState('')
  const [links, setLinks] = useState('')
  const lines = choosable(invoice.lines).map((line) => ({ id: line.id, text: line.text, most: leftOf(line) }))
  const { parts, total, wrong } = readParts(lines, typed)
  const evidence = readLinks(links)
  return (
    <Ask
      open={open}
      onClose={onClose}
      title={mine ? 'Dispute lines of this invoice' : 'Open a dispute for your sub-account'}
      action={wrong ? 'Open the dispute' : `Dispute ${money(total, invoice.currency, place)} and taxes`}
      wrong={wrong ?? evidence.wrong}
      input={{ invoice_id: invoice.id, lines: parts, reason, words: said.trim(), links: evidence.links }}
      send={(input, key) => api.post('/reseller/disputes', { body: input, idempotencyKey: key })}
      done={({ data }) => {
        toast.done('The dispute is open')
        setTyped({})
        setSaid('')
        setLinks('')
        invoiceChanged()
        void navigate({ to: `${base}/disputes/${data.id}` as never })
      }}
    >
      <p>{mine ? 'What you dispute is not collected until the dispute ends. Your seller has 14 days to answer.' : 'What is disputed is not collected until you resolve it. You have 14 days.'}</p>
      <PartsField lines={lines} currency={invoice.currency} typed={typed} onChange={setTyped} verb="Disputed" />
      <SelectField label="Why" pointer="/reason" value={reason} onChange={(value) => setReason(value as Schema<'DisputeReason'>)} options={REASONS.map((value) => ({ value, label: words(value) }))} />
      <TextArea label="What is wrong" pointer="/words" required maxLength={4000} rows={4} value={said} onChange={setSaid} />
      <TextArea label="Links that show it" pointer="/links" optional rows={2} value={links} onChange={setLinks} wrong={evidence.wrong} hint="One a line, up to ten, beginning with https:// or http://." />
    </Ask>
  )
}

/** Reads links, one a line. */
export function readLinks(text: string): { links: string[]; wrong: string | null } {
  const links = text.split(/\s+/).filter(Boolean)
  if (links.length > 10) return { links, wrong: 'At most ten links.' }
  const bad = links.find((link) => !webAddress(link))
  return { links, wrong: bad ? `“${bad.slice(0, 60)}” is no address of the web.` : null }
}
