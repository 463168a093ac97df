import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { api, forgetAnswers, setCsrfToken, urlOf, whenSignedOut } from './client'
import { ApiError } from './problem'

type Call = { url: string; method: string; headers: Record<string, string>; body: string | undefined }
let calls: Call[] = []
let answers: (() => Response)[] = []

function answer(body: unknown, status = 200, headers: Record<string, string> = {}) {
  answers.push(() => new Response(status === 304 ? null : JSON.stringify(body), { status, headers }))
}

beforeEach(() => {
  calls = []
  answers = []
  forgetAnswers()
  setCsrfToken('csrf-1')
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    calls.push({ url, method: init.method ?? '', headers: init.headers as Record<string, string>, body: init.body as string | undefined })
    const next = answers.shift()
    return next ? Promise.resolve(next()) : Promise.reject(new TypeError('no network'))
  })
})
afterEach(() => vi.unstubAllGlobals())

describe('a request', () => {
  test('puts parameters into its path, encoded, and leaves empty ones out of its query', () => {
    expect(urlOf('/a/{id}/b', { id: 'x/y?' }, { q: 'ä b', none: undefined, empty: '', zero: 0, list: ['a', 'b'] })).toBe('/a/x%2Fy%3F/b?q=%C3%A4+b&zero=0&list=a%2Cb')
    expect(() => urlOf('/a/{id}')).toThrow()
  })
  test('carries the session’s token only when it changes something', async () => {
    answer({ id: 'acc_1' })
    answer({ id: 'txf_1' }, 201)
    await api.get('/reseller/accounts/{id}', { path: { id: 'acc_1' } })
    await api.post('/reseller/credits/transfer', { body: { from: 'acc_1', to: 'acc_2', amount: '5' }, idempotencyKey: 'k-1' })
    expect(calls[0]?.headers['X-CSRF-Token']).toBeUndefined()
    expect(calls[1]).toMatchObject({ url: '/reseller/credits/transfer', method: 'POST', headers: { 'X-CSRF-Token': 'csrf-1', 'Idempotency-Key': 'k-1' } })
  })
  test('asks with the ETag it knows, and a 304 is the answer it had', async () => {
    answer({ id: 'acc_1', name: 'A' }, 200, { ETag: '"7"' })
    answer(null, 304)
    const first = await api.get('/reseller/accounts/{id}', { path: { id: 'acc_1' } })
    const second = await api.get('/reseller/accounts/{id}', { path: { id: 'acc_1' } })
    expect(calls[1]?.headers['If-None-Match']).toBe('"7"')
    expect(second.data).toBe(first.data)
    expect(second.etag).toBe('"7"')
  })
  test('knows nothing of another session’s answers', async () => {
    answer({ id: 'acc_1' }, 200, { ETag: '"7"' })
    answer({ id: 'acc_1' }, 200)
    await api.get('/reseller/accounts/{id}', { path: { id: 'acc_1' } })
    forgetAnswers()
    await api.get('/reseller/accounts/{id}', { path: { id: 'acc_1' } })
    expect(calls[1]?.headers['If-None-Match']).toBeUndefined()
  })
})

describe('a refusal', () => {
  test('is an error with code, fields and request id', async () => {
    answer({ type: 'x', title: 'A field is wrong', status: 400, detail: '/amount: too small', code: 'validation_failed', request_id: 'r-1', errors: [{ pointer: '/amount', detail: 'too small' }] }, 400)
    const error = await api.get('/reseller/accounts').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ code: 'validation_failed', status: 400, requestId: 'r-1', message: '/amount: too small', fields: [{ pointer: '/amount', detail: 'too small' }], passing: false })
  })
  test('says when to come back', async () => {
    answer({ code: 'too_many_requests', status: 429, detail: 'later' }, 429, { 'Retry-After': '7' })
    await expect(api.get('/reseller/accounts')).rejects.toMatchObject({ retryAfterS: 7, passing: true })
  })
  test('that is no JSON is still told with its status', async () => {
    answers.push(() => new Response('<html>Bad gateway</html>', { status: 502 }))
    await expect(api.get('/reseller/accounts')).rejects.toMatchObject({ code: 'bad_answer', status: 502, passing: true })
  })
  test('without an answer does not claim that nothing happened', async () => {
    await expect(api.post('/reseller/credits/transfer', { body: { from: 'a', to: 'b', amount: '1' }, idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'offline', message: expect.stringContaining('once at most') as string })
    await expect(api.post('/reseller/accounts/{id}/keys/{key_id}/rotate', { path: { id: 'a', key_id: 'k' }, body: {} })).rejects.toMatchObject({ code: 'offline', message: expect.stringContaining('Look whether') as string })
  })
  test('of the session leads to signing in, but not while signing in', async () => {
    const left = vi.fn()
    whenSignedOut(left)
    answer({ code: 'unauthorized', status: 401 }, 401)
    await api.post('/portal/session', { body: { api_key: 'wrong' } }).catch(() => null)
    expect(left).not.toHaveBeenCalled()
    answer({ code: 'unauthorized', status: 401 }, 401)
    await api.get('/reseller/accounts').catch(() => null)
    expect(left).toHaveBeenCalledOnce()
    answer({ code: 'unauthorized', status: 401 }, 401)
    await api.get('/portal/sessions').catch(() => null)
    expect(left).toHaveBeenCalledTimes(2)
  })
})
