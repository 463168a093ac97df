import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '~/api/client'
import type { PublicBrand } from '~/api/contract'
import { readable, readColour, textOn } from '~/lib/colour'
import { safeHttp } from '~/lib/links'

const FRESH_MS = 10 * 60_000

function storageKey(slug: string | null) {
  return `brand:${slug ?? location.host}`
}

function kept(slug: string | null): { at: number; brand: PublicBrand } | null {
  try {
    return JSON.parse(localStorage.getItem(storageKey(slug)) ?? 'null') as { at: number; brand: PublicBrand } | null
  } catch {
    return null
  }
}

/** Sets the brand's tokens on the root element. Colours are parsed, so nothing but a colour comes in; what is text is moved until it reads. */
function wear(brand: PublicBrand | null) {
  const root = document.documentElement.style
  const colour = brand && readColour(brand.color) ? (brand.color as string) : null
  if (!colour) {
    for (const token of ['--brand', '--brand-text', '--brand-ink-light', '--brand-ink-dark']) root.removeProperty(token)
    return
  }
  const ink = brand && readColour(brand.accent_color) ? (brand.accent_color as string) : colour
  root.setProperty('--brand', colour)
  root.setProperty('--brand-text', brand && readColour(brand.text_on_color) ? (brand.text_on_color as string) : textOn(colour))
  // The least favourable ground that text in the accent stands on: its own wash.
  root.setProperty('--brand-ink-light', readable(ink, '#eff1f4'))
  root.setProperty('--brand-ink-dark', readable(ink, '#262b36'))
}

/** Wears the brand that was seen here last, before anything was asked. */
export function wearKeptBrand(slug: string | null) {
  const last = kept(slug)
  if (last) wear(last.brand)
}

/** The brand of a portal or of this host. `later`: not before the first view has been shown, since the brand seen last is worn until then. */
export function useBrand(slug: string | null, { later = false }: { later?: boolean } = {}) {
  const [ready, setReady] = useState(!later)
  useEffect(() => {
    if (ready) return
    const timer = setTimeout(() => setReady(true), 2500)
    return () => clearTimeout(timer)
  }, [ready])
  const last = kept(slug)
  const query = useQuery({
    queryKey: ['/portal/brand', slug],
    queryFn: async () => {
      const { data } = await api.get('/portal/brand', { query: slug ? { slug } : {} })
      try {
        localStorage.setItem(storageKey(slug), JSON.stringify({ at: Date.now(), brand: data }))
      } catch {
        // Not kept: asked again next time.
      }
      return data
    },
    enabled: ready && !(last && Date.now() - last.at < FRESH_MS),
    staleTime: FRESH_MS,
    initialData: last && Date.now() - last.at < FRESH_MS ? last.brand : undefined,
    initialDataUpdatedAt: last?.at,
  })
  const brand = query.data ?? last?.brand ?? null
  useEffect(() => wear(brand), [brand])
  return { brand, unknown: query.error !== null && 'status' in query.error && query.error.status === 404 }
}

/** The logo's address, if it is one. */
export function logoOf(brand: PublicBrand | null): string | null {
  return safeHttp(brand?.logo_url)
}
