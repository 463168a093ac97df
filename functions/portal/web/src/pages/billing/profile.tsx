import { api, type Schema } from '~/api/client'
import { refresh, useEditable } from '~/api/query'
import { plainDecimal, readDecimal } from '~/lib/exact'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, useAccount } from '~/ui/account'
import { ButtonLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { CheckField, Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { Empty, Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { AddressFields, addressText, FeesField, feeText, readAddress, readOwnFee, readTax, readWhole, SaveBar, TaxesField, taxText } from './fields'
import { BillingTabs } from './tabs'

type Profile = Schema<'BillingProfile'>

/** What differs for one account that is billed. */
export default function ProfilePage() {
  const { account } = useViewer()
  const [filters, setFilters] = useFilters<'account'>()
  const of = filters.account ?? (account.kind === 'operator' ? undefined : account.id)
  const read = useEditable('/reseller/billing/profile', { query: { account_id: of } }, { enabled: of !== undefined })
  return (
    <>
      <PageHead title="Billing profiles" sub="What differs for one account that is billed: its cycle, terms, fees, taxes and address." />
      <BillingTabs current="profile" />
      <div className="mb-4 max-w-sm">
        <AccountField label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value || undefined })} hint={of === account.id ? 'Your own: you set its address, tax id and order number; the rest is your seller’s.' : undefined} />
      </div>
      <NotFresh of={read} />
      {of === undefined ? (
        <Card>
          <Empty icon="accounts" title="Choose an account">The operator is billed by nobody. Choose an account below to see how it is billed.</Empty>
        </Card>
      ) : read.error && !read.data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The profile" />
        </Card>
      ) : read.data ? (
        <Edit key={of} newest={read.data} reload={() => read.refetch()} />
      ) : (
        <div className="grid gap-4 lg:grid-cols-2">
          <Card><Skeleton className="h-72 w-full" /></Card>
          <Card><Skeleton className="h-72 w-full" /></Card>
        </div>
      )}
    </>
  )
}

/** What stands in the fields for a profile. */
function begin(profile: Profile) {
  return {
    anchor: profile.anchor_day?.toString() ?? '',
    zone: profile.time_zone ?? '',
    terms: profile.terms_days?.toString() ?? '',
    minimum: profile.minimum ? plainDecimal(profile.minimum) : '',
    ownFees: profile.fees !== null && profile.fees !== undefined,
    fees: (profile.fees ?? []).map(feeText),
    exempt: profile.tax_exempt,
    ownTaxes: profile.tax_rates !== null && profile.tax_rates !== undefined,
    taxes: (profile.tax_rates ?? []).map(taxText),
    address: addressText(profile.address),
    taxId: profile.tax_id ?? '',
    po: profile.po_number ?? '',
    collection: (profile.collection ?? '') as string,
  }
}

function Edit({ newest, reload }: { newest: Version<Profile>; reload: () => Promise<{ data?: Version<Profile>; error: unknown }> }) {
  const { account, can } = useViewer()
  const { draft, base, set, discard, took, load } = useDraft(newest, begin, reload)
  const { anchor, zone, terms, minimum, ownFees, fees, exempt, ownTaxes, taxes, address, taxId, po, collection } = draft
  const profile = base.data
  const own = profile.account_id === account.id
  const currency = useAccount(profile.account_id).currency ?? account.currency
  const manage = can('billing.manage')
  const { submit, busy, error, reset } = useSubmit(
    (body: Schema<'SetBillingProfile'>) => api.put('/reseller/billing/profile', { body, ifMatch: base.etag ?? undefined }),
    (saved) => {
      took(saved)
      toast.done('Saved', 'It holds from the next invoice on.')
      void refresh('/reseller/billing/profile', '/reseller/invoices/preview')
    },
  )
  const day = readWhole(anchor)
  const wrong = {
    anchor: day === null || (day !== undefined && (day < 1 || day > 31)) ? 'A day of the month, 1 to 31' : null,
    terms: readWhole(terms) === null ? 'A whole number of days' : null,
    minimum: minimum && readDecimal(minimum, 6) === null ? 'Not an amount' : null,
  }
  const stale = error?.code === 'precondition_failed'
  const save = () => {
    if (Object.values(wrong).some(Boolean)) return
    const theirs = { account_id: profile.account_id, address: readAddress(address), tax_id: taxId.trim() || undefined, po_number: po.trim() || undefined }
    if (own) void submit(theirs)
    else
      void submit({
        ...theirs,
        anchor_day: day ?? undefined,
        time_zone: zone.trim() || undefined,
        terms_days: readWhole(terms) ?? undefined,
        minimum: minimum ? readDecimal(minimum, 6) : undefined,
        fees: ownFees ? fees.map(readOwnFee) : null,
        tax_exempt: exempt,
        tax_rates: ownTaxes ? taxes.map(readTax) : null,
        collection: (collection || null) as Schema<'Collection'> | null,
      })
  }
  return (
    <Form error={stale ? null : error} onSubmit={save}>
      {stale && <Meanwhile what="This profile" load={() => void load(reset)} />}
      <Card title="Running period" actions={<ButtonLink small to="invoices/running" search={{ account: profile.account_id }}>See it</ButtonLink>}>
        <Facts
          rows={[
            ['From', <Time key="start" at={profile.period_start} />],
            ['Until', <Time key="end" at={profile.period_end} />],
          ]}
        />
      </Card>
      <fieldset disabled={!manage} className="grid items-start gap-4 lg:grid-cols-2">
        <Card title="Who is billed">
          <div className="space-y-3">
            <AddressFields value={address} onChange={(address) => set({ address })} />
            <TextField label="Tax id" pointer="/tax_id" optional maxLength={120} value={taxId} onChange={(taxId) => set({ taxId })} />
            <TextField label="Order number" pointer="/po_number" optional value={po} onChange={(po) => set({ po })} hint="Its invoices say it." />
          </div>
        </Card>
        <div className="space-y-4">
          <fieldset disabled={own} className="space-y-4">
            <Card title="Cycle and terms" sub={own ? 'Your seller sets these.' : 'Empty fields are as the seller has it for all.'}>
              <div className="space-y-3">
                <TextField label="Periods begin on day" pointer="/anchor_day" optional inputMode="numeric" value={anchor} onChange={(anchor) => set({ anchor })} wrong={wrong.anchor} hint="The first unless you say otherwise. Another day moves the end of the running period, never into the past." />
                <TextField label="Time zone" pointer="/time_zone" optional placeholder="Europe/Berlin" value={zone} onChange={(zone) => set({ zone })} hint="That of the account’s settings, else UTC." />
                <TextField label="Due after" pointer="/terms_days" optional inputMode="numeric" suffix="days" value={terms} onChange={(terms) => set({ terms })} wrong={wrong.terms} />
                <TextField label="A period comes to at least" pointer="/minimum" optional inputMode="decimal" suffix={currency} value={minimum} onChange={(minimum) => set({ minimum })} wrong={wrong.minimum || null} hint="0 is no minimum." />
                <SelectField
                  label="Cards are charged"
                  pointer="/collection"
                  value={collection}
                  onChange={(collection) => set({ collection })}
                  options={[
                    { value: '', label: 'As the seller has it' },
                    { value: 'automatic', label: 'By themselves' },
                    { value: 'manual', label: 'Only by hand' },
                  ]}
                />
              </div>
            </Card>
            {!own && (
              <Card title="Fees and taxes">
                <div className="space-y-4">
                  <CheckField label="Fees of its own, instead of the seller’s" value={ownFees} onChange={(ownFees) => set({ ownFees })} />
                  {ownFees && <FeesField own fees={fees} onChange={(fees) => set({ fees })} currency={currency} />}
                  <CheckField label="It pays no tax" value={exempt} onChange={(exempt) => set({ exempt })} />
                  {!exempt && <CheckField label="Rates of tax of its own" value={ownTaxes} onChange={(ownTaxes) => set({ ownTaxes })} />}
                  {!exempt && ownTaxes && <TaxesField rates={taxes} onChange={(taxes) => set({ taxes })} />}
                </div>
              </Card>
            )}
          </fieldset>
        </div>
      </fieldset>
      {manage ? <SaveBar busy={busy} onLoad={() => { discard(); void load(reset) }} /> : <Notice>Your role sees this and does not change it.</Notice>}
    </Form>
  )
}
