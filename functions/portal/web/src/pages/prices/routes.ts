import type { PageRoute } from '~/shell/pages'

const page = (path: string, title: string, load: PageRoute['load']): PageRoute => ({ path, title, load, right: 'pricing.read', who: 'sellers' })

export const routes: PageRoute[] = [
  page('prices', 'Rate cards', () => import('./cards')),
  page('prices/meters', 'Meters', () => import('./meters')),
  page('prices/markups', 'Markups', () => import('./markups')),
  page('prices/tiers', 'Volume tiers', () => import('./tiers')),
  page('prices/promotions', 'Promotions', () => import('./promotions')),
  page('prices/packages', 'Packages', () => import('./packages')),
  page('prices/quote', 'Quote', () => import('./quote')),
  page('prices/which', 'Which price', () => import('./which')),
  page('prices/what-if', 'What if', () => import('./what-if')),
]
