import { Tabs } from '~/ui/tabs'

const TABS = [
  ['cards', 'prices', 'Rate cards'],
  ['markups', 'prices/markups', 'Markups'],
  ['meters', 'prices/meters', 'Meters'],
  ['tiers', 'prices/tiers', 'Tiers'],
  ['promotions', 'prices/promotions', 'Promotions'],
  ['packages', 'prices/packages', 'Packages'],
  ['quote', 'prices/quote', 'Quote'],
  ['which', 'prices/which', 'Which price'],
  ['what-if', 'prices/what-if', 'What if'],
] as const

/** What stands around prices. */
export function PriceTabs({ current }: { current: (typeof TABS)[number][0] }) {
  return <Tabs label="Prices" current={current} tabs={TABS.map(([id, to, label]) => ({ id, to, label }))} />
}
