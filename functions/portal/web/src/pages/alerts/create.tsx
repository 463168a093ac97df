import { useNavigate } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import { api } from '~/api/client'
import { refresh, useApi } from '~/api/query'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import type { Picked } from '~/ui/account'
import { PageLink } from '~/ui/button'
import { PageHead } from '~/ui/card'
import { useSubmit } from '~/ui/form'
import { Failed, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { AlertForm, begin, type SetAlert } from './form'
import { hasPeriod, METRICS, type Metric } from './words'

/** Makes an alert. The address may say its first words: `metric`, `period`, `meter`, `threshold` and `account_id`. */
export default function CreateAlert() {
  const { account, base, customer, session } = useViewer()
  const navigate = useNavigate()
  const [filters] = useFilters<'metric' | 'period' | 'meter' | 'threshold' | 'account_id'>()
  const metric: Metric = filters.metric && filters.metric in METRICS && !(customer && filters.metric === 'loss') ? (filters.metric as Metric) : 'balance'
  const named = !customer && filters.account_id && filters.account_id !== account.id ? filters.account_id : null
  const of = useApi('/reseller/accounts/{id}', { path: { id: named ?? '' } }, { enabled: named !== null })
  const [chosen, setChosen] = useState<Picked | null>(null)
  const watched = chosen ?? (of.data ? { id: of.data.id, name: of.data.name } : { id: account.id, name: account.name })
  const { submit, busy, error } = useSubmit(
    useCallback((body: SetAlert, key: string) => api.post('/reseller/alerts', { body, idempotencyKey: key }), []),
    useCallback(
      (reply: { data: { id: string; account_id: string } }) => {
        toast.done('The alert was made.')
        void refresh('/reseller/alerts')
        void navigate({ to: `${base}/alerts/${reply.data.id}` as never, search: (reply.data.account_id === account.id ? {} : { account_id: reply.data.account_id }) as never })
      },
      [navigate, base, account.id],
    ),
  )
  const loss = metric === 'loss'
  const [draft, setDraft] = useState(() =>
    begin({
      metric,
      meter: filters.meter ?? null,
      period: hasPeriod(metric) ? (filters.period === 'day' ? 'day' : 'month') : null,
      threshold: filters.threshold ?? (loss ? '0' : ''),
      recurring: true,
      subtree: false,
      enabled: true,
      channels: { webhook: false, emails: session.who.email ? [session.who.email] : [] },
    }),
  )
  return (
    <>
      <PageHead back={<PageLink to="alerts">Alerts</PageLink>} title="New alert" sub={loss ? 'Tells you when usage is sold for less than it costs.' : undefined} />
      {named && of.error && !of.data ? (
        <Failed error={of.error} retry={() => void of.refetch()} what="The account" />
      ) : named && !of.data ? (
        <Skeleton className="h-96 w-full" />
      ) : (
        <AlertForm
          draft={draft}
          set={(change) => setDraft({ ...draft, ...change })}
          account={watched}
          onAccount={setChosen}
          error={error}
          busy={busy}
          onSubmit={(body) => void submit(body)}
          onCancel={() => void navigate({ to: `${base}/alerts` as never })}
          action="Make the alert"
        />
      )}
    </>
  )
}
