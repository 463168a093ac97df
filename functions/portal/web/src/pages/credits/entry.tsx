import { type ReactNode, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi } from '~/api/query'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { Button } from '~/ui/button'
import { Facts } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { TextField, useSubmit } from '~/ui/form'
import { Failed, Notice, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { KINDS, REVERSIBLE } from './kinds'

type Entry = Schema<'Entry'>

/** One line of a ledger in full, with the transfer it belongs to, and the way to send that back. */
export function EntrySheet({ entry, onClose }: { entry: Entry | null; onClose: () => void }) {
  const viewer = useViewer()
  const transferId = entry?.transfer_id ?? null
  const found = useApi('/reseller/credits/transfers/{id}', { path: { id: transferId ?? '' } }, { enabled: transferId !== null })
  const [asking, setAsking] = useState(false)
  const transfer = found.data
  const kind = entry?.kind ?? ''
  const mayReverse = !viewer.customer && transfer && transfer.reversed_by === null && REVERSIBLE.has(transfer.kind) && viewer.can(transfer.kind === 'issue' ? 'credits.issue' : 'credits.reverse')
  return (
    <>
      <Sheet
        open={entry !== null}
        onClose={onClose}
        title={KINDS[kind] ?? kind}
        footer={
          mayReverse && (
            <Button look="danger" onClick={() => setAsking(true)}>
              Send it back…
            </Button>
          )
        }
      >
        {entry && (
          <div className="space-y-5">
            <Facts
              rows={[
                ['When', <Time key="at" at={entry.created_at} style="full" />],
                ['Amount', <Amount key="amount" value={entry.amount} currency={entry.currency} style="exact" signed tone="both" />],
                ['Balance after', <Amount key="after" value={entry.balance_after} currency={entry.currency} style="exact" />],
                ['Held', <Amount key="held" value={entry.held_amount} currency={entry.currency} style="exact" signed />],
                ['Held after', <Amount key="heldafter" value={entry.held_after} currency={entry.currency} style="exact" />],
                ['With', <AccountName key="with" id={entry.counterparty} />],
                ['Reference', entry.reference ?? '–'],
                ['Entry', <Id key="id" id={entry.id} what="entry id" />],
              ]}
            />
            {transferId &&
              (found.error && !found.data ? (
                <Failed error={found.error} retry={() => void found.refetch()} what="The transfer" />
              ) : transfer ? (
                <section className="space-y-3 border-t border-line pt-4">
                  <h3>The transfer</h3>
                  {transfer.reversed_by && (
                    <Notice title="It was sent back">
                      By <Id id={transfer.reversed_by} what="transfer id" />
                    </Notice>
                  )}
                  {'legs' in transfer ? (
                    <ul className="space-y-1 text-sm">
                      {transfer.legs.map((leg, index) => (
                        <li key={index} className="flex justify-between gap-3">
                          <span>
                            <AccountName id={leg.from} /> → <AccountName id={leg.to} />
                          </span>
                          <Amount value={leg.amount} currency={transfer.currency} />
                        </li>
                      ))}
                    </ul>
                  ) : (
                    <Facts
                      rows={[
                        ['From', <AccountName key="from" id={transfer.from} />],
                        ['To', <AccountName key="to" id={transfer.to} />],
                        ['Amount', <Amount key="amount" value={transfer.amount} currency={transfer.currency} style="exact" />],
                        ...(transfer.purchase
                          ? ([
                              ['Bought', `${transfer.purchase.quantity} × ${transfer.purchase.name ?? 'loose credit'}`],
                              ['Price', <Amount key="price" value={transfer.purchase.price} currency={transfer.currency} />],
                              ['Bonus', <Amount key="bonus" value={transfer.purchase.bonus} currency={transfer.currency} />],
                              ['Expires', transfer.purchase.expires_at ? <Time key="expires" at={transfer.purchase.expires_at} /> : 'Never'],
                            ] as [string, ReactNode][])
                          : []),
                      ]}
                    />
                  )}
                  <div className="text-sm text-soft">
                    <Id id={transfer.id} what="transfer id" />
                    {transfer.reverses && (
                      <p>
                        Sends back <Id id={transfer.reverses} what="transfer id" />
                      </p>
                    )}
                  </div>
                </section>
              ) : (
                <Skeleton className="h-24 w-full" />
              ))}
          </div>
        )}
      </Sheet>
      {asking && transfer && <Reverse transferId={transfer.id} onClose={() => setAsking(false)} onDone={() => { setAsking(false); onClose() }} />}
    </>
  )
}

function Reverse({ transferId, onClose, onDone }: { transferId: string; onClose: () => void; onDone: () => void }) {
  const [reference, setReference] = useState('')
  const reverse = useSubmit(
    (body: { reference?: string }, idempotencyKey) => api.post('/reseller/credits/transfers/{id}/reverse', { path: { id: transferId }, body, idempotencyKey }),
    () => {
      toast.done('It was sent back.')
      void refresh('/reseller/credits', '/reseller/insights')
      onDone()
    },
  )
  return (
    <Confirm open onClose={onClose} onConfirm={() => void reverse.submit(reference.trim() ? { reference: reference.trim() } : {})} busy={reverse.busy} error={reverse.error} title="Send the transfer back?" action="Send it back" danger>
      <p>The whole amount returns to where it came from, at once. If the receiver has spent it meanwhile, this is refused and nothing moves.</p>
      <TextField label="Reference" pointer="/reference" optional value={reference} onChange={setReference} maxLength={200} />
    </Confirm>
  )
}
