import { useApi } from '~/api/query'
import { words } from '~/lib/format'
import { useViewer } from '~/session/session'
import { SelectField } from '~/ui/form'
import { BUILT_IN, roleSays } from './rights'

/** Chooses a role: a built-in one or one of the account's own, with what it lets one do. */
export function RoleField({ value, onChange }: { value: string; onChange: (role: string) => void }) {
  const { account, can } = useViewer()
  const own = useApi('/reseller/accounts/{id}/roles', { path: { id: account.id }, query: { limit: 200 } }, { enabled: can('roles.read') })
  const custom = own.data?.data ?? []
  const options = [...BUILT_IN.map(({ role }) => ({ value: role, label: words(role) })), ...custom.map((role) => ({ value: role.name as string, label: `${role.name} (custom)` }))]
  if (!options.some((option) => option.value === value)) options.push({ value, label: value })
  return <SelectField label="Role" pointer="/role" value={value} onChange={onChange} options={options} hint={roleSays(value, custom)} />
}
