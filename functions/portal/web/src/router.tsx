import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router'
import { type ComponentType, useEffect } from 'react'
import { parseSearch, writeSearch } from '~/lib/search'
import { routes as account } from '~/pages/account/routes'
import { routes as accounts } from '~/pages/accounts/routes'
import { routes as alerts } from '~/pages/alerts/routes'
import { routes as audit } from '~/pages/audit/routes'
import { routes as billing } from '~/pages/billing/routes'
import { routes as brand } from '~/pages/brand/routes'
import { routes as bulk } from '~/pages/bulk/routes'
import { routes as credits } from '~/pages/credits/routes'
import { routes as disputes } from '~/pages/disputes/routes'
import { routes as insights } from '~/pages/insights/routes'
import { routes as invoices } from '~/pages/invoices/routes'
import { routes as overview } from '~/pages/overview/routes'
import { routes as payments } from '~/pages/payments/routes'
import { routes as prices } from '~/pages/prices/routes'
import { routes as sessions } from '~/pages/sessions/routes'
import { routes as settings } from '~/pages/settings/routes'
import { routes as setup } from '~/pages/setup/routes'
import { routes as usage } from '~/pages/usage/routes'
import { routes as webhooks } from '~/pages/webhooks/routes'
import { useViewer } from '~/session/session'
import { Shell } from '~/shell/layout'
import { Missing, PageFailed } from '~/shell/missing'
import { mayOpen, type PageRoute } from '~/shell/pages'

/** All pages. A new folder of pages is one import and one line here, and a line in `shell/nav.ts`. */
export const PAGES: PageRoute[] = [
  ...overview,
  ...accounts,
  ...account,
  ...credits,
  ...usage,
  ...sessions,
  ...invoices,
  ...payments,
  ...disputes,
  ...billing,
  ...prices,
  ...bulk,
  ...webhooks,
  ...insights,
  ...alerts,
  ...audit,
  ...settings,
  ...brand,
  ...setup,
]

const root = createRootRoute({ component: Outlet, notFoundComponent: () => <Missing />, errorComponent: PageFailed })
const home = createRoute({ getParentRoute: () => root, path: '/', beforeLoad: () => { throw redirect({ to: '/app' as never }) } })
const app = createRoute({ getParentRoute: () => root, path: 'app', component: () => <Shell base="/app" slug={null} /> })
const portal = createRoute({
  getParentRoute: () => root,
  path: 'portal/$slug',
  component: function Portal() {
    const { slug } = portal.useParams()
    return <Shell base={`/portal/${slug}`} slug={slug} />
  },
})
const signIn = () => lazyRouteComponent(() => import('~/pages/sign-in/page'))
const appSignIn = createRoute({ getParentRoute: () => root, path: 'app/sign-in', component: signIn() })
// Where a bank leads back to after it asked something: it may be anybody's customer, so nothing here says whose.
const confirmed = createRoute({ getParentRoute: () => root, path: 'app/card-confirmed', component: lazyRouteComponent(() => import('~/pages/payments/confirmed')) })
const portalSignIn = createRoute({ getParentRoute: () => root, path: 'portal/$slug/sign-in', component: signIn() })

/** Shows a page to whom it is for; its script is loaded for nobody else. */
function guarded(page: PageRoute) {
  const Page = lazyRouteComponent<{ default: ComponentType }>(page.load) as ComponentType & { preload?: () => Promise<void> }
  function Guarded() {
    const viewer = useViewer()
    useEffect(() => {
      document.title = `${page.title} · ${viewer.account.name}`
    }, [viewer])
    return mayOpen(viewer, page) ? <Page /> : <Missing inside />
  }
  Guarded.preload = () => Page.preload?.()
  return Guarded
}

function under(parent: typeof app | typeof portal, pages: PageRoute[]) {
  return pages.map((page) =>
    createRoute({ getParentRoute: () => parent as typeof app, path: page.path || '/', component: guarded(page), errorComponent: PageFailed }),
  )
}

const tree = root.addChildren([
  home,
  appSignIn,
  confirmed,
  portalSignIn,
  app.addChildren([...under(app, PAGES), createRoute({ getParentRoute: () => app, path: '$', component: () => <Missing inside /> })]),
  portal.addChildren([
    ...under(portal, PAGES.filter((page) => page.who !== 'sellers')),
    createRoute({ getParentRoute: () => portal, path: '$', component: () => <Missing inside /> }),
  ]),
])

export const router = createRouter({
  routeTree: tree,
  parseSearch,
  stringifySearch: writeSearch,
  scrollRestoration: true,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  trailingSlash: 'never',
})
