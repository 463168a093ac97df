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

const TONE_OF: Record<Tone, string[]> = {
  good: [
    'accepted', 'active', 'captured', 'completed', 'counted', 'delivered', 'done', 'enabled', 'in_force', 'made', 'on_sale', 'paid',
    'partly_accepted', 'ready', 'resolved', 'succeeded', 'verified', 'won',
  ],
  info: [
    'created', 'finalized', 'listing', 'open', 'partly_captured', 'pending', 'planned', 'planning', 'processing', 'queued', 'running',
    'scheduled', 'sent', 'under_review', 'upcoming', 'waiting', 'working',
  ],
  warn: [
    'action_required', 'at_risk', 'capped', 'completed_with_errors', 'corrected', 'inquiry', 'opened', 'partly_failed', 'past_due',
    'paused', 'retrying', 'rotating', 'suspended', 'unknown',
  ],
  bad: [
    'declined', 'disabled', 'failed', 'frozen', 'loss', 'lost', 'rejected', 'stopped', 'taken', 'uncollectible',
  ],
  plain: [
    'billed', 'cancelled', 'closed', 'draft', 'duplicate', 'empty', 'ended', 'expired', 'off', 'past', 'released', 'retired', 'revoked',
    'undone', 'untouched', 'void', 'voided', 'withdrawn',
  ],
}
const STATES = new Map(Object.entries(TONE_OF).flatMap(([tone, states]) => states.map((state) => [state, tone as Tone] as const)))

/** A state by its API word, in the tone that fits. */
export function State({ state }: { state: string }) {
  return <Badge tone={STATES.get(state) ?? 'plain'}>{words(state)}</Badge>
}
