import { useCallback, useId, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh } from '~/api/query'
import { useViewer } from '~/session/session'
import { AccountName, AccountPicker, type Picked } from '~/ui/account'
import { Button } from '~/ui/button'
import { Dialog } from '~/ui/dialog'
import { Form, Problem, useSubmit } from '~/ui/form'
import { toast } from '~/ui/toast'
import type { Right } from './rights'
import { RightsField } from './rights-field'

/** Whose rights are denied. */
export interface Holder {
  kind: 'members' | 'keys'
  /** The account that the member or key belongs to. */
  at: string
  id: string
  name: string
  denies: Schema<'Deny'>[]
}

/** What is denied where, in a list. */
export function Denied({ denies }: { denies: Holder['denies'] }) {
  return (
    <ul className="space-y-2">
      {denies.map((deny) => (
        <li key={deny.account_id}>
          <AccountName id={deny.account_id} link={false} /> <span className="text-soft">and below</span>
          <span className="block font-mono text-xs text-soft">{deny.rights.join(', ')}</span>
        </li>
      ))}
    </ul>
  )
}

function put(holder: Holder, at: string, rights: string[]) {
  const body = { rights: rights as Right[] }
  return holder.kind === 'members'
    ? api.put('/reseller/accounts/{id}/members/{member_id}/denies/{account_id}', { path: { id: holder.at, member_id: holder.id, account_id: at }, body })
    : api.put('/reseller/accounts/{id}/keys/{key_id}/denies/{account_id}', { path: { id: holder.at, key_id: holder.id, account_id: at }, body })
}

function lift(holder: Holder, at: string) {
  return holder.kind === 'members'
    ? api.delete('/reseller/accounts/{id}/members/{member_id}/denies/{account_id}', { path: { id: holder.at, member_id: holder.id, account_id: at } })
    : api.delete('/reseller/accounts/{id}/keys/{key_id}/denies/{account_id}', { path: { id: holder.at, key_id: holder.id, account_id: at } })
}

/** What is denied to a member or a key, where, and more of it. A deny wins over every grant. */
export function DeniesDialog({ holder, onClose }: { holder: Holder | null; onClose: () => void }) {
  const { account, customer } = useViewer()
  const id = useId()
  const [chosen, setChosen] = useState<Picked | null>(null)
  const [written, setRights] = useState<ReadonlySet<string> | null>(null)
  // A customer has nobody below, so there is nothing to choose.
  const at = customer ? { id: account.id, name: account.name } : chosen
  // Denying at an account replaces the deny there was: what is denied there already is where one begins.
  const rights = written ?? new Set<string>(holder?.denies.find((deny) => deny.account_id === at?.id)?.rights)
  const prefix = `/reseller/accounts/{id}/${holder?.kind ?? 'members'}`
  const adding = useSubmit(
    useCallback(({ of, where, what }: { of: Holder; where: string; what: string[] }) => put(of, where, what) as Promise<unknown>, []),
    useCallback(() => {
      toast.done('The rights are denied from now on.')
      setChosen(null)
      setRights(null)
      void refresh(prefix)
    }, [prefix]),
  )
  const lifting = useSubmit(
    useCallback(({ of, where }: { of: Holder; where: string }) => lift(of, where) as Promise<unknown>, []),
    useCallback(() => {
      toast.done('The deny was lifted.')
      void refresh(prefix)
    }, [prefix]),
  )
  const busy = adding.busy || lifting.busy
  const close = () => {
    adding.reset()
    lifting.reset()
    setChosen(null)
    setRights(null)
    onClose()
  }
  const choose = (picked: Picked | null) => {
    setChosen(picked)
    if (holder?.denies.some((deny) => deny.account_id === picked?.id)) setRights(null)
  }
  return (
    <Dialog
      open={holder !== null}
      onClose={close}
      sticky={busy}
      wide
      title={holder ? `What is denied to ${holder.name}` : ''}
      footer={
        <>
          <Button disabled={busy} onClick={close}>Close</Button>
          <Button type="submit" form={id} look="primary" busy={adding.busy} disabled={!at || rights.size === 0}>
            Deny these rights
          </Button>
        </>
      }
    >
      {holder && (
        <div className="space-y-5">
          <p className="text-sm text-soft">A deny takes rights away at an account and everything below it, whatever the role carries. It is passed on to every key and member that {holder.name} makes.</p>
          {lifting.error && <Problem error={lifting.error} />}
          {holder.denies.length > 0 && (
            <ul className="divide-y divide-line rounded-lg border border-line text-sm">
              {holder.denies.map((deny) => (
                <li key={deny.account_id} className="flex items-start gap-3 px-3 py-2">
                  <div className="min-w-0 flex-1">
                    <p className="font-medium">
                      <AccountName id={deny.account_id} link={false} /> <span className="font-normal text-soft">and below</span>
                    </p>
                    <p className="font-mono text-xs text-soft">{deny.rights.join(', ')}</p>
                  </div>
                  <Button small busy={lifting.busy} onClick={() => void lifting.submit({ of: holder, where: deny.account_id })}>
                    Lift
                  </Button>
                </li>
              ))}
            </ul>
          )}
          <Form id={id} error={adding.error} onSubmit={() => at && void adding.submit({ of: holder, where: at.id, what: [...rights] })}>
            {!customer && <AccountPicker label="From this account on" pointer="/account_id" own={holder.at === account.id} value={at} onChange={choose} hint={holder.at === account.id ? 'Your account, or one below it.' : 'The account whose it is, or one below that.'} />}
            <RightsField legend="Denied rights" value={rights} onChange={setRights} heldOnly={false} />
          </Form>
        </div>
      )}
    </Dialog>
  )
}
