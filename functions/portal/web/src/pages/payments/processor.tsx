import { api, type Schema } from '~/api/client'
import { refresh, useEditable } from '~/api/query'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField, useAccountName } from '~/ui/account'
import { Act } from '~/ui/ask'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Copy } from '~/ui/copy'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { Form, TextField, useSubmit } from '~/ui/form'
import { Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { PaymentTabs } from './tabs'

const changed = () => void refresh('/reseller/billing/settings', '/reseller/payment-methods')

/** Where a seller's customers' cards are charged: its own account at Stripe. */
export default function Processor() {
  const { account, session, can } = useViewer()
  const [filters, setFilters] = useFilters<'account'>()
  const of = filters.account ?? account.id
  const name = useAccountName(of)
  const read = useEditable('/reseller/billing/settings', { query: { account_id: filters.account } })
  const settings = read.data?.data
  const processor = settings?.processor
  const manage = can('billing.manage')
  const webhook = processor ? new URL(processor.webhook_path, window.location.origin).href : ''
  return (
    <>
      <PageHead title="Card processor" sub="Where the cards of a seller’s direct sub-accounts are charged. No card number passes through these pages." />
      <PaymentTabs current="processor" />
      <div className="mb-4 max-w-sm">
        <AccountField label="Seller" value={of} onChange={(value) => setFilters({ account: value || undefined })} />
      </div>
      <NotFresh of={read} />
      {read.error && !settings ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The processor" />
        </Card>
      ) : !settings ? (
        <Card>
          <Skeleton className="h-32 w-full" />
        </Card>
      ) : (
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <Card title="Stripe" actions={processor ? <Badge tone="good">Connected</Badge> : <Badge>Not connected</Badge>}>
            {processor ? (
              <div className="space-y-4">
                <Facts
                  rows={[
                    ['Secrets', 'Sealed; never shown again'],
                    ['Publishable key', processor.publishable_key ? <code key="key" className="font-mono text-xs">{processor.publishable_key}</code> : '–'],
                    ['Webhooks go to', <span key="hook" className="flex items-center gap-1"><code className="font-mono text-xs">{webhook}</code><Copy text={webhook} what="webhook address" /></span>],
                  ]}
                />
                <p className="text-sm text-soft">In Stripe’s dashboard, add a webhook endpoint with this address, and give its signing secret here. Without it, outcomes of payments are looked up later.</p>
                {manage && (
                  <Act
                    label="Disconnect"
                    danger
                    title="Charge no cards for this seller any more?"
                    action="Disconnect"
                    type="disconnect"
                    input={of}
                    reload={() => void read.refetch()}
                    send={() => api.delete('/reseller/billing/processor', { query: { account_id: filters.account }, ifMatch: read.data?.etag ?? undefined })}
                    done={() => {
                      toast.done('Disconnected')
                      changed()
                    }}
                  >
                    <p>No card of {name ?? 'this seller'}’s sub-accounts is charged from now on. What was charged stays so; what is open of it is not told any more.</p>
                    <p>Cards that were added stay with Stripe: they work again only if the same Stripe account is connected again.</p>
                  </Act>
                )}
              </div>
            ) : (
              <p className="text-sm text-soft">Nothing is charged to cards. Invoices are paid from credit, or outside.</p>
            )}
          </Card>
          {manage && read.data && <Connect key={of} of={filters.account} newest={read.data} mode={session.mode} reload={() => read.refetch()} />}
        </div>
      )}
    </>
  )
}

/** Nothing that is kept is shown: the fields are empty, whatever was read; `to` is what they would replace. */
const begin = (settings: Schema<'BillingSettings'>) => ({ apiKey: '', secret: '', publishable: '', to: JSON.stringify(settings.processor ?? null) })

function Connect({ of, newest, mode, reload }: { of: string | undefined; newest: Version<Schema<'BillingSettings'>>; mode: 'test' | 'live'; reload: () => Promise<{ data?: Version<Schema<'BillingSettings'>>; error: unknown }> }) {
  const { draft, base, set, took, load } = useDraft(newest, begin, reload)
  const { apiKey, secret, publishable } = draft
  const connected = Boolean(base.data.processor)
  const { submit, busy, error, reset } = useSubmit(
    (body: { account_id?: string; api_key: string; webhook_secret: string; publishable_key?: string }) => api.put('/reseller/billing/processor', { body, ifMatch: base.etag ?? undefined }),
    (saved) => {
      took(saved)
      toast.done('Stripe is connected')
      changed()
    },
  )
  const stale = error?.code === 'precondition_failed'
  const keyWrong = apiKey && !new RegExp(`^(sk|rk)_${mode}_[A-Za-z0-9_]{1,200}$`).test(apiKey.trim()) ? `A secret or restricted key that begins with sk_${mode}_ or rk_${mode}_: this platform is in ${mode} mode` : null
  return (
    <Card title={connected ? 'Replace the credentials' : 'Connect Stripe'}>
      <Form
        error={stale ? null : error}
        onSubmit={() => {
          if (!keyWrong) void submit({ account_id: of, api_key: apiKey.trim(), webhook_secret: secret.trim(), publishable_key: publishable.trim() || undefined })
        }}
      >
        {stale && <Meanwhile what="The seller’s settings" load={() => void load(reset)} />}
        {connected && <Notice tone="warn">Credentials of another Stripe account know none of the cards that were added before.</Notice>}
        <TextField label="Secret or restricted key" pointer="/api_key" type="password" autoComplete="off" required value={apiKey} onChange={(apiKey) => set({ apiKey })} wrong={keyWrong || null} hint="A restricted key needs write access to Customers, Checkout Sessions, Setup Intents, Payment Methods, Payment Intents and Refunds, and read access to Charges and Disputes." />
        <TextField label="Signing secret of its webhooks" pointer="/webhook_secret" type="password" autoComplete="off" required pattern="whsec_[A-Za-z0-9_]+" title="Begins with whsec_" value={secret} onChange={(secret) => set({ secret })} />
        <TextField label="Publishable key" pointer="/publishable_key" optional autoComplete="off" value={publishable} onChange={(publishable) => set({ publishable })} />
        <Button type="submit" look="primary" busy={busy}>
          {connected ? 'Replace' : 'Connect'}
        </Button>
      </Form>
    </Card>
  )
}
