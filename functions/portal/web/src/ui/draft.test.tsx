import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { useDraft, type Version } from './draft'

interface Thing {
  name: string
  used: number
}

let root: Root
let form: ReturnType<typeof useDraft<Thing, { name: string }>>
let next: Version<Thing> | undefined

const version = (etag: string, name: string, used = 0): Version<Thing> => ({ etag, data: { name, used } })
const begin = (thing: Thing) => ({ name: thing.name })

function Probe({ newest }: { newest: Version<Thing> }) {
  form = useDraft(newest, begin, async () => ({ data: next, error: next ? null : new Error('no answer') }))
  return null
}

const show = (newest: Version<Thing>) => act(async () => root.render(<Probe newest={newest} />))

beforeEach(() => {
  ;(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true
  root = createRoot(document.createElement('div'))
  next = undefined
})
afterEach(() => act(() => root.unmount()))

test('a form in which nothing was written follows what is read', async () => {
  await show(version('1', 'Corner'))
  await show(version('2', 'Kiosk'))
  expect(form).toMatchObject({ draft: { name: 'Kiosk' }, base: { etag: '2' }, changed: false })
})

test('a draft stays on the version it was begun on', async () => {
  await show(version('1', 'Corner'))
  await act(async () => form.set({ name: 'Mine' }))
  await show(version('2', 'Kiosk'))
  expect(form).toMatchObject({ draft: { name: 'Mine' }, base: { etag: '1' }, changed: true })
  await act(async () => form.discard())
  expect(form).toMatchObject({ draft: { name: 'Kiosk' }, base: { etag: '2' }, changed: false })
})

test('a version that changed none of the fields is taken below the draft', async () => {
  await show(version('1', 'Corner'))
  await act(async () => form.set({ name: 'Mine' }))
  await show(version('2', 'Corner', 7))
  expect(form).toMatchObject({ draft: { name: 'Mine' }, base: { etag: '2', data: { used: 7 } }, changed: true })
})

test('what was read before a save does not come back after it', async () => {
  const before = version('1', 'Corner')
  await show(before)
  await act(async () => form.set({ name: 'Mine' }))
  await act(async () => form.took(version('2', 'Mine')))
  await show(before)
  expect(form).toMatchObject({ draft: { name: 'Mine' }, base: { etag: '2' }, changed: false })
  await show(version('3', 'Theirs'))
  expect(form).toMatchObject({ draft: { name: 'Theirs' }, base: { etag: '3' } })
})

test('loading anew replaces the draft, and a failed try does not', async () => {
  await show(version('1', 'Corner'))
  await act(async () => form.set({ name: 'Mine' }))
  await act(() => form.load())
  expect(form.draft.name).toBe('Mine')
  next = version('2', 'Kiosk')
  await act(() => form.load())
  expect(form).toMatchObject({ draft: { name: 'Kiosk' }, base: { etag: '2' }, changed: false })
})
