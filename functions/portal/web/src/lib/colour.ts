/** WCAG's arithmetic on `#rrggbb` colours. */

type Rgb = [number, number, number]

/** Reads `#rrggbb`; null for anything else. */
export function readColour(text: string | null | undefined): Rgb | null {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text ?? '')
  return match ? [1, 2, 3].map((part) => Number.parseInt(match[part] as string, 16)) as Rgb : null
}

function write(rgb: Rgb): string {
  return `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** The contrast of two colours, 1 to 21. */
export function contrast(left: string, right: string): number {
  const [a, b] = [readColour(left), readColour(right)]
  if (!a || !b) return 1
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

/** The colour, moved towards black or white just so far that text in it reads (4.5:1, with a little air) on the background. */
export function readable(colour: string, background: string, wanted = 4.8): string {
  const from = readColour(colour)
  const ground = readColour(background)
  if (!from || !ground) return colour
  const target: Rgb = luminance(ground) > 0.4 ? [0, 0, 0] : [255, 255, 255]
  for (let step = 0; step <= 20; step += 1) {
    const mixed = write(from.map((part, index) => part + ((target[index] as number) - part) * (step / 20)) as Rgb)
    if (contrast(mixed, background) >= wanted) return mixed
  }
  return write(target)
}

/** Black or white, whichever reads better on the colour, as the API says it: one of them always reaches 4.58 : 1. */
export function textOn(colour: string): string {
  return contrast(colour, '#000000') > contrast(colour, '#ffffff') ? '#000000' : '#ffffff'
}
