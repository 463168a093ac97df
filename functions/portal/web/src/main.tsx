import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { queries } from '~/api/query'
import { prefetchOverview } from '~/pages/overview/data'
import { router } from '~/router'
import { prefetchSession, wasSeller } from '~/session/session'
import { takeToken } from '~/session/token'
import { wearKeptBrand } from '~/shell/brand'
import './index.css'

takeToken()
const path = location.pathname.replace(/\/$/, '')
const slug = /^\/portal\/([^/]+)/.exec(path)?.[1] ?? null
wearKeptBrand(slug)
if (!path.endsWith('/sign-in')) {
  // Both questions of the first view go out at once, before the page that needs them is there.
  prefetchSession()
  if (path === '/app' && wasSeller()) prefetchOverview()
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <QueryClientProvider client={queries}>
    <RouterProvider router={router} />
  </QueryClientProvider>,
)
