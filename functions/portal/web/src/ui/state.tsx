import type { ReactNode } from 'react'
import { asApiError } from '~/api/problem'
import { Button } from './button'
import { Copy } from './copy'
import { Icon, type IconName } from './icon'

/** Nothing is here: says why, and what to do about it. */
export function Empty({ icon = 'info', title, children, action }: { icon?: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      <span className="grid size-10 place-items-center rounded-full bg-sunken text-soft">
        <Icon name={icon} size={20} />
      </span>
      <p className="mt-1 font-semibold">{title}</p>
      {children && <div className="max-w-md text-sm text-soft">{children}</div>}
      {action && <div className="mt-2 flex gap-2">{action}</div>}
    </div>
  )
}

/** Something could not be loaded: what, its request id, and another try. */
export function Failed({ error, retry, what = 'This' }: { error: unknown; retry?: () => void; what?: string }) {
  const problem = asApiError(error)
  const gone = problem.status === 404
  const forbidden = problem.status === 403
  return (
    <div role="alert" className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <span className="grid size-10 place-items-center rounded-full bg-bad-wash text-bad">
        <Icon name={forbidden ? 'lock' : 'alert'} size={20} />
      </span>
      <p className="mt-1 font-semibold">{gone ? `${what} is not there` : forbidden ? `Your role does not include ${what.toLowerCase()}` : `${what} could not be loaded`}</p>
      <p className="max-w-md text-sm text-soft">{problem.message}</p>
      {problem.requestId && (
        <p className="flex items-center gap-1 text-xs text-soft">
          Request <code className="font-mono">{problem.requestId}</code>
          <Copy text={problem.requestId} what="request id" />
        </p>
      )}
      {retry && !gone && !forbidden && (
        <div className="mt-2">
          <Button icon="refresh" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
    </div>
  )
}

/** What somebody may not see: it was not even asked for. */
export function Denied({ what }: { what: string }) {
  return <Empty icon="lock" title={`Your role does not show ${what}`}>Who manages the members of this account can change that.</Empty>
}

/** Where text or a figure will stand; it takes the same room, so that nothing moves. */
export function Skeleton({ className = 'h-4 w-24' }: { className?: string }) {
  return <span aria-hidden="true" className={`skeleton inline-block align-middle ${className}`} />
}

/** Stands beside what was read before, where reading it again failed: what is shown stays, forms and dialogs with it. */
export function NotFresh({ of }: { of: { data: unknown; error: unknown; refetch: () => unknown } }) {
  if (!of.error || of.data === undefined) return null
  return (
    <div className="mb-4">
      <Notice tone="warn" title="This may be out of date" action={<Button small icon="refresh" onClick={() => void of.refetch()}>Try again</Button>}>
        {asApiError(of.error).message}
      </Notice>
    </div>
  )
}

/** A note in a page. */
export function Notice({ tone = 'info', title, children, action }: { tone?: 'info' | 'warn' | 'bad' | 'good'; title?: string; children?: ReactNode; action?: ReactNode }) {
  const tones = { info: 'bg-info-wash text-info', warn: 'bg-warn-wash text-warn', bad: 'bg-bad-wash text-bad', good: 'bg-good-wash text-good' }
  return (
    <div role={tone === 'bad' ? 'alert' : 'note'} className={`flex items-start gap-2.5 rounded-lg px-3.5 py-2.5 text-sm ${tones[tone]}`}>
      <Icon name={tone === 'good' ? 'check' : tone === 'info' ? 'info' : 'alert'} className="mt-0.5" />
      <div className="min-w-0 flex-1">
        {title && <p className="font-medium">{title}</p>}
        {children && <div className="text-ink">{children}</div>}
      </div>
      {action}
    </div>
  )
}
