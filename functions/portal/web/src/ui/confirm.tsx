import { type ComponentProps, useState } from 'react'
import { TextField } from './form'
import { FormDialog } from './form-dialog'

type Question = Omit<ComponentProps<typeof FormDialog>, 'onSubmit' | 'wide' | 'disabled'> & {
  onConfirm: () => void
  type?: string
}

/**
 * Asks before something that has consequences, in words that say them. With `type`, the person writes that word first: for what cannot be
 * taken back.
 */
export function Confirm({ onClose, onConfirm, type, children, ...dialog }: Question) {
  const [typed, setTyped] = useState('')
  return (
    <FormDialog
      {...dialog}
      onClose={() => {
        setTyped('')
        onClose()
      }}
      onSubmit={onConfirm}
      disabled={type !== undefined && typed.trim() !== type}
    >
      <div className="space-y-2 text-sm">{children}</div>
      {type !== undefined && <TextField label={<>Write “{type}” to go on</>} value={typed} onChange={setTyped} autoComplete="off" required />}
    </FormDialog>
  )
}
