import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi } from '~/api/query'
import { sign } from '~/lib/decimal'
import { explainOffer, explainPackage, explainPurchase, explainSaving } from '~/lib/explain-credit'
import { count, percent } from '~/lib/format'
import { safeHttp } from '~/lib/links'
import { useViewer } from '~/session/session'
import { Amount, type Explanation } from '~/ui/amount'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Facts } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { Empty, Failed, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { CreditsFrame } from './frame'

type Package = Schema<'Package'>
interface Order {
  package_id?: string
  quantity?: number
  credits?: string
  name: string
  price: string
  gives: string
  explain: Explanation
}

/** What can be bought from the seller: packages, loose credits, and the cheapest way to a number of credits. */
export default function Buy() {
  const viewer = useViewer()
  const { account, place } = viewer
  const sale = useApi('/reseller/pricing/packages', { query: { account_id: account.id } }, { enabled: account.parent_id !== null })
  const [order, setOrder] = useState<Order | null>(null)
  const may = viewer.can('credits.purchase')
  const packages = sale.data?.packages.filter((one) => one.status === 'on_sale') ?? []
  const loose = (sale.data?.bulk_discounts?.length ?? 0) > 0
  return (
    <CreditsFrame current="buy">
      {account.parent_id === null ? (
        <Card>
          <Empty icon="credits" title="Nobody sells to the operator">Credit comes into being here, by issuing it.</Empty>
        </Card>
      ) : sale.error && !sale.data ? (
        <Card>
          <Failed error={sale.error} retry={() => void sale.refetch()} what="What is on sale" />
        </Card>
      ) : (
        <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
          <section aria-label="Packages">
            {!sale.data ? (
              <div className="grid gap-3 sm:grid-cols-2">
                {[1, 2, 3, 4].map((one) => (
                  <Skeleton key={one} className="h-36 w-full" />
                ))}
              </div>
            ) : packages.length === 0 ? (
              <Card>
                <Empty icon="credits" title="No package is on sale">{loose ? 'Loose credits are: say how many beside.' : 'Ask your provider how credit is bought.'}</Empty>
              </Card>
            ) : (
              <ul className="grid gap-3 sm:grid-cols-2">
                {packages.map((one) => (
                  <PackageCard key={one.id} of={one} may={may} onBuy={() => setOrder({ package_id: one.id, quantity: 1, name: one.name, price: one.price, gives: one.credits, explain: explainPackage(one) })} />
                ))}
              </ul>
            )}
            {sale.data && loose && (
              <Card title="Loose credits" sub="One unit each, less a discount by how many" className="mt-3">
                <ul className="space-y-1 text-sm">
                  {(sale.data.bulk_discounts ?? []).map((band) => (
                    <li key={band.from} className="flex justify-between">
                      <span>From {count(band.from, place)} credits</span>
                      <span>{percent(band.discount, place)} off</span>
                    </li>
                  ))}
                </ul>
              </Card>
            )}
          </section>
          {/* Below a list of unknown length: it comes with the list, and stays where it is. */}
          {sale.data && <Cheapest may={may} onBuy={setOrder} />}
        </div>
      )}
      {order && <Purchase order={order} onClose={() => setOrder(null)} />}
    </CreditsFrame>
  )
}

function PackageCard({ of, may, onBuy }: { of: Package; may: boolean; onBuy: () => void }) {
  const { place } = useViewer()
  const gone = of.remaining === 0
  return (
    <li className="card flex flex-col gap-3 rounded-xl border border-line bg-paper p-4 shadow-low">
      <div className="flex items-start justify-between gap-3">
        <h2>{of.name}</h2>
        {sign(of.bonus) > 0 && <Badge tone="good">+{count(of.bonus, place, 2)} bonus</Badge>}
      </div>
      <div>
        <p className="text-xl font-semibold tracking-tight">{count(of.credits, place, 2)} credits</p>
        <p className="text-xs text-soft">
          {of.valid_days ? `Expires after ${of.valid_days} days` : 'Does not expire'}
          {of.remaining !== undefined && `, ${of.remaining} left for you`}
        </p>
      </div>
      <div className="mt-auto flex items-end justify-between gap-3">
        <div>
          <p className="font-medium"><Amount value={of.price} currency={of.currency} explain={explainPackage(of)} /></p>
          <p className="text-xs text-soft"><Amount value={of.price_per_credit} currency={of.currency} style="exact" explain={explainPackage(of)} /> a credit</p>
        </div>
        {may && (
          <Button look="primary" onClick={onBuy} disabled={gone}>
            {gone ? 'None left' : 'Buy'}
          </Button>
        )}
      </div>
    </li>
  )
}

function Cheapest({ may, onBuy }: { may: boolean; onBuy: (order: Order) => void }) {
  const { place } = useViewer()
  const [text, setText] = useState('')
  const wanted = /^\d{1,10}$/.test(text.replace(/[\s,.']/g, '')) ? text.replace(/[\s,.']/g, '') : null
  const [quote, setQuote] = useState<Schema<'PackageQuote'> | null>(null)
  const ask = useSubmit(
    (credits: string) => api.post('/reseller/pricing/packages/quote', { body: { credits } }),
    ({ data }) => setQuote(data),
  )
  return (
    <Card title="The cheapest way">
      <Form error={ask.error} onSubmit={() => wanted && void ask.submit(wanted)} className="space-y-3">
        <TextField label="Credits you need" pointer="/credits" inputMode="numeric" value={text} onChange={(value) => { setText(value); setQuote(null) }} wrong={text && !wanted ? 'must be a whole number' : null} required />
        <Button type="submit" busy={ask.busy} disabled={!wanted}>
          Find it
        </Button>
      </Form>
      {quote && (
        <div className="mt-4 space-y-3 border-t border-line pt-4" role="status">
          <ul className="space-y-2 text-sm">
            {quote.parts.map((part, index) => (
              <li key={part.package_id ?? `loose-${index}`} className="flex items-center justify-between gap-2">
                <span>
                  {part.package_id ? `${part.quantity} × ${part.name ?? ''}` : `${count(part.credits, place, 2)} loose credits`}
                  <span className="block text-xs text-soft"><Amount value={part.price} currency={quote.currency} explain={explainPurchase(part, quote.currency)} /></span>
                </span>
                {may && (
                  <Button small onClick={() => onBuy(part.package_id ? { package_id: part.package_id, quantity: part.quantity, name: part.name ?? '', price: part.price, gives: part.credits, explain: explainPurchase(part, quote.currency) } : { credits: part.credits.replace(/\.0+$/, ''), name: 'Loose credits', price: part.price, gives: part.credits, explain: explainPurchase(part, quote.currency) })}>
                    Buy
                  </Button>
                )}
              </li>
            ))}
          </ul>
          <Facts
            rows={[
              ['Credits', count(quote.credits, place, 2)],
              ['Bonus', count(quote.bonus, place, 2)],
              ['Price', <strong key="price"><Amount value={quote.price} currency={quote.currency} explain={explainOffer(quote, quote.currency)} /></strong>],
              [sign(quote.saving) < 0 ? 'Dearer by' : 'You save', <Amount key="saving" value={quote.saving.replace('-', '')} currency={quote.currency} explain={explainSaving(quote, quote.currency)} />],
            ]}
          />
        </div>
      )}
    </Card>
  )
}

function Purchase({ order, onClose }: { order: Order; onClose: () => void }) {
  const { account, place } = useViewer()
  const [pay, setPay] = useState<'invoice' | 'card'>('invoice')
  const [reference, setReference] = useState('')
  const [waiting, setWaiting] = useState<Schema<'CardPurchase'> | null>(null)
  const buy = useSubmit(
    (input: { pay: 'invoice' | 'card'; reference: string }, idempotencyKey: string) => {
      const more = { ...(input.pay === 'card' ? { pay_with: 'card' as const } : {}), ...(input.reference ? { reference: input.reference } : {}) }
      const body = order.package_id ? { package_id: order.package_id, quantity: order.quantity, ...more } : { credits: order.credits, ...more }
      return api.post('/reseller/credits/purchase', { body: body as never, idempotencyKey })
    },
    ({ data }) => {
      void refresh('/reseller/credits', '/reseller/pricing/packages', '/reseller/payments', '/reseller/insights')
      if ('payment_id' in data && data.state !== 'succeeded') {
        setWaiting(data)
        return
      }
      toast.done('The credit is on your account.')
      onClose()
    },
  )
  if (waiting) return <CardWaits of={waiting} onClose={onClose} />
  return (
    <Confirm open onClose={onClose} onConfirm={() => void buy.submit({ pay, reference: reference.trim() })} busy={buy.busy} error={buy.error} title={`Buy ${order.quantity && order.quantity > 1 ? `${order.quantity} × ` : ''}${order.name}`} action="Buy">
      <p>
        <strong>{count(order.gives, place, 2)}</strong> credits for <strong><Amount value={order.price} currency={account.currency} explain={order.explain} /></strong>.
      </p>
      <SelectField
        label="Pay"
        pointer="/pay_with"
        value={pay}
        onChange={(value) => setPay(value as 'invoice' | 'card')}
        options={[
          { value: 'invoice', label: 'With the next invoice; the credit comes at once' },
          { value: 'card', label: 'With the default card; the credit comes once it is paid' },
        ]}
      />
      <TextField label="Reference" pointer="/reference" optional value={reference} onChange={setReference} maxLength={200} />
    </Confirm>
  )
}

function CardWaits({ of, onClose }: { of: Schema<'CardPurchase'>; onClose: () => void }) {
  const payment = useApi('/reseller/payments/{id}', { path: { id: of.payment_id } }, { everyMs: 3000 })
  const state = payment.data?.state ?? of.state
  const confirm = safeHttp(of.action_url)
  const over = state === 'succeeded' || state === 'declined' || state === 'cancelled'
  return (
    <Confirm open onClose={onClose} onConfirm={onClose} busy={false} error={null} title="Paying by card" action={over ? 'Close' : 'Close; it goes on'}>
      {state === 'succeeded' && <Notice tone="good" title="Paid">The credit is on your account.</Notice>}
      {(state === 'declined' || state === 'cancelled') && <Notice tone="bad" title="The card was not charged">Nothing was bought. Try another card, or pay with the next invoice.</Notice>}
      {!over && (
        <Notice title={state === 'action_required' ? 'Your bank wants you to confirm' : 'The payment is under way'}>
          {state === 'action_required' && confirm ? (
            <a href={confirm} target="_blank" rel="noreferrer noopener">
              Confirm it with your bank
            </a>
          ) : (
            'This page follows it. The credit comes as soon as the money is there, whether this stays open or not.'
          )}
        </Notice>
      )}
    </Confirm>
  )
}
