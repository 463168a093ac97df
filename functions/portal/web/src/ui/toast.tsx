import { useSyncExternalStore } from 'react'
import { asApiError } from '~/api/problem'
import { Button } from './button'
import { Icon } from './icon'

interface Toast {
  id: number
  tone: 'good' | 'bad' | 'info'
  text: string
  detail?: string
}

let toasts: Toast[] = []
let next = 1
const listeners = new Set<() => void>()

function set(change: Toast[]) {
  toasts = change
  listeners.forEach((listener) => listener())
}

function dismiss(id: number) {
  set(toasts.filter((toast) => toast.id !== id))
}

function push(tone: Toast['tone'], text: string, detail?: string) {
  const id = next++
  set([...toasts.slice(-3), { id, tone, text, detail }])
  if (tone !== 'bad') setTimeout(() => dismiss(id), 6000)
}

/** Says in passing what came of something. What failed stays until it is dismissed, with its request id. */
export const toast = {
  done: (text: string, detail?: string) => push('good', text, detail),
  info: (text: string, detail?: string) => push('info', text, detail),
  failed: (error: unknown, text?: string) => {
    const problem = asApiError(error)
    push('bad', text ?? problem.message, [text ? problem.message : null, problem.requestId ? `Request ${problem.requestId}` : null].filter(Boolean).join(' · '))
  },
}

/** Where toasts stand; once, in the shell. */
export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => toasts,
  )
  return (
    <div aria-live="polite" role="status" className="no-print pointer-events-none fixed inset-x-0 bottom-18 z-50 flex flex-col items-center gap-2 px-4 md:bottom-6 md:left-auto md:right-6 md:items-end">
      {shown.map((item) => (
        <div key={item.id} className="pointer-events-auto flex w-full max-w-sm items-start gap-2.5 rounded-lg border border-line bg-raised px-3 py-2.5 shadow-high">
          <Icon
            name={item.tone === 'good' ? 'check' : item.tone === 'bad' ? 'alert' : 'info'}
            className={`mt-0.5 ${item.tone === 'good' ? 'text-good' : item.tone === 'bad' ? 'text-bad' : 'text-info'}`}
          />
          <div className="min-w-0 flex-1 text-sm">
            <p>{item.text}</p>
            {item.detail && <p className="text-xs text-soft">{item.detail}</p>}
          </div>
          <Button look="quiet" small icon="close" label="Dismiss" onClick={() => dismiss(item.id)} />
        </div>
      ))}
    </div>
  )
}
