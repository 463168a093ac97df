import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { Button, type Look } from './button'
import type { IconName } from './icon'

/** A button that opens a panel below it. Escape, a press elsewhere and leaving it with the keyboard close it. */
export function Popover({
  label,
  icon,
  look = 'plain',
  small = false,
  align = 'right',
  children,
  text,
}: {
  /** For screen readers, and the text unless `text` is given. */
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
  const id = useId()
  const close = () => {
    setOpen(false)
    root.current?.querySelector('button')?.focus()
  }
  useEffect(() => {
    if (!open) return
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    root.current?.querySelector<HTMLElement>('[data-panel] button, [data-panel] input, [data-panel] select, [data-panel] a')?.focus()
    return () => document.removeEventListener('pointerdown', outside)
  }, [open])
  return (
    <div
      ref={root}
      className="relative inline-block"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return
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
        <div
          id={id}
          data-panel=""
          className={`absolute z-40 mt-1 max-h-[70vh] min-w-48 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-high ${align === 'right' ? 'right-0' : 'left-0'}`}
        >
          {children(close)}
        </div>
      )}
    </div>
  )
}

/** A list of actions behind a button; arrows move between them. */
export function Menu({ items, ...rest }: { label: string; text?: ReactNode; icon?: IconName; look?: Look; small?: boolean; align?: 'left' | 'right'; items: ({ label: string; onSelect: () => void; danger?: boolean; icon?: IconName } | null | false)[] }) {
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
