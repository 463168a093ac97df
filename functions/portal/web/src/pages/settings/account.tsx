import { useId } from 'react'
import { api, type BodyOf, type Schema } from '~/api/client'
import { refresh, useEditable } from '~/api/query'
import { compare, plain, readAmount } from '~/lib/decimal'
import { date, placeOf, words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, Facts } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Meanwhile, useDraft, type Version } from '~/ui/draft'
import { Form, SelectField, TextField, useSubmit } from '~/ui/form'
import { Failed, NotFresh, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { SettingsHead } from './head'

type Account = Schema<'Account'>
type Update = BodyOf<'put', '/reseller/accounts/{id}'>

const LOCALES = ['en', 'en-US', 'en-GB', 'de', 'de-AT', 'de-CH', 'fr', 'fr-CH', 'es', 'es-MX', 'it', 'nl', 'pt', 'pt-BR', 'pl', 'cs', 'sk', 'hu', 'ro', 'bg', 'el', 'tr', 'sv', 'da', 'nb', 'fi', 'et', 'lv', 'lt', 'uk', 'ar', 'he', 'hi', 'id', 'ja', 'ko', 'th', 'vi', 'zh-CN', 'zh-TW']
const TAGS_MAX = 20

function zones(): string[] {
  const all = Intl.supportedValuesOf('timeZone')
  return all.includes('UTC') ? all : ['UTC', ...all]
}

function localeName(tag: string, locale: string): string {
  try {
    return `${new Intl.DisplayNames([locale], { type: 'language' }).of(tag) ?? tag} (${tag})`
  } catch {
    return tag
  }
}

interface Tag {
  name: string
  value: string
}

/** What is wrong with a tag's name, if anything. */
function wrongName(tags: Tag[], at: number): string | null {
  const name = tags[at]?.name ?? ''
  if (name && !/^[a-z][a-z0-9_-]{0,39}$/.test(name)) return 'Lower-case letters, digits, - and _; a letter first.'
  return tags.findIndex((tag) => tag.name === name) !== at ? 'This name is there already.' : null
}

/** Labels as rows of a name and a value. */
function TagsField({ tags, onChange }: { tags: Tag[]; onChange: (tags: Tag[]) => void }) {
  const set = (at: number, change: Partial<Tag>) => onChange(tags.map((tag, index) => (index === at ? { ...tag, ...change } : tag)))
  return (
    <fieldset className="space-y-2">
      <legend className="text-sm font-medium">Tags</legend>
      <p className="text-xs text-soft">
        Labels to group and filter by, such as <code>region</code>. <code>channel</code> and <code>campaign</code> say how an account was won.
      </p>
      {tags.map((tag, at) => {
        return (
          <div key={at} className="grid grid-cols-[1fr_1fr_auto] items-end gap-2">
            <TextField label={<span className={at ? 'sr-only' : ''}>Name</span>} value={tag.name} onChange={(name) => set(at, { name })} wrong={wrongName(tags, at)} pointer={`/tags/${tag.name}`} required autoComplete="off" />
            <TextField label={<span className={at ? 'sr-only' : ''}>Value</span>} value={tag.value} onChange={(value) => set(at, { value })} required maxLength={100} autoComplete="off" />
            <Button look="quiet" icon="trash" label={`Remove the tag ${tag.name || at + 1}`} onClick={() => onChange(tags.filter((_, index) => index !== at))} />
          </div>
        )
      })}
      {tags.length < TAGS_MAX && (
        <Button small icon="plus" onClick={() => onChange([...tags, { name: '', value: '' }])}>
          Add a tag
        </Button>
      )}
    </fieldset>
  )
}

/** What stands in the fields for an account. */
function begin(account: Account) {
  return {
    name: account.name as string,
    email: (account.email ?? '') as string,
    zone: account.settings.time_zone ?? '',
    locale: account.settings.locale ?? '',
    externalId: account.external_id ?? '',
    funding: account.funding as string,
    limit: plain(account.credit_limit),
    tags: Object.entries(account.tags).map(([tag, value]): Tag => ({ name: tag, value })),
  }
}

/** What of an account can be edited: of one's own, and of one below it what its seller says of it too. */
export function AccountForm({ newest, reload }: { newest: Version<Account>; reload: () => Promise<{ data?: Version<Account>; error: unknown }> }) {
  const viewer = useViewer()
  const { can, customer } = viewer
  const id = useId()
  const { draft, base, set, took, load } = useDraft(newest, begin, reload)
  const { name, email, zone, locale, externalId, funding, limit, tags } = draft
  const account = base.data
  const own = account.id === viewer.account.id
  const creditLimit = readAmount(limit)
  const { submit, busy, error, reset } = useSubmit(
    (body: Update) => api.put('/reseller/accounts/{id}', { path: { id: account.id }, body, ifMatch: base.etag ?? undefined }),
    (saved) => {
      took(saved)
      toast.done('The account was changed.')
      void refresh('/reseller/accounts', '/reseller/insights', '/portal/session')
    },
  )
  const closed = account.status === 'closed'
  const may = can('accounts.update') && !closed
  const mayFund = !own && can('pricing.manage')
  const mayLimit = !own && can('credits.limit')
  // Settings are replaced whole: what this page does not show goes back as it came.
  const settings = { ...account.settings, time_zone: zone || null, locale: locale || null }
  const cleaned = Object.fromEntries(tags.filter((tag) => tag.name && tag.value).map((tag) => [tag.name, tag.value]))
  const body: Update = {
    ...(name.trim() !== account.name ? { name: name.trim() } : {}),
    ...(email.trim() !== (account.email ?? '') ? { email: email.trim() || null } : {}),
    ...(JSON.stringify(cleaned) !== JSON.stringify(account.tags) ? { tags: cleaned } : {}),
    ...(zone !== (account.settings.time_zone ?? '') || locale !== (account.settings.locale ?? '') ? { settings } : {}),
    ...(!own && externalId.trim() !== (account.external_id ?? '') ? { external_id: externalId.trim() || null } : {}),
    ...(mayFund && funding !== account.funding ? { funding: funding as Account['funding'] } : {}),
    ...(mayLimit && creditLimit !== null && compare(creditLimit, account.credit_limit) !== 0 ? { credit_limit: creditLimit } : {}),
  }
  const wrong = creditLimit === null || tags.some((_, at) => wrongName(tags, at) !== null)
  const changed = Object.keys(body).length > 0
  const place = placeOf({ locale: locale || viewer.account.locale, time_zone: zone })
  const stale = error?.code === 'precondition_failed'
  return (
    <Form id={id} error={stale ? null : error} onSubmit={() => changed && void submit(body)}>
      {stale && <Meanwhile what="The account" load={() => void load(reset)} />}
      <fieldset disabled={!may} className="space-y-4">
        <TextField label="Name" pointer="/name" value={name} onChange={(name) => set({ name })} required maxLength={200} autoComplete="off" />
        <TextField label="E-mail" pointer="/email" optional type="email" value={email} onChange={(email) => set({ email })} maxLength={254} autoComplete="off" hint="Where invoices and notices go." />
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField label="Time zone" pointer="/settings/time_zone" value={zone} onChange={(zone) => set({ zone })} options={[{ value: '', label: 'UTC (none chosen)' }, ...zones().map((zoneName) => ({ value: zoneName, label: zoneName.replaceAll('_', ' ') }))]} hint="Its days and billing periods begin here." />
          <SelectField label="Language and region" pointer="/settings/locale" value={locale} onChange={(locale) => set({ locale })} options={[{ value: '', label: 'As above it' }, ...[...new Set([...LOCALES, ...(locale ? [locale] : [])])].map((tag) => ({ value: tag, label: localeName(tag, viewer.place.locale) }))]} hint="Of pages, mail and documents." />
        </div>
        <p className="text-xs text-soft">It is {date(new Date(), place, 'full')} there.</p>
        {!own && (
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField label="External id" pointer="/external_id" optional value={externalId} onChange={(externalId) => set({ externalId })} maxLength={128} autoComplete="off" hint="Your own id for it." />
            {mayFund && (
              <SelectField
                label="Pays"
                pointer="/funding"
                value={funding}
                onChange={(funding) => set({ funding })}
                options={[
                  { value: 'prepaid', label: 'From credit, as it uses' },
                  { value: 'postpaid', label: 'By invoice, afterwards' },
                ]}
              />
            )}
            {mayLimit && <TextField label="Credit limit" pointer="/credit_limit" inputMode="decimal" suffix={account.currency} hint="How far its credit may go below zero." wrong={creditLimit === null ? 'this is no amount' : null} value={limit} onChange={(limit) => set({ limit })} autoComplete="off" />}
          </div>
        )}
        {!customer && <TagsField tags={tags} onChange={(tags) => set({ tags })} />}
      </fieldset>
      {may ? (
        <Button type="submit" look="primary" busy={busy} disabled={!changed || wrong || !name.trim()}>
          Save
        </Button>
      ) : (
        <p className="text-xs text-soft">{closed ? 'The account is closed: nothing of it changes any more.' : 'Your role shows the account and does not change it.'}</p>
      )}
    </Form>
  )
}

/** The account itself: what it is called and where its day begins. */
export default function AccountSettings() {
  const { account, can, customer } = useViewer()
  const own = useEditable('/reseller/accounts/{id}', { path: { id: account.id } }, { enabled: can('accounts.read') })
  const data = own.data?.data
  return (
    <>
      <SettingsHead current="account" title="Settings" sub="What the account is called, and how it reckons time and money." />
      <NotFresh of={own} />
      {own.error && !own.data ? (
        <Card>
          <Failed error={own.error} retry={() => void own.refetch()} what="The account" />
        </Card>
      ) : (
        <div className="grid items-start gap-5 grid-cols-1 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
          <Card title="Account">{own.data ? <AccountForm key={own.data.data.id} newest={own.data} reload={() => own.refetch()} /> : <Skeleton className="h-96 w-full" />}</Card>
          <div className="space-y-5">
            <Card title="What is given">
              {data ? (
                <Facts
                  rows={[
                    ['Id', <Id key="id" id={data.id} what="account id" />],
                    ['Kind', words(data.kind)],
                    ['State', <State key="state" state={data.effective_status} />],
                    ['Currency', data.currency],
                    ...(customer ? [] : ([['Tier', words(data.tier)]] as [string, string][])),
                    ['Pays', data.funding === 'prepaid' ? 'Before it uses' : 'By invoice, after it used'],
                    ['Credit limit', <Amount key="limit" value={data.credit_limit} currency={data.currency} explain={{ title: 'Credit limit', says: 'How far below zero the available credit may go. It is given to the account, as its tier is.' }} />],
                    ['Made', <Time key="made" at={data.created_at} style="date" />],
                  ]}
                />
              ) : (
                <Skeleton className="h-56 w-full" />
              )}
            </Card>
            <Card title="Set elsewhere">
              <ul className="space-y-2 text-sm">
                {can('credits.read') && (
                  <li>
                    <PageLink to="credits/auto-topup">Automatic top-up</PageLink>
                    <span className="block text-xs text-soft">Draws credit by itself before it runs out.</span>
                  </li>
                )}
                {!customer && can('accounts.read') && (
                  <li>
                    <PageLink to="brand">Brand</PageLink>
                    <span className="block text-xs text-soft">Name, colours and logo of pages, mail and invoices.</span>
                  </li>
                )}
                {can('alerts.read') && (
                  <li>
                    <PageLink to="alerts">Alerts</PageLink>
                    <span className="block text-xs text-soft">Who is told when a number crosses a threshold.</span>
                  </li>
                )}
                {can('webhooks.read') && (
                  <li>
                    <PageLink to="webhooks">Webhooks</PageLink>
                    <span className="block text-xs text-soft">Where events are sent.</span>
                  </li>
                )}
              </ul>
            </Card>
          </div>
        </div>
      )}
    </>
  )
}
