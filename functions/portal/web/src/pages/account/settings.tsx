import { useState } from 'react'
import { api, type BodyOf, type Schema } from '~/api/client'
import { refresh } from '~/api/query'
import { compare, plain, readAmount } from '~/lib/decimal'
import { useViewer } from '~/session/session'
import { Button } from '~/ui/button'
import { Card, Facts } from '~/ui/card'
import { Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { Notice } from '~/ui/state'
import { toast } from '~/ui/toast'

type Account = Schema<'Account'>
type Body = BodyOf<'put', '/reseller/accounts/{id}'>

function zones(): string[] {
  const known = Intl.supportedValuesOf('timeZone')
  return known.includes('UTC') ? known : ['UTC', ...known]
}

/** What of an account can be edited. It is saved on the version that was read: what somebody else changed meanwhile is not overwritten. */
export function Settings({ account, etag, reload }: { account: Account; etag: string | null; reload: () => void }) {
  const viewer = useViewer()
  const own = account.id === viewer.account.id
  const edit = viewer.can('accounts.update') && account.status !== 'closed'
  const [name, setName] = useState(account.name)
  const [externalId, setExternalId] = useState(account.external_id ?? '')
  const [email, setEmail] = useState(account.email ?? '')
  const [zone, setZone] = useState(account.settings.time_zone ?? '')
  const [locale, setLocale] = useState(account.settings.locale ?? '')
  const [funding, setFunding] = useState<string>(account.funding)
  const [limit, setLimit] = useState(plain(account.credit_limit))
  const [tags, setTags] = useState<[string, string][]>(Object.entries(account.tags))
  const creditLimit = readAmount(limit)
  const mayFund = !own && viewer.can('pricing.manage')
  const mayLimit = !own && viewer.can('credits.limit')
  const save = useSubmit(
    (body: Body) => api.put('/reseller/accounts/{id}', { path: { id: account.id }, body, ifMatch: etag ?? undefined }),
    () => {
      toast.done('Saved.')
      void refresh('/reseller/accounts', '/reseller/insights', '/portal/session')
    },
  )
  if (!edit) {
    return (
      <Card title="Settings">
        <Facts
          rows={[
            ['Name', account.name],
            ['External id', account.external_id ?? '–'],
            ['E-mail', account.email ?? '–'],
            ['Time zone', account.settings.time_zone ?? 'UTC'],
            ['Language', account.settings.locale ?? 'Inherited'],
            ['Currency', account.currency],
          ]}
        />
      </Card>
    )
  }
  const body: Body = {
    name: name.trim(),
    email: email.trim() || null,
    ...(own ? {} : { external_id: externalId.trim() || null }),
    tags: Object.fromEntries(tags.map(([key, value]) => [key.trim(), value.trim()]).filter(([key]) => key)),
    settings: { ...account.settings, time_zone: zone || null, locale: locale.trim() || null },
    ...(mayFund && funding !== account.funding ? { funding: funding as Account['funding'] } : {}),
    ...(mayLimit && creditLimit !== null && compare(creditLimit, account.credit_limit) !== 0 ? { credit_limit: creditLimit } : {}),
  }
  return (
    <Card title="Settings" className="max-w-3xl">
      <Form onSubmit={() => void save.submit(body)} error={save.error?.code === 'precondition_failed' ? null : save.error}>
        {save.error?.code === 'precondition_failed' && (
          <Notice tone="warn" title="Somebody changed this account meanwhile" action={<Button small onClick={reload}>Load it anew</Button>}>
            Nothing was saved. Loading it anew drops what you wrote here.
          </Notice>
        )}
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label="Name" pointer="/name" value={name} onChange={setName} required maxLength={200} />
          <TextField label="E-mail address" pointer="/email" optional type="email" value={email} onChange={setEmail} maxLength={254} />
          {!own && <TextField label="External id" pointer="/external_id" optional value={externalId} onChange={setExternalId} maxLength={128} />}
          <SelectField
            label="Time zone"
            pointer="/settings/time_zone"
            hint="In which its days and months begin."
            value={zone}
            onChange={setZone}
            options={[{ value: '', label: 'UTC' }, ...zones().filter((one) => one !== 'UTC').map((one) => ({ value: one, label: one.replaceAll('_', ' ') }))]}
          />
          <TextField label="Language" pointer="/settings/locale" optional hint="As en, de-CH or pt-BR; inherited without one." value={locale} onChange={setLocale} maxLength={35} />
          {mayFund && (
            <SelectField
              label="Pays"
              pointer="/funding"
              value={funding}
              onChange={setFunding}
              options={[
                { value: 'prepaid', label: 'From credit, as it uses' },
                { value: 'postpaid', label: 'By invoice, afterwards' },
              ]}
            />
          )}
          {mayLimit && <TextField label="Credit limit" pointer="/credit_limit" inputMode="decimal" suffix={account.currency} hint="How far its credit may go below zero." wrong={creditLimit === null ? 'this is no amount' : null} value={limit} onChange={setLimit} />}
        </div>
        <fieldset className="space-y-2">
          <legend className="text-sm font-medium">Tags</legend>
          {tags.map(([key, value], index) => (
            <div key={index} className="grid grid-cols-[1fr_1fr_auto] gap-2">
              <input className="field" aria-label={`Tag ${index + 1}: name`} value={key} onChange={(event) => setTags(tags.map((tag, at) => (at === index ? [event.target.value, tag[1]] : tag)))} />
              <input className="field" aria-label={`Tag ${index + 1}: value`} value={value} onChange={(event) => setTags(tags.map((tag, at) => (at === index ? [tag[0], event.target.value] : tag)))} />
              <Button look="quiet" icon="trash" label={`Remove tag ${key || index + 1}`} onClick={() => setTags(tags.filter((_, at) => at !== index))} />
            </div>
          ))}
          <Button small icon="plus" onClick={() => setTags([...tags, ['', '']])}>
            Add a tag
          </Button>
          <p className="flex items-start gap-1.5 text-xs text-soft">
            <Icon name="info" size={14} className="mt-px" /> Tags group usage and accounts. “channel” and “campaign” say where an account came from, for acquisition cost.
          </p>
        </fieldset>
        <Button type="submit" look="primary" busy={save.busy} disabled={creditLimit === null}>
          Save
        </Button>
      </Form>
    </Card>
  )
}
