import { type ReactNode, useId, useState } from 'react'
import { api, type Reply } from '~/api/client'
import type { BrandPart, BrandTokens, BrandView } from '~/api/contract'
import { refresh, useApi, useEditable } from '~/api/query'
import { readColour } from '~/lib/colour'
import { count } from '~/lib/format'
import { safeHttp } from '~/lib/links'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountPicker } from '~/ui/account'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { Form, TextField, useSubmit } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { toast } from '~/ui/toast'
import { HostCard, SlugCard } from './address'
import { Logo } from './logo'
import { Preview } from './preview'
import { bodyOf, type Draft, draftOf, findingOf, findings, type Token, TOKENS, worn } from './tokens'

const PATH = '/reseller/accounts/{id}/brand'
const GROUPS = [
  { id: 'look', title: 'Name and colours' },
  { id: 'mail', title: 'Mail' },
  { id: 'links', title: 'Links' },
] as const

function ColourField({ label, token, value, onChange, placeholder, disabled, hint }: { label: ReactNode; token: Token; value: string; onChange: (value: string) => void; placeholder: string | undefined; disabled: boolean; hint: string }) {
  const wrong = value && !readColour(value) ? 'Write it as #1a2b3c.' : null
  return (
    <div className="flex items-start gap-2">
      <div className="min-w-0 flex-1">
        <TextField label={label} pointer={`/${token}`} value={value} onChange={onChange} wrong={wrong} placeholder={placeholder} disabled={disabled} autoComplete="off" spellCheck={false} hint={hint} maxLength={7} />
      </div>
      <input
        type="color"
        aria-label={`Choose the ${token === 'color' ? 'colour' : 'accent colour'}`}
        className="mt-6 h-8.5 w-12 shrink-0 cursor-pointer rounded border border-line-strong bg-paper p-0.5 disabled:cursor-not-allowed"
        value={readColour(value) ? value : readColour(placeholder) ? placeholder : '#2f5fd0'}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  )
}

/** The draft with a part locked for all below, or free. */
function locking(draft: Draft, part: BrandPart, locked: boolean): Draft {
  const others = draft.locked.filter((one) => one !== part)
  return { ...draft, locked: locked ? [...others, part].sort() : others }
}

/** A token with where its value comes from, and whether accounts below may set it otherwise. */
function TokenRow({ spec, draft, view, may, onChange }: { spec: (typeof TOKENS)[number]; draft: Draft; view: BrandView; may: boolean; onChange: (draft: Draft) => void }) {
  const { token, label, hint, kind } = spec
  const fixed = view.locked_above.includes(token)
  const value = draft.values[token]
  const locked = draft.locked.includes(token)
  const inForce = view.own[token] ? undefined : (view.in_force[token] ?? undefined)
  const state = fixed ? <Badge tone="warn">Locked above</Badge> : value.trim() ? <Badge tone="info">Own</Badge> : <Badge>Inherited</Badge>
  const set = (text: string) => onChange({ ...draft, values: { ...draft.values, [token]: text } })
  const named = (
    <span className="inline-flex flex-wrap items-center gap-2">
      {label} {state}
    </span>
  )
  const wrong = kind === 'url' && value && !/^https:\/\/[^\s]+$/.test(value.trim()) ? 'It must be an https address.' : null
  const shared = { value: fixed ? String(view.in_force[token] ?? '') : value, disabled: !may || fixed, placeholder: inForce ?? undefined, hint }
  return (
    <div className="grid gap-x-4 gap-y-2 py-3 first:pt-1 sm:grid-cols-[minmax(0,1fr)_9.5rem]">
      {kind === 'colour' ? (
        <ColourField label={named} token={token} onChange={set} {...shared} />
      ) : (
        <TextField label={named} pointer={`/${token}`} type={kind === 'email' ? 'email' : kind === 'url' ? 'url' : 'text'} onChange={set} wrong={wrong} autoComplete="off" {...shared} />
      )}
      <label className="flex items-center gap-2 self-start text-xs text-soft sm:mt-8">
        <input
          type="checkbox"
          className="size-4 accent-(--accent-ink)"
          checked={locked || fixed}
          disabled={!may || fixed}
          aria-label={`Lock ${label} for all below`}
          onChange={(event) => onChange(locking(draft, token, event.target.checked))}
        />
        <Icon name="lock" size={13} />
        Locked below
      </label>
    </div>
  )
}

function Contrast({ view, draft, changed }: { view: BrandView; draft: Draft; changed: boolean }) {
  const { place } = useViewer()
  const look = worn(draft, view, null)
  const rows = !changed && view.contrast.length ? view.contrast.map((row) => ({ ...row, says: findingOf(row.token, row.against) })) : findings(look)
  return (
    <Card title="Contrast" sub={changed ? 'Of the colours as they are written here.' : 'Of the colours in force.'}>
      <ul className="mt-1 divide-y divide-line text-sm">
        {rows.map((row) => (
          <li key={row.says} className="flex items-center justify-between gap-3 py-1.5">
            <span>{row.says}</span>
            <span className="inline-flex items-center gap-2 whitespace-nowrap">
              {count(row.ratio, place, 2)} : 1 {row.passes ? <Badge tone="good">Reads</Badge> : <Badge tone="warn">Weak</Badge>}
            </span>
          </li>
        ))}
      </ul>
      <p className="mt-2 text-xs text-soft">Text should reach 4.5 : 1, and a colour 3 : 1 against the page. Text on a colour is black or white, whichever reads better. Where the colour itself is weak against the page, links and marks are moved lighter or darker until they read.</p>
    </Card>
  )
}

const begin = (view: BrandView) => draftOf(view.own)

function Editor({ accountId, sells, newest, reload }: { accountId: string; sells: boolean; newest: Version<BrandView>; reload: () => Promise<{ data?: Version<BrandView>; error: unknown }> }) {
  const { can } = useViewer()
  const id = useId()
  const may = can('accounts.update')
  const { draft, base, changed, set, discard, took: take, load } = useDraft(newest, begin, reload)
  const [logo, setLogo] = useState<string | null>(null)
  const view = base.data

  // What is saved beside the tokens leaves their draft as it is.
  const took = (reply: Reply<BrandView>, keep = true) => {
    take({ data: reply.data, etag: reply.etag ?? `"${reply.data.version}"` }, keep)
    void refresh(PATH, '/portal/brand')
  }
  const { submit, busy, error, reset } = useSubmit(
    (body: BrandTokens) => api.put(PATH, { path: { id: accountId }, body, ifMatch: base.etag ?? undefined }),
    (reply) => {
      toast.done('The brand was saved.')
      took(reply, false)
    },
  )
  const stale = error?.code === 'precondition_failed'
  const look = worn(draft, view, logo ?? safeHttp(view.in_force.logo_url))
  const lockedField = error?.code === 'brand_locked'
  return (
    <div className="space-y-5">
      <Preview accountId={accountId} look={look} body={bodyOf(draft)} />
      <div className="grid items-start gap-5 grid-cols-1 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Form id={id} error={stale ? null : error} className="space-y-5" onSubmit={() => changed && void submit(bodyOf(draft))}>
          {stale && <Meanwhile what="This brand" load={() => void load(reset)} />}
          {lockedField && <Notice tone="info">A token was locked further up meanwhile. Load the page anew to see which.</Notice>}
          {GROUPS.map((group) => (
            <Card key={group.id} title={group.title}>
              <div className="divide-y divide-line">
                {TOKENS.filter((spec) => spec.group === group.id).map((spec) => (
                  <TokenRow key={spec.token} spec={spec} draft={draft} view={view} may={may} onChange={set} />
                ))}
              </div>
            </Card>
          ))}
          {may && changed && (
            <div className="sticky bottom-14 z-20 flex flex-wrap items-center justify-between gap-2 rounded-xl border border-line bg-raised px-4 py-2.5 shadow-high md:bottom-3">
              <p className="text-sm text-soft" aria-live="polite">
                There are changes that are not saved.
              </p>
              <div className="flex gap-2">
                <Button onClick={discard}>Discard</Button>
                <Button type="submit" look="primary" busy={busy}>
                  Save
                </Button>
              </div>
            </div>
          )}
        </Form>
        <div className="space-y-5">
          <Contrast view={view} draft={draft} changed={changed} />
          <Logo accountId={accountId} current={view.in_force.logo_url} own={view.own.logo_url !== null} may={may} locked={view.locked_above.includes('logo')} lockedBelow={draft.locked.includes('logo')} onLock={(locked) => set(locking(draft, 'logo', locked))} onDraft={setLogo} etag={base.etag} onSaved={took} load={load} />
          {sells && (
            <>
              <SlugCard base={base} may={may} onSaved={took} load={load} />
              <HostCard base={base} may={may} onSaved={took} load={load} />
            </>
          )}
        </div>
      </div>
    </div>
  )
}

/** Under whose name, colours and logo an account and those below it are seen. */
export default function Brand() {
  const { account, can } = useViewer()
  const [filters, setFilters] = useFilters<'account_id'>()
  const accountId = filters.account_id ?? account.id
  const brand = useEditable(PATH, { path: { id: accountId } })
  const of = useApi('/reseller/accounts/{id}', { path: { id: accountId } }, { enabled: accountId !== account.id })
  const name = accountId === account.id ? account.name : (of.data?.name ?? '…')
  // Only who sells has a portal of its own.
  const kind = accountId === account.id ? account.kind : of.data?.kind
  return (
    <>
      <PageHead
        title="Brand"
        sub="How pages, mails and invoices look here and below. What is empty comes from above."
        actions={
          can('accounts.read') && (
            <div className="w-60 max-w-full">
              <AccountPicker bare label="Whose brand" own value={{ id: accountId, name }} onChange={(chosen) => chosen && setFilters({ account_id: chosen.id === account.id ? undefined : chosen.id })} />
            </div>
          )
        }
      />
      <NotFresh of={brand} />
      {brand.error && !brand.data ? (
        <Card>
          <Failed error={brand.error} retry={() => void brand.refetch()} what="The brand" />
        </Card>
      ) : !brand.data ? (
        <div className="space-y-5">
          <Skeleton className="h-[26rem] w-full !rounded-xl" />
          <div className="grid gap-5 grid-cols-1 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <Skeleton className="h-[36rem] w-full !rounded-xl" />
            <Skeleton className="h-[36rem] w-full !rounded-xl" />
          </div>
        </div>
      ) : (
        <Editor key={accountId} accountId={accountId} sells={kind !== undefined && kind !== 'customer'} newest={brand.data} reload={() => brand.refetch()} />
      )}
    </>
  )
}
