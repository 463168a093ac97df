import { createContext, type ReactNode, use, useCallback, useContext, useMemo, useState } from 'react'
import { sign } from '~/lib/decimal'
import { type MoneyStyle, money } from '~/lib/format'
import { useViewer } from '~/session/session'
import { PageLink } from './button'
import { Sheet } from './dialog'
import { InRow } from './row'

/** Where a figure comes from. */
export interface Explanation {
  title: string
  /** One sentence: what is counted, over which time, whose. */
  says: ReactNode
  /** The parts that make it up, in order; the last may be the total. */
  parts?: { label: string; amount?: string | null; text?: ReactNode; total?: boolean }[]
  currency?: string
  /** Pages on which the figure can be followed further. */
  links?: { label: string; to: string; search?: Record<string, string | undefined> }[]
  /** Until when everything is counted in. */
  asOf?: string
}

const ExplainContext = createContext<(explanation: Explanation) => void>(() => {})

/** Holds the sheet in which figures explain themselves; once, in the shell. */
export function ExplainProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Explanation | null>(null)
  const { account, place } = useViewer()
  const close = useCallback(() => setShown(null), [])
  const currency = shown?.currency ?? account.currency
  const open = useMemo(() => (explanation: Explanation) => setShown(explanation), [])
  return (
    <ExplainContext value={open}>
      {children}
      <Sheet open={shown !== null} onClose={close} title={shown?.title ?? ''}>
        {shown && (
          <div className="space-y-5 text-sm">
            <div className="text-soft">{shown.says}</div>
            {shown.parts && (
              <dl className="divide-y divide-line rounded-lg border border-line">
                {shown.parts.map((part, index) => (
                  <div key={`${index} ${part.label}`} className={`flex items-baseline justify-between gap-4 px-3.5 py-2 ${part.total ? 'font-semibold' : ''}`}>
                    <dt className={part.total ? '' : 'text-soft'}>{part.label}</dt>
                    <dd className="text-right">{part.amount === undefined || part.amount === null ? (part.text ?? '–') : money(part.amount, currency, place, { style: 'exact' })}</dd>
                  </div>
                ))}
              </dl>
            )}
            {shown.links && shown.links.length > 0 && (
              <ul className="space-y-1">
                {shown.links.map((link) => (
                  <li key={link.label}>
                    <PageLink to={link.to} search={link.search} onClick={close}>
                      {link.label}
                    </PageLink>
                  </li>
                ))}
              </ul>
            )}
            {shown.asOf && <p className="text-xs text-soft">Counted up to {new Date(shown.asOf).toLocaleString(place.locale, { timeZone: place.timeZone })}.</p>}
          </div>
        )}
      </Sheet>
    </ExplainContext>
  )
}

/** Opens an explanation: for figures that are no amounts. */
export function useExplain() {
  return useContext(ExplainContext)
}

/** A figure that is written already; with `explain` it opens where it comes from. In a row that is walked by keys the way to it is the right arrow. */
export function Figure({ shown, whole = shown, currency, explain, className = '' }: { shown: string; whole?: string; currency?: string; explain?: Explanation; className?: string }) {
  const open = useExplain()
  const inRow = use(InRow)
  const classes = `tabular-nums whitespace-nowrap ${className}`
  if (!explain) {
    return (
      <span className={classes} title={whole === shown ? undefined : whole}>
        {shown}
      </span>
    )
  }
  return (
    <button
      type="button"
      tabIndex={inRow ? -1 : undefined}
      className={`${classes} decoration-line-strong decoration-dotted underline-offset-4 hover:underline focus-visible:underline`}
      title={whole === shown ? 'Where this comes from' : whole}
      aria-label={`${shown}: where this comes from`}
      onClick={() => open({ currency, ...explain })}
    >
      {shown}
    </button>
  )
}

interface Props extends MoneyStyle {
  value: string | null | undefined
  /** The account's unless given. */
  currency?: string
  explain?: Explanation
  /** Colours what is below zero, or both sides for changes. */
  tone?: 'none' | 'negative' | 'both'
  className?: string
}

/** An amount. The whole of it is in its title; with `explain` it opens where it comes from. */
export function Amount({ value, currency, explain, tone = 'none', className = '', ...style }: Props) {
  const { account, place } = useViewer()
  if (value === null || value === undefined) return <span className={`text-faint ${className}`}>–</span>
  const side = tone === 'none' ? 0 : sign(value)
  const colour = side < 0 ? 'text-bad' : side > 0 && tone === 'both' ? 'text-good' : ''
  const unit = currency ?? account.currency
  return <Figure shown={money(value, unit, place, style)} whole={money(value, unit, place, { style: 'exact' })} currency={unit} explain={explain} className={`${colour} ${className}`} />
}
