import { expect, test } from 'vitest'
import type { BrandView } from '~/api/contract'
import { bodyOf, draftOf, findings, same, worn } from './tokens'

const VIEW: BrandView = {
  account_id: 'acc_1',
  own: { name: 'Corner', color: '#0f7b5f', locked: ['color'] },
  in_force: { name: 'Corner', color: '#0f7b5f', accent_color: '#884400', text_on_color: '#ffffff', logo_url: null, support_url: 'https://a.example/', terms_url: null, privacy_url: null, slug: null, sender_name: 'Above', reply_to: null },
  locked_above: [],
  contrast: [],
  slug: null,
  portal_url: null,
  host: null,
  version: 3,
}

test('only own tokens are sent, and inherited ones never become own by saving', () => {
  const draft = draftOf(VIEW.own)
  expect(bodyOf(draft)).toEqual({ name: 'Corner', color: '#0f7b5f', locked: ['color'] })
  expect(same(draft, draftOf(VIEW.own))).toBe(true)
  expect(same(draft, { ...draft, locked: [] })).toBe(false)
})

test('the preview wears own tokens over inherited ones, and no colour that is none', () => {
  const draft = draftOf(VIEW.own)
  expect(worn(draft, VIEW, null)).toMatchObject({ name: 'Corner', color: '#0f7b5f', accent: '#884400', sender: 'Above' })
  expect(worn({ ...draft, values: { ...draft.values, color: 'url(x)' } }, VIEW, null).color).toBe('#2f5fd0')
})

test('text on a colour of middle lightness is found out', () => {
  const [text] = findings({ color: '#0f7b5f', accent: '#0f7b5f', text: '#ffffff' })
  expect(text?.refused && text.ratio >= text.needed).toBe(true)
  expect(findings({ color: '#ffee00', accent: '#ffee00', text: '#0b0d12' }).find((row) => row.says.endsWith('light page'))?.ratio).toBeLessThan(3)
})
