import { useCallback, useState } from 'react'
import type { Right } from '~/api/contract'
import { useApi, useEditable } from '~/api/query'
import { compare } from '~/lib/decimal'
import { useViewer } from '~/session/session'

export type StepId = 'start' | 'prices' | 'brand' | 'account' | 'credit' | 'invite' | 'webhook'
export type StepState = 'done' | 'skipped' | 'open' | 'withheld' | 'unknown'

export const STEPS: { id: StepId; title: string; right: Right | null; lacks: string }[] = [
  { id: 'start', title: 'What is given', right: null, lacks: '' },
  { id: 'prices', title: 'Prices', right: 'pricing.manage', lacks: 'set prices' },
  { id: 'brand', title: 'Brand', right: 'accounts.update', lacks: 'edit accounts' },
  { id: 'account', title: 'First sub-account', right: 'accounts.create', lacks: 'make sub-accounts' },
  { id: 'credit', title: 'First credit', right: 'credits.allocate', lacks: 'move credit' },
  { id: 'invite', title: 'Your people', right: 'members.manage', lacks: 'manage members' },
  { id: 'webhook', title: 'Webhook', right: 'webhooks.manage', lacks: 'manage webhooks' },
]

/** What was passed over is kept in this browser, as nobody else's matter; what was done is read from the API. */
function read(key: string): StepId[] {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? '{}') as { skipped?: StepId[] }).skipped ?? []
  } catch {
    return []
  }
}

/** How far the set-up is. */
export function useProgress() {
  const { account, can } = useViewer()
  const key = `setup:${account.id}`
  const [skipped, setSkipped] = useState(() => read(key))
  const skip = useCallback(
    (step: StepId, on: boolean) => {
      setSkipped((before) => {
        const next = [...before.filter((one) => one !== step), ...(on ? [step] : [])]
        try {
          localStorage.setItem(key, JSON.stringify({ skipped: next }))
        } catch {
          // Not kept: it is asked again next time.
        }
        return next
      })
    },
    [key],
  )
  const cards = useApi('/reseller/pricing/rate-cards', { query: { limit: 50 } }, { enabled: can('pricing.read') })
  const markups = useApi('/reseller/pricing/markups', { query: { limit: 50 } }, { enabled: can('pricing.read') })
  const brand = useEditable('/reseller/accounts/{id}/brand', { path: { id: account.id } }, { enabled: can('accounts.read') })
  const accounts = useApi('/reseller/accounts', { query: { limit: 50 } }, { enabled: can('accounts.read') })
  const balance = useApi('/reseller/credits/balance', { query: { subtree: true } }, { enabled: can('credits.read') })
  const members = useApi('/reseller/accounts/{id}/members', { path: { id: account.id }, query: { limit: 2 } }, { enabled: can('members.read') })
  const webhooks = useApi('/reseller/webhooks', {}, { enabled: can('webhooks.read') })

  const inForce = (row: { status: string }) => row.status === 'in_force' || row.status === 'scheduled'
  const own = brand.data?.data.own
  const given = balance.data?.subtree
  const done: Record<Exclude<StepId, 'start'>, boolean | undefined> = {
    prices: cards.data || markups.data ? Boolean(cards.data?.data.some(inForce) || markups.data?.data.some(inForce)) : undefined,
    brand: own && Boolean(own.name || own.color),
    account: accounts.data && accounts.data.data.length > 0,
    credit: balance.data && given && (compare(given.available, balance.data.available) !== 0 || compare(given.held, balance.data.held) !== 0),
    invite: members.data && members.data.data.length > 1,
    webhook: webhooks.data && webhooks.data.data.length > 0,
  }
  // The first step only shows what is given: who did or passed over any other has been past it.
  const all: Record<StepId, boolean | undefined> = { start: Object.values(done).includes(true) || skipped.length > 0, ...done }
  const states = Object.fromEntries(
    STEPS.map(({ id, right }) => [id, all[id] ? 'done' : right && !can(right) ? 'withheld' : skipped.includes(id) ? 'skipped' : all[id] === undefined ? 'unknown' : 'open']),
  ) as Record<StepId, StepState>
  const waiting = [cards, markups, brand, accounts, balance, members, webhooks].some((query) => query.isLoading)
  return { states, waiting, skip, accounts: accounts.data?.data ?? [], brand, balance: balance.data }
}
