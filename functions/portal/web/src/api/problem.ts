/** An error as the API tells it (RFC 9457). */
export interface ProblemBody {
  type: string
  title: string
  status: number
  detail: string
  code: string
  request_id: string
  errors?: { pointer: string; detail: string }[]
  [member: string]: unknown
}

/**
 * What a request came to when it did not come to an answer. Decide by `code`. Beside the API's own codes there are `offline` (nothing reached
 * us: a read can be asked again; a write may have happened, and is sent again under its key) and `bad_answer` (not what the API says).
 */
export class ApiError extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly requestId: string | null
  readonly fields: { pointer: string; detail: string }[]
  /** Seconds to wait before the next try, where the answer says so. */
  readonly retryAfterS: number | null
  /** The whole problem, for the members that some codes carry. */
  readonly body: Partial<ProblemBody>

  constructor(status: number, body: Partial<ProblemBody>, retryAfterS: number | null = null) {
    super(body.detail ?? body.title ?? 'Something went wrong.')
    this.name = 'ApiError'
    this.status = status
    this.code = body.code ?? 'bad_answer'
    this.title = body.title ?? 'Something went wrong'
    this.requestId = body.request_id ?? null
    this.fields = body.errors ?? []
    this.retryAfterS = retryAfterS
    this.body = body
  }

  /** Whether the same request may do better a moment later. */
  get passing(): boolean {
    return this.code === 'offline' || this.status === 429 || this.status >= 500
  }
}

/** Makes an `ApiError` of whatever was thrown. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError(0, { code: 'bad_answer', title: 'Something went wrong', detail: error instanceof Error ? error.message : String(error) })
}
