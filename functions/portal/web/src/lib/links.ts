/** An address from data, if it is one that may be opened: http, https, or a path of this host. Anything else is none. */
export function safeHttp(address: string | null | undefined): string | null {
  if (!address) return null
  if (/^\/(?![/\\])/.test(address)) return address
  try {
    const url = new URL(address)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null
  } catch {
    return null
  }
}

/** Where to go after signing in: a path of these pages and nothing else. */
export function safeNext(next: unknown, base: string): string {
  return typeof next === 'string' && next.startsWith(`${base}/`) && !next.includes('\\') && !next.startsWith(`${base}/sign-in`) ? next : base
}
