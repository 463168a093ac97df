import DOMPurify from 'dompurify'
import { useEffect, useRef } from 'react'

/** What a mail of ours is made of. */
const TAGS = ['div', 'h1', 'p', 'a', 'img', 'table', 'tbody', 'tr', 'td', 'br']

/**
 * A mail as the platform wrote it, in a tree of its own, so that neither the page's styles nor its own reach the other. Its styles are set one by
 * one: the page's policy takes no style that is written into markup.
 */
export function RealMail({ html }: { html: string }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const host = place.current
    if (!host) return
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
    const mail = DOMPurify.sanitize(html.replaceAll(' style="', ' data-style="'), { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ['src', 'alt', 'width', 'height'], RETURN_DOM_FRAGMENT: true })
    for (const element of mail.querySelectorAll<HTMLElement>('[data-style]')) element.style.cssText = element.dataset['style'] ?? ''
    root.replaceChildren(mail)
  }, [html])
  return <div ref={place} className="min-h-full bg-[#f1f5f9] text-[#0f172a]" />
}
