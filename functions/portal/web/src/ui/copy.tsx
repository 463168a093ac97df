import { useState } from 'react'
import { Button } from './button'

/** Copies text. `what` names it for screen readers: "Copy account id". */
export function Copy({ text, what, children }: { text: string; what: string; children?: string }) {
  const [state, setState] = useState<'idle' | 'done' | 'failed'>('idle')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setState('done')
    } catch {
      setState('failed')
    }
    setTimeout(() => setState('idle'), 1800)
  }
  return (
    <span className="no-print inline-flex">
      <Button
        look={children ? 'plain' : 'quiet'}
        small
        icon={state === 'done' ? 'check' : state === 'failed' ? 'alert' : 'copy'}
        label={children ? undefined : `Copy ${what}`}
        onClick={() => void copy()}
      >
        {children}
      </Button>
      <span aria-live="polite" className="sr-only">
        {state === 'done' ? `Copied ${what}` : state === 'failed' ? 'Could not copy: select the text and copy it by hand' : ''}
      </span>
    </span>
  )
}

/** An id, short for the eye and whole for the clipboard. */
export function Id({ id, what = 'id' }: { id: string; what?: string }) {
  const short = id.length > 18 ? `${id.slice(0, id.indexOf('_') + 5)}…${id.slice(-6)}` : id
  return (
    <span className="-my-1 inline-flex items-center gap-0.5">
      <code className="font-mono text-xs text-soft" title={id}>
        {short}
      </code>
      <Copy text={id} what={what} />
    </span>
  )
}
