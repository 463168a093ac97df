import type { BrandPart, BrandTokens, BrandView } from '~/api/contract'
import { contrast, readColour, textOn } from '~/lib/colour'

export type Token = Exclude<keyof BrandTokens, 'locked'>

export const TOKENS: { token: Token; label: string; hint: string; kind: 'text' | 'colour' | 'email' | 'url'; group: 'look' | 'mail' | 'links' }[] = [
  { token: 'name', label: 'Name', hint: 'On pages, in mail and on invoices.', kind: 'text', group: 'look' },
  { token: 'color', label: 'Colour', hint: 'Buttons and the head of mails and invoices.', kind: 'colour', group: 'look' },
  { token: 'accent_color', label: 'Accent colour', hint: 'Links and marks; the colour itself without one. It is moved lighter or darker until it reads.', kind: 'colour', group: 'look' },
  { token: 'sender_name', label: 'Sender', hint: 'From whom mails are.', kind: 'text', group: 'mail' },
  { token: 'reply_to', label: 'Answers go to', hint: 'Where answers to mails arrive.', kind: 'email', group: 'mail' },
  { token: 'support_url', label: 'Support page', hint: 'Where customers find help.', kind: 'url', group: 'links' },
  { token: 'terms_url', label: 'Terms', hint: 'An https address.', kind: 'url', group: 'links' },
  { token: 'privacy_url', label: 'Privacy', hint: 'An https address.', kind: 'url', group: 'links' },
]

/** What is edited: the tokens as text, empty for inherited, and which parts are locked for all below, the logo among them. */
export interface Draft {
  values: Record<Token, string>
  locked: BrandPart[]
}

export function draftOf(own: BrandView['own']): Draft {
  return { values: Object.fromEntries(TOKENS.map(({ token }) => [token, own[token] ?? ''])) as Draft['values'], locked: [...own.locked].sort() }
}

/** The body that saves a draft: own tokens whole. */
export function bodyOf(draft: Draft): BrandTokens {
  return { ...Object.fromEntries(TOKENS.filter(({ token }) => draft.values[token].trim()).map(({ token }) => [token, draft.values[token].trim()])), locked: draft.locked }
}

/** What would be in force with a draft: its own tokens, and what was inherited where it has none. */
export interface Worn {
  name: string
  color: string
  accent: string
  text: string
  sender: string
  replyTo: string | null
  links: { label: string; url: string }[]
  logo: string | null
}

const NEUTRAL = '#2f5fd0'

/** `inherited`: what holds where the draft says nothing. It is only known for tokens that are not the account's own. */
export function worn(draft: Draft, view: BrandView, logo: string | null): Worn {
  const of = (token: Token): string | null => (view.locked_above.includes(token) ? view.in_force[token] : draft.values[token].trim() || (view.own[token] ? null : view.in_force[token]))
  const colour = of('color')
  const color = colour && readColour(colour) ? colour : NEUTRAL
  const accent = of('accent_color')
  const name = of('name') ?? view.in_force.name
  return {
    name,
    color,
    accent: accent && readColour(accent) ? accent : color,
    text: textOn(color),
    // A sender that nobody set is the name, also the one that is being written.
    sender: draft.values.sender_name.trim() || (view.in_force.sender_name === view.in_force.name ? name : (of('sender_name') ?? name)),
    replyTo: of('reply_to'),
    links: [
      { label: 'Support', url: of('support_url') },
      { label: 'Terms', url: of('terms_url') },
      { label: 'Privacy', url: of('privacy_url') },
    ].filter((link): link is { label: string; url: string } => link.url !== null),
    logo,
  }
}

/** One finding of contrast, and what WCAG asks of it. */
export interface Finding {
  token: string
  says: string
  /** Two places, rounded down: 4.499 is not 4.50. */
  ratio: string
  passes: boolean
}

/** Names of what a colour stands on, as the API says it. */
const AGAINST: Record<string, string> = { white: 'on a light page', dark: 'on a dark page' }
const NAMES: Partial<Record<BrandPart, string>> = { color: 'The colour', accent_color: 'The accent colour' }

/** A finding in words: a colour with the text on it, or on a page. */
export function findingOf(token: BrandPart, against: string): string {
  const name = NAMES[token] ?? token
  return against === 'text' ? `Text on ${name.charAt(0).toLowerCase()}${name.slice(1)}` : `${name} ${AGAINST[against] ?? `on ${against}`}`
}

function finding(token: BrandPart, against: 'text' | 'white' | 'dark', ratio: number): Finding {
  return { token, says: findingOf(token, against), ratio: (Math.floor(ratio * 100 + 1e-9) / 100).toFixed(2), passes: ratio >= (against === 'text' ? 4.5 : 3) }
}

/** What WCAG AA says of colours that are not saved yet: text on the colour needs 4.5:1, what is drawn in a colour 3:1 against the page. */
export function findings(look: Pick<Worn, 'color' | 'accent' | 'text'>): Finding[] {
  const rows = [finding('color', 'text', contrast(look.text, look.color))]
  for (const [token, colour] of [['color', look.color], ['accent_color', look.accent]] as const) {
    if (token === 'accent_color') {
      if (look.accent === look.color) continue
      rows.push(finding(token, 'text', contrast(textOn(colour), colour)))
    }
    rows.push(finding(token, 'white', contrast(colour, '#ffffff')), finding(token, 'dark', contrast(colour, '#0b0d12')))
  }
  return rows
}
