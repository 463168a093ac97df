import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi } from '~/api/query'
import { asApiError } from '~/api/problem'
import { webAddress } from '~/lib/addresses'
import { words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField } from '~/ui/account'
import { Act } from '~/ui/ask'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { useSubmit } from '~/ui/form'
import { Problem } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { Empty, Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { PaymentTabs } from './tabs'

type Method = Schema<'PaymentMethod'>
const changed = () => void refresh('/reseller/payment-methods', '/reseller/invoices', '/reseller/payments')

/** The cards of an account: how invoices are paid by themselves. Numbers are typed on the processor's page alone. */
export default function Cards() {
  const { account, customer, can } = useViewer()
  const [filters, setFilters] = useFilters<'account' | 'added'>()
  const of = customer ? undefined : filters.account
  const seller = account.kind === 'operator' && !of
  const cards = useApi('/reseller/payment-methods', { query: { account_id: of } }, { enabled: !seller, keep: true })
  const manage = can('billing.manage')
  const rows = cards.data?.data
  const none = cards.error && asApiError(cards.error).code === 'no_processor'
  return (
    <>
      <PageHead
        title="Payment methods"
        sub="The default card is charged when credit does not cover an invoice, if cards are charged by themselves."
        actions={manage && !seller && !none ? <AddCard of={of} /> : undefined}
      />
      <PaymentTabs current="cards" />
      {filters.added === 'yes' && (
        <div className="mb-4">
          <Notice tone="good" title="The card was handed over" action={<Button small look="quiet" icon="close" label="Dismiss" onClick={() => setFilters({ added: undefined }, true)} />}>
            It stands here once the processor has told of it, which takes some seconds. <button type="button" className="underline" onClick={() => void cards.refetch()}>Look again</button>
          </Notice>
        </div>
      )}
      {!customer && (
        <div className="mb-4 max-w-sm">
          <AccountField label="Account" value={of ?? ''} onChange={(value) => setFilters({ account: value || undefined })} placeholder={seller ? 'Name, external id or id' : 'Your own; or write another’s name'} />
        </div>
      )}
      {!none && <NotFresh of={cards} />}
      <Card flush>
        {seller ? (
          <Empty icon="credits" title="Choose an account">The operator pays nobody. Choose an account below to see its cards.</Empty>
        ) : cards.error && (none || !rows) ? (
          <Failed error={cards.error} retry={() => void cards.refetch()} what="The cards" />
        ) : !rows ? (
          <div className="space-y-3 p-4">
            <Skeleton className="h-9 w-full" />
            <Skeleton className="h-9 w-full" />
          </div>
        ) : rows.length === 0 ? (
          <Empty icon="credits" title="No card yet">{manage ? 'Add one on the payment processor’s page: the first one becomes the default.' : 'Somebody who may manage billing can add one.'}</Empty>
        ) : (
          <ul className="divide-y divide-line">
            {rows.map((card) => (
              <CardRow key={card.id} card={card} of={of} manage={manage} last={rows.length === 1} />
            ))}
          </ul>
        )}
      </Card>
    </>
  )
}

function nameOf(card: Method): string {
  return `${words(card.brand)} •••• ${card.last4}`
}

function CardRow({ card, of, manage, last }: { card: Method; of: string | undefined; manage: boolean; last: boolean }) {
  const now = new Date()
  const over = card.exp_year < now.getUTCFullYear() || (card.exp_year === now.getUTCFullYear() && card.exp_month < now.getUTCMonth() + 1)
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <span className="grid size-9 place-items-center rounded-md bg-sunken text-soft">
        <Icon name="credits" size={18} />
      </span>
      <span className="min-w-40 flex-1">
        <span className="flex flex-wrap items-center gap-2 font-medium">
          {nameOf(card)}
          {card.is_default && <Badge tone="good">Default</Badge>}
          {over && <Badge tone="bad">Expired</Badge>}
        </span>
        <span className="text-sm text-soft">
          Until {String(card.exp_month).padStart(2, '0')}/{card.exp_year}
        </span>
      </span>
      {manage && (
        <span className="flex gap-2">
          {!card.is_default && (
            <Act
              label="Make default"
              small
              title={`Charge ${nameOf(card)} from now on?`}
              action="Make it the default"
              input={{ account_id: of, payment_method: card.id }}
              send={(body) => api.put('/reseller/payment-methods/default', { body })}
              done={() => {
                toast.done(`${nameOf(card)} is the default`)
                changed()
              }}
            >
              <p>It is the one that is charged by itself. What is past due is charged to it at once.</p>
            </Act>
          )}
          <Act
            label="Remove"
            small
            look="quiet"
            danger
            title={`Remove ${nameOf(card)}?`}
            action="Remove it"
            input={card.id}
            send={(id) => api.delete('/reseller/payment-methods/{id}', { path: { id }, query: { account_id: of } })}
            done={() => {
              toast.done(`${nameOf(card)} is removed`)
              changed()
            }}
          >
            <p>It is gone for good: to use it again, it has to be added anew.{' '}
              {card.is_default && (last ? 'There is no other card: invoices that credit does not cover stay due until one is added.' : 'It is the default: choose another one afterwards, or nothing is charged by itself.')}
            </p>
          </Act>
        </span>
      )}
    </li>
  )
}

function AddCard({ of }: { of: string | undefined }) {
  const [gone, setGone] = useState(false)
  const { submit, busy, error } = useSubmit(
    (body: Schema<'SetUpPaymentMethod'>, key) => api.post('/reseller/payment-methods/setup', { body, idempotencyKey: key }),
    ({ data }) => {
      const address = webAddress(data.url)
      if (!address) return
      setGone(true)
      window.location.assign(address)
    },
  )
  const press = () => {
    const here = new URL(window.location.href)
    here.searchParams.delete('added')
    const success = new URL(here)
    success.searchParams.set('added', 'yes')
    void submit({ account_id: of, success_url: success.href, cancel_url: here.href })
  }
  return (
    <div className="flex flex-col items-end gap-2">
      <Button look="primary" icon="plus" busy={busy || gone} onClick={press}>
        Add a card
      </Button>
      {error && (
        <div className="max-w-sm">
          <Problem error={error} />
        </div>
      )}
    </div>
  )
}
