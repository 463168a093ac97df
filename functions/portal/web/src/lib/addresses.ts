/** An address of the web from data: http or https with a host, or none. Paths of this host are none either: nobody else's words lead around in these pages. */
export function webAddress(text: string | null | undefined): string | null {
  if (!text || !/^https?:\/\//i.test(text)) return null
  try {
    const url = new URL(text)
    return url.username || url.password ? null : url.href
  } catch {
    return null
  }
}

/** Opens a link that the API gave, beside this page. False if it is none that may be opened. */
export function openBeside(text: string | null | undefined): boolean {
  const address = webAddress(text)
  if (!address) return false
  const anchor = document.createElement('a')
  anchor.href = address
  anchor.target = '_blank'
  anchor.rel = 'noreferrer noopener'
  anchor.click()
  return true
}
