import { ApiError, type ProblemBody } from './problem'
import type { components, paths } from './schema'

/** A named type of the API's document: `Schema<'Account'>`. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name]

type All = paths
type Method = 'get' | 'post' | 'put' | 'delete'
/** The paths that have this method. */
export type PathOf<M extends Method> = { [P in keyof All]: All[P] extends { [K in M]: { responses: unknown } } ? P : never }[keyof All]
type Operation<M extends Method, P extends PathOf<M>> = All[P] extends { [K in M]: infer O } ? O : never
type Json<R> = R extends { content: { 'application/json': infer J } } ? J : R extends { content: infer C } ? C[keyof C] : undefined
type Success<R> = { [S in keyof R]: S extends 200 | 201 | 202 ? Json<R[S]> : never }[keyof R]
/** What a request is answered with. */
export type Answer<M extends Method, P extends PathOf<M>> = Operation<M, P> extends { responses: infer R } ? Success<R> : never
/** The query of a request. */
export type QueryOf<M extends Method, P extends PathOf<M>> = Operation<M, P> extends { parameters: { query?: infer Q } } ? Exclude<Q, undefined> : never
/** The body of a request. */
export type BodyOf<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { requestBody?: infer B } ? (NonNullable<B> extends { content: { 'application/json': infer J } } ? J : never) : never
type PathParams<P> = P extends `${string}{${infer Name}}${infer Rest}` ? { [K in Name | keyof PathParams<Rest>]: string } : unknown
type HasParams<P> = P extends `${string}{${string}` ? true : false

export type Options<M extends Method, P extends PathOf<M>> = (HasParams<P> extends true ? { path: PathParams<P> } : { path?: undefined }) & {
  query?: QueryOf<M, P>
  body?: BodyOf<M, P>
  /** Names the intent: the same key is sent again when the same thing is tried again. */
  idempotencyKey?: string
  /** The version that an edit is based on; as the API gave it in `ETag`. */
  ifMatch?: string
  signal?: AbortSignal
}
type Args<M extends Method, P extends PathOf<M>> = HasParams<P> extends true ? [options: Options<M, P>] : [options?: Options<M, P>]

/** An answer with what its head says. */
export interface Reply<T> {
  data: T
  etag: string | null
  status: number
  /** The first answer given again, since the request had been done before. */
  replayed: boolean
}

let csrfToken: string | null = null
let onSignedOut: (() => void) | null = null
let onOtherSession: (() => void) | null = null

/** Sets the token that requests of the session carry when they change something. */
export function setCsrfToken(token: string | null) {
  csrfToken = token
}

/** Sets what happens when the API no longer knows the session. */
export function whenSignedOut(listener: () => void) {
  onSignedOut = listener
}

/** Sets what happens when the cookie is no longer that of the session this page knows: somebody signed in anew in another tab. */
export function whenOtherSession(listener: () => void) {
  onOtherSession = listener
}

/** Puts parameters into a path and the query behind it. Parameters that are null, undefined or empty are left out. */
export function urlOf(path: string, params: Record<string, string> = {}, query: object = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name]
    if (!value) throw new Error(`${path} needs ${name}`)
    return encodeURIComponent(value)
  })
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue
    search.set(name, Array.isArray(value) ? value.join(',') : String(value))
  }
  const text = search.toString()
  return text ? `${filled}?${text}` : filled
}

/** Answers of reads under their ETag, so that asking again costs a 304. The oldest go first. */
const remembered = new Map<string, { etag: string; data: unknown }>()
const REMEMBERED_MAX = 200

function remember(url: string, etag: string, data: unknown) {
  remembered.delete(url)
  remembered.set(url, { etag, data })
  if (remembered.size > REMEMBERED_MAX) remembered.delete(remembered.keys().next().value as string)
}

/** Forgets every answer: what one session saw is nothing for the next. */
export function forgetAnswers() {
  remembered.clear()
}

interface Head {
  body?: unknown
  idempotencyKey?: string
  ifMatch?: string
  signal?: AbortSignal
}

/** The wire: one request, one answer or one `ApiError`. */
export async function send<T>(method: Method, url: string, options: Head = {}): Promise<Reply<T>> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey
  if (options.ifMatch) headers['If-Match'] = options.ifMatch
  if (method !== 'get' && csrfToken) headers['X-CSRF-Token'] = csrfToken
  const known = method === 'get' ? remembered.get(url) : undefined
  if (known) headers['If-None-Match'] = known.etag

  let response: Response
  try {
    response = await fetch(url, {
      method: method.toUpperCase(),
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: options.signal,
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new ApiError(0, {
      code: 'offline',
      title: 'No answer',
      detail:
        method === 'get'
          ? 'The platform could not be reached. Check your connection and try again.'
          : options.idempotencyKey
            ? 'No answer came, so it is not known whether this was done. Try again: it is done once at most.'
            : 'No answer came, so it is not known whether this was done. Look whether it was before you try again.',
    })
  }

  if (response.status === 304 && known) return { data: known.data as T, etag: known.etag, status: 200, replayed: false }
  const text = await response.text()
  let parsed: unknown
  try {
    parsed = text ? JSON.parse(text) : undefined
  } catch {
    throw new ApiError(response.status, {
      code: 'bad_answer',
      title: 'Not an answer of the API',
      detail: `Something between this page and the platform answered (HTTP ${response.status}). Try again in a moment.`,
      request_id: response.headers.get('X-Request-Id') ?? undefined,
    })
  }
  if (!response.ok) {
    const retryAfter = Number.parseInt(response.headers.get('Retry-After') ?? '', 10)
    const body = (parsed ?? {}) as Partial<ProblemBody>
    if (!body.request_id) body.request_id = response.headers.get('X-Request-Id') ?? undefined
    if (response.status === 401 && url !== '/portal/session') onSignedOut?.()
    if (body.code === 'csrf_failed') onOtherSession?.()
    throw new ApiError(response.status, body, Number.isFinite(retryAfter) ? retryAfter : null)
  }
  const etag = response.headers.get('ETag')
  if (method === 'get' && etag) remember(url, etag, parsed)
  return { data: parsed as T, etag, status: response.status, replayed: response.headers.get('Idempotent-Replayed') === 'true' }
}

function ask<M extends Method>(method: M) {
  return <P extends PathOf<M>>(path: P, ...[options]: Args<M, P>): Promise<Reply<Answer<M, P>>> => {
    const { path: params, query, ...rest } = (options ?? {}) as { path?: Record<string, string>; query?: object } & Head
    return send<Answer<M, P>>(method, urlOf(path as string, params, query), rest)
  }
}

/** The API: `api.get('/reseller/accounts/{id}', { path: { id } })` gives a `Reply` with the document's type. */
export const api = { get: ask('get'), post: ask('post'), put: ask('put'), delete: ask('delete') }

/** A new name for an intent. */
export function newKey(): string {
  return crypto.randomUUID()
}
