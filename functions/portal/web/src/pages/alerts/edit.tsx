import { useNavigate, useParams } from '@tanstack/react-router'
import { useCallback } from 'react'
import { api } from '~/api/client'
import { refresh, useApi, useEditable } from '~/api/query'
import { plain } from '~/lib/decimal'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import type { Picked } from '~/ui/account'
import { PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { useSubmit } from '~/ui/form'
import { Failed, NotFresh, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { AlertForm, begin, type SetAlert } from './form'
import type { Alert } from './words'

/** Changes an alert as a whole. */
export default function EditAlert() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { account, base } = useViewer()
  const navigate = useNavigate()
  const [filters] = useFilters<'account_id'>()
  const query = filters.account_id ? { account_id: filters.account_id } : {}
  const alert = useEditable('/reseller/alerts/{id}', { path: { id }, query })
  const of = useApi('/reseller/accounts/{id}', { path: { id: filters.account_id ?? '' } }, { enabled: Boolean(filters.account_id) })
  const back = useCallback(() => void navigate({ to: `${base}/alerts/${id}` as never, search: (filters.account_id ? { account_id: filters.account_id } : {}) as never }), [navigate, base, id, filters.account_id])
  const data = alert.data?.data
  return (
    <>
      <PageHead back={<PageLink to={`alerts/${id}`} search={query}>Alert</PageLink>} title="Edit alert" sub="Changing it begins it anew: one that fires once may fire again." />
      <NotFresh of={alert} />
      {alert.error && !alert.data ? (
        <Card>
          <Failed error={alert.error} retry={() => void alert.refetch()} what="The alert" />
        </Card>
      ) : !data || !alert.data ? (
        <Skeleton className="h-96 w-full" />
      ) : (
        <Edit
          key={id}
          newest={alert.data}
          reload={() => alert.refetch()}
          account={{ id: data.account_id, name: data.account_id === account.id ? account.name : (of.data?.name ?? 'the account') }}
          back={back}
        />
      )}
    </>
  )
}

function Edit({ newest, reload, account, back }: { newest: Version<Alert>; reload: () => Promise<{ data?: Version<Alert>; error: unknown }>; account: Picked; back: () => void }) {
  const { draft, base, set, load } = useDraft(newest, (alert) => begin({ ...alert, threshold: plain(alert.threshold) }), reload)
  const { submit, busy, error, reset } = useSubmit(
    (body: SetAlert) => api.put('/reseller/alerts/{id}', { path: { id: base.data.id }, body, ifMatch: base.etag ?? undefined }),
    () => {
      toast.done('The alert was changed.')
      void refresh('/reseller/alerts')
      back()
    },
  )
  const stale = error?.code === 'precondition_failed'
  return (
    <div className="space-y-4">
      {stale && <Meanwhile what="This alert" load={() => void load(reset)} />}
      <AlertForm draft={draft} set={set} account={account} error={stale ? null : error} busy={busy} onSubmit={(body) => void submit(body)} onCancel={back} action="Save" />
    </div>
  )
}
