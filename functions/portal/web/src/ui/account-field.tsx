import { type KeyboardEvent, useId, useState } from 'react'
import { useApi, useSettled } from '~/api/query'
import { useAccountName } from './account'
import { Button } from './button'
import { useFieldError } from './form'

const ID = /^acc_[0-7][0-9a-hjkmnp-tv-z]{25}$/

/**
 * Chooses an account of the subtree: one writes a part of its name, its external id, or its id. `value` is the id; the empty text is none.
 */
export function AccountField({
  label,
  value,
  onChange,
  pointer,
  hint,
  optional = false,
  bare = false,
  placeholder = 'Name, external id or id',
}: {
  label: string
  value: string
  onChange: (id: string) => void
  pointer?: string
  hint?: string
  optional?: boolean
  /** Without a visible label: for bars of filters. */
  bare?: boolean
  placeholder?: string
}) {
  const id = useId()
  const name = useAccountName(value || null)
  const said = useFieldError(pointer)
  const [text, setText] = useState('')
  const [open, setOpen] = useState(false)
  const [at, setAt] = useState(0)
  const sought = useSettled(text.trim(), 200)
  const found = useApi('/reseller/accounts', { query: { q: sought, subtree: true, limit: 8 } }, { enabled: open && sought.length >= 1 && !ID.test(sought), keep: true })
  const rows = sought ? (found.data?.data ?? []) : []
  const current = Math.min(at, Math.max(rows.length - 1, 0))

  const choose = (chosen: string) => {
    onChange(chosen)
    setText('')
    setOpen(false)
    setAt(0)
  }
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setOpen(true)
      setAt((current + (event.key === 'ArrowDown' ? 1 : -1) + rows.length) % Math.max(rows.length, 1))
    } else if (event.key === 'Enter' && open && text.trim()) {
      event.preventDefault()
      const row = rows[current]
      if (ID.test(text.trim())) choose(text.trim())
      else if (row) choose(row.id)
    } else if (event.key === 'Escape' && open && text) {
      event.preventDefault()
      event.stopPropagation()
      setText('')
      setOpen(false)
    }
  }
  const showList = open && sought.length > 0
  const described = [said ? `${id}-error` : null, hint ? `${id}-hint` : null].filter(Boolean).join(' ') || undefined
  return (
    <div className="space-y-1">
      {!bare && (
        <label htmlFor={id} className="block text-sm font-medium">
          {label}
          {optional && <span className="font-normal text-soft"> (optional)</span>}
        </label>
      )}
      {value ? (
        <div className={`field flex items-center justify-between gap-2 !pr-1 ${bare ? '!h-8.5 !border-line' : ''}`}>
          <span className="truncate" title={value}>
            {bare && <span className="sr-only">{label}: </span>}
            {name ?? value}
          </span>
          <Button look="quiet" small icon="close" label={`Choose another ${label.toLowerCase()}`} onClick={() => onChange('')} />
        </div>
      ) : (
        <div className="relative">
          <input
            id={id}
            role="combobox"
            aria-label={bare ? label : undefined}
            aria-expanded={showList}
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            aria-activedescendant={showList && rows[current] ? `${id}-${current}` : undefined}
            aria-invalid={said ? true : undefined}
            aria-describedby={described}
            autoComplete="off"
            className={`field ${bare ? '!h-8.5 !border-line' : ''}`}
            placeholder={bare ? label : placeholder}
            value={text}
            onChange={(event) => {
              setText(event.target.value)
              setOpen(true)
              setAt(0)
            }}
            onFocus={() => setOpen(true)}
            onBlur={() => {
              setOpen(false)
              if (ID.test(text.trim())) choose(text.trim())
            }}
            onKeyDown={keys}
          />
          <ul
            id={`${id}-list`}
            role="listbox"
            aria-label={label}
            hidden={!showList}
            className="absolute z-40 mt-1 max-h-64 w-full min-w-56 overflow-y-auto rounded-lg border border-line bg-raised p-1 text-sm shadow-high"
          >
            {rows.map((row, index) => (
              <li
                key={row.id}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === current}
                className={`flex items-center justify-between gap-3 rounded px-2 py-1.5 ${index === current ? 'bg-sunken' : ''}`}
                onPointerDown={(event) => {
                  event.preventDefault()
                  choose(row.id)
                }}
              >
                <span className="truncate">{row.name}</span>
                <span className="truncate text-xs text-soft">{row.external_id ?? row.kind}</span>
              </li>
            ))}
            {rows.length === 0 && (
              <li role="option" aria-selected={false} aria-disabled="true" className="px-2 py-1.5 text-soft">
                {ID.test(sought) ? 'Enter takes this id' : found.isFetching ? 'Looking…' : found.error ? 'Could not be looked up' : 'No account has this name'}
              </li>
            )}
          </ul>
        </div>
      )}
      {said && (
        <p id={`${id}-error`} className="text-xs text-bad">
          {said}
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
