import { useNavigate } from '@tanstack/react-router'
import { type DragEvent, useEffect, useMemo, useRef, useState } from 'react'
import { api, type Schema } from '~/api/client'
import { asApiError, type ApiError } from '~/api/problem'
import { refresh } from '~/api/query'
import { readAmount, sign } from '~/lib/decimal'
import { count, money } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Choice } from '~/pages/invoices/actions'
import { AccountField } from '~/ui/account'
import { Button, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { CheckField, Form, TextArea, TextField, useSubmit } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { Progress } from '~/ui/progress'
import { Failed, Notice } from '~/ui/state'
import { gatherIds, type Gathering, gridFilter, gridPages, newGathering } from './gather'
import { ABOUT, type Kind, KINDS, kindOf } from './kinds'
import { columnsWrong, headerOf, INLINE_BYTES, type Read, readRows, readTags, type Row, toLines, UPLOAD_BYTES } from './rows'
import { uploadRows } from './upload'

type Source = 'selection' | 'paste' | 'file'

/** Starts a job: rows that are pasted, in a file, or chosen in the accounts grid. It is planned first and done when somebody says so. */
export default function NewJob() {
  const [filters] = useFilters<'kind' | 'ids' | 'filter' | 'less' | 'count'>()
  const { can } = useViewer()
  const kind = kindOf(filters.kind)
  const about = ABOUT[kind]
  const selection = kind !== 'accounts' && (filters.ids || filters.filter !== undefined)
  return (
    <>
      <PageHead title="New bulk job" sub="The rows are checked first and shown with all their problems. Nothing is done before you say so." back={<PageLink to="bulk">Bulk jobs</PageLink>} />
      <KindTabs kind={kind} />
      {about.right && !can(about.right) && (
        <div className="mb-4">
          <Notice tone="warn">Your role does not include what these rows do: they will be refused one by one.</Notice>
        </div>
      )}
      <Start key={kind} kind={kind} ids={selection ? filters.ids : undefined} filter={selection ? filters.filter : undefined} less={selection ? filters.less : undefined} counted={filters.count} />
    </>
  )
}

function KindTabs({ kind }: { kind: Kind }) {
  const [{ ids, filter, less, count: counted }] = useFilters<'ids' | 'filter' | 'less' | 'count'>()
  const chosen = ids !== undefined || filter !== undefined
  return (
    <nav aria-label="Kind of job" className="mb-5 flex gap-5 overflow-x-auto border-b border-line">
      {KINDS.filter((id) => !chosen || id !== 'accounts').map((id) => (
        <PageLink
          key={id}
          to="bulk/new"
          search={{ kind: id, ids, filter, less, count: counted }}
          className={`-mb-px border-b-2 py-2 text-sm whitespace-nowrap no-underline ${id === kind ? 'border-(--accent-ink) font-medium text-ink' : 'border-transparent text-soft hover:text-ink'}`}
          {...(id === kind ? { 'aria-current': 'page' } : {})}
        >
          {ABOUT[id].label}
        </PageLink>
      ))}
    </nav>
  )
}

interface Picked {
  name: string
  size: number
  /** Read here, where it is small enough. */
  read: Read | null
  file: File
  columns: string[]
}

function Start({ kind, ids, filter, less, counted }: { kind: Kind; ids?: string; filter?: string; less?: string; counted?: string }) {
  const { account, base, place } = useViewer()
  const navigate = useNavigate()
  const about = ABOUT[kind]
  const chosen = ids !== undefined || filter !== undefined
  const [source, setSource] = useState<Source>(chosen ? 'selection' : 'paste')
  const [text, setText] = useState('')
  const [picked, setPicked] = useState<Picked | null>(null)
  const selected = useSelection(ids, filter, less)
  const [amount, setAmount] = useState('')
  const [tags, setTags] = useState('')
  const [reference, setReference] = useState('')
  const [from, setFrom] = useState('')
  const [duplicates, setDuplicates] = useState(false)
  const [subject, setSubject] = useState('')
  const [message, setMessage] = useState('')
  const [quiet, setQuiet] = useState({ on: false, from: '22:00', to: '07:00', zone: '' })
  const [sent, setSent] = useState<number | null>(null)

  const pasted = useMemo(() => (text.trim() ? readRows(text) : null), [text])
  const shared = sharedValues(kind, amount, tags)
  const read: Read | null =
    source === 'paste'
      ? pasted
      : source === 'file'
        ? (picked?.read ?? null)
        : selected.ids
          ? { rows: selected.ids.map((id) => ({ account_id: id, ...shared.values })), columns: ['account_id', ...Object.keys(shared.values)], wrong: null }
          : null
  const columns = source === 'file' && picked && !picked.read ? picked.columns : (read?.columns ?? [])
  const large = source === 'file' && picked !== null && picked.read === null
  const wrong =
    read?.wrong ??
    (source === 'selection' ? shared.wrong : null) ??
    (large ? (picked.size > UPLOAD_BYTES ? 'A file has at most 64 MiB: split it.' : /\.json$/i.test(picked.name) ? 'A JSON list of this size cannot be uploaded: write one object a line (.jsonl), or CSV.' : columns.length > 0 ? columnsWrong(kind, columns) : null) : read?.rows ? columnsWrong(kind, columns) : null)
  const ready = !wrong && (large || (read?.rows?.length ?? 0) > 0)

  const { submit, busy, error } = useSubmit(
    async (_input: object, key) => {
      const shape = { dry_run: true, allow_duplicates: duplicates }
      const rows = large ? await upload(key) : inline(read?.rows ?? []) ? { rows: read?.rows ?? [] } : await upload(key)
      const extra = kind === 'credits' ? { from: from || undefined, reference: reference.trim() || undefined } : kind === 'notifications' ? { subject, text: message, quiet_hours: quiet.on ? { from: quiet.from, to: quiet.to, time_zone: quiet.zone.trim() || undefined } : undefined } : {}
      const body = { ...shape, ...rows, ...extra }
      switch (kind) {
        case 'credits':
          return api.post('/reseller/bulk/credits', { body: body as Schema<'BulkCredits'>, idempotencyKey: key })
        case 'accounts':
          return api.post('/reseller/bulk/accounts', { body: body as Schema<'BulkAccounts'>, idempotencyKey: key })
        case 'updates':
          return api.post('/reseller/bulk/updates', { body: body as Schema<'BulkUpdates'>, idempotencyKey: key })
        case 'notifications':
          return api.post('/reseller/bulk/notifications', { body: body as Schema<'BulkNotifications'>, idempotencyKey: key })
      }
    },
    ({ data }) => {
      void refresh('/reseller/bulk')
      void navigate({ to: `${base}/bulk/${data.id}` as never })
    },
  )
  // What is uploaded once is not uploaded again when only the job could not be started.
  const uploaded = useRef<{ of: unknown; result: { upload_id: string; format: Schema<'BulkFormat'> } } | null>(null)
  const upload = async (key: string) => {
    const of = large ? picked.file : read?.rows
    if (uploaded.current !== null && uploaded.current.of === of) return uploaded.current.result
    const format = large ? (/\.jsonl?$/i.test(picked.name) ? 'jsonl' : 'csv') : 'jsonl'
    const blob = large ? picked.file : new Blob([toLines(read?.rows ?? [])])
    setSent(0)
    try {
      const result = { upload_id: await uploadRows(blob, format, `${key}-upload`, setSent), format } as const
      uploaded.current = { of, result }
      return result
    } finally {
      setSent(null)
    }
  }
  const total = kind === 'credits' && read?.rows ? sumOf(read.rows, 'amount') : null
  return (
    <Form
      error={error}
      onSubmit={() => {
        if (ready) void submit({ kind, source, text, file: picked && [picked.name, picked.size, picked.file.lastModified], ids, filter, less, amount, tags, reference, from, duplicates, subject, message, quiet })
      }}
    >
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="min-w-0 space-y-4">
          <Card title={about.label} sub={about.says}>
            <div className="space-y-4">
              <fieldset className={`grid gap-2 ${chosen ? 'sm:grid-cols-3' : 'sm:grid-cols-2'}`}>
                <legend className="mb-1 text-sm font-medium">The rows</legend>
                {chosen && (
                  <Choice name="source" checked={source === 'selection'} onChange={() => setSource('selection')} label="Chosen accounts">
                    {ids ? `${count(selected.ids?.length ?? 0, place)} of the accounts grid` : `${counted ? count(counted, place) : 'All'} that match the grid’s filter`}
                  </Choice>
                )}
                <Choice name="source" checked={source === 'paste'} onChange={() => setSource('paste')} label="Pasted">From a spreadsheet, as CSV or JSON</Choice>
                <Choice name="source" checked={source === 'file'} onChange={() => setSource('file')} label="A file">CSV, JSON or JSON lines, up to 64 MiB</Choice>
              </fieldset>
              {source === 'paste' && (
                <TextArea label="Rows" pointer="/rows" rows={8} value={text} onChange={setText} placeholder={about.example} hint={<>The first line names the columns: <code className="font-mono">{[...about.needed, ...about.more].join(', ')}</code>. {about.needed.length > 1 ? 'The first ones are' : 'The first one is'} needed.</>} />
              )}
              {source === 'file' && <Drop picked={picked} onPick={setPicked} />}
              {source === 'selection' && <Selected kind={kind} selected={selected} amount={amount} setAmount={setAmount} tags={tags} setTags={setTags} wrong={shared.wrong} />}
              {wrong && (source !== 'selection' || selected.ids) && <Notice tone="bad">{wrong}</Notice>}
            </div>
          </Card>
          {kind === 'notifications' && <Message subject={subject} setSubject={setSubject} message={message} setMessage={setMessage} columns={columns} quiet={quiet} setQuiet={setQuiet} />}
          {!wrong && read?.rows && <Preview rows={read.rows} columns={columns} />}
        </div>
        <div className="space-y-4">
          <Card title="The job">
            <div className="space-y-4">
              <dl className="space-y-1.5 text-sm">
                <div className="flex justify-between gap-4"><dt className="text-soft">Rows</dt><dd className="font-medium">{large ? 'counted when it is planned' : ready ? count(read?.rows?.length ?? 0, place) : '–'}</dd></div>
                {total !== null && ready && <div className="flex justify-between gap-4"><dt className="text-soft">Credit, if all are good</dt><dd className="font-medium">{money(total, account.currency, place)}</dd></div>}
              </dl>
              {kind === 'credits' && (
                <>
                  <AccountField label="Payer" optional pointer="/from" value={from} onChange={setFrom} hint="Your own account unless you choose another." />
                  <TextField label="Note" optional pointer="/reference" maxLength={200} value={reference} onChange={setReference} hint="Of rows that have none of their own." />
                </>
              )}
              {source !== 'selection' && <CheckField label="Rows that say exactly the same are meant" hint="Otherwise only the first of them is done." value={duplicates} onChange={setDuplicates} />}
              {sent !== null && (
                <div className="space-y-1 text-xs text-soft">
                  <Progress label="Upload" value={Math.round(sent * 100)} max={100} />
                  Uploading, {Math.round(sent * 100)} %
                </div>
              )}
              <Button type="submit" look="primary" busy={busy} disabled={!ready} className="w-full">
                Check the rows
              </Button>
              <p className="text-xs text-soft">This plans the job and does nothing else. You see each row’s verdict, and what it all needs, before anything happens.</p>
            </div>
          </Card>
        </div>
      </div>
    </Form>
  )
}

function inline(rows: Row[]): boolean {
  return rows.length < 2_000 || new Blob([JSON.stringify(rows)]).size < INLINE_BYTES
}

/** What each chosen account gets, by the kind of job. */
function sharedValues(kind: Kind, amount: string, tags: string): { values: Row; wrong: string | null } {
  if (kind === 'credits') {
    const read = readAmount(amount)
    return read !== null && sign(read) > 0 ? { values: { amount: read }, wrong: null } : { values: {}, wrong: 'Write how much each account gets.' }
  }
  if (kind === 'updates') {
    const read = readTags(tags)
    return tags.trim() && typeof read === 'object' ? { values: { tags: read }, wrong: null } : { values: {}, wrong: 'Write tags, as plan=gold;region=emea.' }
  }
  return { values: {}, wrong: null }
}

/** The exact sum of a column; null where a cell is no amount, which the plan will say of its row. */
function sumOf(rows: Row[], column: string): string | null {
  let micros = 0n
  for (const row of rows) {
    const match = /^(\d+)(?:\.(\d{1,6}))?$/.exec(String(row[column] ?? ''))
    if (!match) return null
    micros += BigInt(match[1] as string) * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'))
  }
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`
}

interface Selection {
  ids: string[] | null
  found: number
  of: number | null
  error: ApiError | null
  again: () => void
}

/** Ids as the address has them; a selection too long for an address lies in the window's own store, and is empty once that is gone. */
function handedOver(ids: string): string[] {
  let list: unknown = ids.split(',')
  if (ids === 'session') {
    try {
      list = JSON.parse(sessionStorage.getItem('selection') ?? '[]')
    } catch {
      list = []
    }
  }
  return [...new Set((Array.isArray(list) ? list : []).filter((id): id is string => typeof id === 'string' && id !== ''))]
}

/** The accounts that the grid handed over: ids as they are, a filter by asking for all that match it, less those that were left out. */
function useSelection(ids: string | undefined, filter: string | undefined, less: string | undefined): Selection {
  const given = useMemo(() => (ids ? handedOver(ids) : null), [ids])
  const without = useMemo(() => (less ? handedOver(less) : null), [less])
  // Who was left out is not known any more: then nobody is taken at all.
  const gone = without?.length === 0
  const [gathered, setGathered] = useState<string[] | null>(null)
  const [progress, setProgress] = useState<{ found: number; of: number | null }>({ found: 0, of: null })
  const [error, setError] = useState<ApiError | null>(null)
  const [round, setRound] = useState(0)
  const soFar = useRef<{ of: string; gathering: Gathering } | null>(null)
  useEffect(() => {
    if (given || gone || filter === undefined) return
    const stop = new AbortController()
    setError(null)
    if (soFar.current?.of !== filter) soFar.current = { of: filter, gathering: newGathering() }
    gatherIds(gridPages(gridFilter(filter), stop.signal), stop.signal, soFar.current.gathering, (found, of) => setProgress({ found, of })).then(
      (all) => {
        const left = new Set(without)
        setGathered(all.filter((id) => !left.has(id)))
      },
      (thrown: unknown) => {
        if (!stop.signal.aborted) setError(asApiError(thrown))
      },
    )
    return () => stop.abort()
  }, [given, gone, without, filter, round])
  return { ids: gone ? [] : (given ?? gathered), ...progress, error, again: () => setRound(round + 1) }
}

function Selected({ kind, selected, amount, setAmount, tags, setTags }: { kind: Kind; selected: Selection; amount: string; setAmount: (text: string) => void; tags: string; setTags: (text: string) => void; wrong: string | null }) {
  const { account, place } = useViewer()
  if (selected.error) return <Failed error={selected.error} retry={selected.again} what="The chosen accounts" />
  if (!selected.ids) {
    return (
      <div className="space-y-1 text-sm text-soft">
        <Progress label="Accounts gathered" value={selected.found} max={selected.of} />
        Gathering the accounts: {count(selected.found, place)}
        {selected.of !== null && ` of ${count(selected.of, place)}`}
      </div>
    )
  }
  if (selected.ids.length === 0) return <Notice tone="warn" title="The selection is gone">It is kept in one window only. Choose the accounts in the grid again, or paste rows.</Notice>
  return (
    <div className="space-y-3">
      <p className="text-sm">
        <span className="font-medium">{count(selected.ids.length, place)}</span> accounts are chosen.
      </p>
      {kind === 'credits' && <TextField label="Each gets" required inputMode="decimal" suffix={account.currency} value={amount} onChange={setAmount} wrong={amount && readAmount(amount) === null ? 'Not an amount' : null} />}
      {kind === 'updates' && <TextField label="Each has these tags from then on" required value={tags} onChange={setTags} hint="As plan=gold;region=emea. They take the place of the tags that an account has now. To change names or addresses, paste rows." />}
    </div>
  )
}

function Drop({ picked, onPick }: { picked: Picked | null; onPick: (picked: Picked | null) => void }) {
  const { place } = useViewer()
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const take = async (file: File | undefined) => {
    if (!file) return
    setWrong(null)
    try {
      const small = file.size <= INLINE_BYTES
      // A file that is not in UTF-8 would come out with other characters than it has: it is refused instead.
      const decode = (bytes: ArrayBuffer) => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
      if (small) {
        const read = readRows(decode(await file.arrayBuffer()))
        onPick({ name: file.name, size: file.size, read, file, columns: read.columns })
      } else {
        const start = new TextDecoder('utf-8').decode(await file.slice(0, 16_384).arrayBuffer())
        onPick({ name: file.name, size: file.size, read: null, file, columns: headerOf(start) })
      }
    } catch {
      onPick(null)
      setWrong('This file is not in UTF-8. In a spreadsheet, save it as “CSV UTF-8”.')
    }
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void take(event.dataTransfer.files[0])
  }
  return (
    <div className="space-y-2">
      <div
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={`flex flex-col items-center gap-2 rounded-lg border border-dashed px-4 py-8 text-center text-sm ${over ? 'border-(--accent-ink) bg-accent-wash' : 'border-line-strong'}`}
      >
        <Icon name="download" size={22} className="rotate-180 text-soft" />
        {picked ? (
          <p>
            <span className="font-medium">{picked.name}</span>
            <span className="text-soft"> · {count((picked.size / 1024).toFixed(0), place)} KiB{picked.read?.rows ? ` · ${count(picked.read.rows.length, place)} rows` : ''}</span>
          </p>
        ) : (
          <p>Drop a CSV, JSON or JSON-lines file here</p>
        )}
        <Button small onClick={() => input.current?.click()}>
          {picked ? 'Choose another file' : 'Choose a file'}
        </Button>
        <input
          ref={input}
          type="file"
          accept=".csv,.json,.jsonl,text/csv,application/json"
          aria-label="File with rows"
          className="sr-only"
          tabIndex={-1}
          onChange={(event) => {
            void take(event.target.files?.[0])
            event.target.value = ''
          }}
        />
        {picked && picked.read === null && <p className="text-xs text-soft">It is too large to be looked at here: it is uploaded as it is, and checked row by row there.</p>}
      </div>
      {wrong && <Notice tone="bad">{wrong}</Notice>}
    </div>
  )
}

function Message({
  subject,
  setSubject,
  message,
  setMessage,
  columns,
  quiet,
  setQuiet,
}: {
  subject: string
  setSubject: (text: string) => void
  message: string
  setMessage: (text: string) => void
  columns: string[]
  quiet: { on: boolean; from: string; to: string; zone: string }
  setQuiet: (quiet: { on: boolean; from: string; to: string; zone: string }) => void
}) {
  const known = new Set(['name', ...columns])
  const unknown = [...new Set([...`${subject} ${message}`.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)].map((match) => match[1] ?? ''))].filter((name) => columns.length > 0 && !known.has(name))
  return (
    <Card title="What is written" sub="In each account’s brand.">
      <div className="space-y-3">
        <TextField label="Subject" pointer="/subject" required value={subject} onChange={setSubject} />
        <TextArea label="Text" pointer="/text" required rows={7} value={message} onChange={setMessage} hint={`{{name}} is the account’s name${columns.length > 0 ? `; of your columns: ${columns.filter((name) => name !== 'tags').map((name) => `{{${name}}}`).join(' ')}` : ''}. A row without a value fails.`} />
        {unknown.length > 0 && <Notice tone="warn">There is no column {unknown.map((name) => `{{${name}}}`).join(', ')}: every row will fail.</Notice>}
        <CheckField label="Keep quiet hours" hint="In these hours of the account’s own time zone nothing is sent: it is sent at their end." value={quiet.on} onChange={(on) => setQuiet({ ...quiet, on })} />
        {quiet.on && (
          <div className="grid gap-3 sm:grid-cols-3">
            <TextField label="From" pointer="/quiet_hours/from" type="time" required value={quiet.from} onChange={(from) => setQuiet({ ...quiet, from })} />
            <TextField label="To" pointer="/quiet_hours/to" type="time" required value={quiet.to} onChange={(to) => setQuiet({ ...quiet, to })} />
            <TextField label="Zone of accounts without one" pointer="/quiet_hours/time_zone" optional placeholder="UTC" value={quiet.zone} onChange={(zone) => setQuiet({ ...quiet, zone })} />
          </div>
        )}
      </div>
    </Card>
  )
}

function Preview({ rows, columns }: { rows: Row[]; columns: string[] }) {
  const { place } = useViewer()
  const some = rows.slice(0, 8)
  return (
    <Card title="The first rows" sub={rows.length > some.length ? `${some.length} of ${count(rows.length, place)}` : undefined} flush>
      <div className="overflow-x-auto" role="region" aria-label="The first rows" tabIndex={0}>
        <table className="w-full text-sm">
          <thead>
            <tr className="border-b border-line text-left text-xs text-soft">
              <th scope="col" className="px-4 py-2 font-medium">Row</th>
              {columns.map((name) => (
                <th key={name} scope="col" className="px-3 py-2 font-medium whitespace-nowrap">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {some.map((row, index) => (
              <tr key={index} className="border-b border-line last:border-0">
                <td className="px-4 py-1.5 text-soft">{index + 1}</td>
                {columns.map((name) => (
                  <td key={name} className="max-w-60 truncate px-3 py-1.5 whitespace-nowrap">{cell(row[name])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  )
}

/** A value of a row as text. */
export function cell(value: unknown): string {
  if (value === undefined) return ''
  if (value === null) return 'emptied'
  if (typeof value === 'object') return Object.entries(value).map(([name, text]) => `${name}=${String(text)}`).join('; ')
  return String(value)
}
