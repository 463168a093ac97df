import type { BrandTokens, BrandView } from '~/api/contract'
import { contrast, readColour, textOn } from '~/lib/colour'

export type Token = keyof BrandTokens

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

/** What is edited: the tokens as text, empty for inherited, and which are locked for all below. */
export interface Draft {
  values: Record<Token, string>
  locked: string[]
}

export function draftOf(own: BrandView['own']): Draft {
  return { values: Object.fromEntries(TOKENS.map(({ token }) => [token, own[token] ?? ''])) as Draft['values'], locked: [...own.locked].sort() }
}

/** The body that saves a draft: own tokens whole. */
export function bodyOf(draft: Draft): BrandTokens & { locked: string[] } {
  return { ...Object.fromEntries(TOKENS.filter(({ token }) => draft.values[token].trim()).map(({ token }) => [token, draft.values[token].trim()])), locked: draft.locked }
}

export function same(left: Draft, right: Draft): boolean {
  return JSON.stringify(bodyOf(left)) === JSON.stringify(bodyOf(right))
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
  const of = (token: Token): string | null => draft.values[token].trim() || (view.own[token] ? null : (view.in_force[token] ?? null))
  const colour = of('color')
  const color = colour && readColour(colour) ? colour : NEUTRAL
  const accent = of('accent_color')
  const name = of('name') ?? view.in_force.name
  return {
    name,
    color,
    accent: accent && readColour(accent) ? accent : color,
    text: textOn(color),
    sender: of('sender_name') ?? name,
    replyTo: of('reply_to'),
    links: [
      { label: 'Support', url: of('support_url') },
      { label: 'Terms', url: of('terms_url') },
      { label: 'Privacy', url: of('privacy_url') },
    ].filter((link): link is { label: string; url: string } => link.url !== null),
    logo,
  }
}

/** One finding of contrast; `needed` and what happens below it. */
export interface Finding {
  token: string
  says: string
  ratio: number
  needed: number
  /** Below it the colour is refused, rather than moved or warned of. */
  refused: boolean
}

/** What WCAG AA says of the colours: text on the colour needs 4.5:1, what is drawn in a colour 3:1 against the page. */
export function findings(look: Pick<Worn, 'color' | 'accent' | 'text'>): Finding[] {
  const rows: Finding[] = [{ token: 'color', says: look.text === '#ffffff' ? 'White text on the colour' : 'Dark text on the colour', ratio: contrast(look.text, look.color), needed: 4.5, refused: true }]
  for (const [token, colour] of [['color', look.color], ['accent_color', look.accent]] as const) {
    if (token === 'accent_color' && look.accent === look.color) continue
    const name = token === 'color' ? 'The colour' : 'The accent colour'
    rows.push({ token, says: `${name} on a light page`, ratio: contrast(colour, '#ffffff'), needed: 3, refused: false })
    rows.push({ token, says: `${name} on a dark page`, ratio: contrast(colour, '#0b0d12'), needed: 3, refused: false })
  }
  return rows
}
