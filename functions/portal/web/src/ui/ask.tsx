import { type ReactNode, useEffect, useState } from 'react'
import { Button, type Look } from './button'
import { Confirm } from './confirm'
import { useSubmit } from './form'
import type { IconName } from './icon'
import { Notice } from './state'

interface Asked<Input, Result> {
  title: string
  /** What happens, in words of consequence; fields stand here too. */
  children: ReactNode
  action: string
  danger?: boolean
  type?: string
  /** What is sent: while it stays the same, another try is the same intent. */
  input: Input
  send: (input: Input, key: string) => Promise<Result>
  done: (result: Result) => void
  /** Loads anew what somebody else changed meanwhile. */
  reload?: () => void
  /** A reason of the page's own for which nothing is sent. */
  wrong?: string | null
}

/** Asks, and does it when told so. A refusal stands in the dialog, which stays open. */
export function Ask<Input, Result>({ open, onClose, input, send, done, reload, wrong, children, ...question }: Asked<Input, Result> & { open: boolean; onClose: () => void }) {
  const { submit, busy, error, reset } = useSubmit<Input, Result>(send, (result) => {
    onClose()
    done(result)
  })
  const [shown, setShown] = useState<string | null>(null)
  const stale = error?.code === 'precondition_failed'
  useEffect(() => {
    if (stale) reload?.()
    // Once for each refusal, whatever function the page hands over at the time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [stale])
  return (
    <Confirm
      {...question}
      open={open}
      busy={busy}
      error={error}
      onClose={() => {
        reset()
        setShown(null)
        onClose()
      }}
      onConfirm={() => {
        setShown(wrong ?? null)
        if (!wrong) void submit(input)
      }}
    >
      {stale && <Notice tone="warn">Somebody changed this meanwhile. What you see behind this has been loaded anew: look at it, then try again.</Notice>}
      {shown && wrong && <Notice tone="bad">{wrong}</Notice>}
      {children}
    </Confirm>
  )
}

/** A button that asks before it does something. */
export function Act<Input, Result>({ label, icon, look = 'plain', small = false, disabled, onOpen, ...asked }: Asked<Input, Result> & { label: string; icon?: IconName; look?: Look; small?: boolean; disabled?: boolean; onOpen?: () => void }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button
        look={look}
        icon={icon}
        small={small}
        disabled={disabled}
        onClick={() => {
          onOpen?.()
          setOpen(true)
        }}
      >
        {label}
      </Button>
      <Ask {...asked} open={open} onClose={() => setOpen(false)} />
    </>
  )
}
