import type { ReactNode } from 'react'
import { words } from '~/lib/format'

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'plain'
const TONES: Record<Tone, string> = {
  good: 'bg-good-wash text-good',
  warn: 'bg-warn-wash text-warn',
  bad: 'bg-bad-wash text-bad',
  info: 'bg-info-wash text-info',
  plain: 'bg-sunken text-soft',
}

/** A word in a colour that says the same. */
export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`inline-flex items-center rounded px-1.5 text-xs font-medium whitespace-nowrap ${TONES[tone]}`}>{children}</span>
}

const STATES: Record<string, Tone> = {
  active: 'good', paid: 'good', succeeded: 'good', captured: 'good', completed: 'good', accepted: 'good', delivered: 'good', verified: 'good', ready: 'good', resolved: 'good', done: 'good', counted: 'good', enabled: 'good',
  open: 'info', draft: 'plain', finalized: 'info', running: 'info', planning: 'info', pending: 'info', processing: 'info', queued: 'info', scheduled: 'info', planned: 'info', under_review: 'info', partly_captured: 'info',
  suspended: 'warn', past_due: 'warn', paused: 'warn', at_risk: 'warn', retrying: 'warn', expired: 'plain', duplicate: 'plain', rotating: 'warn', capped: 'warn', corrected: 'warn', waiting: 'info', upcoming: 'info', on_sale: 'good', partly_failed: 'warn',
  closed: 'plain', void: 'plain', released: 'plain', revoked: 'plain', cancelled: 'plain', withdrawn: 'plain', ended: 'plain', retired: 'plain', off: 'plain', voided: 'plain',
  uncollectible: 'bad', failed: 'bad', rejected: 'bad', disabled: 'bad', frozen: 'bad', loss: 'bad', stopped: 'bad', declined: 'bad',
  opened: 'warn', partly_accepted: 'good', sent: 'info', created: 'info', unknown: 'warn', action_required: 'warn', billed: 'plain', made: 'good', empty: 'plain', listing: 'info', working: 'info', in_force: 'good', past: 'plain', completed_with_errors: 'warn', undone: 'plain', untouched: 'plain', inquiry: 'warn', taken: 'bad', won: 'good', lost: 'bad',
}

/** A state by its API word, in the tone that fits. */
export function State({ state }: { state: string }) {
  return <Badge tone={STATES[state] ?? 'plain'}>{words(state)}</Badge>
}
