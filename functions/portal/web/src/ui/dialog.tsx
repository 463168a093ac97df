import { type ReactNode, useEffect, useId, useRef } from 'react'
import { Button } from './button'

interface Props {
  open: boolean
  onClose: () => void
  title: string
  children: ReactNode
  /** Where the actions stand; a form puts its own submit here with `form="…"`. */
  footer?: ReactNode
  wide?: boolean
}

interface Sticky {
  /** Nothing closes it by chance, neither Escape nor the X nor a press beside it: while it works, and for what is shown only once. */
  sticky: boolean
}

function useModal(open: boolean) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = ref.current
    if (!dialog) return
    if (open && !dialog.open) {
      dialog.showModal()
      // The first thing to fill in, rather than the button that closes it all.
      dialog.querySelector<HTMLElement>('[data-body] :is(input, select, textarea):not(:disabled)')?.focus()
    }
    if (!open && dialog.open) dialog.close()
  }, [open])
  return ref
}

function Frame({ open, onClose, title, children, footer, sticky, className }: Props & Sticky & { className: string }) {
  const ref = useModal(open)
  const id = useId()
  const pressedBeside = useRef(false)
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      className={className}
      onClose={() => {
        // Some browsers let a second Escape through, whatever was said to the first.
        if (open && sticky) ref.current?.showModal()
        else onClose()
      }}
      onCancel={(event) => {
        // Escape closes this one only, not a dialog around it.
        event.stopPropagation()
        if (sticky) event.preventDefault()
      }}
      onKeyDown={(event) => {
        if (sticky && event.key === 'Escape') event.preventDefault()
      }}
      // Only a press that began beside it closes it: a selection that is dragged out of a field ends there too.
      onPointerDown={(event) => {
        pressedBeside.current = event.target === ref.current
      }}
      onClick={(event) => {
        if (!sticky && pressedBeside.current && event.target === ref.current) ref.current?.close()
      }}
    >
      {open && (
        <div className="flex h-full max-h-[inherit] flex-col">
          <div className="flex items-center justify-between gap-4 border-b border-line px-5 py-3">
            <h2 id={id}>{title}</h2>
            <Button look="quiet" small icon="close" label="Close" disabled={sticky} onClick={() => ref.current?.close()} />
          </div>
          <div data-body="" className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
          {footer && <div className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{footer}</div>}
        </div>
      )}
    </dialog>
  )
}

/** A modal question. Escape and a press beside it close it unless it is sticky; focus returns to where it was. A form stands in `FormDialog`. */
export function Dialog(props: Props & Sticky) {
  return (
    <Frame
      {...props}
      className={`max-h-[85dvh] w-[calc(100vw-2rem)] rounded-xl border border-line shadow-high ${props.wide ? 'sm:w-[44rem]' : 'sm:w-[30rem]'}`}
    />
  )
}

/** The same at the side: for what explains or shows in full. */
export function Sheet(props: Props) {
  return <Frame {...props} sticky={false} className="sheet shadow-high" />
}
