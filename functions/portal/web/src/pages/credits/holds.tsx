import { useState } from 'react'
import { api, type QueryOf, type Schema } from '~/api/client'
import { refresh, useList } from '~/api/query'
import { compare, minus, plain, readAmount, sign } from '~/lib/decimal'
import { addDays, startOf, today } from '~/lib/days'
import { explainCapture, explainHold } from '~/lib/explain-credit'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName, AccountPicker, type Picked } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { FilterSelect, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Menu } from '~/ui/menu'
import { Empty } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { CreditsFrame } from './frame'

type Hold = Schema<'Hold'>

function again() {
  void refresh('/reseller/credits')
}

/** Credit set aside for work that is charged when it succeeds. */
export default function Holds() {
  const { can, account } = useViewer()
  const [filters, setFilters] = useFilters<'status'>()
  const list = useList('/reseller/credits/holds', { query: { limit: 100, ...(filters.status ? { status: filters.status } : {}) } as QueryOf<'get', '/reseller/credits/holds'> }, { keep: true })
  const [making, setMaking] = useState(false)
  const [capturing, setCapturing] = useState<Hold | null>(null)
  const [releasing, setReleasing] = useState<Hold | null>(null)
  const manage = can('credits.hold')
  const columns: Column<Hold>[] = [
    { id: 'reference', head: 'For', cell: (row) => row.reference ?? <span className="text-faint">No reference</span> },
    { id: 'status', head: 'State', width: 7, cell: (row) => <State state={row.status} /> },
    { id: 'to', head: 'Goes to', width: 10, from: 'lg', cell: (row) => (row.to ? <AccountName id={row.to} /> : <span className="text-soft">Consumed</span>) },
    { id: 'created', head: 'Set aside', width: 11, from: 'md', cell: (row) => <Time at={row.created_at} /> },
    { id: 'expires', head: 'Ends', width: 8, from: 'sm', cell: (row) => <Time at={row.ended_at ?? row.expires_at} ago /> },
    { id: 'amount', head: 'Held', width: 7, align: 'right', cell: (row) => <Amount value={row.amount} currency={row.currency} explain={explainHold(row)} /> },
    { id: 'captured', head: 'Captured', width: 7, align: 'right', from: 'sm', cell: (row) => <Amount value={row.captured} currency={row.currency} explain={explainHold(row)} /> },
    ...(manage
      ? [
          {
            id: 'actions',
            head: '',
            width: 4,
            align: 'right' as const,
            cell: (row: Hold) =>
              row.status === 'open' && (
                <Menu
                  label={`Actions for the hold ${row.reference ?? row.id}`}
                  text={null}
                  icon="more"
                  look="quiet"
                  small
                  items={[
                    { label: 'Capture…', icon: 'check', onSelect: () => setCapturing(row) },
                    { label: 'Release…', icon: 'close', onSelect: () => setReleasing(row) },
                  ]}
                />
              ),
          },
        ]
      : []),
  ]
  return (
    <CreditsFrame current="holds">
      <Card flush>
        <div className="flex flex-wrap items-center gap-2 border-b border-line p-3">
          <FilterSelect
            label="State"
            value={filters.status ?? ''}
            onChange={(status) => setFilters({ status })}
            options={[{ value: '', label: 'Any state' }, { value: 'open', label: 'Open' }, { value: 'captured', label: 'Captured' }, { value: 'released', label: 'Released' }, { value: 'expired', label: 'Expired' }]}
          />
          <span className="flex-1" />
          {manage && (
            <Button icon="plus" onClick={() => setMaking(true)}>
              Set credit aside
            </Button>
          )}
        </div>
        <DataTable
          label="Holds"
          columns={columns}
          rowId={(row) => row.id}
          {...list}
          empty={
            filters.status ? (
              <Empty icon="search" title="No hold in this state" action={<Button onClick={() => setFilters({ status: undefined })}>Show all</Button>} />
            ) : (
              <Empty icon="lock" title="No holds yet">A hold sets credit aside before work begins, and spends it once the work succeeded. What nobody captures is set free by itself.</Empty>
            )
          }
        />
      </Card>
      {making && <MakeHold own={account.id} onClose={() => setMaking(false)} />}
      {capturing && <Capture hold={capturing} onClose={() => setCapturing(null)} />}
      {releasing && <Release hold={releasing} onClose={() => setReleasing(null)} />}
    </CreditsFrame>
  )
}

function MakeHold({ own, onClose }: { own: string; onClose: () => void }) {
  const { customer, place, account } = useViewer()
  const first = today(place.timeZone)
  const [text, setText] = useState('')
  const [to, setTo] = useState<Picked | null>(null)
  const [until, setUntil] = useState(addDays(first, 7))
  const [reference, setReference] = useState('')
  const amount = text.trim() === '' ? null : readAmount(text)
  const wrong = text.trim() === '' ? null : amount === null || sign(amount) <= 0 ? 'must be an amount above zero' : null
  const make = useSubmit(
    (body: { account_id: string; amount: string; to?: string; expires_at: string; reference?: string }, idempotencyKey) => api.post('/reseller/credits/holds', { body, idempotencyKey }),
    () => {
      toast.done('The credit is set aside.')
      again()
      onClose()
    },
  )
  return (
    <FormDialog
      onClose={onClose}
      title="Set credit aside"
      action="Set aside"
      disabled={amount === null || wrong !== null}
      busy={make.busy}
      error={make.error}
      onSubmit={() => amount && void make.submit({ account_id: own, amount, expires_at: startOf(until, place.timeZone), ...(to ? { to: to.id } : {}), ...(reference.trim() ? { reference: reference.trim() } : {}) })}
    >
      <TextField label="Amount" pointer="/amount" inputMode="decimal" suffix={account.currency} value={text} onChange={setText} wrong={wrong} required autoFocus />
      {!customer && <AccountPicker label="Goes to" pointer="/to" hint="Without one, what is captured is consumed." value={to} onChange={setTo} required={false} />}
      <TextField label="Ends on" pointer="/expires_at" type="date" min={addDays(first, 1)} max={addDays(first, 31)} hint="Then what nobody captured is set free; at most 31 days." value={until} onChange={setUntil} required />
      <TextField label="For" pointer="/reference" optional value={reference} onChange={setReference} maxLength={200} />
    </FormDialog>
  )
}

function Capture({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const [text, setText] = useState('')
  const amount = text.trim() === '' ? hold.amount : readAmount(text)
  const wrong = amount === null || sign(amount) <= 0 ? 'must be an amount above zero' : compare(amount, hold.amount) > 0 ? 'is more than is held' : null
  const capture = useSubmit(
    (body: { amount?: string }, idempotencyKey) => api.post('/reseller/credits/holds/{id}/capture', { path: { id: hold.id }, body, idempotencyKey }),
    () => {
      toast.done('The hold was captured.')
      again()
      onClose()
    },
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => !wrong && void capture.submit(text.trim() && amount ? { amount } : {})} busy={capture.busy} error={capture.error} title="Capture the hold" action="Capture">
      <TextField label="Amount" pointer="/amount" inputMode="decimal" suffix={hold.currency} value={text} placeholder={plain(hold.amount)} onChange={setText} wrong={wrong} hint="All of it unless you say less." />
      <p>
        {amount && !wrong ? (
          <>
            <Amount value={amount} currency={hold.currency} explain={explainCapture(hold, amount)} /> are spent, <Amount value={minus(hold.amount, amount)} currency={hold.currency} explain={explainCapture(hold, amount)} /> are set free. A hold is captured once.
          </>
        ) : (
          'A hold is captured once.'
        )}
      </p>
    </Confirm>
  )
}

function Release({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const release = useSubmit(
    (_: null, idempotencyKey: string) => api.post('/reseller/credits/holds/{id}/release', { path: { id: hold.id }, idempotencyKey }),
    () => {
      toast.done('The credit is free again.')
      again()
      onClose()
    },
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => void release.submit(null)} busy={release.busy} error={release.error} title="Release the hold?" action="Release">
      <p>
        All <Amount value={hold.amount} currency={hold.currency} explain={explainHold(hold)} /> can be spent again at once. Work that relies on this hold can no longer capture it.
      </p>
    </Confirm>
  )
}
