import { PageLink } from './button'

/** Tabs that are addresses: each is a link, `to` without the base. */
export function Tabs({ tabs, current, label }: { tabs: { to: string; label: string; id: string }[]; current: string; label: string }) {
  return (
    <nav aria-label={label} className="mb-5 flex gap-5 overflow-x-auto border-b border-line">
      {tabs.map((tab) => (
        <PageLink
          key={tab.id}
          to={tab.to}
          className={`-mb-px border-b-2 py-2 text-sm whitespace-nowrap no-underline ${tab.id === current ? 'border-(--accent-ink) font-medium text-ink' : 'border-transparent text-soft hover:text-ink'}`}
          {...(tab.id === current ? { 'aria-current': 'page' } : {})}
        >
          {tab.label}
        </PageLink>
      ))}
    </nav>
  )
}
