import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { Button, type Look } from './button'
import type { IconName } from './icon'

const GAP_PX = 4

/** Puts a panel of the top layer below its button, inside the window; above it where there is no room below. */
function place(panel: HTMLElement, button: HTMLElement, align: 'left' | 'right') {
  const at = button.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = panel
  const left = align === 'right' ? at.right - width : at.left
  const below = at.bottom + GAP_PX + height <= innerHeight || at.top < height
  panel.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`
  panel.style.top = `${below ? at.bottom + GAP_PX : at.top - GAP_PX - height}px`
}

/** A button that opens a panel. Escape, a press elsewhere, scrolling and leaving it with the keyboard close it. */
export function Popover({
  label,
  icon,
  look = 'plain',
  small = false,
  align = 'right',
  children,
  text,
}: {
  /** For screen readers, and the text unless `text` is given; `null` shows the icon alone. */
  label: string
  text?: ReactNode
  icon?: IconName
  look?: Look
  small?: boolean
  align?: 'left' | 'right'
  children: (close: () => void) => ReactNode
}) {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const panel = useRef<HTMLDivElement>(null)
  const id = useId()
  const close = () => {
    setOpen(false)
    root.current?.querySelector('button')?.focus()
  }
  useEffect(() => {
    const [box, button] = [panel.current, root.current?.querySelector('button')]
    if (!open || !box || !button) return
    box.showPopover()
    place(box, button, align)
    box.querySelector<HTMLElement>('button, input, select, a')?.focus({ preventScroll: true })
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    const scrolled = (event: Event) => {
      if (!box.contains(event.target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    document.addEventListener('scroll', scrolled, true)
    addEventListener('resize', scrolled)
    return () => {
      document.removeEventListener('pointerdown', outside)
      document.removeEventListener('scroll', scrolled, true)
      removeEventListener('resize', scrolled)
    }
  }, [open, align])
  return (
    <div
      ref={root}
      className="inline-block"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return
        event.preventDefault()
        event.stopPropagation()
        close()
      }}
      onBlur={(event) => {
        if (open && event.relatedTarget && !root.current?.contains(event.relatedTarget as Node)) setOpen(false)
      }}
    >
      <Button look={look} small={small} icon={icon} label={text === null ? label : undefined} aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}>
        {text === null ? undefined : (text ?? label)}
      </Button>
      {open && (
        <div ref={panel} id={id} popover="manual" className="max-h-[70vh] min-w-48 overflow-y-auto rounded-lg border border-line bg-raised p-1 text-left shadow-high">
          {children(close)}
        </div>
      )}
    </div>
  )
}

/** A list of actions behind a button; arrows move between them. */
export function Menu({
  items,
  ...rest
}: {
  label: string
  text?: ReactNode
  icon?: IconName
  look?: Look
  small?: boolean
  align?: 'left' | 'right'
  items: ({ label: string; onSelect: () => void; danger?: boolean; icon?: IconName } | null | false)[]
}) {
  const shown = items.filter((item) => item !== null && item !== false)
  if (shown.length === 0) return null
  return (
    <Popover {...rest}>
      {(close) => (
        <ul
          onKeyDown={(event) => {
            if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
            event.preventDefault()
            const buttons = [...event.currentTarget.querySelectorAll('button')]
            const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
            buttons[(at + (event.key === 'ArrowDown' ? 1 : -1) + buttons.length) % buttons.length]?.focus()
          }}
        >
          {shown.map((item) => (
            <li key={item.label}>
              <Button
                look="quiet"
                icon={item.icon}
                className={`w-full !justify-start ${item.danger ? '!text-bad' : '!text-ink'}`}
                onClick={() => {
                  close()
                  item.onSelect()
                }}
              >
                {item.label}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Popover>
  )
}
