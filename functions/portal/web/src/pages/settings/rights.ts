import type { Right } from '~/api/contract'

export type { Right }

/** Every right and what it lets one do; a right that is new in the API's document is missed here by the compiler. */
export const RIGHTS: Record<Right, string> = {
  'accounts.read': 'See accounts, their relationships and lists',
  'accounts.create': 'Make sub-accounts',
  'accounts.update': 'Edit accounts and their brand',
  'accounts.suspend': 'Suspend and reactivate sub-accounts',
  'accounts.close': 'Close sub-accounts for good',
  'accounts.move': 'Move sub-accounts to another parent',
  'credits.read': 'See balances, history, transfers and holds',
  'credits.allocate': 'Move credit down the tree',
  'credits.transfer': 'Move credit between any two accounts',
  'credits.reverse': 'Send a transfer back',
  'credits.hold': 'Set credit aside, spend it, set it free',
  'credits.limit': 'Set how far an account’s credit may go below zero; only at the operator’s account',
  'credits.issue': 'Bring credit into being; counts only for the operator’s own keys and members',
  'credits.purchase': 'Buy packages of credit',
  'pricing.read': 'See meters, prices, tiers, promotions and packages at your own level',
  'pricing.manage': 'Set meters, prices, markups, promotions and packages, and how sub-accounts pay',
  'billing.read': 'See invoices, credit notes, payments, disputes and how billing is set',
  'billing.manage': 'Set how sub-accounts are billed, run billing, charge, pay, void and correct invoices',
  'disputes.manage': 'Open, answer and resolve disputes',
  'usage.read': 'See usage, and what it costs at your own level',
  'usage.write': 'Send usage',
  'usage.adjust': 'Void and correct usage',
  'alerts.read': 'See alerts, and the values that they told',
  'alerts.manage': 'Set and remove alerts, which tell values whatever else may be seen',
  'webhooks.read': 'See webhooks, never their secrets, and what was delivered to them',
  'webhooks.manage': 'Make, change, test and remove webhooks, and so have sent out what events tell',
  'bulk.read': 'See bulk jobs and their rows',
  'bulk.manage': 'Start and steer bulk jobs, and write to accounts; what their rows do needs its own right too',
  'keys.read': 'See API keys, never their secrets',
  'keys.manage': 'Make, rotate and revoke API keys, and set their denies',
  'members.read': 'See members, and what others may do',
  'members.manage': 'Add, change and remove members, and set their denies',
  'roles.read': 'See custom roles',
  'roles.manage': 'Make, change and remove custom roles',
  'insights.read': 'See insights and the audit log',
  'insights.manage': 'Record what was spent on winning accounts',
}

/** The rights by what they are about, in their order. */
export const RIGHT_GROUPS: [string, Right[]][] = [...(Object.keys(RIGHTS) as Right[]).reduce((groups, right) => groups.set(right.split('.')[0] as string, [...(groups.get(right.split('.')[0] as string) ?? []), right]), new Map<string, Right[]>())]

/** What the API's own roles are for. */
export const BUILT_IN: { role: string; says: string }[] = [
  { role: 'owner', says: 'Everything, closing accounts for good included.' },
  { role: 'admin', says: 'Everything but closing accounts and setting credit limits.' },
  { role: 'billing', says: 'Credit, invoices, payments and disputes; sends and corrects usage. No prices, people, keys or accounts to be made.' },
  { role: 'support', says: 'Sees everything, edits accounts and answers disputes. Moves no credit.' },
  { role: 'viewer', says: 'Sees everything and changes nothing.' },
]

/** What a role lets one do, in a sentence. */
export function roleSays(role: string, custom: { name: string; rights: readonly string[] }[] = []): string {
  const built = BUILT_IN.find((one) => one.role === role)
  if (built) return built.says
  const own = custom.find((one) => one.name === role)
  return own ? `A custom role of ${own.rights.length} ${own.rights.length === 1 ? 'right' : 'rights'}.` : 'A custom role.'
}
