import { useState } from 'react'
import type { AuditRow } from '~/api/contract'
import { useApi, useList } from '~/api/query'
import { csvOf, download } from '~/lib/csv'
import { addDays, startOf } from '~/lib/days'
import { count, date, words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName, AccountPicker } from '~/ui/account'
import { Button, PageLink } from '~/ui/button'
import { Card, Facts, PageHead } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { FilterSelect } from '~/ui/form'
import { Icon, type IconName } from '~/ui/icon'
import { RangePicker, readRange } from '~/ui/range'
import { Empty, Failed, Notice, Skeleton } from '~/ui/state'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { changesOf, dataOf, KINDS, plain, said } from './sentences'

const ICONS: Record<string, IconName> = {
  credit: 'credits', account: 'accounts', key: 'key', member: 'people', denies: 'lock', role: 'people', rate_card: 'pricing', markup: 'pricing', meter: 'usage', tiers: 'pricing', package: 'pricing', bulk_discounts: 'pricing',
  promotion: 'pricing', usage: 'usage', alert: 'bell', auto_topup: 'credits', bulk: 'bulk', notification: 'bell', billing: 'invoice', charge: 'invoice', billing_run: 'invoice', invoice: 'invoice', credit_note: 'invoice', payment: 'credits',
  refund: 'credits', payment_method: 'credits', dunning: 'invoice', dispute: 'disputes', test_clock: 'clock', webhook: 'webhook', brand: 'brush', host: 'brush', session: 'key', sign_in: 'key',
}

/** Who did it. Of what stands above an account nothing is told: such an actor is null as the platform is. */
function actorName(row: AuditRow, operator: boolean): string {
  if (!row.actor) return operator ? 'The platform' : 'The platform or your seller'
  return row.actor.name ?? (row.actor.kind === 'key' ? 'An API key' : row.actor.kind === 'member' ? 'A member' : words(row.actor.kind))
}

function Row({ row, accountName, onOpen }: { row: AuditRow; accountName: string | null; onOpen: () => void }) {
  const { place, account } = useViewer()
  const actor = actorName(row, account.kind === 'operator')
  return (
    <li className="flex items-start gap-3 px-4 py-2.5 hover:bg-surface">
      <span className="mt-0.5 grid size-7 shrink-0 place-items-center rounded-full bg-sunken text-soft">
        <Icon name={ICONS[row.kind.split('.')[0] as string] ?? 'info'} size={14} />
      </span>
      <div className="min-w-0 flex-1 text-sm">
        <p>
          <span className="font-semibold">{actor}</span> {said(row, place)}
        </p>
        <p className="text-xs text-soft">
          <time dateTime={row.at} title={date(row.at, place, 'full')}>
            {date(row.at, place, 'time')}
          </time>
          {' · '}
          {row.account_id === account.id ? account.name : accountName === null ? <AccountName id={row.account_id} /> : <PageLink to={`accounts/${row.account_id}`}>{accountName}</PageLink>}
        </p>
      </div>
      <Button look="quiet" small onClick={onOpen} aria-label={`Details: ${actor} ${said(row, place)}`}>
        Details
      </Button>
    </li>
  )
}

function Details({ row }: { row: AuditRow }) {
  const { place, account } = useViewer()
  const actor = actorName(row, account.kind === 'operator')
  const data = dataOf(row)
  const changes = changesOf(data)
  const rest = Object.entries(data).filter(([name]) => !(changes.length && ['changes', 'before', 'after'].includes(name)))
  return (
    <div className="space-y-5 text-sm">
      <p>
        <span className="font-semibold">{actor}</span> {said(row, place)}.
      </p>
      <Facts
        rows={[
          ['When', <Time key="at" at={row.at} style="full" />],
          ['Who', row.actor ? <span key="who" className="inline-flex flex-wrap items-center gap-x-2">{actor} <span className="text-soft">({row.actor.kind})</span> <Id id={row.actor.id} what="actor’s id" /></span> : actor],
          ['Account', <span key="account" className="inline-flex flex-wrap items-center gap-x-2"><PageLink to={`accounts/${row.account_id}`}>Open</PageLink> <Id id={row.account_id} what="account id" /></span>],
          ['Kind', <code key="kind" className="font-mono text-xs">{row.kind}</code>],
          ['Record', <Id key="id" id={row.id} what="record id" />],
          ['Request', <Id key="request" id={row.request_id} what="request id" />],
        ]}
      />
      {changes.length > 0 && (
        <section>
          <h3 className="mb-2">What changed</h3>
          <table className="w-full text-sm">
            <thead>
              <tr className="text-left text-xs text-soft">
                <th scope="col" className="pr-3 pb-1 font-medium">Field</th>
                <th scope="col" className="pr-3 pb-1 font-medium">Was</th>
                <th scope="col" className="pb-1 font-medium">Is</th>
              </tr>
            </thead>
            <tbody>
              {changes.map((change) => (
                <tr key={change.field} className="border-t border-line align-top">
                  <th scope="row" className="py-1.5 pr-3 text-left font-normal">{words(change.field)}</th>
                  <td className="py-1.5 pr-3 text-soft">{plain(change.from)}</td>
                  <td className="py-1.5">{plain(change.to)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {rest.length > 0 && (
        <section>
          <h3 className="mb-2">What was recorded with it</h3>
          <Facts rows={rest.map(([name, value]) => [words(name), <span key={name}>{plain(value)}</span>])} />
        </section>
      )}
    </div>
  )
}

/** Who did what, newest first. */
export default function Audit() {
  const { place, account, can } = useViewer()
  const [filters, setFilters] = useFilters<'kind' | 'actor' | 'days' | 'below' | 'account_id'>()
  const [open, setOpen] = useState<AuditRow | null>(null)
  const days = readRange(filters.days, place.timeZone)
  const focus = filters.account_id ?? account.id
  // With all below unless somebody says otherwise, or there are too many accounts for that: then the account alone, and that is said.
  const [tooMany, setTooMany] = useState<string | null>(null)
  const alone = filters.below === undefined && tooMany === focus
  const below = filters.below !== 'no' && !alone
  const of = useApi('/reseller/accounts/{id}', { path: { id: focus } }, { enabled: focus !== account.id && can('accounts.read') })
  const focusName = focus === account.id ? account.name : (of.data?.name ?? '…')
  const list = useList(
    '/reseller/insights/audit',
    {
      query: {
        ...(filters.account_id ? { account_id: filters.account_id } : {}),
        ...(filters.kind ? { kind: filters.kind } : {}),
        ...(filters.actor ? { actor: filters.actor } : {}),
        from: startOf(days.from, place.timeZone),
        to: startOf(addDays(days.to, 1), place.timeZone),
        ...(below ? { subtree: true } : {}),
        limit: 50,
      },
    },
    { keep: true },
  )
  if (below && filters.below === undefined && list.error?.code === 'limit_reached') setTooMany(focus)
  const members = useApi('/reseller/accounts/{id}/members', { path: { id: account.id }, query: { limit: 200 } }, { enabled: can('members.read'), staleMs: 300_000 })
  const keys = useApi('/reseller/accounts/{id}/keys', { path: { id: account.id }, query: { limit: 200 } }, { enabled: can('keys.read'), staleMs: 300_000 })
  const accounts = useApi('/reseller/accounts', { query: { subtree: true, limit: 200 } }, { enabled: below && can('accounts.read'), staleMs: 300_000 })
  const names = new Map((accounts.data?.data ?? []).map((row) => [row.id, row.name]))
  const actors = [
    { value: '', label: 'Anybody' },
    ...(members.data?.data ?? []).map((row) => ({ value: row.id as string, label: row.name ?? row.email })),
    ...(keys.data?.data ?? []).map((row) => ({ value: row.id as string, label: `Key: ${row.name}` })),
  ]
  if (filters.actor && !actors.some((actor) => actor.value === filters.actor)) actors.push({ value: filters.actor, label: 'One actor' })
  const groups: { day: string; rows: AuditRow[] }[] = []
  for (const row of list.rows) {
    const day = date(row.at, place, 'date')
    if (groups.at(-1)?.day === day) groups.at(-1)?.rows.push(row)
    else groups.push({ day, rows: [row] })
  }
  const save = () => {
    const rows = list.rows.map((row) => [row.at, row.kind, said(row, place), actorName(row, account.kind === 'operator'), row.actor?.kind ?? '', row.actor?.id ?? '', row.account_id, row.account_id === account.id ? account.name : (names.get(row.account_id) ?? ''), row.id, row.request_id ?? '', JSON.stringify(dataOf(row))])
    download(`audit-${days.from}-${days.to}.csv`, 'text/csv;charset=utf-8', csvOf(['at', 'kind', 'what', 'actor', 'actor_kind', 'actor_id', 'account_id', 'account', 'id', 'request_id', 'data'], rows))
    toast.done(`A file of ${count(rows.length, place)} records.`, list.hasMore ? 'There are more: it holds those that are loaded.' : undefined)
  }
  const filtered = Boolean(filters.kind || filters.actor || filters.days || filters.account_id)
  return (
    <>
      <PageHead
        title="Audit log"
        sub="Who did what, and when. Each record was written with the change itself, and nobody can change or remove it."
        actions={
          <>
            {can('accounts.read') && (
              <div className="w-60 max-w-full">
                <AccountPicker bare label="Whose records" own value={{ id: focus, name: focusName }} onChange={(chosen) => setFilters({ account_id: chosen === null || chosen.id === account.id ? undefined : chosen.id })} />
              </div>
            )}
            <Button icon="download" disabled={list.rows.length === 0 || list.stale} onClick={save}>
              CSV
            </Button>
          </>
        }
      />
      <div className="mb-4 grid grid-cols-2 gap-2 sm:flex sm:flex-wrap">
        <RangePicker value={filters.days} onChange={(value) => setFilters({ days: value })} />
        <FilterSelect label="Whose" value={below ? 'below' : 'own'} onChange={(value) => setFilters({ below: value === 'own' ? 'no' : tooMany === focus ? 'yes' : undefined })} options={[{ value: 'below', label: 'With all below' }, { value: 'own', label: 'This account alone' }]} />
        <FilterSelect label="What" value={filters.kind ?? ''} onChange={(kind) => setFilters({ kind })} options={[{ value: '', label: 'Everything' }, ...KINDS.map((kind) => ({ value: kind, label: words(kind) }))]} />
        <FilterSelect label="Who" value={filters.actor ?? ''} onChange={(actor) => setFilters({ actor })} options={actors} />
        {filtered && (
          <Button look="quiet" onClick={() => setFilters({ kind: undefined, actor: undefined, days: undefined, account_id: undefined })}>
            Clear
          </Button>
        )}
      </div>
      <Card flush>
        {list.error?.code === 'limit_reached' ? (
          <Empty icon="book" title="There are too many accounts to show together" action={<Button onClick={() => setFilters({ below: 'no' })}>Show this account alone</Button>}>
            The records of at most 200 accounts are shown at once. Choose one account above, with all below it where they are fewer.
          </Empty>
        ) : list.error && list.rows.length === 0 ? (
          <Failed error={list.error} retry={list.retry} what="The audit log" />
        ) : list.loading ? (
          <ul aria-label="Loading" className="divide-y divide-line">
            {Array.from({ length: 9 }, (_, index) => (
              <li key={index} className="flex gap-3 px-4 py-3">
                <Skeleton className="size-7 !rounded-full" />
                <span className="flex-1 space-y-1.5">
                  <Skeleton className="h-3.5 w-2/3" />
                  <Skeleton className="block h-3 w-1/3" />
                </span>
              </li>
            ))}
          </ul>
        ) : list.rows.length === 0 ? (
          <Empty icon="book" title={filtered ? 'Nothing fits these filters' : 'Nothing happened in this time'} action={<Button onClick={() => setFilters({ kind: undefined, actor: undefined, account_id: undefined, days: 'year' })}>Show this year</Button>}>
            {filtered ? 'Take a filter away, or look further back.' : 'Choose a longer time to look further back.'}
          </Empty>
        ) : (
          <div className={`transition-opacity ${list.stale ? 'opacity-60' : ''}`}>
            {alone && (
              <div className="border-b border-line p-3">
                <Notice title={`The records of ${focusName} alone`}>There are too many accounts below it to show together: at most 200. Choose one of them above to see it with all below it.</Notice>
              </div>
            )}
            {groups.map((group) => (
              <section key={group.day} aria-label={group.day} className="overflow-hidden border-line not-first:border-t first:rounded-t-xl">
                <h2 className="border-b border-line bg-surface px-4 py-1.5 !text-xs !leading-4 !font-medium text-soft">{group.day}</h2>
                <ul className="divide-y divide-line">
                  {group.rows.map((row) => (
                    <Row key={row.id} row={row} accountName={names.get(row.account_id) ?? null} onOpen={() => setOpen(row)} />
                  ))}
                </ul>
              </section>
            ))}
            {list.error && <Failed error={list.error} retry={list.retry} what="The rest" />}
            {list.hasMore && (
              <div className="no-print flex justify-center border-t border-line p-3">
                <Button onClick={list.more} busy={list.loadingMore}>
                  Load more
                </Button>
              </div>
            )}
          </div>
        )}
      </Card>
      <Sheet open={open !== null} onClose={() => setOpen(null)} title="Record">
        {open && <Details row={open} />}
      </Sheet>
    </>
  )
}
