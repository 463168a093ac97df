/** A sign-in token comes in the fragment, which no server and no referrer sees. It is taken once and removed from the address at once. */
let token: string | null = null

/** Takes the token out of the address. Called before anything else reads it. */
export function takeToken() {
  const found = /(?:^#|&)token=([^&]+)/.exec(location.hash)
  if (!found?.[1]) return
  token = decodeURIComponent(found[1])
  history.replaceState(history.state, '', location.pathname + location.search)
}

/** The token that came with the address. */
export function heldToken(): string | null {
  return token
}

/** Forgets it, once it was used or refused. */
export function dropToken() {
  token = null
}
