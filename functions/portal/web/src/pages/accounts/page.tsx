import { useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { api, urlOf } from '~/api/client'
import type { AccountKind, AccountStatus, InsightsFilter, InsightsSort } from '~/api/contract'
import { useSettled } from '~/api/query'
import { count } from '~/lib/format'
import { safeHttp } from '~/lib/links'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountField } from '~/ui/account'
import { Button, ButtonLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { FilterSelect } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { Popover } from '~/ui/menu'
import { Empty, Skeleton } from '~/ui/state'
import { DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { COLUMNS, keepColumns, keptColumns } from './columns'
import { CreateAccount } from './create'
import { ALL, type Chosen, everyShown, has, NONE, sizeOf, toggle, toggleShown } from './selection'
import { useAccountWindow } from './window'

type Known = 'q' | 'status' | 'kind' | 'tag' | 'parent_id' | 'at_risk' | 'sort' | 'do'
/** More than these go beside the address, which has a length. */
const IDS_IN_ADDRESS = 100

/** A tag, or one with its value; taken when it is left or entered. */
function TagFilter({ value, onChange }: { value: string; onChange: (tag: string) => void }) {
  const [text, setText] = useState(value)
  const take = () => {
    if (text.trim() !== value) onChange(text.trim())
  }
  return (
    <form
      className="w-full sm:w-48"
      onSubmit={(event) => {
        event.preventDefault()
        take()
      }}
    >
      <input aria-label="Tag" placeholder="Tag, as region:emea" className="field !h-8.5 !border-line" value={text} onChange={(event) => setText(event.target.value)} onBlur={take} />
    </form>
  )
}

/** All sub-accounts: found, sorted and filtered by the platform, whatever their number; only what is seen is fetched. */
export default function Accounts() {
  const viewer = useViewer()
  const { place, base } = viewer
  const navigate = useNavigate()
  const [filters, setFilters] = useFilters<Known>()
  const [text, setText] = useState(filters.q ?? '')
  const sought = useSettled(text.trim(), 200)
  useEffect(() => {
    if (sought !== (filters.q ?? '')) setFilters({ q: sought }, true)
    // Only what was typed leads: a filter taken out elsewhere is followed below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [sought])
  useEffect(() => setText((known) => (known.trim() === (filters.q ?? '') ? known : (filters.q ?? ''))), [filters.q])

  const filter = useMemo<InsightsFilter>(
    () => ({
      sort: (filters.sort ?? '-revenue') as InsightsSort,
      ...(filters.q ? { q: filters.q } : {}),
      ...(filters.status ? { status: filters.status as AccountStatus } : {}),
      ...(filters.kind ? { kind: filters.kind as AccountKind } : {}),
      ...(filters.tag ? { tag: filters.tag } : {}),
      ...(filters.parent_id ? { parent_id: filters.parent_id } : {}),
      ...(filters.at_risk ? { at_risk: true } : {}),
    }),
    [filters.sort, filters.q, filters.status, filters.kind, filters.tag, filters.parent_id, filters.at_risk],
  )
  const list = useAccountWindow(filter)
  const [ids, setIds] = useState(keptColumns)
  const columns = useMemo(() => COLUMNS.filter((column) => column.id === 'name' || ids.includes(column.id)), [ids])
  const [chosen, setChosen] = useState<Chosen>(NONE)
  const further = [filters.tag, filters.parent_id, filters.at_risk].filter(Boolean).length
  const [more, setMore] = useState(further > 0)
  const narrowed = Boolean(filters.q || filters.status || filters.kind || filters.tag || filters.parent_id || filters.at_risk)
  const matched = list.head?.matched ?? 0

  // What was chosen under one filter is not what another shows.
  useEffect(() => setChosen(NONE), [filter])

  const selection = useMemo(() => {
    const shown = list.shown.map((row) => row.id)
    return {
      has: (id: string) => has(chosen, id),
      toggle: (id: string) => setChosen((known) => toggle(known, id)),
      toggleAll: () => setChosen((known) => toggleShown(known, shown)),
      all: everyShown(chosen, shown),
      some: chosen.all || chosen.ids.size > 0,
    }
  }, [chosen, list.shown])
  const many = sizeOf(chosen, matched)

  /** Hands the selection to the bulk pages: the accounts themselves, or the filter that matches them and who is left out. */
  const hand = (kind: 'credits' | 'updates' | 'notifications') => {
    const search: Record<string, string> = { kind }
    const ids = [...chosen.ids]
    const short = ids.length <= IDS_IN_ADDRESS
    if (!short) sessionStorage.setItem('selection', JSON.stringify(ids))
    const named = short ? ids.join(',') : 'session'
    if (chosen.all) {
      search.filter = urlOf('', {}, filter).replace(/^\?/, '')
      search.count = String(many)
      if (named) search.less = named
    } else search.ids = named
    void navigate({ to: `${base}/bulk/new` as never, search: search as never })
  }
  const [exporting, setExporting] = useState(false)
  const csv = async () => {
    setExporting(true)
    try {
      const { data } = await api.get('/reseller/insights/accounts/csv', { query: filter })
      const address = safeHttp(data.download_url)
      if (!address) throw new Error('The link to the file is none that can be opened.')
      const link = Object.assign(document.createElement('a'), { href: address, download: 'accounts.csv', rel: 'noopener' })
      link.click()
      toast.done(`A file of ${count(data.rows, place)} accounts is on its way.`)
    } catch (error) {
      toast.failed(error, 'The file could not be made.')
    }
    setExporting(false)
  }
  return (
    <>
      <PageHead
        title="Accounts"
        sub={list.head ? <>{narrowed ? `${count(matched, place)} of ${count(list.head.total, place)}` : count(list.head.total, place)} accounts, figures of this month up to <Time at={list.head.as_of} ago /></> : <Skeleton className="h-4 w-60" />}
        actions={
          <>
            <Button icon="download" busy={exporting} onClick={() => void csv()} disabled={matched === 0}>
              CSV
            </Button>
            {viewer.can('accounts.create') && (
              <Button look="primary" icon="plus" onClick={() => setFilters({ do: 'create' })}>
                New account
              </Button>
            )}
          </>
        }
      />
      <Card flush>
        <div className="flex flex-wrap items-center gap-2 border-b border-line p-3">
          {many > 0 ? (
            <>
              <span className="px-1 text-sm font-medium" role="status">{count(many, place)} selected</span>
              {matched > many && (
                <Button look="quiet" small onClick={() => setChosen(ALL)}>
                  Select all {count(matched, place)} that match
                </Button>
              )}
              <span className="flex-1" />
              {viewer.can('bulk.manage') && (
                <>
                  {viewer.can('credits.allocate') && <Button icon="credits" onClick={() => hand('credits')}>Give credit</Button>}
                  {viewer.can('accounts.update') && <Button icon="edit" onClick={() => hand('updates')}>Edit</Button>}
                  <Button icon="bell" onClick={() => hand('notifications')}>Write to them</Button>
                </>
              )}
              <Button look="quiet" icon="close" label="Clear the selection" onClick={() => setChosen(NONE)} />
            </>
          ) : (
            <>
              <div className="relative min-w-52 flex-1 sm:max-w-80">
                <Icon name="search" className="absolute top-2.5 left-2.5 text-soft" size={14} />
                <input data-search="" type="search" aria-label="Search accounts" placeholder="Name, external id or e-mail" className="field !border-line !pl-8" value={text} onChange={(event) => setText(event.target.value)} />
              </div>
              <FilterSelect
                label="Status"
                value={filters.status ?? ''}
                onChange={(status) => setFilters({ status })}
                options={[{ value: '', label: 'Any status' }, { value: 'active', label: 'Active' }, { value: 'suspended', label: 'Suspended' }, { value: 'closed', label: 'Closed' }]}
              />
              <FilterSelect label="Kind" value={filters.kind ?? ''} onChange={(kind) => setFilters({ kind })} options={[{ value: '', label: 'Any kind' }, { value: 'reseller', label: 'Resellers' }, { value: 'customer', label: 'Customers' }]} />
              <Button icon="filter" aria-expanded={more} onClick={() => setMore(!more)}>
                {further > 0 ? `More filters (${further})` : 'More filters'}
              </Button>
              {narrowed && (
                <Button look="quiet" onClick={() => { setText(''); setFilters({ q: undefined, status: undefined, kind: undefined, tag: undefined, parent_id: undefined, at_risk: undefined }) }}>
                  Clear
                </Button>
              )}
              <span className="flex-1" />
              <Popover label="Columns" icon="columns">
                {() => (
                  <fieldset className="p-2">
                    <legend className="sr-only">Columns</legend>
                    {COLUMNS.filter((column) => column.id !== 'name').map((column) => (
                      <label key={column.id} className="flex items-center gap-2 py-1 text-sm">
                        <input
                          type="checkbox"
                          className="size-4 accent-(--accent-ink)"
                          checked={ids.includes(column.id)}
                          onChange={() => {
                            const next = ids.includes(column.id) ? ids.filter((id) => id !== column.id) : [...ids, column.id]
                            setIds(next)
                            keepColumns(next)
                          }}
                        />
                        {column.head}
                      </label>
                    ))}
                  </fieldset>
                )}
              </Popover>
            </>
          )}
        </div>
        {more && (
          <div className="flex flex-wrap items-center gap-2 border-b border-line p-3">
            <TagFilter key={filters.tag ?? ''} value={filters.tag ?? ''} onChange={(tag) => setFilters({ tag })} />
            <div className="w-full sm:w-56">
              <AccountField bare label="Right below" placeholder="Right below…" value={filters.parent_id ?? ''} onChange={(parent_id) => setFilters({ parent_id })} />
            </div>
            <FilterSelect label="Risk" value={filters.at_risk ? 'yes' : ''} onChange={(risk) => setFilters({ at_risk: risk && 'true' })} options={[{ value: '', label: 'At risk or not' }, { value: 'yes', label: 'At risk' }]} />
          </div>
        )}
        <DataTable
          label="Accounts"
          columns={columns}
          rows={[]}
          total={matched}
          rowAt={list.rowAt}
          onRange={list.onRange}
          rowId={(row) => row.id}
          loading={list.loading}
          error={list.error}
          retry={list.refetch}
          stale={list.stale}
          selection={viewer.can('bulk.manage') ? selection : undefined}
          sort={filter.sort}
          onSort={(sort) => setFilters({ sort })}
          onOpen={(row) => void navigate({ to: `${base}/accounts/${row.id}` as never })}
          maxHeight="calc(100dvh - 15rem)"
          empty={
            narrowed ? (
              <Empty icon="search" title="No account matches" action={<Button onClick={() => { setText(''); setFilters({ q: undefined, status: undefined, kind: undefined, tag: undefined, parent_id: undefined, at_risk: undefined }) }}>Clear the filters</Button>}>
                Search looks at name, external id and e-mail address.
              </Empty>
            ) : (
              <Empty
                icon="accounts"
                title="No sub-accounts yet"
                action={
                  viewer.can('accounts.create') && (
                    <>
                      <Button look="primary" onClick={() => setFilters({ do: 'create' })}>Create the first</Button>
                      {viewer.can('bulk.manage') && <ButtonLink to="bulk/new" search={{ kind: 'accounts' }}>Import a file</ButtonLink>}
                    </>
                  )
                }
              >
                A sub-account is a customer or a reseller below you, with credit and prices of its own.
              </Empty>
            )
          }
        />
      </Card>
      {viewer.can('accounts.create') && filters.do === 'create' && <CreateAccount open onClose={() => setFilters({ do: undefined }, true)} />}
    </>
  )
}
