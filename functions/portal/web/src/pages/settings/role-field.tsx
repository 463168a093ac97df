import { useApi } from '~/api/query'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { SelectField } from '~/ui/form'
import { BUILT_IN, roleSays } from './rights'

/** Chooses a role at an account, one's own unless another is named: a built-in one, one made there or one of one's own, with what it lets one do. */
export function RoleField({ accountId, value, onChange }: { accountId?: string; value: string; onChange: (role: string) => void }) {
  const { account, can } = useViewer()
  const below = accountId !== undefined && accountId !== account.id
  const own = useApi('/reseller/accounts/{id}/roles', { path: { id: account.id }, query: { limit: 200 } }, { enabled: can('roles.read') })
  const there = useApi('/reseller/accounts/{id}/roles', { path: { id: accountId ?? account.id }, query: { limit: 200 } }, { enabled: below && can('roles.read') })
  // A role is known where it was made and below that: one of the account's own name comes before one from above it.
  const custom = [...new Map([...(own.data?.data ?? []), ...(below ? (there.data?.data ?? []) : [])].map((role) => [role.name, role])).values()]
  const options = [...BUILT_IN.map(({ role }) => ({ value: role, label: words(role) })), ...custom.map((role) => ({ value: role.name as string, label: `${role.name} (custom)` }))]
  if (!options.some((option) => option.value === value)) options.push({ value, label: value })
  return <SelectField label="Role" pointer="/role" value={value} onChange={onChange} options={options} hint={<>{roleSays(value, custom)} You cannot give more than you hold.</>} />
}
