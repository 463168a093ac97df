import type { ReactNode } from 'react'
import { Copy } from './copy'
import { Notice } from './state'

/** A secret that is shown this once. It lives in this element's props and nowhere else. */
export function SecretOnce({ secret, what, children }: { secret: string; what: string; children?: ReactNode }) {
  return (
    <div className="space-y-3">
      <Notice tone="warn" title="Copy it now">
        The {what} is shown this once. Nobody can show it again, not even us; a lost one is replaced by a new one.
      </Notice>
      <div className="flex items-center gap-2 rounded-md border border-line-strong bg-sunken px-3 py-2">
        <code className="min-w-0 flex-1 font-mono text-sm break-all select-all">{secret}</code>
        <Copy text={secret} what={what}>
          Copy
        </Copy>
      </div>
      {children}
    </div>
  )
}
