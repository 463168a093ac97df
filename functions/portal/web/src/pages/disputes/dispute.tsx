import { useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { useApi, useEditable } from '~/api/query'
import { sign } from '~/lib/decimal'
import { explainDispute } from '~/lib/explain'
import { money, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Choice, readLinks } from '~/pages/invoices/actions'
import { invoiceChanged } from '~/pages/invoices/changed'
import { GivenAsField, PartsField, readParts, type Typed } from '~/pages/invoices/parts'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Act, Ask } from '~/ui/ask'
import { State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Id } from '~/ui/copy'
import { DataLink } from '~/ui/data-link'
import { CheckField, Form, TextArea, TextField, useSubmit } from '~/ui/form'
import { Icon, type IconName } from '~/ui/icon'
import { Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { RespondBy } from './list'

type Dispute = Schema<'Dispute'>
const OPEN = ['opened', 'under_review']
const ORIGIN = { customer: 'The account that is billed', chargeback: 'Its bank, by a chargeback', passed_up: 'A sub-account’s dispute that was passed up' }

/** One dispute: what it is about, what was said, and its end. */
export default function DisputePage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { account, customer, can } = useViewer()
  const read = useEditable('/reseller/disputes/{id}', { path: { id } })
  const dispute = read.data?.data
  const etag = read.data?.etag ?? undefined
  const reload = () => void read.refetch()
  const invoice = useApi('/reseller/invoices/{id}', { path: { id: dispute?.invoice_id ?? '-' } }, { enabled: dispute !== undefined })
  const textOf = (line: string) => invoice.data?.lines.find((candidate) => candidate.id === line)?.text ?? line
  const buyer = dispute?.account_id === account.id
  const open = dispute !== undefined && OPEN.includes(dispute.state)
  const ours = dispute !== undefined && dispute.origin !== 'chargeback'
  const manage = can('disputes.manage')
  return (
    <>
      <PageHead
        back={<PageLink to="disputes">Disputes</PageLink>}
        title={dispute ? <>Dispute over <Amount value={dispute.amount} currency={dispute.currency} explain={explainDispute(dispute)} /></> : read.error ? 'Dispute' : <Skeleton className="h-6 w-56" />}
        sub={dispute ? <span className="flex flex-wrap items-center gap-x-3"><State state={dispute.state} /><Id id={dispute.id} what="dispute id" /></span> : <Skeleton className="h-4 w-48" />}
        actions={
          open && ours && manage ? (
            buyer ? (
              <Act
                label="Withdraw"
                title="Take this dispute back?"
                action="Take it back"
                danger
                input={dispute.version}
                reload={reload}
                send={() => api.post('/reseller/disputes/{id}/withdraw', { path: { id }, ifMatch: etag })}
                done={() => {
                  toast.done('The dispute is taken back')
                  invoiceChanged()
                }}
              >
                <p>
                  <Amount value={dispute.amount} currency={dispute.currency} explain={explainDispute(dispute)} /> of the invoice is due again and collected as usual. It cannot be opened again as this dispute.
                </p>
              </Act>
            ) : (
              <>
                {dispute.state === 'opened' && (
                  <Act
                    label="Take up"
                    title="Begin to look at this dispute?"
                    action="Take it up"
                    input={dispute.version}
                    reload={reload}
                    send={() => api.post('/reseller/disputes/{id}/take-up', { path: { id }, ifMatch: etag })}
                    done={() => {
                      toast.done('Taken up')
                      invoiceChanged()
                    }}
                  >
                    <p>The buyer sees that you look at it, and you have 14 days again from now.</p>
                  </Act>
                )}
                <Resolve key={id} dispute={dispute} textOf={textOf} />
              </>
            )
          ) : undefined
        }
      />
      <NotFresh of={read} />
      {read.error && !dispute ? (
        <Card>
          <Failed error={read.error} retry={reload} what="The dispute" />
        </Card>
      ) : !dispute ? (
        <Card>
          <Skeleton className="h-64 w-full" />
        </Card>
      ) : (
        <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
          <div className="min-w-0 space-y-4">
            {dispute.origin === 'chargeback' && open && <Notice tone="warn" title="A chargeback">The payer’s bank opened this, and its bank ends it: neither side resolves or withdraws it here. Answer the bank at the processor.</Notice>}
            <Card title="What was said and done">
              <Timeline dispute={dispute} />
              {open && manage && <Say key={id} dispute={dispute} etag={etag} reload={() => read.refetch()} />}
            </Card>
            <Card title="Lines" sub="Taxes included." flush>
              <DataTable
                label="Lines"
                rows={dispute.lines}
                rowId={(row) => row.line}
                columns={[
                  { id: 'line', head: 'Line', cell: (row) => <span title={row.line}>{textOf(row.line)}</span> },
                  { id: 'amount', head: 'Disputed', align: 'right', width: 8, cell: (row) => <Amount value={row.amount} currency={dispute.currency} explain={{ ...explainDispute(dispute), title: textOf(row.line), parts: [{ label: 'Disputed of this line', amount: row.amount }, { label: 'Of all lines', amount: dispute.amount }] }} /> },
                ]}
                empty={null}
              />
            </Card>
          </div>
          <Card title="Dispute">
            <Facts
              rows={[
                ['About', <Amount key="amount" value={dispute.amount} currency={dispute.currency} explain={explainDispute(dispute)} />],
                ['Accepted', <Amount key="accepted" value={dispute.accepted} currency={dispute.currency} explain={explainDispute(dispute)} />],
                ['Why', words(dispute.reason)],
                ['Opened by', ORIGIN[dispute.origin]],
                ...(open ? [['Answer', <RespondBy key="respond" row={dispute} />] as [string, ReactNode]] : []),
                ['Invoice', <PageLink key="invoice" to={`invoices/${dispute.invoice_id}`}>{invoice.data?.number ?? 'Open the invoice'}</PageLink>],
                ...(customer || buyer ? [] : [['Buyer', <AccountName key="buyer" id={dispute.account_id} />] as [string, ReactNode]]),
                ...(!dispute.credit_note_id ? [] : [['Credit note', <PageLink key="note" to={`credit-notes/${dispute.credit_note_id}`}>Open the credit note</PageLink>] as [string, ReactNode]]),
                ...(!dispute.payment_id ? [] : [['Payment', <PageLink key="payment" to={`payments/${dispute.payment_id}`}>Open the payment</PageLink>] as [string, ReactNode]]),
                ...(customer || !dispute.passed_up_as ? [] : [['Passed up as', <PageLink key="up" to={`disputes/${dispute.passed_up_as}`}>Your own dispute</PageLink>] as [string, ReactNode]]),
                ...(customer || !dispute.passed_up_from ? [] : [['Passed up from', <PageLink key="from" to={`disputes/${dispute.passed_up_from}`}>The dispute below</PageLink>] as [string, ReactNode]]),
              ]}
            />
          </Card>
        </div>
      )}
    </>
  )
}

const ENDS: Partial<Record<Schema<'DisputeState'>, [text: string, icon: IconName]>> = {
  accepted: ['Accepted in full', 'check'],
  partly_accepted: ['Accepted in part', 'check'],
  rejected: ['Rejected', 'close'],
  withdrawn: ['Taken back by its buyer', 'left'],
}

function Step({ icon, side, at, children }: { icon: IconName; side?: string; at: string; children: ReactNode }) {
  return (
    <li className="flex gap-3 pb-4">
      <span className="grid size-7 shrink-0 place-items-center rounded-full bg-sunken text-soft">
        <Icon name={icon} size={14} />
      </span>
      <div className="min-w-0 flex-1 text-sm">
        <p className="flex flex-wrap items-baseline gap-x-2 text-xs text-soft">
          {side && <span className="font-medium text-ink">{side}</span>}
          <Time at={at} />
        </p>
        {children}
      </div>
    </li>
  )
}

function Timeline({ dispute }: { dispute: Dispute }) {
  const { account } = useViewer()
  const mine = dispute.account_id === account.id ? 'buyer' : 'seller'
  const end = ENDS[dispute.state]
  return (
    <ol>
      <Step icon="disputes" at={dispute.opened_at}>
        <p>
          Opened over <Amount value={dispute.amount} currency={dispute.currency} explain={explainDispute(dispute)} />
        </p>
      </Step>
      {dispute.messages.map((message, index) => (
        <Step key={index} icon="people" side={`${message.from === 'buyer' ? 'Buyer' : 'Seller'}${message.from === mine ? ' (your side)' : ''}`} at={message.at}>
          <p className="whitespace-pre-wrap">{message.words}</p>
          {message.links.length > 0 && (
            <ul className="mt-1 space-y-0.5">
              {message.links.map((link) => (
                <li key={link}>
                  <DataLink url={link} />
                </li>
              ))}
            </ul>
          )}
        </Step>
      ))}
      {end && dispute.resolved_at && (
        <Step icon={end[1]} at={dispute.resolved_at}>
          <p>
            {end[0]}
            {sign(dispute.accepted) > 0 && (
              <>
                : <Amount value={dispute.accepted} currency={dispute.currency} explain={explainDispute(dispute)} /> credited
              </>
            )}
          </p>
        </Step>
      )}
    </ol>
  )
}

function Say({ dispute, etag, reload }: { dispute: Dispute; etag: string | undefined; reload: () => Promise<{ error: unknown }> }) {
  const [text, setText] = useState('')
  const [links, setLinks] = useState('')
  const evidence = readLinks(links)
  const { submit, busy, error, reset } = useSubmit(
    (body: Schema<'SayInDispute'>) => api.post('/reseller/disputes/{id}/messages', { path: { id: dispute.id }, body, ifMatch: etag }),
    () => {
      setText('')
      setLinks('')
      toast.done('Said')
      invoiceChanged()
    },
  )
  const stale = error?.code === 'precondition_failed'
  if (dispute.messages.length >= 100) return <p className="text-sm text-soft">A hundred messages are kept: no more can be added.</p>
  return (
    <div className="border-t border-line pt-3">
      <Form
        error={stale ? null : error}
        onSubmit={() => {
          if (!evidence.wrong && text.trim()) void submit({ words: text.trim(), links: evidence.links })
        }}
      >
        {stale && (
          <Notice tone="warn" title="Something was said or done meanwhile" action={<Button small onClick={() => void reload().then((read) => !read.error && reset())}>Load it</Button>}>
            Nothing was sent. What you wrote here stays.
          </Notice>
        )}
        <TextArea label="Say something" pointer="/words" required maxLength={4000} rows={3} value={text} onChange={setText} />
        <TextArea label="Links that show it" pointer="/links" optional rows={2} value={links} onChange={setLinks} wrong={evidence.wrong} hint="One a line, up to ten, beginning with https:// or http://. Both sides see them." />
        <Button type="submit" busy={busy}>
          Send
        </Button>
      </Form>
    </div>
  )
}

function Resolve({ dispute, textOf }: { dispute: Dispute; textOf: (line: string) => string }) {
  const { place } = useViewer()
  const [open, setOpen] = useState(false)
  const [outcome, setOutcome] = useState<Schema<'DisputeOutcome'>>('accept')
  const [typed, setTyped] = useState<Typed>({})
  const [givenAs, setGivenAs] = useState<Schema<'GivenAs'>>('credit')
  const [reason, setReason] = useState('')
  const [passUp, setPassUp] = useState(false)
  const lines = dispute.lines.filter((line) => !line.line.startsWith('tax:')).map((line) => ({ id: line.line, text: textOf(line.line), most: line.amount }))
  const parts = readParts(lines, typed)
  const accepts = outcome !== 'reject'
  const action = { accept: `Accept ${money(dispute.amount, dispute.currency, place)}`, accept_part: parts.wrong ? 'Accept a part' : `Accept ${money(parts.total, dispute.currency, place)} and taxes`, reject: 'Reject it' }[outcome]
  return (
    <>
      <Button look="primary" onClick={() => setOpen(true)}>
        Resolve
      </Button>
      <Ask
        open={open}
        onClose={() => setOpen(false)}
        title="Resolve this dispute"
        action={action}
        danger={outcome === 'reject'}
        wrong={outcome === 'accept_part' ? parts.wrong : null}
        input={{ outcome, reason: reason.trim(), ...(outcome === 'accept_part' ? { lines: parts.parts } : {}), ...(accepts ? { given_as: givenAs, pass_up: passUp } : {}) }}
        send={(body, key) => api.post('/reseller/disputes/{id}/resolve', { path: { id: dispute.id }, body, idempotencyKey: key })}
        done={() => {
          toast.done('The dispute is resolved')
          invoiceChanged()
        }}
      >
        <fieldset className="space-y-2">
          <legend className="mb-1 font-medium">How it ends</legend>
          <Choice name="outcome" checked={outcome === 'accept'} onChange={() => setOutcome('accept')} label="Accept in full">
            All that is disputed is credited at once.
          </Choice>
          <Choice name="outcome" checked={outcome === 'accept_part'} onChange={() => setOutcome('accept_part')} label="Accept a part">
            What you choose is credited; the rest is due again.
          </Choice>
          <Choice name="outcome" checked={outcome === 'reject'} onChange={() => setOutcome('reject')} label="Reject">
            All of it is due again and collected as usual.
          </Choice>
        </fieldset>
        {outcome === 'accept_part' && <PartsField lines={lines} currency={dispute.currency} typed={typed} onChange={setTyped} verb="Accepted" />}
        {accepts && (
          <>
            <GivenAsField value={givenAs} onChange={setGivenAs} />
            <CheckField label="Pass it up" hint="You dispute in turn what you paid yourself for the same usage. Where you may resolve there too, that is accepted at once." value={passUp} onChange={setPassUp} />
          </>
        )}
        <TextField label="Reason" pointer="/reason" required maxLength={200} hint={accepts ? 'The credit note says it, and the buyer sees it.' : 'The buyer sees it.'} value={reason} onChange={setReason} />
        <p className="text-soft">An end is an end: it cannot be changed afterwards.</p>
      </Ask>
    </>
  )
}
