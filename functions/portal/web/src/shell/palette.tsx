import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import type { Right } from '~/api/contract'
import { useApi, useSettled } from '~/api/query'
import { PAGES } from '~/router'
import { useViewer } from '~/session/session'
import { Button } from '~/ui/button'
import { Icon, type IconName } from '~/ui/icon'
import { NAV } from './nav'
import { mayOpen } from './pages'
import { signOut } from './sign-out'
import { setTheme } from './theme'

interface Entry {
  id: string
  label: string
  hint: string
  icon: IconName
  run: () => void
}

/** What is begun on another page: its address, and the right to do it besides that to open the page. */
const DEEDS: { label: string; to: string; search?: Record<string, string>; icon: IconName; rights: Right[] }[] = [
  { label: 'New account', to: 'accounts', search: { do: 'create' }, icon: 'plus', rights: ['accounts.create'] },
  { label: 'Move credit', to: 'credits', search: { do: 'transfer' }, icon: 'transfer', rights: ['credits.transfer', 'credits.allocate'] },
  { label: 'Set a price', to: 'prices', search: { do: 'set' }, icon: 'pricing', rights: ['pricing.manage'] },
  { label: 'Record spend', to: 'insights/acquisition', search: { do: 'record' }, icon: 'chart', rights: ['insights.manage'] },
  { label: 'Start a bulk job', to: 'bulk/new', icon: 'bulk', rights: ['bulk.manage'] },
]

/** The line of the navigation that a page belongs to. */
function sectionOf(path: string) {
  return NAV.find((item) => item.to !== '' && (path === item.to || path.startsWith(`${item.to}/`)))
}

/** Goes anywhere: pages, accounts by name, and a few actions. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const viewer = useViewer()
  const navigate = useNavigate()
  const ref = useRef<HTMLDialogElement>(null)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const id = useId()
  const sought = useSettled(text.trim(), 150)
  const accounts = useApi('/reseller/accounts', { query: { q: sought, subtree: true, limit: 8 } }, { enabled: sought.length >= 2 && !viewer.customer && viewer.can('accounts.read'), keep: true })

  useEffect(() => {
    if (!ref.current?.open) ref.current?.showModal()
  }, [])

  const go = (to: string, search: Record<string, string> = {}) => () => void navigate({ to: (to ? `${viewer.base}/${to}` : viewer.base) as never, search: search as never })
  const words = text.trim().toLowerCase()
  const fits = (entry: Entry) => words.split(/\s+/).every((word) => `${entry.label} ${entry.hint}`.toLowerCase().includes(word))
  const pages: Entry[] = NAV.filter((item) => mayOpen(viewer, item)).map((item) => ({ id: item.to, label: item.label, hint: 'Page', icon: item.icon, run: go(item.to) }))
  // Who has no seller buys nothing, and clocks are of the operator's tests.
  const { account, session } = viewer
  const idle = [...(account.parent_id === null ? ['credits/buy', 'credits/auto-topup'] : []), ...(account.kind === 'operator' && session.mode === 'test' ? [] : ['settings/test-clocks'])]
  // Pages within pages come once something is typed: all of them at once would be a list to read.
  const within: Entry[] = PAGES.filter((page) => words !== '' && !page.path.includes('$') && !idle.includes(page.path) && mayOpen(viewer, page) && !NAV.some((item) => item.to === page.path && item.label === page.title) && !DEEDS.some((deed) => deed.to === page.path && !deed.search)).map((page) => {
    const section = sectionOf(page.path)
    return { id: page.path, label: page.title, hint: section?.label ?? 'Page', icon: section?.icon ?? 'settings', run: go(page.path) }
  })
  const deeds: Entry[] = DEEDS.filter((deed) => !viewer.customer && deed.rights.some(viewer.can) && PAGES.some((page) => page.path === deed.to && mayOpen(viewer, page))).map((deed) => ({ id: `do ${deed.to}`, label: deed.label, hint: 'Action', icon: deed.icon, run: go(deed.to, deed.search) }))
  const actions: Entry[] = [
    ...deeds,
    { id: 'light', label: 'Light theme', hint: 'Theme', icon: 'sun', run: () => setTheme('light') },
    { id: 'dark', label: 'Dark theme', hint: 'Theme', icon: 'moon', run: () => setTheme('dark') },
    { id: 'system', label: 'Theme of the device', hint: 'Theme', icon: 'screen', run: () => setTheme('system') },
    { id: 'print', label: 'Print this page', hint: 'Action', icon: 'invoice', run: () => setTimeout(() => print(), 50) },
    { id: 'out', label: 'Sign out', hint: 'Session', icon: 'leave', run: () => void signOut(viewer.base) },
    { id: 'out everywhere', label: 'Sign out everywhere', hint: 'Session', icon: 'leave', run: go('sessions', { do: 'leave' }) },
  ]
  const found: Entry[] = (sought.length >= 2 ? (accounts.data?.data ?? []) : []).map((account) => ({
    id: account.id,
    label: account.name,
    hint: account.external_id ?? account.kind,
    icon: 'accounts',
    run: go(`accounts/${account.id}`),
  }))
  const entries = [...pages.filter(fits), ...within.filter(fits), ...found, ...actions.filter(fits)]
  const current = Math.min(at, Math.max(entries.length - 1, 0))

  const run = (entry: Entry | undefined) => {
    if (!entry) return
    ref.current?.close()
    entry.run()
  }
  const move = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      const next = (current + (event.key === 'ArrowDown' ? 1 : -1) + entries.length) % Math.max(entries.length, 1)
      setAt(next)
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' })
    } else if (event.key === 'Enter') {
      event.preventDefault()
      run(entries[current])
    }
  }
  return (
    <dialog
      ref={ref}
      aria-label="Go to"
      className="mt-[12vh] w-[calc(100vw-2rem)] overflow-hidden rounded-xl border border-line shadow-high sm:w-[36rem]"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === ref.current) ref.current?.close()
      }}
    >
      <div className="flex items-center gap-2 border-b border-line px-4">
        <Icon name="search" className="text-soft" />
        <input
          className="h-12 flex-1 bg-transparent text-base outline-none"
          placeholder={viewer.customer ? 'Go to a page…' : 'Go to a page or an account…'}
          value={text}
          autoFocus
          role="combobox"
          aria-label="Search"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={entries.length ? `${id}-${current}` : undefined}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
          }}
          onKeyDown={move}
        />
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label="Results" className="max-h-80 overflow-y-auto p-1.5">
        {entries.map((entry, index) => (
          <li
            key={`${entry.hint}-${entry.id}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            className={`flex items-center gap-3 rounded-md px-3 py-2 text-sm ${index === current ? 'bg-accent-wash' : ''}`}
            onPointerMove={() => setAt(index)}
            onClick={() => run(entry)}
          >
            <Icon name={entry.icon} className="text-soft" />
            <span className="flex-1 truncate">{entry.label}</span>
            <span className="text-xs text-soft">{entry.hint}</span>
          </li>
        ))}
      </ul>
      {accounts.error && sought.length >= 2 ? (
        <div role="alert" className="flex items-center justify-between gap-3 border-t border-line px-4 py-2 text-sm">
          <span className="text-bad">Accounts could not be searched. <span className="text-soft">{accounts.error.message}</span></span>
          <Button small icon="refresh" busy={accounts.isFetching} onClick={() => void accounts.refetch()}>
            Try again
          </Button>
        </div>
      ) : (
        entries.length === 0 && <p className="px-4 pb-6 text-center text-sm text-soft">{accounts.isFetching ? 'Looking…' : 'Nothing by that name.'}</p>
      )}
    </dialog>
  )
}
