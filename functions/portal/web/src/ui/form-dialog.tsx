import { type ReactNode, useId } from 'react'
import type { ApiError } from '~/api/problem'
import { Button } from './button'
import { Dialog } from './dialog'
import { Form } from './form'

/**
 * A form in a dialog. While what it sent is under way nothing closes it: what is answered, be it a secret or a refusal, would be seen by nobody.
 */
export function FormDialog({
  open = true,
  onClose,
  title,
  wide,
  onSubmit,
  busy,
  error,
  action,
  danger = false,
  disabled = false,
  children,
}: {
  open?: boolean
  onClose: () => void
  title: string
  wide?: boolean
  onSubmit: () => void
  busy: boolean
  error: ApiError | null
  /** What the button that sends it says. */
  action: string
  danger?: boolean
  /** Whether something is still missing, so that there is nothing to send. */
  disabled?: boolean
  children: ReactNode
}) {
  const id = useId()
  return (
    <Dialog
      open={open}
      onClose={onClose}
      sticky={busy}
      title={title}
      wide={wide}
      footer={
        <>
          <Button disabled={busy} onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} look={danger ? 'danger' : 'primary'} busy={busy} disabled={disabled}>
            {action}
          </Button>
        </>
      }
    >
      <Form id={id} error={error} onSubmit={onSubmit}>
        {children}
      </Form>
    </Dialog>
  )
}
