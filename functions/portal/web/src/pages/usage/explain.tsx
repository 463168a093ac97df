import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { count, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { AccountName, AccountPicker, type Picked } from '~/ui/account'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Facts } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { Form, TextField, useSubmit } from '~/ui/form'
import { Time } from '~/ui/time'

type Explained = Schema<'ExplainedEvent'>

/** How the charge for an event came about, rule by rule. */
export function Explain({ open, onClose, eventId = '', accountId }: { open: boolean; onClose: () => void; eventId?: string; accountId?: Picked }) {
  const { account, customer } = useViewer()
  const [id, setId] = useState(eventId)
  const [of, setOf] = useState<Picked | null>(accountId ?? { id: account.id, name: account.name })
  const [found, setFound] = useState<Explained | null>(null)
  const ask = useSubmit(
    (input: { id: string; account_id: string }) => api.get('/reseller/usage/events/{id}/explain', { path: { id: input.id }, query: input.account_id === account.id ? {} : { account_id: input.account_id } }),
    ({ data }) => setFound(data),
  )
  return (
    <Sheet open={open} onClose={onClose} title="Explain a charge">
      <div className="space-y-5">
        <Form error={ask.error} onSubmit={() => of && void ask.submit({ id: id.trim(), account_id: of.id })}>
          <TextField label="Event id" hint="The id that was sent with the event." value={id} onChange={(value) => { setId(value); setFound(null) }} required autoFocus />
          {!customer && <AccountPicker label="Account" value={of} onChange={setOf} own />}
          <Button type="submit" look="primary" busy={ask.busy} disabled={!of || !id.trim()}>
            Explain
          </Button>
        </Form>
        {found && <Explanation of={found} />}
      </div>
    </Sheet>
  )
}

function Explanation({ of }: { of: Explained }) {
  const { place, customer } = useViewer()
  const { event, rated } = of
  return (
    <div className="space-y-4 border-t border-line pt-4" role="status">
      <Facts
        rows={[
          ['State', <State key="state" state={of.state} />],
          ['Meter', event.meter],
          ['Quantity', event.quantity === undefined || event.quantity === null ? '–' : count(event.quantity, place)],
          ['Happened', <Time key="at" at={event.occurred_at} style="full" />],
          ['Counted', <Time key="received" at={of.received_at} style="full" />],
          ['In the month', `${rated.period}, as ${count(rated.contribution, place)}`],
          ['Transfer', <Id key="transfer" id={of.transfer_id} what="transfer id" />],
          ...(of.reason ? ([['Reason', of.reason]] as [string, string][]) : []),
        ]}
      />
      {rated.levels.map((level, index) => (
        <section key={`${level.payer}-${index}`} className="rounded-lg border border-line">
          <header className="flex items-baseline justify-between gap-3 border-b border-line px-3.5 py-2 text-sm">
            <span>
              <AccountName id={level.payer} /> <span className="text-soft">pays</span> {level.seller && !customer ? <AccountName id={level.seller} /> : <span className="text-soft">its provider</span>}
            </span>
            <strong>
              <Amount value={level.amount} currency={rated.currency} style="exact" />
            </strong>
          </header>
          <ol className="divide-y divide-line text-sm">
            {level.steps.map((step, at) => (
              <li key={at} className="flex justify-between gap-3 px-3.5 py-1.5">
                <span>
                  <span className="font-medium">{words(step.rule)}</span> <span className="text-soft">{step.detail}</span>
                </span>
                {step.amount !== undefined && step.amount !== null && <Amount value={step.amount} currency={rated.currency} style="exact" />}
              </li>
            ))}
            {level.steps.length === 0 && <li className="px-3.5 py-1.5 text-soft">No rule applied.</li>}
          </ol>
        </section>
      ))}
    </div>
  )
}
