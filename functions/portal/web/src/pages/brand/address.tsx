import { useCallback, useState } from 'react'
import { api, type Reply } from '~/api/client'
import type { ApiError } from '~/api/problem'
import type { BrandView } from '~/api/contract'
import { safeHttp } from '~/lib/links'
import { State } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card } from '~/ui/card'
import { Confirm } from '~/ui/confirm'
import { Copy } from '~/ui/copy'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { Form, Problem, TextField, useSubmit } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { Notice } from '~/ui/state'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'

interface Props {
  base: Version<BrandView>
  may: boolean
  onSaved: (reply: Reply<BrandView>) => void
  load: (loaded: () => void) => Promise<void>
}

const begin = (view: BrandView) => ({ slug: view.slug ?? '' })
const stale = (error: ApiError | null) => error?.code === 'precondition_failed'

/** The portal's own path: `/portal/corner`. */
export function SlugCard({ base, may, onSaved, load }: Props) {
  const view = base.data
  const id = view.account_id
  const ifMatch = base.etag ?? undefined
  const { draft, set, took } = useDraft(base, begin, async () => ({ data: base, error: null }))
  const { slug } = draft
  const [freeing, setFreeing] = useState(false)
  const save = useSubmit(
    (slug: string) => api.put('/reseller/accounts/{id}/brand/slug', { path: { id }, body: { slug }, ifMatch }),
    (reply: Reply<BrandView>) => {
      toast.done('The portal has its address.')
      took(reply)
      onSaved(reply)
    },
  )
  const free = useSubmit(
    (of: string) => api.delete('/reseller/accounts/{id}/brand/slug', { path: { id: of }, ifMatch }),
    (reply: Reply<BrandView>) => {
      setFreeing(false)
      toast.done('The address was given up.')
      took(reply)
      onSaved(reply)
    },
  )
  const wrong = slug && !/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/.test(slug) ? 'Three to forty lower-case letters, digits and dashes; a letter first, no dash at the end.' : null
  const taken = save.error?.code === 'slug_taken' ? 'This name is taken. Try another.' : null
  // A path alone is one of these very pages.
  const url = safeHttp(view.portal_url?.startsWith('/') ? location.origin + view.portal_url : view.portal_url)
  return (
    <Card title="Portal address" sub="Where the customers of this account sign in, in its brand.">
      <Form error={taken || stale(save.error) ? null : save.error} onSubmit={() => void save.submit(slug)} className="mt-2 space-y-3">
        {stale(save.error) && <Meanwhile what="This brand" load={() => void load(save.reset)} />}
        <div className="flex flex-wrap items-end gap-2">
          <div className="min-w-56 flex-1">
            <TextField label="Name in the address" pointer="/slug" value={slug} onChange={(slug) => set({ slug })} wrong={wrong ?? taken} disabled={!may} autoComplete="off" placeholder="corner" hint={`…/portal/${slug || 'corner'}`} />
          </div>
        </div>
        {may && (
          <div className="flex flex-wrap gap-2">
            <Button type="submit" busy={save.busy} disabled={!slug || wrong !== null || slug === view.slug}>
              {view.slug ? 'Change the address' : 'Take this address'}
            </Button>
            {view.slug && (
              <Button look="quiet" onClick={() => setFreeing(true)}>
                Give it up
              </Button>
            )}
          </div>
        )}
      </Form>
      {url && (
        <p className="mt-3 text-sm">
          <a href={url} target="_blank" rel="noreferrer noopener" className="inline-flex items-center gap-1 break-all">
            {url} <Icon name="out" size={13} />
          </a>
        </p>
      )}
      <Confirm open={freeing} onClose={() => { setFreeing(false); free.reset() }} onConfirm={() => void free.submit(id)} title={`Give “${view.slug ?? ''}” up?`} action="Give it up" danger type={view.slug ?? undefined} busy={free.busy} error={stale(free.error) ? null : free.error}>
        {stale(free.error) && <Meanwhile what="This brand" load={() => void load(free.reset)} />}
        <p>Links to it stop at once, in mails that were sent too. Anybody may take the name then.</p>
      </Confirm>
    </Card>
  )
}

function Record({ label, text }: { label: string; text: string }) {
  return (
    <div className="flex items-center gap-2 px-3 py-2">
      <span className="w-12 shrink-0 text-xs text-soft">{label}</span>
      <code className="min-w-0 flex-1 font-mono text-xs break-all">{text}</code>
      <Copy text={text} what={label === 'Name' ? 'name of the record' : 'value of the record'} />
    </div>
  )
}

/** A host of the account's own for its portal, proved by a TXT record. */
export function HostCard({ base, may, onSaved, load }: Props) {
  const view = base.data
  const id = view.account_id
  const ifMatch = base.etag ?? undefined
  const { host } = view
  const [name, setName] = useState('')
  const [detaching, setDetaching] = useState(false)
  const attach = useSubmit(
    useCallback((host: string) => api.put('/reseller/accounts/{id}/brand/host', { path: { id }, body: { host }, ifMatch }), [id, ifMatch]),
    useCallback((reply: Reply<BrandView>) => onSaved(reply), [onSaved]),
  )
  const verify = useSubmit(
    useCallback((of: string) => api.post('/reseller/accounts/{id}/brand/host/verify', { path: { id: of }, ifMatch }), [ifMatch]),
    useCallback(
      (reply: Reply<BrandView>) => {
        toast.done('The host is yours: the portal answers there.')
        onSaved(reply)
      },
      [onSaved],
    ),
  )
  const detach = useSubmit(
    useCallback((of: string) => api.delete('/reseller/accounts/{id}/brand/host', { path: { id: of }, ifMatch }), [ifMatch]),
    useCallback(
      (reply: Reply<BrandView>) => {
        setDetaching(false)
        setName('')
        toast.done('The host was detached.')
        onSaved(reply)
      },
      [onSaved],
    ),
  )
  const missing = verify.error?.code === 'host_not_verified'
  return (
    <Card title="Own host" sub="The portal on an address of your own, as portal.corner.example." actions={host && <State state={host.status} />}>
      {!host ? (
        may ? (
          <Form error={stale(attach.error) ? null : attach.error} onSubmit={() => void attach.submit(name.trim().toLowerCase())} className="mt-2 space-y-3">
            {stale(attach.error) && <Meanwhile what="This brand" load={() => void load(attach.reset)} />}
            <TextField label="Host" pointer="/host" value={name} onChange={setName} autoComplete="off" placeholder="portal.corner.example" hint="You prove by a DNS record that it is yours; then it is pointed here." />
            <Button type="submit" busy={attach.busy} disabled={!/^[^\s/:]+\.[^\s/:]+$/.test(name.trim())}>
              Attach
            </Button>
          </Form>
        ) : (
          <p className="mt-2 text-sm text-soft">There is none.</p>
        )
      ) : (
        <div className="mt-2 space-y-3 text-sm">
          <p className="font-medium break-all">{host.host}</p>
          {host.status === 'pending' ? (
            <>
              <p className="text-soft">Add this TXT record where the host’s DNS is kept, then verify. It can take an hour until it is seen.</p>
              <div className="divide-y divide-line rounded-lg border border-line">
                <Record label="Name" text={host.txt_name} />
                <Record label="Value" text={host.txt_value} />
              </div>
              {missing ? (
                <Notice tone="warn" title="The record is not there yet">
                  {verify.error?.message} Changes of DNS can take an hour; try again later.
                </Notice>
              ) : stale(verify.error) ? (
                <Meanwhile what="This brand" load={() => void load(verify.reset)} />
              ) : (
                verify.error && <Problem error={verify.error} />
              )}
            </>
          ) : (
            <p className="text-soft">
              Verified{host.checked_at && <>: its record was found <Time at={host.checked_at} ago /></>}. Before you give the domain up, detach it here: the record is not looked at again.
            </p>
          )}
          {may && (
            <div className="flex flex-wrap gap-2">
              {host.status === 'pending' && (
                <Button look="primary" busy={verify.busy} onClick={() => void verify.submit(id)}>
                  Verify
                </Button>
              )}
              <Button look="quiet" onClick={() => setDetaching(true)}>
                Detach
              </Button>
            </div>
          )}
        </div>
      )}
      <Confirm open={detaching} onClose={() => { setDetaching(false); detach.reset() }} onConfirm={() => void detach.submit(id)} title={`Detach ${host?.host ?? 'the host'}?`} action="Detach" danger type={host?.status === 'verified' ? host.host : undefined} busy={detach.busy} error={stale(detach.error) ? null : detach.error}>
        {stale(detach.error) && <Meanwhile what="This brand" load={() => void load(detach.reset)} />}
        <p>The host shows this brand no more, at once. The portal goes on under its path. To attach the host again, a new record is asked for.</p>
      </Confirm>
    </Card>
  )
}
