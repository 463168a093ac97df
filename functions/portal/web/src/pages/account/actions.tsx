import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi } from '~/api/query'
import { sign } from '~/lib/decimal'
import { count } from '~/lib/format'
import { useViewer } from '~/session/session'
import { AccountPicker, type Picked } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Confirm } from '~/ui/confirm'
import { CheckField, useSubmit } from '~/ui/form'
import { Notice } from '~/ui/state'
import { toast } from '~/ui/toast'

export type Action = 'suspend' | 'reactivate' | 'close' | 'move'
type Account = Schema<'Account'>

interface Props {
  account: Account
  etag: string | null
  onClose: () => void
}

/** Asks before what changes an account's standing, in words of what follows from it. */
export function Actions({ action, ...props }: Props & { action: Action }) {
  switch (action) {
    case 'suspend':
      return <Suspend {...props} />
    case 'reactivate':
      return <Reactivate {...props} />
    case 'close':
      return <Close {...props} />
    case 'move':
      return <Move {...props} />
  }
}

function useDone(onClose: () => void) {
  return (said: string) => {
    toast.done(said)
    void refresh('/reseller/accounts', '/reseller/insights', '/reseller/credits')
    onClose()
  }
}

function useBelow(account: Account) {
  const relations = useApi('/reseller/accounts/{id}/relationships', { path: { id: account.id }, query: { limit: 1 } })
  return relations.data?.subtree.accounts
}

function Below({ account }: { account: Account }) {
  const { place } = useViewer()
  const below = useBelow(account)
  if (below === undefined) return <>and every account below it</>
  if (below === 0) return <>(no account is below it)</>
  return <>and the {count(below, place)} accounts below it</>
}

function Suspend({ account, etag, onClose }: Props) {
  const done = useDone(onClose)
  const submit = useSubmit(
    () => api.delete('/reseller/accounts/{id}', { path: { id: account.id }, ifMatch: etag ?? undefined }),
    () => done(`${account.name} is suspended.`),
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => void submit.submit(null)} busy={submit.busy} error={submit.error} title={`Suspend ${account.name}?`} action="Suspend" danger>
      <p>
        From this moment <strong>{account.name}</strong> <Below account={account} /> can spend nothing: usage is refused and credit does not move out.
      </p>
      <p className="text-soft">Credit stays where it is. You can reactivate it at any time.</p>
    </Confirm>
  )
}

function Reactivate({ account, etag, onClose }: Props) {
  const done = useDone(onClose)
  const submit = useSubmit(
    () => api.post('/reseller/accounts/{id}/reactivate', { path: { id: account.id }, ifMatch: etag ?? undefined }),
    () => done(`${account.name} is active again.`),
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => void submit.submit(null)} busy={submit.busy} error={submit.error} title={`Reactivate ${account.name}?`} action="Reactivate">
      <p>
        <strong>{account.name}</strong> <Below account={account} /> can spend again at once. Accounts below it that were suspended by themselves stay suspended.
      </p>
      {account.frozen_at && (
        <Notice tone="warn" title="Its books did not add up">
          Reactivating accepts them up to this point as they are. Settle what is wrong first.
        </Notice>
      )}
    </Confirm>
  )
}

function Close({ account, etag, onClose }: Props) {
  const done = useDone(onClose)
  const balance = useApi('/reseller/credits/balance', { query: { account_id: account.id } })
  const [sweep, setSweep] = useState(true)
  const submit = useSubmit(
    (input: { sweep_to_parent: boolean }, idempotencyKey) => api.post('/reseller/accounts/{id}/close', { path: { id: account.id }, body: input, idempotencyKey, ifMatch: etag ?? undefined }),
    () => done(`${account.name} is closed.`),
  )
  const left = balance.data && sign(balance.data.available) > 0
  return (
    <Confirm
      open
      onClose={onClose}
      onConfirm={() => void submit.submit({ sweep_to_parent: Boolean(left) && sweep })}
      busy={submit.busy}
      error={submit.error}
      title={`Close ${account.name} for good?`}
      action="Close for good"
      danger
      type={account.name}
    >
      <p>
        A closed account is never opened again: nothing is used, moved or billed on it any more. Its history stays, and its keys stop working.
      </p>
      {account.children > 0 && <Notice tone="warn">It has {account.children} open sub-accounts. Close or move them first: until then this is refused.</Notice>}
      {left && (
        <CheckField
          label={
            <>
              Send the <Amount value={balance.data?.available} currency={balance.data?.currency} /> that are left to its parent
            </>
          }
          hint="Without this, an account with credit is not closed."
          value={sweep}
          onChange={setSweep}
        />
      )}
    </Confirm>
  )
}

function Move({ account, etag, onClose }: Props) {
  const done = useDone(onClose)
  const [parent, setParent] = useState<Picked | null>(null)
  const submit = useSubmit(
    (input: { parent_id: string }) => api.post('/reseller/accounts/{id}/move', { path: { id: account.id }, body: input, ifMatch: etag ?? undefined }),
    () => done(`${account.name} was moved.`),
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => parent && void submit.submit({ parent_id: parent.id })} busy={submit.busy} error={submit.error} title={`Move ${account.name}`} action="Move">
      <AccountPicker label="New parent" pointer="/parent_id" value={parent} onChange={setParent} kind="reseller" own />
      <p>
        <strong>{account.name}</strong> <Below account={account} /> {parent ? <>go below <strong>{parent.name}</strong></> : 'go below the new parent'}. Credit and history go along; prices are those of the new parent from now on, and who may see it
        changes at once.
      </p>
    </Confirm>
  )
}
