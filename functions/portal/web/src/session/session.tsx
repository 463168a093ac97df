import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useMemo } from 'react'
import { api, forgetAnswers, setCsrfToken, whenOtherSession } from '~/api/client'
import type { Right, Session } from '~/api/contract'
import type { ApiError } from '~/api/problem'
import { queries } from '~/api/query'
import { type Place, placeOf } from '~/lib/format'

const KEY = ['/portal/session']

let current: string | null = null

async function ask(): Promise<Session> {
  const { data } = await api.get('/portal/session')
  setCsrfToken(data.csrf_token)
  // Another tab may have signed in as somebody else: nothing that the one saw is shown to the other.
  if (current !== null && current !== data.id) {
    forgetAnswers()
    void queries.resetQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] })
  }
  current = data.id
  remember(data)
  return data
}

/** Keeps whether this browser looks at a seller's pages: what the first view asks for before the session has answered. */
function remember(session: Session) {
  try {
    localStorage.setItem('seller', session.account.kind !== 'customer' && session.rights.includes('insights.read') ? '1' : '0')
  } catch {
    // Then the first view asks one after the other.
  }
}

/** Whether the last session here was a seller's. */
export function wasSeller(): boolean {
  try {
    return localStorage.getItem('seller') === '1'
  } catch {
    return false
  }
}

/** Asks for the session before the page's own script is there. */
export function prefetchSession() {
  void queries.prefetchQuery({ queryKey: KEY, queryFn: ask, staleTime: 60_000 })
}

whenOtherSession(() => void queries.invalidateQueries({ queryKey: KEY }))

/** The session, as the shell asks for it. */
export function useSessionQuery() {
  return useQuery<Session, ApiError>({ queryKey: KEY, queryFn: ask, staleTime: 60_000, retry: (count, error) => count < 2 && error.passing })
}

/** Begins a session that a sign-in answered with. */
export function begin(session: Session) {
  forgetAnswers()
  queries.clear()
  current = session.id
  setCsrfToken(session.csrf_token)
  remember(session)
  queries.setQueryData(KEY, session)
}

/** Forgets a session that is over. */
export function forget() {
  forgetAnswers()
  setCsrfToken(null)
  queries.clear()
}

/** What pages need to know of who looks at them. */
export interface Viewer {
  session: Session
  /** The account that is signed in. */
  account: Session['account']
  /** Language and zone of what is shown. */
  place: Place
  /** Whether this is a customer's portal: own things only, no cost or margin, nobody else. */
  customer: boolean
  /** `/app` or `/portal/<slug>`: in front of every path of a page. */
  base: string
  slug: string | null
  /** Whether the session has a right at its own account. */
  can: (right: Right) => boolean
}

const ViewerContext = createContext<Viewer | null>(null)

/** Makes the viewer known to the pages below. */
export function ViewerProvider({ session, base, slug, children }: { session: Session; base: string; slug: string | null; children: ReactNode }) {
  const viewer = useMemo<Viewer>(() => {
    const rights = new Set(session.rights)
    return {
      session,
      account: session.account,
      place: placeOf(session.account),
      customer: slug !== null || session.account.kind === 'customer',
      base,
      slug,
      can: (right) => rights.has(right),
    }
  }, [session, base, slug])
  return <ViewerContext value={viewer}>{children}</ViewerContext>
}

/** Who looks. Only inside the shell. */
export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext)
  if (!viewer) throw new Error('useViewer is used outside the shell')
  return viewer
}
