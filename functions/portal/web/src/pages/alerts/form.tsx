import type { BodyOf } from '~/api/client'
import type { ApiError } from '~/api/problem'
import { useApi } from '~/api/query'
import { readAmount, sign } from '~/lib/decimal'
import { useViewer } from '~/session/session'
import { AccountPicker, type Picked } from '~/ui/account'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { CheckField, Form, SelectField, TextArea, TextField } from '~/ui/form'
import { Notice } from '~/ui/state'
import { type Alert, hasPeriod, METRICS, type Metric, sentence } from './words'

export type SetAlert = BodyOf<'post', '/reseller/alerts'>
export type Draft = Pick<Alert, 'metric' | 'meter' | 'period' | 'threshold' | 'recurring' | 'subtree' | 'enabled' | 'channels'>

/** An alert while it is written. */
export type Written = Draft & { emails: string }

/** What stands in the fields for an alert. */
export function begin({ metric, meter, period, threshold, recurring, subtree, enabled, channels }: Draft): Written {
  return { metric, meter, period, threshold, recurring, subtree, enabled, channels, emails: (channels.emails ?? []).join('\n') }
}

/** Sets an alert: of a new one or as a change. */
export function AlertForm({ draft, set, account, onAccount, error, busy, onSubmit, onCancel, action }: {
  draft: Written
  set: (change: Partial<Written>) => void
  /** Whose it is; it cannot be changed later. */
  account: Picked
  onAccount?: (account: Picked) => void
  error: ApiError | null
  busy: boolean
  onSubmit: (body: SetAlert) => void
  onCancel: () => void
  action: string
}) {
  const { customer, account: own, place } = useViewer()
  const { metric } = draft
  const meters = useApi('/reseller/pricing/meters', { query: { account_id: account.id, limit: 200 } }, { enabled: metric === 'usage' })
  const watched = useApi('/reseller/accounts/{id}', { path: { id: account.id } }, { enabled: account.id !== own.id })
  const currency = watched.data?.currency ?? own.currency
  const threshold = readAmount(draft.threshold)
  const emails = draft.emails.split(/[\s,;]+/).filter(Boolean)
  const meterOptions = (meters.data?.data ?? []).map((meter) => ({ value: meter.key, label: `${meter.name} (${meter.key})` }))
  const meter = draft.meter || meterOptions[0]?.value || null
  const wrongThreshold = !draft.threshold ? null : threshold === null ? 'Write it as 1234.50.' : metric !== 'balance' && sign(threshold) < 0 ? 'Only a balance can be below zero.' : null
  const wrongEmails = emails.length > 10 ? 'Ten addresses at most.' : null
  const unit = metric === 'time_to_empty' ? 'days' : metric === 'usage' ? 'units' : currency
  const metrics = (Object.keys(METRICS) as Metric[]).filter((name) => !customer || name !== 'loss')
  const ready = threshold !== null && !wrongThreshold && !wrongEmails && (metric !== 'usage' || meter !== null)
  const period = hasPeriod(metric) ? (draft.period ?? 'month') : null
  const quiet = emails.length === 0 && !draft.channels.webhook
  return (
    <Form
      error={error}
      className="space-y-5"
      onSubmit={() => {
        if (!ready || threshold === null) return
        onSubmit({
          ...(account.id === own.id ? {} : { account_id: account.id }),
          subtree: draft.subtree,
          metric,
          meter: metric === 'usage' ? meter : null,
          period,
          threshold,
          recurring: draft.recurring,
          channels: { webhook: draft.channels.webhook ?? false, emails },
          enabled: draft.enabled,
        } as SetAlert)
      }}
    >
      <Card title="What fires it">
        <div className="max-w-xl space-y-4">
          {onAccount && !customer && <AccountPicker label="Account" pointer="/account_id" own value={account} onChange={(chosen) => chosen && onAccount(chosen)} hint="Whose number is watched. It cannot be changed later." />}
          <SelectField label="Number" pointer="/metric" value={metric} onChange={(value) => set({ metric: value as Metric })} options={metrics.map((name) => ({ value: name, label: METRICS[name].label }))} hint={METRICS[metric].says} />
          {metric === 'usage' && (
            <SelectField
              label="Meter"
              pointer="/meter"
              value={meter ?? ''}
              onChange={(value) => set({ meter: value })}
              options={meterOptions.length ? meterOptions : [{ value: '', label: meters.isLoading ? 'Loading…' : 'There is no meter' }]}
              wrong={meters.error ? 'The meters could not be loaded.' : null}
            />
          )}
          <div className={`grid gap-4 ${hasPeriod(metric) ? 'sm:grid-cols-2' : ''}`}>
            <TextField label={`Fires ${METRICS[metric].side}`} pointer="/threshold" value={draft.threshold} onChange={(value) => set({ threshold: value })} required inputMode="decimal" autoComplete="off" suffix={unit} wrong={wrongThreshold} />
            {hasPeriod(metric) && (
              <SelectField label="Added up over" pointer="/period" value={period ?? 'month'} onChange={(value) => set({ period: value as 'day' | 'month' })} options={[{ value: 'day', label: 'A day, in UTC' }, { value: 'month', label: 'A month, in UTC' }]} />
            )}
          </div>
          {!customer && <CheckField label="Watch everything below the account too" hint="Each account by itself: a hundred customers below the threshold are a hundred alerts, and each is resolved alone. They are not told that they are watched." value={draft.subtree} onChange={(subtree) => set({ subtree })} />}
        </div>
      </Card>
      <Card title="Who is told">
        <div className="max-w-xl space-y-4">
          <TextArea
            label="E-mail"
            optional
            rows={2}
            value={draft.emails}
            onChange={(value) => set({ emails: value })}
            wrong={wrongEmails ?? error?.fields.find((field) => field.pointer.startsWith('/channels/emails'))?.detail ?? null}
            hint="Up to ten addresses, one a line."
          />
          <CheckField label="Webhooks" hint="Those of the account and of the accounts above it, as alert.fired and alert.resolved." value={draft.channels.webhook ?? false} onChange={(webhook) => set({ channels: { ...draft.channels, webhook } })} />
          <SelectField
            label="How often"
            pointer="/recurring"
            value={draft.recurring ? 'recurring' : 'once'}
            onChange={(value) => set({ recurring: value === 'recurring' })}
            options={[{ value: 'recurring', label: 'At every crossing' }, { value: 'once', label: 'Once for each account' }]}
            hint={draft.recurring ? 'It fires, is resolved, and may fire again.' : 'It fires once, is resolved once, and is spent until it is changed.'}
          />
          <CheckField label="In force" value={draft.enabled} onChange={(enabled) => set({ enabled })} />
        </div>
      </Card>
      {ready && threshold !== null && (
        <Notice tone={quiet ? 'warn' : 'info'} title={`${sentence({ metric, meter, period, threshold }, currency, place)}${draft.subtree ? `, at ${account.name} and each account below` : `, at ${account.name}`}`}>
          {quiet ? 'Nobody is told: add an address or webhooks. It still stands in the alert’s history.' : 'Each crossing is told once, and once more when the number is back.'}
        </Notice>
      )}
      <div className="flex gap-2">
        <Button type="submit" look="primary" busy={busy} disabled={!ready}>
          {action}
        </Button>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
    </Form>
  )
}
