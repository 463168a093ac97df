import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { api, type Schema } from '~/api/client'
import { refresh, useApi, useList } from '~/api/query'
import { openBeside } from '~/lib/addresses'
import { sign } from '~/lib/decimal'
import { explain, type Part } from '~/lib/explain'
import { count, money, words } from '~/lib/format'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { AccountName } from '~/ui/account'
import { Amount, type Explanation } from '~/ui/amount'
import { Act } from '~/ui/ask'
import { Badge, State } from '~/ui/badge'
import { Button, PageLink } from '~/ui/button'
import { Card, Facts, PageHead, Stat } from '~/ui/card'
import { Id } from '~/ui/copy'
import { Sheet } from '~/ui/dialog'
import { FilterSelect } from '~/ui/form'
import { Progress } from '~/ui/progress'
import { Empty, Failed, NotFresh, Notice, Skeleton } from '~/ui/state'
import { type Column, DataTable } from '~/ui/table'
import { Time } from '~/ui/time'
import { toast } from '~/ui/toast'
import { ABOUT } from './kinds'
import { cell } from './new'

type Job = Schema<'BulkJob'>
type Row = Schema<'BulkRow'>
const MOVING = ['queued', 'running']
const ENDED = ['completed', 'completed_with_errors', 'cancelled']
const STATUSES: Schema<'BulkRowStatus'>[] = ['pending', 'done', 'failed', 'undone', 'untouched']
const changed = () => void refresh('/reseller/bulk', '/reseller/accounts', '/reseller/credits', '/reseller/insights')

/** Whether a job rests after its plan and waits to be told to apply. */
function planned(job: Job): boolean {
  return job.state === 'completed' && job.phase === 'planned'
}

/** The credit that a job needs, and how much of it waits. */
function explainNeeded({ required, escrow }: Job): Explanation {
  return explain('Credit needed', 'What the rows that are to be done need together; of new accounts, their first credit. The rows below have it one by one.', [...(required ? [['Together', required, 'total'] satisfies Part] : []), ['Set aside and not handed out yet', escrow]])
}

/** One job: its plan with every problem, its progress, what became of each row, and what can be done with it. */
export default function JobPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const { account, place, can } = useViewer()
  const [filters, setFilters] = useFilters<'status'>()
  const [moving, setMoving] = useState(true)
  const [opened, setOpened] = useState<Row | null>(null)
  const read = useApi('/reseller/bulk/{id}', { path: { id } }, { everyMs: moving ? 1_500 : 15_000 })
  const job = read.data
  const nowMoving = job ? MOVING.includes(job.state) : !read.error
  if (nowMoving !== moving) setMoving(nowMoving)
  const status = STATUSES.find((known) => known === filters.status)
  const list = useList('/reseller/bulk/{id}/rows', { path: { id }, query: { limit: 100, status } }, { enabled: job !== undefined && job.phase !== 'planning', everyMs: moving ? 4_000 : false, keep: true })
  const manage = can('bulk.manage')
  const currency = job?.currency ?? account.currency
  const plan = job ? planned(job) : false
  const label = (row: Row) => (plan && row.status === 'pending' ? 'Good' : words(row.status))
  const columns: Column<Row>[] = [
    { id: 'row', head: 'Row', width: 4.5, cell: (row) => <button type="button" className="decoration-line-strong decoration-dotted underline-offset-4 hover:underline" onClick={() => setOpened(row)}>{count(row.row, place)}</button> },
    { id: 'what', head: 'What it says', cell: (row) => <What row={row} currency={currency} /> },
    { id: 'status', head: 'State', width: 6.5, cell: (row) => (plan && row.status === 'pending' ? <Badge tone="good">Good</Badge> : <State state={row.status} />) },
    { id: 'why', head: 'Why', width: 24, from: 'md', cell: (row) => <Why row={row} /> },
  ]
  return (
    <>
      <PageHead
        back={<PageLink to="bulk">Bulk jobs</PageLink>}
        title={job ? ABOUT[job.kind].label : read.error ? 'Bulk job' : <Skeleton className="h-6 w-40" />}
        sub={job ? <span className="flex flex-wrap items-center gap-x-3"><State state={job.state} />{plan && <Badge tone="info">Waits for you</Badge>}<Id id={job.id} what="job id" /></span> : <Skeleton className="h-4 w-52" />}
        actions={job ? <Actions job={job} manage={manage} /> : read.error ? undefined : <Skeleton className="h-8.5 w-28" />}
      />
      <NotFresh of={read} />
      {read.error && !read.data ? (
        <Card>
          <Failed error={read.error} retry={() => void read.refetch()} what="The job" />
        </Card>
      ) : !job ? (
        <Card key="loading">
          <Skeleton className="h-64 w-full" />
        </Card>
      ) : (
        <div key="job" className="space-y-4">
          {job?.reason && (
            <Notice tone={job.state === 'paused' ? 'warn' : 'bad'} title={job.state === 'paused' ? 'Paused' : 'Stopped'}>
              {job.reason.detail} {job.reason.code === 'insufficient_credits' && 'Add credit to the payer and resume, or cancel.'}
            </Notice>
          )}
          {job && plan && (
            <Notice tone={job.failed > 0 || job.enough === false ? 'warn' : 'good'} title={job.failed === 0 ? 'All rows are good' : `${count(job.failed, place)} of ${count(job.rows, place)} rows have a problem`}>
              {job.enough === false
                ? 'The payer has too little: if you apply it now, the job pauses with nothing done.'
                : job.failed > 0
                  ? 'Look at them below. If you apply it, the good rows are done and these are left out; or mend them and start another job.'
                  : 'Nothing is done yet. Apply it when you have looked at it.'}
            </Notice>
          )}
          <Card>
            <div className="min-h-11 space-y-2 text-sm">{job ? <HowFar job={job} plan={plan} /> : <Skeleton className="h-10 w-full" />}</div>
          </Card>
          <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
            <Stat label="Rows" loading={!job}>{job && count(job.rows, place)}</Stat>
            <Stat label={plan ? 'Good' : 'Done'} loading={!job} note={job && job.undone > 0 ? `${count(job.undone, place)} taken back` : undefined}>{job && count(plan ? job.rows - job.failed : job.done, place)}</Stat>
            <Stat label={plan ? 'With a problem' : 'Failed'} loading={!job}>{job && <span className={job.failed > 0 ? 'text-bad' : ''}>{count(job.failed, place)}</span>}</Stat>
            {job?.required !== null && job?.required !== undefined ? (
              <Stat label="Credit needed" note={job.enough === true ? 'The payer has it' : job.enough === false ? <span className="text-bad">The payer has less</span> : undefined}>
                <Amount value={job.required} currency={currency} explain={explainNeeded(job)} />
              </Stat>
            ) : (
              <Stat label="Asked for" loading={!job}>{job && <span className="text-base font-normal"><Time at={job.created_at} ago /></span>}</Stat>
            )}
          </div>
          {job && (job.from || sign(job.escrow) !== 0) && (
            <p className="flex flex-wrap gap-x-4 text-sm text-soft">
              {job.from && <span>Paid by <AccountName id={job.from} /></span>}
              {sign(job.escrow) !== 0 && <span><Amount value={job.escrow} currency={currency} explain={explainNeeded(job)} /> of it is set aside and not handed out yet</span>}
            </p>
          )}
          <Card
            title="Row by row"
            actions={
              <FilterSelect
                label="Rows"
                value={status ?? ''}
                onChange={(value) => setFilters({ status: value })}
                options={[{ value: '', label: 'All rows' }, ...STATUSES.map((value) => ({ value, label: value === 'pending' && plan ? 'Good' : value === 'failed' && plan ? 'With a problem' : words(value) }))]}
              />
            }
            flush
          >
            <DataTable
              label="Rows"
              columns={columns}
              rowId={(row) => String(row.row)}
              {...list}
              loading={list.loading}
              onOpen={setOpened}
              empty={
                job?.phase === 'planning' ? (
                  <Empty icon="clock" title="The rows are being checked">Their verdicts stand here in a moment.</Empty>
                ) : (
                  <Empty icon="bulk" title={status ? 'No row stands so' : 'No rows'} action={status && <Button onClick={() => setFilters({ status: undefined })}>Show all rows</Button>} />
                )
              }
            />
          </Card>
        </div>
      )}
      <Sheet open={opened !== null} onClose={() => setOpened(null)} title={`Row ${opened?.row ?? ''}`}>
        {opened && (
          <div className="space-y-5 text-sm">
            <p>{plan && opened.status === 'pending' ? <Badge tone="good">Good</Badge> : <State state={opened.status} />}</p>
            {(opened.detail || opened.code) && (
              <Notice tone={opened.status === 'failed' ? 'bad' : 'warn'} title={opened.column ? `Column “${opened.column}”` : undefined}>
                {opened.detail ?? words(opened.code ?? label(opened))}
              </Notice>
            )}
            <Facts rows={Object.entries(opened.fields).map(([name, value]) => [<code key={name} className="font-mono text-xs">{name}</code>, name === 'account_id' && typeof value === 'string' ? <AccountName key="account" id={value} /> : cell(value)])} />
            {opened.made && (
              <p>
                Made <AccountName id={opened.made} />
              </p>
            )}
            {opened.preview && (
              <section className="rounded-lg border border-line p-4">
                <h3>{opened.preview.subject}</h3>
                <p className="mt-2 whitespace-pre-wrap">{opened.preview.text}</p>
              </section>
            )}
          </div>
        )}
      </Sheet>
    </>
  )
}

/** What a row is about, in a line. */
function What({ row, currency }: { row: Row; currency: string }) {
  const { place } = useViewer()
  const fields = row.fields as Record<string, unknown>
  const id = typeof fields.account_id === 'string' ? fields.account_id : null
  const amount = typeof fields.amount === 'string' && /^\d+(\.\d{1,6})?$/.test(fields.amount) ? money(fields.amount, currency, place) : null
  const rest = Object.entries(fields).filter(([name]) => name !== 'account_id' && !(name === 'amount' && amount))
  const said = [amount, ...rest.map(([, value]) => cell(value))].filter(Boolean).join(' · ')
  return (
    <>
      {id && /^acc_[0-9a-z]{26}$/.test(id) ? <AccountName id={id} link={false} /> : id}
      {id && said && <span className="text-soft"> · </span>}
      <span title={said}>{said}</span>
    </>
  )
}

function Why({ row }: { row: Row }) {
  const { place } = useViewer()
  if (row.made) return <PageLink to={`accounts/${row.made}`}>Open the account</PageLink>
  if (!row.code && !row.detail) return <span className="text-faint">–</span>
  const said = `${row.column ? `${row.column}: ` : ''}${row.detail ?? words(row.code ?? '')}`
  return <span title={said} lang={place.locale.startsWith('en') ? undefined : 'en'}>{said}</span>
}

const PHASES: Record<Schema<'BulkPhase'>, string> = { planning: 'The rows are being checked', planned: 'Every row has its verdict', applying: 'The rows are being done', undoing: 'Credit is being taken back', finishing: 'What is left returns to the payer', done: 'At its end' }

function HowFar({ job, plan }: { job: Job; plan: boolean }) {
  const { place } = useViewer()
  const ended = ENDED.includes(job.state)
  const over = job.done + job.failed + job.undone
  const tone = job.state === 'paused' ? 'warn' : ended ? (job.failed > 0 || job.state === 'cancelled' ? 'warn' : 'good') : 'accent'
  return (
    <>
      <p className="flex flex-wrap justify-between gap-2">
        <span>{job.state === 'queued' ? 'It waits for its worker' : job.state === 'paused' ? 'Paused: nothing more is begun' : job.state === 'cancelled' ? 'Cancelled: what was done stays done' : PHASES[job.phase]}</span>
        <span className="text-soft">{job.phase === 'planning' ? `${count(job.rows, place)} rows looked at` : job.ended_at && !plan ? <Time at={job.ended_at} /> : plan ? '' : `${count(over, place)} of ${count(job.rows, place)}`}</span>
      </p>
      <Progress label="How far the job is" value={plan || ended ? 1 : over} max={plan || ended ? 1 : job.phase === 'planning' ? null : Math.max(job.rows, 1)} tone={plan ? 'good' : tone} />
    </>
  )
}

function Actions({ job, manage }: { job: Job; manage: boolean }) {
  const { account, place, can } = useViewer()
  const [busy, setBusy] = useState(false)
  const currency = job.currency ?? account.currency
  const plan = planned(job)
  const ended = ENDED.includes(job.state)
  const going = !ended && !plan
  const step = (verb: 'apply' | 'pause' | 'resume' | 'cancel' | 'retry' | 'undo', said: string) => ({
    input: `${verb} ${job.state} ${job.phase}`,
    send: () => api.post(`/reseller/bulk/{id}/${verb}`, { path: { id: job.id } }),
    done: () => {
      toast.done(said)
      changed()
    },
  })
  const download = async () => {
    setBusy(true)
    try {
      const { data } = await api.get('/reseller/bulk/{id}/result', { path: { id: job.id } })
      if (!openBeside(data.download_url)) toast.failed(new Error('The link to the file is not one that can be opened.'))
    } catch (error) {
      toast.failed(error, 'The result could not be had')
    } finally {
      setBusy(false)
    }
  }
  const good = job.rows - job.failed
  const does = { credits: `${count(good, place)} accounts get credit${job.required ? `, ${money(job.required, currency, place)} in all` : ''}. It is taken from the payer at once.`, accounts: `${count(good, place)} accounts are made${job.required && sign(job.required) > 0 ? `, with ${money(job.required, currency, place)} of first credit` : ''}.`, updates: `${count(good, place)} accounts are changed.`, notifications: `${count(good, place)} accounts are written to. A mail that is sent cannot be called back.` }[job.kind]
  return (
    <>
      {ended && !plan && (
        <Button icon="download" busy={busy} onClick={() => void download()}>
          Result file
        </Button>
      )}
      {manage && plan && (
        <>
          {good > 0 && (
            <Act label="Apply" look="primary" icon="play" title="Do what was planned?" action={`Do ${count(good, place)} rows`} type={good >= 1_000 ? 'apply' : undefined} {...step('apply', 'The job goes on')}>
              <p>{does}</p>
              {job.failed > 0 && <p>{count(job.failed, place)} rows with a problem are left out.</p>}
              {job.enough === false && <Notice tone="warn">The payer has too little now: the job will pause with nothing done until it has enough.</Notice>}
            </Act>
          )}
        </>
      )}
      {manage && going && MOVING.includes(job.state) && (
        <Act label="Pause" icon="pause" title="Stop for now?" action="Pause" {...step('pause', 'The job is paused')}>
          <p>What a transaction has begun is finished; nothing more is begun. It goes on from there when you resume it.</p>
        </Act>
      )}
      {manage && job.state === 'paused' && (
        <Act label="Resume" icon="play" look="primary" title="Let it go on?" action="Resume" {...step('resume', 'The job goes on')}>
          <p>It goes on from where it stood, with your rights from now on.</p>
        </Act>
      )}
      {manage && going && (
        <Act label="Cancel job" title="End this job?" action="End it" danger {...step('cancel', 'The job is ended')}>
          <p>What is done stays done. The other rows stay untouched, and what is left of the payer’s credit returns to it. It cannot be resumed.</p>
        </Act>
      )}
      {manage && job.state === 'completed_with_errors' && !plan && (
        <Act label="Retry failed rows" icon="refresh" title={`Try ${count(job.failed, place)} failed rows again?`} action="Try them again" {...step('retry', 'The failed rows are tried again')}>
          <p>Each gets another verdict, and those that are good now are done. Rows that are done are not done again.</p>
        </Act>
      )}
      {manage && job.kind === 'credits' && ended && !plan && job.done > 0 && can('credits.reverse') && (
        <Act label="Undo" icon="left" title="Take this credit back?" action="Take it back" danger type="undo" {...step('undo', 'The credit is being taken back')}>
          <p>
            The credit of {count(job.done, place)} rows goes back to the payer, of each account that still has as much available. Rows whose credit is spent stay done, with the reason. You can press it again later.
          </p>
        </Act>
      )}
    </>
  )
}
