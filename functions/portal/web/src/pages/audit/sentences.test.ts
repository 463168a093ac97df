import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { AuditRow } from '~/api/contract'
import { changesOf, KINDS, plain, said } from './sentences'

const PLACE = { locale: 'en', timeZone: 'UTC' }
const row = (kind: string, data: unknown, summary = ''): AuditRow => ({ id: 'evt_1', at: '2026-11-02T08:00:00Z', kind, account_id: 'acc_1', actor: null, request_id: 'r-1', summary, data: data as AuditRow['data'] })

test('every kind of the catalogue of events has a sentence', () => {
  const catalogue = readFileSync(resolve('../../../docs/events.md'), 'utf8')
  const kinds = [...catalogue.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \|/gm)].map((match) => match[1] as string)
  expect(kinds.length).toBeGreaterThan(60)
  expect(kinds.filter((kind) => !KINDS.includes(kind))).toEqual([])
})

test('a sentence says what its data tells, and stays one without it', () => {
  expect(said(row('credit.allocation', { amount: '-12.500000', currency: 'USD' }), PLACE)).toBe('gave 12.50 USD down the tree')
  expect(said(row('key.created', { role: 'billing' }), PLACE)).toBe('made an API key with the role billing')
  expect(said(row('brand.changed', { version: 2, changed: ['tokens'] }), PLACE)).toBe('changed the brand: its tokens')
  for (const kind of KINDS) for (const data of [null, [], {}, { amount: { x: 1 } }]) expect(said(row(kind, data), PLACE)).not.toMatch(/undefined|null|object/)
})

test('what is not known is said by the summary', () => {
  expect(said(row('no_such.kind', {}, 'The brand was changed.'), PLACE)).toBe('the brand was changed.')
  expect(said(row('no_such.kind', {}), PLACE)).toBe('no such kind')
})

test('changes are read in both shapes', () => {
  expect(changesOf({ changes: { name: { from: 'A', to: 'B' } } })).toEqual([{ field: 'name', from: 'A', to: 'B' }])
  expect(changesOf({ before: { name: 'A', email: 'x' }, after: { name: 'B', email: 'x' } })).toEqual([{ field: 'name', from: 'A', to: 'B' }])
  expect(changesOf({ name: 'A' })).toEqual([])
  expect(plain(['a', 'b'])).toBe('a, b')
})
