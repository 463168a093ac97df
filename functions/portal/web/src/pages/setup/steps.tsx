import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useCallback, useState } from 'react'
import { api, type Schema } from '~/api/client'
import type { BrandTokens, BrandView } from '~/api/contract'
import { refresh, useApi } from '~/api/query'
import { readColour, textOn } from '~/lib/colour'
import { minus, readAmount, sign } from '~/lib/decimal'
import { explain, explainBalance, explainProfit, type ProfitFigure } from '~/lib/explain'
import { count, percent, words } from '~/lib/format'
import { percentOf, rounded, times, withPercent } from '~/lib/ratio'
import { RoleField } from '~/pages/settings/role-field'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { Button, ButtonLink } from '~/ui/button'
import { Facts } from '~/ui/card'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { CheckField, Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { SecretOnce } from '~/ui/secret'
import { Failed, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { TextLink } from '~/ui/text-link'
import type { useProgress } from './progress'

/** What every step is given: what to do when it is done, and its way on. */
export interface StepProps {
  onDone: () => void
  /** The button that goes on without doing anything. */
  skip: ReactNode
  done: boolean
}

const EXAMPLE_UNITS = 1000

/** What is given and cannot be changed here: currency, tier and keys. */
export function StartStep({ onDone }: StepProps) {
  const { account, session, place, can } = useViewer()
  const tiers = useApi('/reseller/pricing/tiers', {}, { enabled: can('pricing.read') })
  const buyer = tiers.data?.as_buyer
  return (
    <div className="space-y-4">
      <Facts
        rows={[
          ['Account', account.name],
          ['Currency', <span key="currency">{account.currency} <span className="text-soft">– of all your credit and prices; it stays</span></span>],
          ['Keys', session.mode === 'test' ? 'Test keys, rk_test_…' : 'Live keys, rk_live_…'],
          [
            'Volume tier',
            tiers.isLoading ? (
              <Skeleton key="tier" className="h-4 w-40" />
            ) : buyer ? (
              <span key="tier">
                {words(buyer.tier)}, {percent(buyer.discount, place)} off
                {buyer.next && (
                  <span className="block text-soft">
                    {count(rounded(buyer.next.missing), place, 0)} more this month make it {buyer.next.name}: {percent(buyer.next.discount, place)} off.
                  </span>
                )}
              </span>
            ) : (
              <span key="tier" className="text-soft">You buy from nobody: tiers are what you give.</span>
            ),
          ],
        ]}
      />
      {session.mode === 'test' ? (
        <Notice title="This is a sandbox">
          Nothing here moves real money. Look round in what is there already, <TextLink to="accounts">its accounts</TextLink>, or begin with your own below.
          {account.kind === 'operator' ? (
            <>
              {' '}
              A <TextLink to="settings/test-clocks">test clock</TextLink> lets months of billing pass in a minute.
            </>
          ) : (
            ' To see months of billing in a minute, ask your operator for an account on a test clock.'
          )}
        </Notice>
      ) : (
        <Notice tone="warn" title="This is the live platform">
          Prices and credit count from the moment they are set, and its keys are live ones: nothing here is only a try. A sandbox is a platform of its own, with test keys:{' '}
          {account.kind === 'operator' ? (
            <>
              <code>cargo dev</code> starts one on your computer, with a demo in it and test clocks that let months of billing pass in a minute.
            </>
          ) : (
            'ask your operator whether there is one for you.'
          )}
        </Notice>
      )}
      <Button look="primary" onClick={onDone}>
        Begin
      </Button>
    </div>
  )
}

/** A first meter, for who has none above. */
function MeterForm({ onMade }: { onMade: () => void }) {
  const [key, setKey] = useState('')
  const [name, setName] = useState('')
  const [unit, setUnit] = useState('')
  const { submit, busy, error } = useSubmit(
    useCallback((body: { key: string; name: string; unit: string }, intent: string) => api.post('/reseller/pricing/meters', { body: body as never, idempotencyKey: intent }), []),
    useCallback(() => {
      toast.done('The meter was made.')
      void refresh('/reseller/pricing/meters')
      onMade()
    }, [onMade]),
  )
  return (
    <Form error={error} onSubmit={() => void submit({ key, name, unit })}>
      <p className="text-sm text-soft">There is no meter yet. A meter is what is counted: messages, calls, gigabytes.</p>
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField label="Key" pointer="/key" value={key} onChange={setKey} required placeholder="sms.sent" autoComplete="off" hint="As your events name it." />
        <TextField label="Name" pointer="/name" value={name} onChange={setName} required placeholder="Messages sent" autoComplete="off" />
        <TextField label="Unit" pointer="/unit" value={unit} onChange={setUnit} required placeholder="message" autoComplete="off" />
      </div>
      <Button type="submit" look="primary" busy={busy} disabled={!key || !name || !unit}>
        Make the meter
      </Button>
    </Form>
  )
}

/** A first price: a markup on what one pays, or a price for each unit; with what it comes to. */
export function PricesStep({ onDone, skip, done }: StepProps) {
  const { account, place } = useViewer()
  const meters = useApi('/reseller/pricing/meters', { query: { limit: 200 } })
  const [chosen, setChosen] = useState('')
  const [how, setHow] = useState<'markup' | 'price' | ''>('')
  const [markup, setMarkup] = useState('20')
  const [price, setPrice] = useState('')
  const all = meters.data?.data ?? []
  const meter = all.find((one) => one.key === chosen) ?? all[0]
  // Of one's own meter nothing is paid, so there is nothing to put a markup on.
  const way = meter && !meter.inherited ? 'price' : how || 'markup'
  const quote = useQuote(meter && meter.inherited ? meter.key : null)
  const percentValue = readAmount(markup)
  const unitPrice = readAmount(price)
  const wrongMarkup = markup && (percentValue === null ? 'Write it as 20 or 12.5.' : Number(percentValue) < -100 || Number(percentValue) > 10_000 ? 'From -100 to 10000.' : null)
  const wrongPrice = price && (unitPrice === null ? 'Write it as 0.0425.' : sign(unitPrice) < 0 ? 'It cannot be below zero.' : null)
  const { submit, busy, error } = useSubmit(
    useCallback(
      ({ way, meter, value }: { way: 'markup' | 'price'; meter: string; value: string }, key: string): Promise<unknown> =>
        way === 'markup'
          ? api.post('/reseller/pricing/markups', { body: { meter, percent: value } as never, idempotencyKey: key })
          : api.post('/reseller/pricing/rate-cards', { body: { meter, currency: account.currency as never, model: { type: 'flat', unit_price: value } } as never, idempotencyKey: key }),
      [account.currency],
    ),
    useCallback(() => {
      toast.done('The price is in force.')
      void refresh('/reseller/pricing')
      onDone()
    }, [onDone]),
  )
  if (meters.error) return <Failed error={meters.error} retry={() => void meters.refetch()} what="The meters" />
  if (!meters.data) return <Skeleton className="h-64 w-full" />
  if (!meter) {
    return (
      <div className="space-y-4">
        {account.kind === 'operator' ? <MeterForm onMade={() => void meters.refetch()} /> : <Notice title="There is nothing to price yet">Your seller has not made a meter. Make one of your own under prices, or come back later.</Notice>}
        {skip}
      </div>
    )
  }
  const cost = quote.data ? rounded(quote.data.price) : null
  const sells = way === 'markup' ? (cost && percentValue && !wrongMarkup ? withPercent(cost, percentValue) : null) : unitPrice && !wrongPrice ? times(unitPrice, EXAMPLE_UNITS) : null
  const keeps = sells && cost ? minus(sells, cost) : null
  const value = way === 'markup' ? percentValue : unitPrice
  const units = `${count(EXAMPLE_UNITS, place)} × ${meter.unit}`
  const comes = (figure: ProfitFigure): Explanation | undefined =>
    sells && cost && keeps
      ? explainProfit(figure, `${units} at the price that stands here`, { revenue: sells, cost, margin: keeps }, { links: [{ label: 'What you pay, rule by rule', to: 'prices/quote', search: { lines: JSON.stringify([[meter.key, String(EXAMPLE_UNITS)]]) } }] })
      : sells && unitPrice && way === 'price'
        ? explain('Revenue', `What your account is paid for ${units} at the price that stands here.`, [{ label: 'Units', text: count(EXAMPLE_UNITS, place) }, ['Price of one', unitPrice], ['Revenue', sells, 'total']])
        : undefined
  return (
    <Form error={error} onSubmit={() => value && void submit({ way, meter: meter.key, value })}>
      {done && <Notice tone="good" title="There is a price already">You can add another here, or see them all under <TextLink to="prices">prices</TextLink>.</Notice>}
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField label="Meter" pointer="/meter" value={meter.key} onChange={setChosen} options={all.map((one) => ({ value: one.key, label: `${one.name} (${one.key})` }))} />
        <SelectField label="How" value={way} onChange={(next) => setHow(next as 'markup' | 'price')} disabled={!meter.inherited} options={[{ value: 'markup', label: 'Percent on what you pay' }, { value: 'price', label: 'A price for each unit' }]} />
      </div>
      {way === 'markup' ? (
        <TextField label="On top of what you pay" pointer="/percent" value={markup} onChange={setMarkup} inputMode="decimal" suffix="%" wrong={wrongMarkup || null} required />
      ) : (
        <TextField label={`Price of one ${meter.unit}`} pointer="/model/unit_price" value={price} onChange={setPrice} inputMode="decimal" suffix={account.currency} wrong={wrongPrice || null} required />
      )}
      <div className="min-h-24 rounded-lg bg-sunken px-4 py-3 text-sm">
        <p className="mb-1 font-medium">
          For {units}
        </p>
        <Facts
          rows={[
            ...(meter.inherited ? [['You pay', quote.isLoading ? <Skeleton key="cost" className="h-4 w-16" /> : <Amount key="cost" value={cost} explain={comes('cost')} />] as [string, ReactNode]] : []),
            ['Your sub-accounts pay', <Amount key="sells" value={sells} explain={comes('revenue')} />],
            ...(meter.inherited ? [['You keep', <span key="keeps"><Amount value={keeps} tone="both" explain={comes('margin')} />{keeps && sells && percentOf(keeps, sells) && <span className="text-soft"> ({percent(percentOf(keeps, sells), place)} of it)</span>}</span>] as [string, ReactNode]] : []),
          ]}
        />
      </div>
      {keeps && sign(keeps) < 0 && <Notice tone="warn" title="That is less than you pay">A price under your own cost is refused here. Where you want it, set it under <TextLink to="prices">prices</TextLink>.</Notice>}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={busy} disabled={!value || Boolean(way === 'markup' ? wrongMarkup : wrongPrice)}>
          Set the price
        </Button>
        {skip}
      </div>
      <p className="text-xs text-soft">It begins now and holds for all your direct sub-accounts. Prices that were used never change; a new one takes over from its day.</p>
    </Form>
  )
}

/** What a thousand of a meter cost the viewer's own account. It is asked by a POST and changes nothing. */
function useQuote(meter: string | null) {
  return useQuery({
    queryKey: ['/reseller/pricing/quote', meter, EXAMPLE_UNITS],
    queryFn: async ({ signal }) => (await api.post('/reseller/pricing/quote', { body: { meter, quantity: String(EXAMPLE_UNITS) } as never, signal })).data as Schema<'Quoted'>,
    enabled: meter !== null,
    retry: false,
  })
}

/** What the account set itself, as a save takes it: all but the logo, which has a route of its own. */
function ownTokens({ own }: BrandView): BrandTokens {
  const { name, color, accent_color, sender_name, reply_to, support_url, terms_url, privacy_url, locked } = own
  return { name, color, accent_color, sender_name, reply_to, support_url, terms_url, privacy_url, locked }
}

type BrandRead = ReturnType<typeof useProgress>['brand']

/** Name and colour; the rest is on the brand's own page. */
export function BrandStep({ brand, ...props }: StepProps & { brand: BrandRead }) {
  if (brand.data) return <BrandForm {...props} newest={brand.data} reload={() => brand.refetch()} />
  return brand.error ? <Failed error={brand.error} retry={() => void brand.refetch()} what="The brand" /> : <Skeleton className="h-48 w-full" />
}

const begin = ({ own }: BrandView) => ({ name: own.name ?? '', colour: own.color ?? '' })

/** An empty field stays inherited: only what is written here becomes the account's own. */
function BrandForm({ onDone, skip, newest, reload }: StepProps & { newest: Version<BrandView>; reload: () => Promise<{ data?: Version<BrandView>; error: unknown }> }) {
  const { account } = useViewer()
  const { draft, base, changed, set, took, load } = useDraft(newest, begin, reload)
  const view = base.data
  const { submit, busy, error, reset } = useSubmit(
    (body: BrandTokens) => api.put('/reseller/accounts/{id}/brand', { path: { id: account.id }, body, ifMatch: base.etag ?? undefined }),
    (saved) => {
      took(saved)
      toast.done('The brand was saved.')
      void refresh('/reseller/accounts/{id}/brand', '/portal/brand')
      onDone()
    },
  )
  const stale = error?.code === 'precondition_failed'
  const lockedName = view.locked_above.includes('name')
  const lockedColour = view.locked_above.includes('color')
  const name = lockedName ? '' : draft.name.trim()
  const colour = lockedColour ? '' : draft.colour.trim()
  const shownName = name || view.in_force.name
  const shownColour = colour || (view.in_force.color ?? '#2f5fd0')
  const wrong = colour && !readColour(colour) ? 'Write it as #1a2b3c.' : null
  const text = readColour(shownColour) ? textOn(shownColour) : '#ffffff'
  return (
    <Form error={stale ? null : error} onSubmit={() => void submit({ ...ownTokens(view), ...(lockedName ? {} : { name: name || null }), ...(lockedColour ? {} : { color: colour || null }) })}>
      {stale && <Meanwhile what="This brand" load={() => void load(reset)} />}
      <p className="text-sm text-soft">Your customers see this name and colour on pages, in mails and on invoices. Logo, addresses and an own host are on the <TextLink to="brand">brand’s page</TextLink>.</p>
      <TextField label="Name" pointer="/name" value={draft.name} placeholder={view.own.name ? undefined : view.in_force.name} onChange={(name) => set({ name })} disabled={lockedName} hint={lockedName ? 'Locked further up.' : 'Empty: the one from above.'} />
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <TextField label="Colour" pointer="/color" value={draft.colour} placeholder={view.own.color ? undefined : (view.in_force.color ?? undefined)} onChange={(colour) => set({ colour })} disabled={lockedColour} wrong={wrong || null} maxLength={7} spellCheck={false} autoComplete="off" hint={lockedColour ? 'Locked further up.' : 'Empty: the one from above.'} />
        </div>
        <input type="color" aria-label="Choose the colour" className="mt-6 h-8.5 w-12 rounded border border-line-strong bg-paper p-0.5" value={readColour(shownColour) ? shownColour : '#2f5fd0'} disabled={lockedColour} onChange={(event) => set({ colour: event.target.value })} />
      </div>
      <div className="flex items-center justify-between rounded-lg border border-line bg-paper px-4 py-3">
        <span className="flex items-center gap-2 font-semibold">
          <span className="grid size-7 place-items-center rounded-md text-sm" style={{ background: readColour(shownColour) ? shownColour : undefined, color: text }} aria-hidden="true">
            {shownName.charAt(0).toUpperCase()}
          </span>
          {shownName}
        </span>
        <span className="rounded-md px-3 py-1.5 text-sm font-medium" style={wrong ? undefined : { background: shownColour, color: text }} aria-hidden="true">
          A button
        </span>
      </div>
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={busy} disabled={Boolean(wrong) || !changed}>
          Save the brand
        </Button>
        {skip}
      </div>
    </Form>
  )
}

/** The first account below. */
export function AccountStep({ onDone, skip, done }: StepProps) {
  const [name, setName] = useState('')
  const [kind, setKind] = useState<'customer' | 'reseller'>('customer')
  const [email, setEmail] = useState('')
  const { submit, busy, error } = useSubmit(
    useCallback((body: { name: string; kind: 'customer' | 'reseller'; email?: string }, key: string) => api.post('/reseller/accounts/create', { body, idempotencyKey: key }), []),
    useCallback(
      (reply: { data: Schema<'Account'> }) => {
        toast.done(`${reply.data.name} was made.`)
        void refresh('/reseller/accounts', '/reseller/credits/balance', '/reseller/insights')
        onDone()
      },
      [onDone],
    ),
  )
  return (
    <Form error={error} onSubmit={() => void submit({ name: name.trim(), kind, ...(email.trim() ? { email: email.trim() } : {}) })}>
      {done && <Notice tone="good" title="You have a sub-account already">Make another here, or <TextLink to="bulk/new" search={{ kind: 'accounts' }}>many at once from a file</TextLink>.</Notice>}
      <TextField label="Name" pointer="/name" value={name} onChange={setName} required autoComplete="off" placeholder="Corner Bakery" />
      <SelectField label="Kind" pointer="/kind" value={kind} onChange={(value) => setKind(value as 'customer' | 'reseller')} options={[{ value: 'customer', label: 'Customer: uses what you sell' }, { value: 'reseller', label: 'Reseller: has accounts of its own' }]} />
      <TextField label="E-mail" pointer="/email" optional type="email" value={email} onChange={setEmail} autoComplete="off" hint="Where its invoices and notices go." />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={busy} disabled={!name.trim()}>
          Make the account
        </Button>
        {skip}
      </div>
    </Form>
  )
}

/** The first credit down the tree. */
export function CreditStep({ onDone, skip, accounts, balance }: StepProps & { accounts: Schema<'Account'>[]; balance: Schema<'Balance'> | undefined }) {
  const { account } = useViewer()
  const active = accounts.filter((one) => one.effective_status === 'active')
  const [chosen, setChosen] = useState('')
  const [amount, setAmount] = useState('')
  const to = active.find((one) => one.id === chosen) ?? active.at(-1)
  const read = readAmount(amount)
  const wrong = amount && (read === null ? 'Write it as 1234.50.' : sign(read) <= 0 ? 'It must be above zero.' : null)
  const { submit, busy, error } = useSubmit(
    useCallback((body: { account_id: string; amount: string }, key: string) => api.post('/reseller/credits/allocate', { body, idempotencyKey: key }), []),
    useCallback(() => {
      toast.done('The credit is there.')
      void refresh('/reseller/credits', '/reseller/insights')
      onDone()
    }, [onDone]),
  )
  if (!to) return (
    <div className="space-y-4">
      <Notice title="There is no account to give credit to">Make a sub-account first.</Notice>
      <div className="flex gap-2">
        <ButtonLink to="setup" search={{ step: 'account' }} look="primary">Make one</ButtonLink>
        {skip}
      </div>
    </div>
  )
  return (
    <Form error={error} onSubmit={() => read && void submit({ account_id: to.id, amount: read })}>
      <p className="text-sm text-soft">
        Credit moves from your balance to the account’s, at once. You have <Amount value={balance?.spendable} currency={balance?.currency} explain={balance && explainBalance(balance)} /> to spend.
      </p>
      {balance && sign(balance.spendable) <= 0 && (
        <Notice tone="warn" title="You have no credit to give">
          {account.kind === 'operator' ? <>Bring some into being under <TextLink to="credits">credits</TextLink>.</> : <>Buy some from your seller under <TextLink to="credits/buy">credits</TextLink>.</>}
        </Notice>
      )}
      <SelectField label="To" pointer="/account_id" value={to.id} onChange={setChosen} options={active.map((one) => ({ value: one.id as string, label: one.name as string }))} />
      <TextField label="Amount" pointer="/amount" value={amount} onChange={setAmount} inputMode="decimal" required autoComplete="off" suffix={account.currency} wrong={wrong || null} />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={busy} disabled={!read || Boolean(wrong)}>
          Give the credit
        </Button>
        {skip}
      </div>
    </Form>
  )
}

/** A second person. */
export function InviteStep({ onDone, skip, done }: StepProps) {
  const { account } = useViewer()
  const [email, setEmail] = useState('')
  const [role, setRole] = useState('admin')
  const { submit, busy, error } = useSubmit(
    useCallback((body: { email: string; role: string }, key: string) => api.post('/reseller/accounts/{id}/members', { path: { id: account.id }, body, idempotencyKey: key }), [account.id]),
    useCallback(
      (reply: { data: { email: string } }) => {
        toast.done(`${reply.data.email} is a member now.`)
        void refresh('/reseller/accounts/{id}/members')
        setEmail('')
        onDone()
      },
      [onDone],
    ),
  )
  return (
    <Form error={error} onSubmit={() => void submit({ email: email.trim(), role })}>
      {done && <Notice tone="good" title="You are not alone here">See everybody under <TextLink to="settings/members">members</TextLink>.</Notice>}
      <p className="text-sm text-soft">They sign in by a link that is sent to their address. A second owner means that a lost address locks nobody out.</p>
      <TextField label="E-mail" pointer="/email" type="email" value={email} onChange={setEmail} required autoComplete="off" />
      <RoleField value={role} onChange={setRole} />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={busy} disabled={!email.trim()}>
          Invite
        </Button>
        {skip}
      </div>
    </Form>
  )
}

/** Where events are sent. */
export function WebhookStep({ onDone, skip, done }: StepProps) {
  const [url, setUrl] = useState('')
  const [subtree, setSubtree] = useState(true)
  const [what, setWhat] = useState('*')
  const [made, setMade] = useState<{ url: string; secret?: string } | null>(null)
  const { submit, busy, error } = useSubmit(
    useCallback((body: { url: string; events: string[]; subtree: boolean }, key: string) => api.post('/reseller/webhooks', { body, idempotencyKey: key }), []),
    useCallback((reply: { data: { url: string; secret?: string } }) => {
      setMade(reply.data)
      void refresh('/reseller/webhooks')
    }, []),
  )
  if (made) {
    return (
      <div className="space-y-4">
        {made.secret ? <SecretOnce secret={made.secret} what="signing secret" /> : <Notice title="It was made by an earlier try">Its secret was in that answer. Rotate it under <TextLink to="webhooks">webhooks</TextLink> to get a new one.</Notice>}
        <Button look="primary" onClick={onDone}>
          I have copied it
        </Button>
      </div>
    )
  }
  const wrong = url && !/^https:\/\/[^\s]+$/.test(url) && !/^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(url) ? 'It must be an https address.' : null
  return (
    <Form error={error} onSubmit={() => void submit({ url: url.trim(), events: [what], subtree })}>
      {done && <Notice tone="good" title="There is a webhook already">See what was delivered under <TextLink to="webhooks">webhooks</TextLink>.</Notice>}
      <p className="text-sm text-soft">What happens is sent to your address, signed as Standard Webhooks say: at least once, and tried again for three days.</p>
      <TextField label="Address" pointer="/url" type="url" value={url} onChange={setUrl} required wrong={wrong} autoComplete="off" placeholder="https://hooks.example.com/tributary" />
      <SelectField label="Events" pointer="/events" value={what} onChange={setWhat} options={[{ value: '*', label: 'All' }, { value: 'credit.*', label: 'Movements of credit' }, { value: 'invoice.*', label: 'Invoices' }, { value: 'account.*', label: 'Accounts' }, { value: 'alert.*', label: 'Alerts' }]} />
      <CheckField label="Those of every account below too" value={subtree} onChange={setSubtree} />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={busy} disabled={!url || wrong !== null}>
          Make the webhook
        </Button>
        {skip}
      </div>
    </Form>
  )
}
