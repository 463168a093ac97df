import { useNavigate, useParams } from '@tanstack/react-router'
import { useCallback } from 'react'
import { api } from '~/api/client'
import { refresh, useApi, useEditable } from '~/api/query'
import { plain } from '~/lib/decimal'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Button, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { useSubmit } from '~/ui/form'
import { Failed, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { AlertForm, type SetAlert } from './form'

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
  const { submit, busy, error, reset } = useSubmit(
    useCallback(({ body, etag }: { body: SetAlert; etag: string | null }) => api.put('/reseller/alerts/{id}', { path: { id }, body, ...(etag ? { ifMatch: etag } : {}) }), [id]),
    useCallback(() => {
      toast.done('The alert was changed.')
      void refresh('/reseller/alerts')
      back()
    }, [back]),
  )
  const data = alert.data?.data
  const stale = error?.code === 'precondition_failed'
  return (
    <>
      <PageHead back={<PageLink to={`alerts/${id}`} search={query}>Alert</PageLink>} title="Edit alert" sub="Changing it begins it anew: one that fires once may fire again." />
      {alert.error ? (
        <Card>
          <Failed error={alert.error} retry={() => void alert.refetch()} what="The alert" />
        </Card>
      ) : !data ? (
        <Skeleton className="h-96 w-full" />
      ) : (
        <div className="space-y-4">
          {stale && (
            <Notice
              tone="warn"
              title="Somebody changed this alert meanwhile"
              action={
                <Button
                  small
                  onClick={() => {
                    reset()
                    void alert.refetch()
                  }}
                >
                  Load it anew
                </Button>
              }
            >
              Load it anew and make your change again; what you wrote here is then gone.
            </Notice>
          )}
          <AlertForm
            key={alert.data?.etag}
            start={{ ...data, threshold: plain(data.threshold) }}
            account={{ id: data.account_id, name: data.account_id === account.id ? account.name : (of.data?.name ?? 'the account') }}
            error={stale ? null : error}
            busy={busy}
            onSubmit={(body) => void submit({ body, etag: alert.data?.etag ?? null })}
            onCancel={back}
            action="Save"
          />
        </div>
      )}
    </>
  )
}
