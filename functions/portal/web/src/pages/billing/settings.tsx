import { api, type Schema } from '~/api/client'
import { refresh, useEditable } from '~/api/query'
import { plainDecimal, readDecimal } from '~/lib/exact'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, useAccount } from '~/ui/account'
import { PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { Form, SelectField, TextArea, TextField, useSubmit } from '~/ui/form'
import { Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { AddressFields, addressText, FeesField, feeText, readAddress, readDays, readFee, readTax, readWhole, SaveBar, TaxesField, taxText } from './fields'
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
      <NotFresh of={read} />
      {read.error && !read.data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The settings" />
        </Card>
      ) : read.data ? (
        <Edit key={of} of={filters.account} newest={read.data} reload={() => read.refetch()} />
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

/** What stands in the fields for the settings. */
function begin(settings: Settings) {
  return {
    prefix: settings.number_prefix,
    terms: settings.terms_days?.toString() ?? '',
    grace: String(settings.grace_hours),
    drafts: String(settings.draft_hours),
    minimum: settings.minimum ? plainDecimal(settings.minimum) : '',
    fees: settings.fees.map(feeText),
    taxes: settings.tax_rates.map(taxText),
    address: addressText(settings.address),
    taxId: settings.tax_id ?? '',
    footer: settings.footer ?? '',
    collection: settings.collection,
    retry: (settings.dunning.retry_days ?? []).join(', '),
    remind: (settings.dunning.remind_days ?? []).join(', '),
    suspend: settings.dunning.suspend_after_days?.toString() ?? '',
    giveUp: settings.dunning.uncollectible_after_days?.toString() ?? '',
  }
}

function Edit({ of, newest, reload }: { of: string | undefined; newest: Version<Settings>; reload: () => Promise<{ data?: Version<Settings>; error: unknown }> }) {
  const { account, can } = useViewer()
  const { draft, base, set, discard, took, load } = useDraft(newest, begin, reload)
  const { prefix, terms, grace, drafts, minimum, fees, taxes, address, taxId, footer, collection, retry, remind, suspend, giveUp } = draft
  const settings = base.data
  const currency = useAccount(of ?? account.id).currency ?? account.currency
  const manage = can('billing.manage')
  const { submit, busy, error, reset } = useSubmit(
    (body: Schema<'SetBillingSettings'>) => api.put('/reseller/billing/settings', { body, ifMatch: base.etag ?? undefined }),
    (saved) => {
      took(saved)
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
    drafts: typeof readWhole(drafts) !== 'number' ? 'A whole number of hours' : null,
    suspend: readWhole(suspend) === null ? 'A whole number of days' : null,
    giveUp: readWhole(giveUp) === null ? 'A whole number of days' : null,
    minimum: minimum && readDecimal(minimum, 6) === null ? 'Not an amount' : null,
  }
  const stale = error?.code === 'precondition_failed'
  const save = () => {
    if (Object.values(wrong).some(Boolean)) return
    void submit({
      account_id: of,
      number_prefix: prefix.trim(),
      terms_days: readWhole(terms) ?? undefined,
      grace_hours: readWhole(grace) ?? undefined,
      draft_hours: readWhole(drafts) ?? undefined,
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
    <Form error={stale ? null : error} onSubmit={save}>
      {stale && <Meanwhile what="These settings" load={() => void load(reset)} />}
      <fieldset disabled={!manage} className="grid items-start gap-4 lg:grid-cols-2">
        <Card title="Invoices">
          <div className="space-y-3">
            <TextField label="Numbers begin with" pointer="/number_prefix" required pattern="[A-Z0-9]([A-Z0-9-]{0,14}[A-Z0-9])?" title="Capital letters, digits and -" value={prefix} onChange={(prefix) => set({ prefix })} hint={`As ${prefix || 'INV'}-000001. Another prefix goes on counting.`} />
            <TextField label="Due after" pointer="/terms_days" optional inputMode="numeric" suffix="days" value={terms} onChange={(terms) => set({ terms })} wrong={wrong.terms} hint="14 unless you say otherwise." />
            <TextField label="Stay drafts for" pointer="/draft_hours" required inputMode="numeric" suffix="hours" value={drafts} onChange={(drafts) => set({ drafts })} wrong={wrong.drafts} hint="0: issued at once. A draft has no number and nothing of it is collected." />
            <TextField label="Wait for late usage" pointer="/grace_hours" required inputMode="numeric" suffix="hours" value={grace} onChange={(grace) => set({ grace })} wrong={wrong.grace} hint="Up to 168. A month is billed so much later, with all that was used in it." />
            <TextField label="A period comes to at least" pointer="/minimum" optional inputMode="decimal" suffix={currency} value={minimum} onChange={(minimum) => set({ minimum })} wrong={wrong.minimum || null} />
            <TextArea label="Below each invoice" pointer="/footer" optional rows={3} value={footer} onChange={(footer) => set({ footer })} />
          </div>
        </Card>
        <Card title="How what is due is chased" sub="Days are counted from the due date.">
          <div className="space-y-3">
            <SelectField
              label="Cards are charged"
              pointer="/collection"
              value={collection}
              onChange={(value) => set({ collection: value as Schema<'Collection'> })}
              options={[
                { value: 'automatic', label: 'By themselves: credit first, then the default card' },
                { value: 'manual', label: 'Only by hand: credit alone is taken by itself' },
              ]}
              hint={settings.processor ? undefined : <>No processor is connected. <PageLink to="payments/processor" className="underline">Connect Stripe</PageLink></>}
            />
            <TextField label="Tried again after" pointer="/dunning/retry_days" suffix="days" value={retry} onChange={(retry) => set({ retry })} wrong={wrong.retry} hint="As 1, 3, 5, 7. Nothing: never." />
            <TextField label="Reminded of after" pointer="/dunning/remind_days" suffix="days" value={remind} onChange={(remind) => set({ remind })} wrong={wrong.remind} />
            <TextField label="Account suspended after" pointer="/dunning/suspend_after_days" optional inputMode="numeric" suffix="days" value={suspend} onChange={(suspend) => set({ suspend })} wrong={wrong.suspend} hint="Nothing: never. A suspended account and everything below it can spend nothing." />
            <TextField label="Given up after" pointer="/dunning/uncollectible_after_days" optional inputMode="numeric" suffix="days" value={giveUp} onChange={(giveUp) => set({ giveUp })} wrong={wrong.giveUp} hint="Nothing: never." />
          </div>
        </Card>
        <Card title="Fees and taxes">
          <div className="space-y-5">
            <FeesField fees={fees} onChange={(fees) => set({ fees })} currency={currency} />
            <TaxesField rates={taxes} onChange={(taxes) => set({ taxes })} />
          </div>
        </Card>
        <Card title="Who bills">
          <div className="space-y-3">
            <AddressFields value={address} onChange={(address) => set({ address })} />
            <TextField label="Tax id" pointer="/tax_id" optional maxLength={120} value={taxId} onChange={(taxId) => set({ taxId })} />
          </div>
        </Card>
      </fieldset>
      {manage ? <SaveBar busy={busy} onLoad={() => { discard(); void load(reset) }} /> : <Notice>Your role sees these settings and does not change them.</Notice>}
    </Form>
  )
}
