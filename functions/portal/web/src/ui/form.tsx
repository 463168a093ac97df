import { createContext, type FormEvent, type InputHTMLAttributes, type ReactNode, useCallback, useContext, useId, useRef, useState } from 'react'
import { newKey } from '~/api/client'
import { type ApiError, asApiError } from '~/api/problem'
import { Copy } from './copy'
import { Notice } from './state'

/**
 * What a form sends. One press is one request; while it is under way nothing is sent again. The key of the intent stays the same over tries of
 * the same input and is new when the input changed, so that a try after "no answer" never does a thing twice.
 */
export function useSubmit<Input, Result>(send: (input: Input, key: string) => Promise<Result>, done: (result: Result, input: Input) => void) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const intent = useRef<{ of: string; key: string } | null>(null)
  const running = useRef(false)
  const submit = useCallback(
    async (input: Input) => {
      if (running.current) return
      running.current = true
      setBusy(true)
      setError(null)
      const of = JSON.stringify(input)
      if (intent.current?.of !== of) intent.current = { of, key: newKey() }
      try {
        const result = await send(input, intent.current.key)
        intent.current = null
        done(result, input)
      } catch (thrown) {
        setError(asApiError(thrown))
      } finally {
        running.current = false
        setBusy(false)
      }
    },
    [send, done],
  )
  const reset = useCallback(() => {
    setError(null)
    intent.current = null
  }, [])
  return { submit, busy, error, reset }
}

const ErrorContext = createContext<ApiError | null>(null)

/** A form. Errors of fields stand at the fields, by their pointer; what belongs to none stands on top, with its request id. */
export function Form({ id, onSubmit, error, children, className = 'space-y-4' }: { id?: string; onSubmit: () => void; error?: ApiError | null; children: ReactNode; className?: string }) {
  const ref = useRef<HTMLFormElement>(null)
  return (
    <ErrorContext value={error ?? null}>
      <form
        id={id}
        ref={ref}
        noValidate={false}
        className={className}
        onSubmit={(event: FormEvent) => {
          event.preventDefault()
          event.stopPropagation()
          onSubmit()
        }}
      >
        {error && <Problem error={error} />}
        {children}
      </form>
    </ErrorContext>
  )
}

/** A refusal in a form or dialog. */
export function Problem({ error }: { error: ApiError }) {
  return (
    <Notice tone="bad" title={error.title}>
      <p>{error.message}</p>
      {error.requestId && (
        <p className="mt-1 flex items-center gap-1 text-xs text-soft">
          Request <code className="font-mono">{error.requestId}</code>
          <Copy text={error.requestId} what="request id" />
        </p>
      )}
    </Notice>
  )
}

/** What the API said of a field. */
export function useFieldError(pointer: string | undefined): string | null {
  const error = useContext(ErrorContext)
  if (!pointer) return null
  return error?.fields.find((field) => field.pointer === pointer)?.detail ?? null
}

interface FieldProps {
  label: ReactNode
  /** Its place in the request's body, as `/amount`: what the API says of it is shown here. */
  pointer?: string
  hint?: ReactNode
  /** What this page itself finds wrong. */
  wrong?: string | null
  optional?: boolean
}

function useField({ pointer, hint, wrong }: Pick<FieldProps, 'pointer' | 'hint' | 'wrong'>) {
  const id = useId()
  const said = useFieldError(pointer)
  const error = wrong ?? said
  const described = [error ? `${id}-error` : null, hint ? `${id}-hint` : null].filter(Boolean).join(' ') || undefined
  return { id, error, attributes: { id, 'aria-invalid': error ? true : undefined, 'aria-describedby': described } as const }
}

/** What stands below a field: what is wrong with it, and what it is for. */
export function FieldNotes({ id, error, hint }: { id: string; error: string | null; hint?: ReactNode }) {
  return (
    <>
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
    </>
  )
}

function FieldFrame({ id, label, hint, error, optional, children }: { id: string; label: ReactNode; hint?: ReactNode; error: string | null; optional?: boolean; children: ReactNode }) {
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block text-sm font-medium">
        {label}
        {optional && <span className="font-normal text-soft"> (optional)</span>}
      </label>
      {children}
      <FieldNotes id={id} error={error} hint={hint} />
    </div>
  )
}

/** A line of text. */
export function TextField({
  label,
  pointer,
  hint,
  wrong,
  optional,
  value,
  onChange,
  suffix,
  ...rest
}: FieldProps & { value: string; onChange: (value: string) => void; suffix?: ReactNode } & Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'>) {
  const { id, error, attributes } = useField({ pointer, hint, wrong })
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error} optional={optional}>
      <div className="relative">
        <input {...rest} {...attributes} className={`field ${suffix ? 'pr-14' : ''}`} value={value} onChange={(event) => onChange(event.target.value)} />
        {suffix && <span className="pointer-events-none absolute inset-y-0 right-2.5 flex items-center text-xs text-soft">{suffix}</span>}
      </div>
    </FieldFrame>
  )
}

/** Several lines of text. */
export function TextArea({ label, pointer, hint, wrong, optional, value, onChange, rows = 3, ...rest }: FieldProps & { value: string; onChange: (value: string) => void; rows?: number; maxLength?: number; required?: boolean; placeholder?: string }) {
  const { id, error, attributes } = useField({ pointer, hint, wrong })
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error} optional={optional}>
      <textarea {...rest} {...attributes} rows={rows} className="field" value={value} onChange={(event) => onChange(event.target.value)} />
    </FieldFrame>
  )
}

/** One of several. */
export function SelectField({
  label,
  pointer,
  hint,
  wrong,
  optional,
  value,
  onChange,
  options,
  ...rest
}: FieldProps & { value: string; onChange: (value: string) => void; options: { value: string; label: string; disabled?: boolean }[]; disabled?: boolean; required?: boolean }) {
  const { id, error, attributes } = useField({ pointer, hint, wrong })
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error} optional={optional}>
      <select {...rest} {...attributes} className="field" value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
    </FieldFrame>
  )
}

/** Yes or no. */
export function CheckField({ label, hint, value, onChange, disabled }: { label: ReactNode; hint?: ReactNode; value: boolean; onChange: (value: boolean) => void; disabled?: boolean }) {
  const id = useId()
  return (
    <div className="flex items-start gap-2.5">
      <input id={id} type="checkbox" className="mt-0.5 size-4 shrink-0 accent-(--accent-ink)" checked={value} disabled={disabled} onChange={(event) => onChange(event.target.checked)} aria-describedby={hint ? `${id}-hint` : undefined} />
      <div className="text-sm">
        <label htmlFor={id}>{label}</label>
        {hint && (
          <p id={`${id}-hint`} className="text-xs text-soft">
            {hint}
          </p>
        )}
      </div>
    </div>
  )
}

/** A filter's select without a visible label: for bars of filters. */
export function FilterSelect({ label, value, onChange, options }: { label: string; value: string; onChange: (value: string) => void; options: { value: string; label: string }[] }) {
  return (
    <select aria-label={label} className="field !h-8.5 !w-auto !border-line pr-7" value={value} onChange={(event) => onChange(event.target.value)}>
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  )
}
