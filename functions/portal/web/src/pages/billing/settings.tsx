import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useEditable } from '~/api/query'
import { plainDecimal, readDecimal } from '~/lib/exact'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, useAccount } from '~/ui/account'
import { Button, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Form, SelectField, TextArea, TextField, useSubmit } from '~/ui/form'
import { Failed, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { AddressFields, addressText, FeesField, feeText, readAddress, readDays, readFee, readTax, readWhole, TaxesField, taxText } from './fields'
import { BillingTabs } from './tabs'

type Settings = Schema<'BillingSettings'>

/** How a seller bills its direct sub-accounts. */
export default function SettingsPage() {
  const { account } = useViewer()
  const [filters, setFilters] = useFilters<'account'>()
  const of = filters.account ?? account.id
  const read = useEditable('/reseller/billing/settings', { query: { account_id: filters.account } })
  return (
    <>
      <PageHead title="Billing settings" sub="How a seller bills its direct sub-accounts, from their next invoice on. Invoices that are made stay as they are." />
      <BillingTabs current="settings" />
      <div className="mb-4 max-w-sm">
        <AccountField label="Seller" value={of} onChange={(value) => setFilters({ account: value || undefined })} />
      </div>
      {read.error ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The settings" />
        </Card>
      ) : read.data ? (
        <Edit key={`${of} ${read.data.etag}`} of={filters.account} settings={read.data.data} etag={read.data.etag} reload={() => void read.refetch()} />
      ) : (
        <div className="grid gap-4 lg:grid-cols-2">
          {[1, 2, 3, 4].map((card) => (
            <Card key={card}>
              <Skeleton className="h-56 w-full" />
            </Card>
          ))}
        </div>
      )}
    </>
  )
}

function Edit({ of, settings, etag, reload }: { of: string | undefined; settings: Settings; etag: string | null; reload: () => void }) {
  const { account, can } = useViewer()
  const currency = useAccount(of ?? account.id).currency ?? account.currency
  const manage = can('billing.manage')
  const [prefix, setPrefix] = useState(settings.number_prefix)
  const [terms, setTerms] = useState(settings.terms_days?.toString() ?? '')
  const [grace, setGrace] = useState(String(settings.grace_hours))
  const [draft, setDraft] = useState(String(settings.draft_hours))
  const [minimum, setMinimum] = useState(settings.minimum ? plainDecimal(settings.minimum) : '')
  const [fees, setFees] = useState(settings.fees.map(feeText))
  const [taxes, setTaxes] = useState(settings.tax_rates.map(taxText))
  const [address, setAddress] = useState(addressText(settings.address))
  const [taxId, setTaxId] = useState(settings.tax_id ?? '')
  const [footer, setFooter] = useState(settings.footer ?? '')
  const [collection, setCollection] = useState<Schema<'Collection'>>(settings.collection)
  const [retry, setRetry] = useState((settings.dunning.retry_days ?? []).join(', '))
  const [remind, setRemind] = useState((settings.dunning.remind_days ?? []).join(', '))
  const [suspend, setSuspend] = useState(settings.dunning.suspend_after_days?.toString() ?? '')
  const [giveUp, setGiveUp] = useState(settings.dunning.uncollectible_after_days?.toString() ?? '')
  const { submit, busy, error } = useSubmit(
    (body: Schema<'SetBillingSettings'>) => api.put('/reseller/billing/settings', { body, ifMatch: etag ?? undefined }),
    () => {
      toast.done('Saved', 'It holds from the next invoices on.')
      void refresh('/reseller/billing/settings', '/reseller/invoices/preview')
    },
  )
  const days = 'Whole days, 1 to 365, each higher than the one before'
  const wrong = {
    retry: readDays(retry) === null ? days : null,
    remind: readDays(remind) === null ? days : null,
    terms: readWhole(terms) === null ? 'A whole number of days' : null,
    grace: typeof readWhole(grace) !== 'number' ? 'A whole number of hours' : null,
    draft: typeof readWhole(draft) !== 'number' ? 'A whole number of hours' : null,
    suspend: readWhole(suspend) === null ? 'A whole number of days' : null,
    giveUp: readWhole(giveUp) === null ? 'A whole number of days' : null,
    minimum: minimum && readDecimal(minimum, 6) === null ? 'Not an amount' : null,
  }
  const save = () => {
    if (Object.values(wrong).some(Boolean)) return
    void submit({
      account_id: of,
      number_prefix: prefix.trim(),
      terms_days: readWhole(terms) ?? undefined,
      grace_hours: readWhole(grace) ?? undefined,
      draft_hours: readWhole(draft) ?? undefined,
      minimum: minimum ? readDecimal(minimum, 6) : undefined,
      fees: fees.map(readFee),
      tax_rates: taxes.map(readTax),
      address: readAddress(address),
      tax_id: taxId.trim() || undefined,
      footer: footer.trim() || undefined,
      collection,
      dunning: { retry_days: readDays(retry) ?? [], remind_days: readDays(remind) ?? [], suspend_after_days: readWhole(suspend) ?? null, uncollectible_after_days: readWhole(giveUp) ?? null },
    })
  }
  return (
    <Form error={error} onSubmit={save}>
      {error?.code === 'precondition_failed' && (
        <Notice tone="warn" title="Somebody changed these settings meanwhile" action={<Button small onClick={reload}>Load theirs</Button>}>
          Loading them loses what you wrote here.
        </Notice>
      )}
      <fieldset disabled={!manage} className="grid items-start gap-4 lg:grid-cols-2">
        <Card title="Invoices">
          <div className="space-y-3">
            <TextField label="Numbers begin with" pointer="/number_prefix" required pattern="[A-Z0-9]([A-Z0-9-]{0,14}[A-Z0-9])?" title="Capital letters, digits and -" value={prefix} onChange={setPrefix} hint={`As ${prefix || 'INV'}-000001. Another prefix goes on counting.`} />
            <TextField label="Due after" pointer="/terms_days" optional inputMode="numeric" suffix="days" value={terms} onChange={setTerms} wrong={wrong.terms} hint="14 unless you say otherwise." />
            <TextField label="Stay drafts for" pointer="/draft_hours" required inputMode="numeric" suffix="hours" value={draft} onChange={setDraft} wrong={wrong.draft} hint="0: issued at once. A draft has no number and nothing of it is collected." />
            <TextField label="Wait for late usage" pointer="/grace_hours" required inputMode="numeric" suffix="hours" value={grace} onChange={setGrace} wrong={wrong.grace} hint="Up to 168. A month is billed so much later, with all that was used in it." />
            <TextField label="A period comes to at least" pointer="/minimum" optional inputMode="decimal" suffix={currency} value={minimum} onChange={setMinimum} wrong={wrong.minimum || null} />
            <TextArea label="Below each invoice" pointer="/footer" optional rows={3} value={footer} onChange={setFooter} />
          </div>
        </Card>
        <Card title="How what is due is chased" sub="Days are counted from the due date.">
          <div className="space-y-3">
            <SelectField
              label="Cards are charged"
              pointer="/collection"
              value={collection}
              onChange={(value) => setCollection(value as Schema<'Collection'>)}
              options={[
                { value: 'automatic', label: 'By themselves: credit first, then the default card' },
                { value: 'manual', label: 'Only by hand: credit alone is taken by itself' },
              ]}
              hint={settings.processor ? undefined : <>No processor is connected. <PageLink to="payments/processor" className="underline">Connect Stripe</PageLink></>}
            />
            <TextField label="Tried again after" pointer="/dunning/retry_days" suffix="days" value={retry} onChange={setRetry} wrong={wrong.retry} hint="As 1, 3, 5, 7. Nothing: never." />
            <TextField label="Reminded of after" pointer="/dunning/remind_days" suffix="days" value={remind} onChange={setRemind} wrong={wrong.remind} />
            <TextField label="Account suspended after" pointer="/dunning/suspend_after_days" optional inputMode="numeric" suffix="days" value={suspend} onChange={setSuspend} wrong={wrong.suspend} hint="Nothing: never. A suspended account and everything below it can spend nothing." />
            <TextField label="Given up after" pointer="/dunning/uncollectible_after_days" optional inputMode="numeric" suffix="days" value={giveUp} onChange={setGiveUp} wrong={wrong.giveUp} hint="Nothing: never." />
          </div>
        </Card>
        <Card title="Fees and taxes">
          <div className="space-y-5">
            <FeesField fees={fees} onChange={setFees} currency={currency} />
            <TaxesField rates={taxes} onChange={setTaxes} />
          </div>
        </Card>
        <Card title="Who bills">
          <div className="space-y-3">
            <AddressFields value={address} onChange={setAddress} />
            <TextField label="Tax id" pointer="/tax_id" optional maxLength={120} value={taxId} onChange={setTaxId} />
          </div>
        </Card>
      </fieldset>
      {manage ? (
        <div className="sticky bottom-14 flex justify-end gap-2 border-t border-line bg-surface py-3 md:bottom-0">
          <Button onClick={reload}>Load anew</Button>
          <Button type="submit" look="primary" busy={busy}>
            Save
          </Button>
        </div>
      ) : (
        <Notice>Your role sees these settings and does not change them.</Notice>
      )}
    </Form>
  )
}
