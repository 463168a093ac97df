import { Link } from '@tanstack/react-router'
import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { useViewer } from '~/session/session'
import { Icon, type IconName } from './icon'

export type Look = 'primary' | 'plain' | 'quiet' | 'danger'
const LOOKS: Record<Look, string> = {
  primary: 'bg-accent text-accent-text border border-transparent hover:ring-2 hover:ring-accent/30 font-medium',
  plain: 'bg-raised text-ink border border-line hover:bg-sunken shadow-low',
  quiet: 'text-soft border border-transparent hover:bg-sunken hover:text-ink',
  danger: 'bg-bad-solid text-white border border-transparent hover:ring-2 hover:ring-bad/30 font-medium',
}

function classes(look: Look, small: boolean, icononly: boolean) {
  const size = small ? `h-7 text-xs ${icononly ? 'w-7 justify-center' : 'px-2'}` : `h-8.5 text-sm ${icononly ? 'w-8.5 justify-center' : 'px-3'}`
  return `inline-flex items-center justify-center gap-1.5 rounded-md whitespace-nowrap no-underline select-none disabled:opacity-55 ${size} ${LOOKS[look]}`
}

type Shared = { look?: Look; small?: boolean; icon?: IconName; children?: ReactNode }

/** A button. `busy` shows that what it began is under way, and takes no second press. With an icon alone it needs a `label`. */
export function Button({
  look = 'plain',
  small = false,
  icon,
  busy = false,
  label,
  children,
  className = '',
  type = 'button',
  disabled,
  ...rest
}: Shared & { busy?: boolean; label?: string } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button
      type={type}
      className={`${classes(look, small, !children)} ${className}`}
      aria-label={label}
      title={label}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy ? <Icon name="refresh" size={small ? 14 : 16} className="animate-spin" /> : icon && <Icon name={icon} size={small ? 14 : 16} />}
      {children}
    </button>
  )
}

/** A link to a page: `to` without the base, as `accounts/acc_…`; the empty text is the overview. */
export function PageLink({
  to,
  search,
  children,
  className = '',
  onClick,
  ...rest
}: {
  to: string
  search?: Record<string, string | undefined>
  children: ReactNode
  className?: string
  onClick?: () => void
  'aria-label'?: string
  tabIndex?: number
}) {
  const { base } = useViewer()
  return (
    <Link to={(to ? `${base}/${to}` : base) as never} search={(search ?? {}) as never} className={className} onClick={onClick} {...rest}>
      {children}
    </Link>
  )
}

/** A link that looks like a button. */
export function ButtonLink({ to, search, look = 'plain', small = false, icon, children }: Shared & { to: string; search?: Record<string, string | undefined> }) {
  return (
    <PageLink to={to} search={search} className={classes(look, small, !children)}>
      {icon && <Icon name={icon} size={small ? 14 : 16} />}
      {children}
    </PageLink>
  )
}
