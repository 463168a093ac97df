import { useState } from 'react'
import { api } from '~/api/client'
import { refresh, useApi } from '~/api/query'
import { compare, minus, readAmount, sign } from '~/lib/decimal'
import { explainBalance } from '~/lib/explain'
import { explainStays } from '~/lib/explain-credit'
import { useViewer } from '~/session/session'
import { AccountPicker, type Picked } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { SelectField, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { toast } from '~/ui/toast'

type Way = 'allocate' | 'transfer' | 'issue'
type Input = { way: Way; from: string; to: string; amount: string; reference?: string }

/** Moves credit: down the tree, between any two accounts, or, for the operator, out of nothing. */
export function MoveCredit({ open, onClose, from: givenFrom, to: givenTo }: { open: boolean; onClose: () => void; from?: Picked; to?: Picked }) {
  const viewer = useViewer()
  const { account } = viewer
  const ways = [
    viewer.can('credits.allocate') && { value: 'allocate', label: 'Allocate: to an account below' },
    viewer.can('credits.transfer') && { value: 'transfer', label: 'Transfer: between any two accounts' },
    viewer.can('credits.issue') && account.kind === 'operator' && { value: 'issue', label: 'Issue: bring credit into being' },
  ].filter((way) => way !== false)
  const [way, setWay] = useState<Way>((ways[0]?.value as Way | undefined) ?? 'transfer')
  const [from, setFrom] = useState<Picked | null>(givenFrom ?? { id: account.id, name: account.name })
  const [to, setTo] = useState<Picked | null>(givenTo ?? null)
  const [text, setText] = useState('')
  const [reference, setReference] = useState('')
  const amount = text.trim() === '' ? null : readAmount(text)
  const wrong = text.trim() === '' ? null : amount === null ? 'this is no amount; at most six places' : sign(amount) <= 0 ? 'must be greater than zero' : null
  const issue = way === 'issue'
  const balance = useApi('/reseller/credits/balance', { query: { account_id: from?.id } }, { enabled: open && !issue && from !== null && viewer.can('credits.read') })
  const short = !issue && amount !== null && wrong === null && balance.data && compare(amount, balance.data.spendable) > 0
  const move = useSubmit(
    async ({ way: chosen, from: source, to: target, ...rest }: Input, idempotencyKey: string) => {
      if (chosen === 'issue') return (await api.post('/reseller/credits/issue', { body: { account_id: target, ...rest }, idempotencyKey })).data
      if (chosen === 'allocate') return (await api.post('/reseller/credits/allocate', { body: { account_id: target, from: source, ...rest }, idempotencyKey })).data
      return (await api.post('/reseller/credits/transfer', { body: { from: source, to: target, ...rest }, idempotencyKey })).data
    },
    () => {
      toast.done('The credit was moved.', `${from && !issue ? `${from.name} → ` : ''}${to?.name ?? ''}`)
      void refresh('/reseller/credits', '/reseller/insights')
      onClose()
    },
  )
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title="Move credit"
      action={issue ? 'Issue' : 'Move'}
      disabled={wrong !== null || amount === null || !to || (!issue && !from)}
      busy={move.busy}
      error={move.error}
      onSubmit={() => {
        if (amount && to && (from || issue)) void move.submit({ way, from: from?.id ?? '', to: to.id, amount, ...(reference.trim() ? { reference: reference.trim() } : {}) })
      }}
    >
      {ways.length > 1 && <SelectField label="How" value={way} onChange={(value) => setWay(value as Way)} options={ways} />}
      {!issue && <AccountPicker label="From" pointer="/from" value={from} onChange={setFrom} own />}
      <AccountPicker label="To" pointer={way === 'transfer' ? '/to' : '/account_id'} value={to} onChange={setTo} own={way !== 'allocate'} />
      <TextField
        label="Amount"
        pointer="/amount"
        inputMode="decimal"
        suffix={balance.data?.currency ?? account.currency}
        required
        value={text}
        onChange={setText}
        wrong={wrong}
        hint={
          balance.data && !issue ? (
            <>
              {from?.name} can give <Amount value={balance.data.spendable} currency={balance.data.currency} explain={explainBalance(balance.data)} />
              {amount && !wrong && !short && <>; <Amount value={minus(balance.data.spendable, amount)} currency={balance.data.currency} explain={explainStays(balance.data, amount)} /> stay</>}
              {short && <span className="text-bad">: this is more than that</span>}
            </>
          ) : undefined
        }
      />
      <TextField label="Reference" pointer="/reference" optional hint="Stands in both ledgers." value={reference} onChange={setReference} maxLength={200} />
    </FormDialog>
  )
}
