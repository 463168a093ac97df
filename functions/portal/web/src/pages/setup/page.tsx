import type { Right } from '~/api/contract'
import { useFilters } from '~/lib/search'
import { useViewer } from '~/session/session'
import { Badge } from '~/ui/badge'
import { Button, ButtonLink, PageLink } from '~/ui/button'
import { Card, PageHead } from '~/ui/card'
import { Icon, type IconName } from '~/ui/icon'
import { Notice, Skeleton } from '~/ui/state'
import { STEPS, type StepId, type StepState, useProgress } from './progress'
import { AccountStep, BrandStep, CreditStep, InviteStep, PricesStep, StartStep, WebhookStep } from './steps'

const SAYS: Record<StepId, string> = {
  start: 'Your currency, tier and keys.',
  prices: 'What your sub-accounts pay.',
  brand: 'Under which name they see you.',
  account: 'Who buys from you.',
  credit: 'What they can spend.',
  invite: 'Who works with you.',
  webhook: 'Where your systems hear of it.',
}

function Mark({ state, at }: { state: StepState; at: number }) {
  if (state === 'done') {
    return (
      <span className="grid size-6 shrink-0 place-items-center rounded-full bg-good-wash text-good">
        <Icon name="check" size={14} />
      </span>
    )
  }
  return <span className="grid size-6 shrink-0 place-items-center rounded-full border border-line-strong text-xs text-soft">{state === 'withheld' ? <Icon name="lock" size={12} /> : at + 1}</span>
}

const WORD: Record<StepState, string> = { done: 'Done', skipped: 'Skipped', open: 'To do', withheld: 'Not yours', unknown: '' }

const NEXT: { to: string; title: string; says: string; icon: IconName; right: Right }[] = [
  { to: 'accounts', title: 'Accounts', says: 'See them all, search, and act on many at once.', icon: 'accounts', right: 'insights.read' },
  { to: 'alerts/new', title: 'An alert before credit runs out', says: 'One can watch all your accounts, each by itself.', icon: 'bell', right: 'alerts.manage' },
  { to: 'credits/auto-topup', title: 'Automatic top-up', says: 'Draw credit by itself below a threshold.', icon: 'credits', right: 'credits.read' },
  { to: 'settings/keys', title: 'An API key', says: 'For the program that sends usage.', icon: 'key', right: 'keys.read' },
  { to: 'invoices', title: 'Invoices', says: 'They are made each month by themselves.', icon: 'invoice', right: 'billing.read' },
  { to: 'insights', title: 'Insights', says: 'Revenue, margin and churn as they come.', icon: 'chart', right: 'insights.read' },
]

function Finish({ left, onBack }: { left: number; onBack: () => void }) {
  const { can } = useViewer()
  return (
    <div className="space-y-5">
      {left === 0 ? (
        <Notice tone="good" title="You are set up">
          Usage that is sent now is priced, paid from credit and billed by itself.
        </Notice>
      ) : (
        <Notice title={`${left} ${left === 1 ? 'step is' : 'steps are'} left for later`} action={<Button small onClick={onBack}>Go on with them</Button>}>
          What is skipped can be done any time, here or on its own page.
        </Notice>
      )}
      <section>
        <h3 className="mb-2">What comes next</h3>
        <ul className="grid gap-3 sm:grid-cols-2">
          {NEXT.filter((item) => can(item.right)).map((item) => (
            <li key={item.to} className="flex items-start gap-3 rounded-lg border border-line px-3.5 py-3 text-sm">
              <Icon name={item.icon} className="mt-0.5 text-soft" />
              <span>
                <PageLink to={item.to}>{item.title}</PageLink>
                <span className="block text-xs text-soft">{item.says}</span>
              </span>
            </li>
          ))}
        </ul>
      </section>
      <p className="text-sm text-soft">
        The API is described at{' '}
        <a href="/docs" target="_blank" rel="noreferrer noopener" className="underline underline-offset-2">
          /docs
        </a>
        ; each error code has its page at{' '}
        <a href="/docs/errors" target="_blank" rel="noreferrer noopener" className="underline underline-offset-2">
          /docs/errors
        </a>
        .
      </p>
    </div>
  )
}

/** Leads from an empty account to one that sells. What is done is read from the API, so it goes on wherever it was left, on any device; only what was skipped is this browser's. */
export default function Setup() {
  const [filters, setFilters] = useFilters<'step'>()
  const { states, waiting, skip: pass, accounts, brand, balance } = useProgress()
  const firstOpen = STEPS.find(({ id }) => states[id] === 'open' || states[id] === 'unknown')?.id
  const current = STEPS.find(({ id }) => id === filters.step)?.id ?? (filters.step === 'finish' ? 'finish' : (firstOpen ?? 'finish'))
  const at = STEPS.findIndex(({ id }) => id === current)
  const finished = STEPS.filter(({ id }) => states[id] === 'done').length
  const left = STEPS.filter(({ id }) => states[id] === 'open' || states[id] === 'skipped').length
  const go = (step: StepId | 'finish') => setFilters({ step })
  const onward = () => go(STEPS[at + 1]?.id ?? 'finish')
  const step = STEPS[at]
  const state = step ? states[step.id] : 'open'
  const done = state === 'done'
  const onDone = () => {
    if (step) pass(step.id, false)
    onward()
  }
  const skip = step && (
    <Button
      look="quiet"
      onClick={() => {
        if (!done) pass(step.id, true)
        onward()
      }}
    >
      {done ? 'Go on' : 'Skip for now'}
    </Button>
  )
  const props = { onDone, skip, done }
  const wait = waiting && !filters.step
  return (
    <>
      <PageHead title="Set-up" sub="From an empty account to one that sells. Every step can be skipped. What is done is known on any device; what you skip is remembered in this browser alone." actions={current !== 'finish' && <ButtonLink to="setup" search={{ step: 'finish' }} look="quiet">Leave it for later</ButtonLink>} />
      <div className="grid items-start gap-5 grid-cols-1 md:grid-cols-[16rem_minmax(0,1fr)]">
        <nav aria-label="Steps" className="card min-w-0 overflow-hidden rounded-xl border border-line bg-paper p-2 shadow-low">
          <div className="flex items-center justify-between gap-3 px-2.5 py-2 text-xs text-soft">
            <span>
              {waiting ? <Skeleton className="h-3 w-20" /> : `${finished} of ${STEPS.length} done`}
            </span>
            <span aria-hidden="true" className="h-1.5 flex-1 overflow-hidden rounded-full bg-sunken">
              <span className="block h-full rounded-full bg-accent" style={{ width: `${(finished / STEPS.length) * 100}%` }} />
            </span>
          </div>
          <ol className="relative flex gap-1 overflow-x-auto md:block md:space-y-0.5">
            {STEPS.map(({ id, title }, index) => (
              <li key={id} className="shrink-0">
                <button
                  type="button"
                  aria-current={id === current ? 'step' : undefined}
                  className={`flex w-full items-center gap-3 rounded-lg px-2.5 py-2 text-left text-sm ${id === current ? 'bg-accent-wash font-medium' : 'hover:bg-sunken'}`}
                  onClick={() => go(id)}
                >
                  <Mark state={states[id]} at={index} />
                  <span className={id === current ? 'min-w-0' : 'hidden min-w-0 md:block'}>
                    {title}
                    <span className="block text-xs font-normal text-soft">{states[id] === 'open' || states[id] === 'unknown' ? SAYS[id] : WORD[states[id]]}</span>
                  </span>
                  <span className="sr-only">{WORD[states[id]]}</span>
                </button>
              </li>
            ))}
          </ol>
        </nav>
        {wait ? (
          <Skeleton className="h-96 w-full !rounded-xl" />
        ) : current === 'finish' || !step ? (
          <Card title={left === 0 ? 'Done' : 'So far, so good'}>
            <div className="pt-2">
              <Finish left={left} onBack={() => go(STEPS.find(({ id }) => states[id] === 'open' || states[id] === 'skipped')?.id ?? 'start')} />
            </div>
          </Card>
        ) : (
          <Card title={step.title} sub={SAYS[step.id]} actions={done ? <Badge tone="good">Done</Badge> : state === 'skipped' ? <Badge>Skipped</Badge> : undefined}>
            <div className="max-w-2xl pt-2" key={step.id}>
              {state === 'withheld' ? (
                <div className="space-y-4">
                  <Notice title={`Your role does not let you ${step.lacks}`}>Somebody with that right can do this step; it is then done here for everybody.</Notice>
                  <Button look="primary" onClick={onward}>
                    Go on
                  </Button>
                </div>
              ) : step.id === 'start' ? (
                <StartStep {...props} />
              ) : step.id === 'prices' ? (
                <PricesStep {...props} />
              ) : step.id === 'brand' ? (
                <BrandStep {...props} brand={brand} />
              ) : step.id === 'account' ? (
                <AccountStep {...props} />
              ) : step.id === 'credit' ? (
                <CreditStep {...props} accounts={accounts} balance={balance} />
              ) : step.id === 'invite' ? (
                <InviteStep {...props} />
              ) : (
                <WebhookStep {...props} />
              )}
            </div>
          </Card>
        )}
      </div>
    </>
  )
}
