import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'
import { useApi, useSettled } from '~/api/query'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { PageLink } from './button'
import { FieldNotes, useFieldError } from './form'

const LONG_MS = 10 * 60_000
const ID = /^acc_[0-7][0-9a-hjkmnp-tv-z]{25}$/

/**
 * An account's name and currency as far as the viewer may know them; null while they are asked for, and where they are not to be known. They are
 * asked for one by one, as they come in sight, and kept. In a customer's portal nobody is asked for.
 */
export function useAccount(id: string | null | undefined): { name: string | null; currency: string | null } {
  const { account, customer, can } = useViewer()
  const foreign = Boolean(id?.startsWith('acc_')) && id !== account.id && id !== account.parent_id
  const found = useApi('/reseller/accounts/{id}', { path: { id: id ?? '' } }, { enabled: foreign && !customer && can('accounts.read'), staleMs: LONG_MS })
  if (id && id === account.id) return { name: account.name, currency: account.currency }
  if (id && id === account.parent_id) return { name: customer ? 'Your provider' : 'Your seller', currency: null }
  return { name: found.data?.name ?? null, currency: found.data?.currency ?? null }
}

/** The name alone. */
export function useAccountName(id: string | null | undefined): string | null {
  return useAccount(id).name
}

/** An account, or a system ledger, by its name; by its id as long as the name is not known. Links where there is a page to go to. */
export function AccountName({ id, link = true }: { id: string | null; link?: boolean }) {
  const { account, customer } = useViewer()
  const name = useAccountName(id)
  if (id === null) return <span className="text-faint">–</span>
  if (!id.startsWith('acc_')) return <span className="text-soft">{words(id.replace(/^system\./, ''))}</span>
  const shown = name ?? `${id.slice(0, 8)}…${id.slice(-4)}`
  if (!link || customer || id === account.id || id === account.parent_id) return <span title={id}>{shown}</span>
  return (
    <PageLink to={`accounts/${id}`} className="text-ink no-underline hover:underline">
      {shown}
    </PageLink>
  )
}

export interface Picked {
  id: string
  name: string
}

/** Chooses an account by name, external id or address. `own` puts the viewer's account on top. */
export function AccountPicker({
  label,
  value,
  onChange,
  pointer,
  hint,
  kind,
  own = false,
  required = true,
  bare = false,
  placeholder = bare && typeof label === 'string' ? label : 'Search by name, external id or e-mail',
  wrong,
}: {
  label: ReactNode
  value: Picked | null
  onChange: (account: Picked | null) => void
  pointer?: string
  hint?: ReactNode
  kind?: 'reseller' | 'customer'
  own?: boolean
  required?: boolean
  /** Without a visible label: for bars of filters. */
  bare?: boolean
  placeholder?: string
  wrong?: string | null
}) {
  const { account, customer } = useViewer()
  const id = useId()
  const [text, setText] = useState<string | null>(null)
  const [at, setAt] = useState(0)
  const said = useFieldError(pointer)
  const error = wrong ?? said
  const open = text !== null
  const sought = useSettled(text?.trim() ?? '', 150)
  // A customer sees no account but its own.
  const found = useApi('/reseller/accounts', { query: { subtree: true, limit: 8, ...(sought ? { q: sought } : {}), ...(kind ? { kind } : {}) } }, { enabled: open && !customer, keep: true })
  const mine = own && `${account.name} you`.toLowerCase().includes((text ?? '').trim().toLowerCase()) ? [{ id: account.id, name: account.name, note: 'Your account' }] : []
  // Who has an id at hand need not search: it is taken as it is.
  const typed = ID.test(text?.trim() ?? '') ? [{ id: (text as string).trim(), name: (text as string).trim(), note: 'This id' }] : []
  const options = open ? [...typed, ...mine, ...(found.data?.data ?? []).filter((one) => one.id !== account.id).map((one) => ({ id: one.id, name: one.name, note: one.external_id ?? words(one.kind) }))] : []
  const current = Math.min(at, Math.max(options.length - 1, 0))
  const choose = (option: Picked | undefined) => {
    if (option) onChange({ id: option.id, name: option.name })
    setText(null)
    setAt(0)
  }
  const keys = (event: KeyboardEvent) => {
    if (!open) return
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setAt((current + (event.key === 'ArrowDown' ? 1 : -1) + options.length) % Math.max(options.length, 1))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      choose(options[current])
    } else if (event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
      setText(null)
    }
  }
  return (
    <div className="space-y-1">
      <label htmlFor={id} className={bare ? 'sr-only' : 'block text-sm font-medium'}>
        {label}
        {!required && !bare && <span className="font-normal text-soft"> (optional)</span>}
      </label>
      <div className="relative">
        <input
          id={id}
          className={`field ${bare ? '!h-8.5 !border-line' : ''}`}
          role="combobox"
          aria-expanded={open}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={open && options.length > 0 ? `${id}-${current}` : undefined}
          aria-invalid={error ? true : undefined}
          aria-describedby={[error ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ') || undefined}
          autoComplete="off"
          placeholder={placeholder}
          required={required}
          value={text ?? value?.name ?? ''}
          onFocus={(event) => event.target.select()}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
            if (event.target.value === '') onChange(null)
          }}
          onClick={() => setText((known) => known ?? '')}
          onKeyDown={keys}
          onBlur={() => (typed[0] ? choose(typed[0]) : setText(null))}
        />
        <ul
          id={`${id}-list`}
          role="listbox"
          aria-label="Accounts"
          hidden={!open}
          className="absolute left-0 z-40 mt-1 max-h-60 w-full min-w-56 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-high"
        >
          {options.map((option, index) => (
            <li
              key={option.id}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === current}
              className={`flex items-center gap-3 rounded-md px-2.5 py-1.5 text-sm ${index === current ? 'bg-accent-wash' : ''}`}
              onPointerDown={(event) => {
                event.preventDefault()
                choose(option)
              }}
              onPointerMove={() => setAt(index)}
            >
              <span className="flex-1 truncate">{option.name}</span>
              <span className="text-xs text-soft">{option.note}</span>
            </li>
          ))}
          {open && options.length === 0 && (
            <li role="option" aria-selected="false" aria-disabled="true" className="px-2.5 py-1.5 text-sm text-soft">
              {found.isFetching ? 'Looking…' : found.error ? 'Could not be looked up' : 'No account by that name'}
            </li>
          )}
        </ul>
      </div>
      <FieldNotes id={id} error={error} hint={hint} />
    </div>
  )
}

/** `AccountPicker` by the id alone: the empty text is none. */
export function AccountField({ value, onChange, optional = false, ...rest }: { label: string; value: string; onChange: (id: string) => void; pointer?: string; hint?: string; optional?: boolean; bare?: boolean; placeholder?: string }) {
  const name = useAccountName(value || null)
  return <AccountPicker {...rest} own value={value ? { id: value, name: name ?? value } : null} onChange={(picked) => onChange(picked?.id ?? '')} required={!optional && !rest.bare} />
}
