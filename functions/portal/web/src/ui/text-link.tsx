import type { ReactNode } from 'react'
import { PageLink } from './button'

/** A link in running text: underlined, since colour alone does not tell it from the words around it. */
export function TextLink({ to, search, children }: { to: string; search?: Record<string, string | undefined>; children: ReactNode }) {
  return (
    <PageLink to={to} search={search} className="underline underline-offset-2">
      {children}
    </PageLink>
  )
}
