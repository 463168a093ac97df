import { expect, test } from 'vitest'
import type { BrandView } from '~/api/contract'
import { bodyOf, draftOf, findings, worn } from './tokens'

const VIEW: BrandView = {
  account_id: 'acc_1',
  own: { name: 'Corner', color: '#0f7b5f', accent_color: null, sender_name: null, reply_to: null, support_url: null, terms_url: null, privacy_url: null, logo_url: null, locked: ['color', 'logo'] },
  in_force: { name: 'Corner', color: '#0f7b5f', accent_color: '#884400', text_on_color: '#ffffff', logo_url: null, support_url: 'https://a.example/', terms_url: null, privacy_url: null, sender_name: 'Above', reply_to: null },
  locked_above: [],
  contrast: [],
  slug: null,
  portal_url: null,
  host: null,
  version: 3,
}

test('only own tokens are sent, and inherited ones never become own by saving', () => {
  const draft = draftOf(VIEW.own)
  expect(bodyOf(draft)).toEqual({ name: 'Corner', color: '#0f7b5f', locked: ['color', 'logo'] })
})

test('the preview wears own tokens over inherited ones, and no colour that is none', () => {
  const draft = draftOf(VIEW.own)
  expect(worn(draft, VIEW, null)).toMatchObject({ name: 'Corner', color: '#0f7b5f', accent: '#884400', sender: 'Above' })
  expect(worn({ ...draft, values: { ...draft.values, color: 'url(x)' } }, VIEW, null).color).toBe('#2f5fd0')
})

test('a sender that nobody set follows the name as it is written', () => {
  const view: BrandView = { ...VIEW, in_force: { ...VIEW.in_force, sender_name: 'Corner' } }
  const draft = draftOf(view.own)
  expect(worn({ ...draft, values: { ...draft.values, name: 'Corner Shop' } }, view, null).sender).toBe('Corner Shop')
})

test('what is locked above is worn, whatever was set before', () => {
  const view: BrandView = { ...VIEW, locked_above: ['color'], in_force: { ...VIEW.in_force, color: '#123456' } }
  expect(worn(draftOf(view.own), view, null).color).toBe('#123456')
})

test('contrast is rounded down, and what does not pass is said', () => {
  const rows = findings({ color: '#777777', accent: '#ffee00', text: '#000000' })
  expect(rows.find((row) => row.says === 'The colour on a light page')).toMatchObject({ ratio: '4.47', passes: true })
  expect(rows.find((row) => row.says === 'Text on the colour')).toMatchObject({ ratio: '4.68', passes: true })
  expect(rows.find((row) => row.says === 'The accent colour on a light page')?.passes).toBe(false)
})
