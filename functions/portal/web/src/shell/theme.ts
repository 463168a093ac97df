/** What a person chose; `system` follows the device. */
export type Theme = 'light' | 'dark' | 'system'

const listeners = new Set<() => void>()

/** Chooses a theme and keeps it for this browser. */
export function setTheme(theme: Theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    if (theme === 'system') localStorage.removeItem('theme')
    else localStorage.setItem('theme', theme)
  } catch {
    // Not kept, but in force until the page is left.
  }
  listeners.forEach((listener) => listener())
}

/** Calls back whenever the colours of the page change: by choice or by the device. */
export function onColours(listener: () => void): () => void {
  const media = matchMedia('(prefers-color-scheme: dark)')
  media.addEventListener('change', listener)
  listeners.add(listener)
  return () => {
    media.removeEventListener('change', listener)
    listeners.delete(listener)
  }
}
