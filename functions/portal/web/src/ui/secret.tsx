import { type ReactNode, useState } from 'react'
import { Button } from './button'
import { Copy } from './copy'
import { Dialog } from './dialog'
import { CheckField } from './form'
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

/**
 * A secret in a dialog that nothing closes by chance: only whoever says that it is kept. Without a secret the answer was a replay, in which it is
 * not repeated.
 */
export function SecretDialog({ title, secret, what, children, onClose }: { title: string; secret: string | null | undefined; what: string; children?: ReactNode; onClose: () => void }) {
  const [kept, setKept] = useState(false)
  return (
    <Dialog
      open
      sticky={Boolean(secret)}
      onClose={onClose}
      title={title}
      footer={
        <Button look="primary" disabled={Boolean(secret) && !kept} onClick={onClose}>
          Done
        </Button>
      }
    >
      {secret ? (
        <div className="space-y-4 text-sm">
          <SecretOnce secret={secret} what={what}>
            {children}
          </SecretOnce>
          <CheckField label="I have kept it" value={kept} onChange={setKept} />
        </div>
      ) : (
        <Notice tone="warn" title="The secret was shown before">
          An earlier try did this already, and the {what} was in that answer. If you do not have it, make a new one.
        </Notice>
      )}
    </Dialog>
  )
}
