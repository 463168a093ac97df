import type { ReactNode } from 'react'
import { Icon } from './icon'
import { Skeleton } from './state'

/** A page's head: its one h1, what it is about, and its actions. */
export function PageHead({ title, sub, actions, back }: { title: ReactNode; sub?: ReactNode; actions?: ReactNode; back?: ReactNode }) {
  return (
    <header className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        {back && <div className="mb-1 text-sm">{back}</div>}
        <h1 tabIndex={-1}>{title}</h1>
        {sub && <div className="mt-0.5 text-sm text-soft">{sub}</div>}
      </div>
      {actions && <div className="no-print flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  )
}

/** A framed part of a page. */
export function Card({ title, sub, actions, children, flush = false, className = '' }: { title?: ReactNode; sub?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean; className?: string }) {
  return (
    <section className={`card rounded-xl border border-line bg-paper shadow-low ${className}`}>
      {(title || actions) && (
        <header className={`flex flex-wrap items-center justify-between gap-2 px-4 pt-3 ${flush ? 'pb-3' : 'pb-1'}`}>
          <div>
            {title && <h2>{title}</h2>}
            {sub && <p className="text-xs text-soft">{sub}</p>}
          </div>
          {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className={flush ? `overflow-hidden rounded-b-xl ${title || actions ? 'border-t border-line' : 'rounded-t-xl'}` : 'px-4 pt-2 pb-4'}>{children}</div>
    </section>
  )
}

/**
 * A figure with its name. `note` is one line below it; its room is kept, so that nothing moves when it comes. Where the role does not show the
 * figure, or where it could not be loaded, it says that: `failed` tries again.
 */
export function Stat({ label, children, note, loading = false, denied = false, failed }: { label: ReactNode; children: ReactNode; note?: ReactNode; loading?: boolean; denied?: boolean; failed?: () => void }) {
  if (denied || failed) {
    return (
      <Stat
        label={label}
        note={
          denied ? (
            <span className="inline-flex items-center gap-1">
              <Icon name="lock" size={12} /> Your role does not show this
            </span>
          ) : (
            <span role="alert">
              It could not be loaded.{' '}
              <button type="button" className="underline" onClick={failed}>
                Try again
              </button>
            </span>
          )
        }
      >
        –
      </Stat>
    )
  }
  return (
    <div className="card rounded-xl border border-line bg-paper px-4 py-3 shadow-low">
      <p className="text-sm text-soft">{label}</p>
      <div className="mt-0.5 min-h-8 text-lg font-semibold tracking-tight break-words sm:text-xl">{loading ? <Skeleton className="h-6 w-28" /> : children}</div>
      <div className="min-h-5 text-xs text-soft">{loading ? <Skeleton className="h-3 w-20" /> : note}</div>
    </div>
  )
}

/** Names and values in two columns. */
export function Facts({ rows }: { rows: [label: ReactNode, value: ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[minmax(6rem,auto)_1fr] gap-x-6 gap-y-2 text-sm">
      {rows.map(([label, value], index) => (
        <div key={index} className="contents">
          <dt className="text-soft">{label}</dt>
          <dd className="min-w-0">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
