import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'
import { useApi, useSettled } from '~/api/query'
import { useViewer } from '~/session/session'
import { useFieldError } from './form'

/** An account that was chosen. */
export interface Chosen {
  id: string
  name: string
}

/** Chooses an account of the subtree by its name, external id or address. `own` offers the viewer's own account first. */
export function AccountField({ label, pointer, hint, value, onChange, own = false, children = false, optional = false }: {
  label: ReactNode
  pointer?: string
  hint?: ReactNode
  value: Chosen | null
  onChange: (account: Chosen | null) => void
  own?: boolean
  /** Direct sub-accounts only. */
  children?: boolean
  optional?: boolean
}) {
  const { account } = useViewer()
  const id = useId()
  const error = useFieldError(pointer)
  const [text, setText] = useState('')
  const [open, setOpen] = useState(false)
  const [at, setAt] = useState(0)
  const sought = useSettled(text.trim(), 200)
  const found = useApi('/reseller/accounts', { query: { ...(sought ? { q: sought } : {}), subtree: !children, limit: 8 } }, { enabled: open, keep: true })
  const self: Chosen[] = own && account.name.toLowerCase().includes(sought.toLowerCase()) ? [{ id: account.id, name: account.name }] : []
  const options = [...self, ...(found.data?.data ?? []).map((row) => ({ id: row.id, name: row.name }))]
  const current = Math.min(at, Math.max(options.length - 1, 0))

  const choose = (option: Chosen | undefined) => {
    if (!option) return
    onChange(option)
    setText('')
    setOpen(false)
  }
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      if (!open) return setOpen(true)
      setAt((current + (event.key === 'ArrowDown' ? 1 : -1) + options.length) % Math.max(options.length, 1))
    } else if (event.key === 'Enter' && open) {
      event.preventDefault()
      choose(options[current])
    } else if (event.key === 'Escape' && open) {
      event.preventDefault()
      event.stopPropagation()
      setOpen(false)
    }
  }
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block text-sm font-medium">
        {label}
        {optional && <span className="font-normal text-soft"> (optional)</span>}
      </label>
      <div className="relative" onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOpen(false) }}>
        <input
          id={id}
          className="field"
          role="combobox"
          aria-expanded={open}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={open && options.length ? `${id}-${current}` : undefined}
          aria-invalid={error ? true : undefined}
          aria-describedby={[error ? `${id}-error` : null, hint ? `${id}-hint` : null].filter(Boolean).join(' ') || undefined}
          autoComplete="off"
          placeholder={value ? undefined : 'Write a name…'}
          value={open ? text : (value?.name ?? text)}
          onFocus={() => setOpen(true)}
          onClick={() => setOpen(true)}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
            setOpen(true)
          }}
          onKeyDown={press}
        />
        {open && (
          <ul id={`${id}-list`} role="listbox" aria-label="Accounts" className="absolute z-40 mt-1 max-h-56 w-full overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-high">
            {options.map((option, index) => (
              <li
                key={option.id}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === current}
                className={`truncate rounded px-2 py-1.5 text-sm ${index === current ? 'bg-accent-wash' : ''}`}
                onPointerMove={() => setAt(index)}
                onPointerDown={(event) => {
                  event.preventDefault()
                  choose(option)
                }}
              >
                {option.name}
                {option.id === account.id && <span className="text-soft"> (your account)</span>}
              </li>
            ))}
            {options.length === 0 && (
              <li role="option" aria-selected="false" aria-disabled="true" className="px-2 py-1.5 text-sm text-soft">
                {found.isFetching ? 'Looking…' : found.error ? 'The accounts could not be loaded.' : 'No account by that name.'}
              </li>
            )}
          </ul>
        )}
      </div>
      {error && (
        <p id={`${id}-error`} className="text-xs text-bad">
          {error.charAt(0).toUpperCase() + error.slice(1)}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-soft">
          {hint}
        </p>
      )}
    </div>
  )
}
