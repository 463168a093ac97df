import { Link, Outlet, useLocation, useNavigate, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import { whenSignedOut } from '~/api/client'
import { ViewerProvider, forget, useSessionQuery, useViewer } from '~/session/session'
import { ExplainProvider } from '~/ui/amount'
import { Button } from '~/ui/button'
import { Icon } from '~/ui/icon'
import { Menu } from '~/ui/menu'
import { Failed, Skeleton } from '~/ui/state'
import { Toasts } from '~/ui/toast'
import { logoOf, useBrand } from './brand'
import { KeysHelp, useShellKeys } from './keys'
import { NAV, type NavItem } from './nav'
import { mayOpen } from './pages'
import { signOut } from './sign-out'
import { setTheme } from './theme'

const Palette = lazy(() => import('./palette'))

function NavLink({ item, base, onClick }: { item: NavItem; base: string; onClick?: () => void }) {
  const path = useLocation({ select: (location) => location.pathname })
  const to = item.to ? `${base}/${item.to}` : base
  const current = item.to ? path === to || path.startsWith(`${to}/`) : path === to || path === `${to}/`
  return (
    <Link
      to={to as never}
      preload="intent"
      onClick={onClick}
      aria-current={current ? 'page' : undefined}
      className={`flex h-8 items-center gap-2.5 rounded-md px-2.5 text-sm no-underline ${current ? 'bg-accent-wash font-medium text-ink' : 'text-soft hover:bg-sunken hover:text-ink'}`}
    >
      <Icon name={item.icon} className={current ? 'text-accent-ink' : ''} />
      <span className="truncate">{item.label}</span>
    </Link>
  )
}

function NavList({ onClick }: { onClick?: () => void }) {
  const viewer = useViewer()
  const items = NAV.filter((item) => mayOpen(viewer, item))
  const groups = viewer.customer ? [['', items] as const] : [...new Set(items.map((item) => item.group))].map((group) => [group, items.filter((item) => item.group === group)] as const)
  return (
    <div className="space-y-4">
      {groups.map(([group, lines]) => (
        <div key={group}>
          {group && !lines.some((item) => item.to === '') && <p className="mb-1 px-2.5 text-2xs font-medium text-soft">{group}</p>}
          <ul className="space-y-0.5">
            {lines.map((item) => (
              <li key={item.to}>
                <NavLink item={item} base={viewer.base} onClick={onClick} />
              </li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  )
}

function Who() {
  const { session, base } = useViewer()
  const navigate = useNavigate()
  return (
    <Menu
      label={`Signed in as ${session.who.name ?? session.who.email ?? session.who.id}`}
      text={
        <span className="flex min-w-0 items-center gap-2">
          <span className="grid size-5 shrink-0 place-items-center rounded-full bg-accent text-2xs font-semibold text-accent-text" aria-hidden="true">
            {(session.who.name ?? session.who.email ?? '?').charAt(0).toUpperCase()}
          </span>
          <span className="max-w-28 truncate">{session.who.name ?? session.who.email ?? 'API key'}</span>
        </span>
      }
      look="quiet"
      small
      items={[
        { label: 'Sessions', icon: 'lock', onSelect: () => void navigate({ to: `${base}/sessions` as never }) },
        { label: 'Light theme', icon: 'sun', onSelect: () => setTheme('light') },
        { label: 'Dark theme', icon: 'moon', onSelect: () => setTheme('dark') },
        { label: 'Theme of the device', icon: 'screen', onSelect: () => setTheme('system') },
        { label: 'Sign out', icon: 'leave', onSelect: () => void signOut(base) },
      ]}
    />
  )
}

function Frame() {
  const viewer = useViewer()
  const { brand } = useBrand(viewer.slug, { later: viewer.slug === null })
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  const [drawer, setDrawer] = useState(false)
  const openPalette = useCallback(() => setPalette(true), [])
  const openHelp = useCallback(() => setHelp(true), [])
  useShellKeys({ palette: openPalette, help: openHelp })
  const loading = useRouterState({ select: (state) => state.isLoading })
  const path = useLocation({ select: (location) => location.pathname })

  // A page that was gone to takes the focus, so that screen readers and the tab key begin there; the first one does not.
  const [firstPath] = useState(path)
  useEffect(() => {
    setDrawer(false)
    if (path !== firstPath) document.getElementById('main')?.focus({ preventScroll: true })
  }, [path, firstPath])

  const logo = logoOf(brand)
  const name = brand?.name ?? viewer.account.name
  const tabs = NAV.filter((item) => mayOpen(viewer, item)).slice(0, 4)
  return (
    <>
      <a href="#main" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2 focus:shadow-high">
        Skip to content
      </a>
      <div role="progressbar" aria-label="Loading" aria-hidden={!loading} className={`no-print fixed inset-x-0 top-0 z-50 h-0.5 bg-accent transition-opacity delay-150 ${loading ? 'opacity-100' : 'opacity-0'}`} />
      <div className="md:grid md:grid-cols-[14rem_minmax(0,1fr)]">
        <aside className="no-print sticky top-0 hidden h-dvh flex-col border-r border-line bg-surface md:flex">
          <div className="flex h-14 items-center gap-2.5 px-4">
            {logo ? <img src={logo} alt="" className="max-h-7 max-w-24 object-contain" /> : <span className="grid size-7 place-items-center rounded-md bg-accent text-sm font-semibold text-accent-text" aria-hidden="true">{name.charAt(0).toUpperCase()}</span>}
            <span className="truncate font-semibold">{name}</span>
          </div>
          <div className="px-3 pb-3">
            <Button className="w-full !justify-between !text-soft" onClick={openPalette}>
              <span className="inline-flex items-center gap-2">
                <Icon name="search" size={14} />
                Search
              </span>
              <kbd className="font-mono text-2xs">Ctrl K</kbd>
            </Button>
          </div>
          <nav aria-label="Pages" className="min-h-0 flex-1 overflow-y-auto px-3 pb-4">
            <NavList />
          </nav>
          {brand && <Foot brand={brand} />}
        </aside>
        <div className="min-w-0">
          <header className="no-print sticky top-0 z-30 flex h-12 items-center justify-between gap-3 border-b border-line bg-surface/95 px-4 backdrop-blur md:px-6">
            <div className="flex min-w-0 items-center gap-2">
              <span className="truncate text-sm font-medium">{viewer.account.name}</span>
              {viewer.session.mode === 'test' && <span className="rounded bg-warn-wash px-1.5 text-xs font-medium text-warn">Test</span>}
            </div>
            <div className="flex items-center gap-1">
              <span className="hidden sm:block">
                <Button look="quiet" small onClick={openHelp} label="Keys">
                  ?
                </Button>
              </span>
              <Who />
            </div>
          </header>
          <main id="main" tabIndex={-1} className="mx-auto max-w-[84rem] px-4 pt-5 pb-24 md:px-6 md:pb-12">
            <Outlet />
          </main>
        </div>
      </div>
      <nav aria-label="Main pages" className="no-print fixed inset-x-0 bottom-0 z-30 grid auto-cols-fr grid-flow-col border-t border-line bg-paper pb-[env(safe-area-inset-bottom)] md:hidden">
        {tabs.map((item) => (
          <TabLink key={item.to} item={item} base={viewer.base} />
        ))}
        <button type="button" className="flex h-14 flex-col items-center justify-center gap-0.5 text-2xs text-soft" aria-expanded={drawer} onClick={() => setDrawer(true)}>
          <Icon name="menu" size={18} />
          More
        </button>
      </nav>
      <Drawer open={drawer} onClose={() => setDrawer(false)} onSearch={openPalette} brand={brand} />
      {palette && (
        <Suspense fallback={null}>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      )}
      <KeysHelp open={help} onClose={() => setHelp(false)} />
      <Toasts />
    </>
  )
}

function TabLink({ item, base }: { item: NavItem; base: string }) {
  const path = useLocation({ select: (location) => location.pathname })
  const to = item.to ? `${base}/${item.to}` : base
  const current = item.to ? path.startsWith(to) : path === to
  return (
    <Link to={to as never} aria-current={current ? 'page' : undefined} className={`flex h-14 flex-col items-center justify-center gap-0.5 text-2xs no-underline ${current ? 'font-medium text-accent-ink' : 'text-soft'}`}>
      <Icon name={item.icon} size={18} />
      <span className="max-w-full truncate px-1">{item.label}</span>
    </Link>
  )
}

function Drawer({ open, onClose, onSearch, brand }: { open: boolean; onClose: () => void; onSearch: () => void; brand: Parameters<typeof Foot>[0]['brand'] | null }) {
  const [element, setElement] = useState<HTMLDialogElement | null>(null)
  useEffect(() => {
    if (!element) return
    if (open && !element.open) element.showModal()
    if (!open && element.open) element.close()
  }, [open, element])
  return (
    <dialog ref={setElement} aria-label="Menu" className="sheet !w-72 shadow-high md:hidden" onClose={onClose} onClick={(event) => event.target === element && onClose()}>
      {open && (
        <div className="flex h-full flex-col gap-4 overflow-y-auto p-4">
          <div className="flex justify-between">
            <Button icon="search" onClick={() => { onClose(); onSearch() }}>Search</Button>
            <Button look="quiet" icon="close" label="Close" onClick={onClose} />
          </div>
          <nav aria-label="All pages" className="flex-1">
            <NavList onClick={onClose} />
          </nav>
          {brand && <Foot brand={brand} />}
        </div>
      )}
    </dialog>
  )
}

function Foot({ brand }: { brand: { support_url: string | null; terms_url: string | null; privacy_url: string | null } }) {
  const links = [
    ['Support', brand.support_url],
    ['Terms', brand.terms_url],
    ['Privacy', brand.privacy_url],
  ].filter(([, url]) => url && /^https?:\/\//.test(url))
  if (links.length === 0) return null
  return (
    <ul className="flex gap-3 border-t border-line px-4 py-3 text-xs">
      {links.map(([label, url]) => (
        <li key={label}>
          <a href={url as string} target="_blank" rel="noreferrer noopener" className="text-soft hover:text-ink">
            {label}
          </a>
        </li>
      ))}
    </ul>
  )
}

/** The frame's room while the session is asked for: what comes later stands where this stood. */
function FrameSkeleton() {
  return (
    <div className="md:grid md:grid-cols-[14rem_minmax(0,1fr)]" role="status" aria-label="Loading">
      <div className="hidden h-dvh border-r border-line md:block" />
      <div>
        <div className="h-12 border-b border-line" />
        <div className="mx-auto max-w-[84rem] space-y-4 px-4 pt-5 md:px-6">
          <Skeleton className="h-7 w-40" />
        </div>
      </div>
    </div>
  )
}

/** The shell around all pages of a personality: it knows the session, and leads to the sign-in where there is none. */
export function Shell({ base, slug }: { base: string; slug: string | null }) {
  const session = useSessionQuery()
  const navigate = useNavigate()
  const signedOut = session.error?.status === 401
  useEffect(() => {
    const leave = () => {
      forget()
      const { pathname, search } = window.location
      const here = pathname + search
      void navigate({ to: `${base}/sign-in` as never, search: (here === base ? {} : { next: here }) as never, replace: true })
    }
    whenSignedOut(leave)
    if (signedOut) leave()
  }, [signedOut, navigate, base])
  if (session.data) {
    return (
      <ViewerProvider session={session.data} base={base} slug={slug}>
        <ExplainProvider>
          <Frame />
        </ExplainProvider>
      </ViewerProvider>
    )
  }
  if (session.error && !signedOut) {
    return (
      <main className="mx-auto max-w-lg pt-24">
        <h1 className="sr-only">Not loaded</h1>
        <Failed error={session.error} retry={() => void session.refetch()} what="Your session" />
      </main>
    )
  }
  return <FrameSkeleton />
}
