import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError } from '~/api/problem'
import { useSubmit } from './form'

let root: Root
let submit: ReturnType<typeof useSubmit<{ amount: string }, string>>

function Probe({ send, done }: { send: (input: { amount: string }, key: string) => Promise<string>; done: () => void }) {
  submit = useSubmit(send, done)
  return null
}

async function show(send: (input: { amount: string }, key: string) => Promise<string>, done = () => {}) {
  await act(async () => root.render(<Probe send={send} done={done} />))
}

beforeEach(() => {
  ;(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true
  root = createRoot(document.createElement('div'))
})
afterEach(() => act(() => root.unmount()))

test('one press is one request, however often it is pressed', async () => {
  let answer: (text: string) => void = () => {}
  const send = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)))
  await show(send)
  await act(async () => {
    void submit.submit({ amount: '5' })
    void submit.submit({ amount: '5' })
  })
  expect(send).toHaveBeenCalledOnce()
  await act(async () => answer('done'))
  expect(submit.busy).toBe(false)
})

test('the key stays over tries of the same thing, and is new for another', async () => {
  const keys: string[] = []
  const send = vi.fn((_: { amount: string }, key: string) => {
    keys.push(key)
    return keys.length < 3 ? Promise.reject(new ApiError(0, { code: 'offline' })) : Promise.resolve('done')
  })
  await show(send)
  await act(() => submit.submit({ amount: '5' }))
  expect(submit.error?.code).toBe('offline')
  await act(() => submit.submit({ amount: '5' }))
  await act(() => submit.submit({ amount: '6' }))
  await act(() => submit.submit({ amount: '6' }))
  expect(keys[1]).toBe(keys[0])
  expect(keys[2]).not.toBe(keys[0])
  expect(keys[3]).not.toBe(keys[2])
})
