import type { Schema } from '~/api/client'
import type { Right } from '~/api/contract'

export type Kind = Schema<'BulkKind'>
export const KINDS: Kind[] = ['credits', 'accounts', 'updates', 'notifications']

/** What each kind of job is: its name, what it does, its columns, and the right that its rows need beside `bulk.manage`. */
export const ABOUT: Record<Kind, { label: string; says: string; needed: string[]; more: string[]; right: Right | null; example: string }> = {
  credits: {
    label: 'Give credit',
    says: 'Credit for many accounts, all from one payer. What all good rows need is taken from the payer at once; with too little, nothing is done.',
    needed: ['account_id', 'amount'],
    more: ['reference'],
    right: 'credits.allocate',
    example: 'account_id,amount,reference\nacc_01kb1x8q2mfd8bq5r7w1z4n6ty,12.50,November bonus',
  },
  accounts: {
    label: 'Make accounts',
    says: 'Many new accounts at once, each made exactly once. Their first credit comes from their parent.',
    needed: ['name'],
    more: ['kind', 'parent_id', 'external_id', 'email', 'initial_credits', 'currency', 'tags'],
    right: 'accounts.create',
    example: 'name,kind,external_id,email,initial_credits,tags\nCorner Bakery,customer,crm-118,ada@corner.example,25,plan=gold;region=emea',
  },
  updates: {
    label: 'Edit accounts',
    says: 'Changes names, external ids, addresses and tags. An empty cell leaves what is there.',
    needed: ['account_id'],
    more: ['name', 'external_id', 'email', 'tags'],
    right: 'accounts.update',
    example: 'account_id,email,tags\nacc_01kb1x8q2mfd8bq5r7w1z4n6ty,billing@corner.example,plan=gold',
  },
  notifications: {
    label: 'Write to accounts',
    says: 'A mail to each account, to the row’s address or the account’s own, in its brand. Columns of your own stand in the text as {{column}}.',
    needed: ['account_id'],
    more: ['email'],
    right: null,
    example: 'account_id,first_name\nacc_01kb1x8q2mfd8bq5r7w1z4n6ty,Ada',
  },
}

/** The kind that an address names; credits otherwise. */
export function kindOf(text: string | undefined): Kind {
  return KINDS.find((kind) => kind === text) ?? 'credits'
}
