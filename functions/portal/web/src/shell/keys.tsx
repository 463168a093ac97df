import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useViewer } from '~/session/session'
import { Dialog } from '~/ui/dialog'
import { NAV } from './nav'
import { mayOpen } from './pages'

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}

/** The shell's keys: ⌘K, ?, /, and g with a letter. None of them is taken while somebody types or a dialog is open. */
export function useShellKeys({ palette, help }: { palette: () => void; help: () => void }) {
  const viewer = useViewer()
  const navigate = useNavigate()
  const gAt = useRef(0)
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        palette()
        return
      }
      if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target) || document.querySelector('dialog[open]')) return
      if (event.key === '?') return help()
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('[data-search]')
        event.preventDefault()
        if (search) search.focus()
        else palette()
        return
      }
      if (event.key === 'g') {
        gAt.current = event.timeStamp
        return
      }
      if (event.timeStamp - gAt.current < 1200) {
        gAt.current = 0
        const item = NAV.find((candidate) => candidate.key === event.key && mayOpen(viewer, candidate))
        if (item) void navigate({ to: (item.to ? `${viewer.base}/${item.to}` : viewer.base) as never })
      }
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [palette, help, viewer, navigate])
}

function Key({ children }: { children: string }) {
  return <kbd className="rounded border border-line bg-sunken px-1.5 font-mono text-xs">{children}</kbd>
}

/** What the keys are. */
export function KeysHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const viewer = useViewer()
  const lines: [string[], string][] = [
    [['Ctrl', 'K'], 'Go anywhere, find an account, do something'],
    [['/'], 'Search the page'],
    [['?'], 'Show these keys'],
    [['Esc'], 'Close what is open'],
    [['↑', '↓'], 'Move in a table'],
    [['Enter'], 'Open the row'],
    [['x'], 'Select the row'],
    ...NAV.filter((item) => item.key && mayOpen(viewer, item)).map((item) => [['g', item.key as string], item.label] as [string[], string]),
  ]
  return (
    <Dialog open={open} onClose={onClose} sticky={false} title="Keys">
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2 text-sm">
        {lines.map(([keys, what]) => (
          <div key={what} className="contents">
            <dt className="flex gap-1">
              {keys.map((key) => (
                <Key key={key}>{key}</Key>
              ))}
            </dt>
            <dd className="text-soft">{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
