import type { AuditRow } from '~/api/contract'
import { plain as shortest } from '~/lib/decimal'
import { count, type Place, words } from '~/lib/format'

type Data = Record<string, unknown>
type Say = (data: Data, place: Place) => string

const text = (data: Data, name: string) => (typeof data[name] === 'string' || typeof data[name] === 'number' ? String(data[name]) : '')
const of = (data: Data, name: string, before: string) => (text(data, name) ? `${before}${text(data, name)}` : '')
const amount = (data: Data, name = 'amount') => (text(data, name) ? `${text(data, name).replace(/(\.\d\d)0+$/, '$1').replace(/^-/, '')}${of(data, 'currency', ' ')}` : 'an amount')
const list = (data: Data, name: string, before: string) => (many(data, name) ? `${before}${plain(data[name])}` : '')
const many = (data: Data, name: string) => (Array.isArray(data[name]) ? (data[name] as unknown[]).length : 0)

/**
 * What was done, as it follows a name: "Ada *made an API key*". Every kind of the catalogue of events has one; what is told beside it is in its
 * data. A kind that is not known here is said by the API's own summary.
 */
export const SENTENCES: Record<string, Say> = {
  'credit.allocation': (data) => `gave ${amount(data)} down the tree`,
  'credit.transfer': (data) => `moved ${amount(data)} between two accounts`,
  'credit.issue': (data) => `brought ${amount(data)} of credit into being`,
  'credit.reversal': (data) => `sent a transfer of ${amount(data)} back`,
  'credit.sweep': (data) => `had ${amount(data)}, what was left of a closed account, go to its parent`,
  'credit.hold': (data) => `set ${amount(data)} aside`,
  'credit.capture': (data) => `spent ${amount(data)} that had been set aside`,
  'credit.release': (data) => `set ${amount(data)} free`,
  'credit.expiry': (data) => `let a hold of ${amount(data)} run out`,
  'credit.purchase': (data) => `bought credit for ${amount(data)}`,
  'credit.auto_topup': (data) => `drew ${amount(data)} by automatic top-up`,
  'credit.lot_expired': (data) => `let ${amount(data)} of credit expire`,
  'credit.usage': (data) => `was charged ${amount(data)} for usage`,
  'credit.usage_adjustment': (data) => `had ${amount(data)} of usage corrected`,
  'credit.bulk_escrow': (data) => `set ${amount(data)} aside for a bulk job`,
  'credit.bulk_return': (data) => `got ${amount(data)} of a bulk job back`,
  'credit.invoice_payment': (data) => `paid an invoice of ${amount(data)} from credit`,
  'credit.credit_note': (data) => `got ${amount(data)} of a credit note as credit`,
  'credit.card_topup': (data) => `bought ${amount(data)} of credit with a card`,
  'account.created': (data) => `made the account${of(data, 'name', ' ')}`,
  'account.updated': () => 'changed the account',
  'account.suspended': () => 'suspended the account: nothing in it or below it can spend',
  'account.reactivated': () => 'reactivated the account',
  'account.closed': () => 'closed the account for good',
  'account.moved': () => 'moved the account to another parent',
  'account.frozen': () => 'froze the account, since its books did not add up',
  'key.created': (data) => `made an API key${of(data, 'role', ' with the role ')}`,
  'key.rotated': () => 'gave an API key a new secret',
  'key.revoked': () => 'revoked an API key',
  'key.recovered': (data) => `made an owner key in place of lost ones${of(data, 'name', ': ')}`,
  'brand.changed': (data) => `changed the brand${list(data, 'changed', ': its ')}`,
  'host.verified': (data) => `proved that a host is the account's own${of(data, 'host', ': ')}`,
  'host.detached': (data) => `detached a host${of(data, 'host', ': ')}`,
  'sign_in.asked': () => 'asked for a link to sign in',
  'session.created': () => 'signed in',
  'session.ended': () => 'signed out',
  'member.added': (data) => `added a member${of(data, 'role', ' with the role ')}`,
  'member.changed': () => 'changed a member',
  'member.removed': () => 'removed a member',
  'denies.changed': (data) => `changed what is denied to ${text(data, 'member_id') ? 'a member' : 'an API key'}`,
  'role.created': (data, place) => `made a role of ${count(many(data, 'rights'), place)} rights`,
  'role.changed': (data, place) => `changed a role, which now has ${count(many(data, 'rights'), place)} rights`,
  'role.removed': () => 'removed a role',
  'rate_card.created': (data) => `set a price${of(data, 'meter', ' of ')}`,
  'rate_card.withdrawn': (data) => `took a price${of(data, 'meter', ' of ')} back before it began`,
  'markup.created': (data) => `set a markup${of(data, 'meter', ' on ')}`,
  'meter.created': (data) => `made the meter${of(data, 'meter', ' ')}`,
  'meter.changed': (data) => `changed the meter${of(data, 'meter', ' ')}`,
  'tiers.changed': () => 'set the volume tiers of direct resellers',
  'package.created': (data) => `offered the package${of(data, 'name', ' ')}`,
  'package.retired': () => 'took a package from sale for good',
  'bulk_discounts.changed': () => 'set the discounts for buying much',
  'promotion.created': (data) => `made the promotion${of(data, 'name', ' ')}`,
  'promotion.ended': () => 'ended a promotion before its time',
  'promotion.redeemed': (data) => `redeemed the promotion code${of(data, 'code', ' ')}`,
  'usage.export_asked': (data) => `asked for a file of usage${of(data, 'format', ' as ')}`,
  'alert.fired': (data) => `had an alert on ${words(text(data, 'metric') || 'a number').toLowerCase()} fire${text(data, 'value') ? ` at ${shortest(text(data, 'value'))}` : ''}`,
  'alert.resolved': (data) => `had an alert on ${words(text(data, 'metric') || 'a number').toLowerCase()} resolved${text(data, 'value') ? ` at ${shortest(text(data, 'value'))}` : ''}`,
  'alert.created': () => 'made an alert',
  'alert.changed': () => 'changed an alert',
  'alert.removed': () => 'removed an alert',
  'auto_topup.set': (data) => `set automatic top-up${text(data, 'threshold') ? ` below ${shortest(text(data, 'threshold'))}` : ''}${data.enabled === false ? ', switched off' : ''}`,
  'auto_topup.removed': () => 'removed automatic top-up',
  'auto_topup.failed': (data) => `could not top up${of(data, 'reason', ': ').replaceAll('_', ' ')}`,
  'auto_topup.stopped': (data) => `no longer tries to top up${of(data, 'reason', ': ').replaceAll('_', ' ')}`,
  'bulk.started': (data) => `began a bulk job${of(data, 'kind', ' of ')}${of(data, 'rows', ' with ')}${text(data, 'rows') ? ' rows' : ''}`,
  'bulk.changed': (data) => `changed a bulk job${of(data, 'state', ': it is ')}`,
  'bulk.completed': (data) => `came to the end of a bulk job${of(data, 'done', ': ')}${text(data, 'done') ? ' rows done' : ''}${of(data, 'failed', ', ')}${text(data, 'failed') ? ' failed' : ''}`,
  'notification.sent': (data) => `wrote to the account${of(data, 'subject', ': ')}`,
  'billing.changed': () => 'changed how it bills or is billed',
  'charge.added': (data) => `put a charge of ${amount(data)} on the next invoice`,
  'charge.removed': () => 'took a charge back from the next invoice',
  'billing_run.started': (data) => `${data.dry_run ? 'tried' : 'began'} a billing run${of(data, 'month', ' for ')}`,
  'billing_run.completed': (data) => `came to the end of a billing run${of(data, 'month', ' for ')}${of(data, 'invoices', ': ')}${text(data, 'invoices') ? ' invoices' : ''}`,
  'invoice.drafted': (data) => `drafted an invoice of ${amount(data, 'total')}`,
  'invoice.finalized': (data) => `issued invoice${of(data, 'number', ' ')} of ${amount(data, 'total')}`,
  'invoice.paid': (data) => `had invoice${of(data, 'number', ' ')} paid`,
  'invoice.past_due': (data) => `let the time to pay invoice${of(data, 'number', ' ')} pass`,
  'invoice.reminded': (data) => `was reminded of invoice${of(data, 'number', ' ')}`,
  'invoice.voided': (data) => `voided invoice${of(data, 'number', ' ')}${of(data, 'reason', ': ')}`,
  'invoice.uncollectible': (data) => `gave up invoice${of(data, 'number', ' ')}`,
  'credit_note.issued': (data) => `issued credit note${of(data, 'number', ' ')} of ${amount(data, 'total')}`,
  'payment.succeeded': (data) => `made a payment of ${amount(data)}`,
  'payment.failed': (data) => `had a payment of ${amount(data)} fail${of(data, 'decline', ': ').replaceAll('_', ' ')}`,
  'payment.action_required': (data) => `must confirm a payment of ${amount(data)}`,
  'payment.refunded': (data) => `gave a payment of ${amount(data)} back`,
  'refund.failed': (data) => `had a refund of ${amount(data)} fail`,
  'payment_method.added': (data) => `added a card${of(data, 'last4', ' ending in ')}`,
  'payment_method.removed': () => 'removed a card',
  'dunning.suspended': (data) => `was suspended because invoice${of(data, 'number', ' ')} was not paid in time`,
  'dunning.lifted': (data) => `may spend again: invoice${of(data, 'number', ' ')} no longer holds it`,
  'dispute.opened': (data) => `disputed ${amount(data)} of an invoice`,
  'dispute.answered': () => 'said something in a dispute',
  'dispute.under_review': () => 'began to look at a dispute',
  'dispute.overdue': () => 'let the time to answer a dispute pass',
  'dispute.resolved': (data) => `brought a dispute to its end${of(data, 'outcome', ': ').replaceAll('_', ' ')}`,
  'test_clock.changed': (data) => `changed a test clock${of(data, 'change', ': ')}`,
  'webhook.created': () => 'made a webhook',
  'webhook.changed': () => 'changed a webhook',
  'webhook.removed': () => 'removed a webhook',
  'webhook.disabled': (data) => `had a webhook switched off${of(data, 'reason', ': ')}`,
  'webhook.ping': () => 'tested a webhook',
}

/** The kinds that can be filtered by, in words. */
export const KINDS = Object.keys(SENTENCES)

/** The data of a record as an object, whatever it is. */
export function dataOf(row: AuditRow): Data {
  return row.data !== null && typeof row.data === 'object' && !Array.isArray(row.data) ? (row.data as Data) : {}
}

/** What happened, as it follows the actor's name. */
export function said(row: AuditRow, place: Place): string {
  return SENTENCES[row.kind]?.(dataOf(row), place) ?? (row.summary ? row.summary.charAt(0).toLowerCase() + row.summary.slice(1) : words(row.kind).toLowerCase())
}

/** A change of one field: what it was and is. */
export interface Changed {
  field: string
  from: unknown
  to: unknown
}

/** The changes that a record holds, as `changes: {field: {from, to}}` or `before` and `after`. */
export function changesOf(data: Data): Changed[] {
  const { changes, before, after } = data
  if (changes && typeof changes === 'object' && !Array.isArray(changes)) {
    return Object.entries(changes as Data).flatMap(([field, change]) => (change && typeof change === 'object' && 'to' in change ? [{ field, from: (change as Data).from, to: (change as Data).to }] : []))
  }
  if (before && after && typeof before === 'object' && typeof after === 'object') {
    const [was, is] = [before as Data, after as Data]
    return [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((field) => JSON.stringify(was[field]) !== JSON.stringify(is[field])).map((field) => ({ field, from: was[field], to: is[field] }))
  }
  return []
}

/** A value in one line. */
export function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–'
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(', ') || '–'
  return JSON.stringify(value)
}
