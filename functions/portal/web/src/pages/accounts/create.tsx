import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, type BodyOf } from '~/api/client'
import { refresh } from '~/api/query'
import { readAmount } from '~/lib/decimal'
import { useViewer } from '~/session/session'
import { AccountPicker, type Picked } from '~/ui/account'
import { PageLink } from '~/ui/button'
import { SelectField, TextField, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { Notice } from '~/ui/state'
import { toast } from '~/ui/toast'

type Body = BodyOf<'post', '/reseller/accounts/create'>

/** Makes a sub-account. */
export function CreateAccount({ open, onClose }: { open: boolean; onClose: () => void }) {
  const viewer = useViewer()
  const { account, base } = viewer
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [kind, setKind] = useState<'customer' | 'reseller'>('customer')
  const [parent, setParent] = useState<Picked | null>({ id: account.id, name: account.name })
  const [externalId, setExternalId] = useState('')
  const [email, setEmail] = useState('')
  const [credits, setCredits] = useState('')
  const [template, setTemplate] = useState<Picked | null>(null)
  const amount = credits.trim() === '' ? undefined : readAmount(credits)
  const create = useSubmit(
    (body: Body, idempotencyKey: string) => api.post('/reseller/accounts/create', { body, idempotencyKey }),
    ({ data }) => {
      toast.done(`${data.name} is there.`)
      void refresh('/reseller/accounts', '/reseller/insights', '/reseller/credits')
      onClose()
      void navigate({ to: `${base}/accounts/${data.id}` as never })
    },
  )
  const existing = create.error?.code === 'account_exists' && typeof create.error.body.account_id === 'string' ? create.error.body.account_id : null
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title="New account"
      action="Create account"
      disabled={amount === null}
      busy={create.busy}
      error={create.error}
      onSubmit={() =>
        void create.submit({
          name: name.trim(),
          kind,
          parent_id: parent?.id,
          ...(externalId.trim() ? { external_id: externalId.trim() } : {}),
          ...(email.trim() ? { email: email.trim() } : {}),
          ...(amount ? { initial_credits: amount } : {}),
          ...(template ? { clone_from: template.id } : {}),
        } as Body)
      }
    >
      {existing && (
        <Notice title="There is one by this external id">
          <PageLink to={`accounts/${existing}`} onClick={onClose}>
            Open it
          </PageLink>
        </Notice>
      )}
      <TextField label="Name" pointer="/name" value={name} onChange={setName} required maxLength={200} autoFocus />
      <SelectField
        label="Kind"
        pointer="/kind"
        value={kind}
        onChange={(value) => setKind(value as 'customer' | 'reseller')}
        options={[
          { value: 'customer', label: 'Customer: uses, and has nobody below it' },
          { value: 'reseller', label: 'Reseller: sells to accounts of its own' },
        ]}
      />
      <AccountPicker label="Parent" pointer="/parent_id" value={parent} onChange={setParent} kind="reseller" own />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label="External id" pointer="/external_id" optional hint="Your own id for it, as in your CRM." value={externalId} onChange={setExternalId} maxLength={128} />
        <TextField label="E-mail address" pointer="/email" optional type="email" value={email} onChange={setEmail} maxLength={254} />
      </div>
      {viewer.can('credits.allocate') && (
        <TextField
          label="Credit to begin with"
          pointer="/initial_credits"
          optional
          inputMode="decimal"
          suffix={account.currency}
          wrong={amount === null ? 'this is no amount' : null}
          hint={`Moved from ${parent?.name ?? 'the parent'} in the same step.`}
          value={credits}
          onChange={setCredits}
        />
      )}
      <AccountPicker label="Copy kind, tags and settings from" pointer="/clone_from" value={template} onChange={setTemplate} required={false} />
    </FormDialog>
  )
}
