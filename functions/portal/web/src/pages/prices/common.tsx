import { useState } from 'react'
import type { Schema } from '~/api/client'
import type { ApiError } from '~/api/problem'
import { useApi } from '~/api/query'
import { useViewer } from '~/session/session'
import { AccountField, AccountName } from '~/ui/account'
import { State } from '~/ui/badge'
import { CheckField, SelectField, TextField } from '~/ui/form'
import { Notice } from '~/ui/state'
import { Time } from '~/ui/time'

/** The meters an account can use, for choosing one. */
export function useMeters(accountId?: string) {
  const read = useApi('/reseller/pricing/meters', { query: { account_id: accountId, limit: 200 } }, { staleMs: 60_000 })
  const meters = read.data?.data ?? []
  return { meters, loading: read.isPending, unitOf: (key: string | null | undefined) => meters.find((meter) => meter.key === key)?.unit ?? 'unit', nameOf: (key: string) => meters.find((meter) => meter.key === key)?.name ?? key }
}

/** Chooses a meter. */
export function MeterField({ value, onChange, pointer = '/meter', all, label = 'Meter', accountId }: { value: string; onChange: (key: string) => void; pointer?: string; all?: string; label?: string; accountId?: string }) {
  const { meters, loading } = useMeters(accountId)
  return (
    <SelectField
      label={label}
      pointer={pointer}
      required={!all}
      value={value}
      onChange={onChange}
      options={[{ value: '', label: loading ? 'Loading…' : (all ?? 'Choose a meter') }, ...meters.map((meter) => ({ value: meter.key, label: `${meter.name} (${meter.key})` }))]}
    />
  )
}

/** From when until when a version is in force. */
export function SpanShown({ row }: { row: Schema<'Span'> }) {
  return (
    <span className="whitespace-nowrap">
      <Time at={row.effective_from} style="date" /> – {row.effective_until ? <Time at={row.effective_until} style="date" /> : <span className="text-soft">open</span>}
    </span>
  )
}

/** Whom a price is for. */
export function For({ accountId }: { accountId: string | null | undefined }) {
  return accountId ? <AccountName id={accountId} /> : <span className="text-soft">All direct sub-accounts</span>
}

export function StatusShown({ row }: { row: Schema<'Span'> }) {
  return <State state={row.status} />
}

/** A moment to be chosen by the clocks of the viewer's account, as moments are shown everywhere; empty is now. */
export function MomentField({ label, pointer, value, onChange, optional, required, hint }: { label: string; pointer: string; value: string; onChange: (value: string) => void; optional?: boolean; required?: boolean; hint?: string }) {
  const { place } = useViewer()
  const says = hint ?? (required ? '' : 'Now unless you choose a moment.')
  return <TextField label={label} pointer={pointer} type="datetime-local" optional={optional} required={required} value={value} onChange={onChange} hint={`${says} In the time of ${place.timeZone.replaceAll('_', ' ')}.`.trim()} />
}

/** Selling under cost: refused unless it is asked for in words. After a refusal it says what that means and how to go on. */
export function LossField({ value, onChange, error }: { value: boolean; onChange: (value: boolean) => void; error: ApiError | null }) {
  const refused = error?.code === 'under_cost'
  return (
    <div className="space-y-2">
      {refused && (
        <Notice tone="warn" title="This sells for less than it costs you">
          The price of one unit, and the price at the end of every band, is compared with what you pay yourself now. Raise it, or allow the loss below, in the knowledge that each unit then costs you money.
        </Notice>
      )}
      <CheckField label="Allow selling under cost" hint="Without this, a price under your own cost is refused, now and whenever usage is rated." value={value} onChange={onChange} />
    </div>
  )
}

/** Whether a dialog is open, and how often it was: a new opening begins with empty fields. */
export function useOpening() {
  const [state, setState] = useState({ open: false, round: 0 })
  return { ...state, show: () => setState((old) => ({ open: true, round: old.round + 1 })), close: () => setState((old) => ({ ...old, open: false })) }
}

/** Chooses whose prices are looked at: one's own unless another seller below is chosen. */
export function SellerFilter({ value, onChange }: { value: string | undefined; onChange: (value: string | undefined) => void }) {
  const { account } = useViewer()
  return (
    <div className="w-full sm:w-64">
      <AccountField bare label="Seller" value={value ?? account.id} onChange={(id) => onChange(id || undefined)} />
    </div>
  )
}
