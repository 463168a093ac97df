import { type ReactNode, useId, useState } from 'react'
import type { ApiError } from '~/api/problem'
import { Button } from './button'
import { Dialog } from './dialog'
import { Form, TextField } from './form'

/**
 * Asks before something that has consequences, in words that say them. With `type`, the person writes that word first: for what cannot be
 * taken back.
 */
export function Confirm({
  open,
  onClose,
  onConfirm,
  title,
  children,
  action,
  danger = false,
  type,
  busy = false,
  error = null,
}: {
  open: boolean
  onClose: () => void
  onConfirm: () => void
  title: string
  children: ReactNode
  action: string
  danger?: boolean
  type?: string
  busy?: boolean
  error?: ApiError | null
}) {
  const id = useId()
  const [typed, setTyped] = useState('')
  const close = () => {
    setTyped('')
    onClose()
  }
  return (
    <Dialog
      open={open}
      onClose={close}
      sticky={busy}
      title={title}
      footer={
        <>
          <Button disabled={busy} onClick={close}>Cancel</Button>
          <Button type="submit" form={id} look={danger ? 'danger' : 'primary'} busy={busy} disabled={type !== undefined && typed.trim() !== type}>
            {action}
          </Button>
        </>
      }
    >
      <Form id={id} onSubmit={onConfirm} error={error}>
        <div className="space-y-2 text-sm">{children}</div>
        {type !== undefined && <TextField label={<>Write “{type}” to go on</>} value={typed} onChange={setTyped} autoComplete="off" required />}
      </Form>
    </Dialog>
  )
}
