import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { onColours } from '~/shell/theme'
import type { ChartProps } from './chart'

/** A token's colour as the theme has it now: a canvas knows no custom properties, and no light-dark(). */
function colour(token: string, host: HTMLElement): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${token})`
  host.append(probe)
  const value = getComputedStyle(probe).color
  probe.remove()
  return value
}

function draw(host: HTMLElement, { x, series, bands = [], format, formatX, height = 260, mark }: ChartProps): uPlot {
  const [ink, line, paper] = [colour('--soft', host), colour('--line', host), colour('--paper', host)]
  const bars = uPlot.paths.bars?.({ size: [0.6, 48], radius: 0.1 })
  const lines: uPlot.Series[] = series.map((one, index) => {
    const stroke = colour(`--series-${one.tone ?? index + 1}`, host)
    if (one.kind === 'bars') return { label: one.label, stroke, fill: stroke, width: 0, paths: bars, points: { show: false } }
    return { label: one.label, stroke, width: 1.75, dash: one.kind === 'dashed' ? [5, 4] : undefined, points: { show: x.length < 3 }, spanGaps: false }
  })
  const edge = colour('--series-1', host)
  const wash = (share: number) => edge.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`)
  const edges = bands.flatMap((band) => [
    { label: `${band.label}, high`, stroke: 'transparent', width: 0, points: { show: false } },
    { label: `${band.label}, low`, stroke: 'transparent', width: 0, points: { show: false } },
  ])
  const offset = 1 + series.length
  const data = [x, ...series.map((one) => one.values), ...bands.flatMap((band) => [band.high, band.low])] as uPlot.AlignedData
  return new uPlot(
    {
      width: host.clientWidth || 600,
      height,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { y: false, points: { size: 7, stroke: paper } },
      scales: {
        // Columns stand in the middle of their time: the first and the last need half a step of room.
        x: { time: true, range: (_plot, low, high) => (series.some((one) => one.kind === 'bars') && x.length > 1 ? [low - (high - low) / (x.length - 1) / 1.8, high + (high - low) / (x.length - 1) / 1.8] : [low, high]) },
        y: { range: (_plot, low, high) => [Math.min(low ?? 0, 0), Math.max(high ?? 1, mark?.at ?? 0) * 1.06 || 1] },
      },
      axes: [
        { stroke: ink, grid: { show: false }, ticks: { stroke: line, size: 4 }, space: 72, size: 30, font: '11px system-ui', values: (_plot, ticks) => ticks.map(formatX) },
        { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 72, font: '11px system-ui', values: (_plot, ticks) => ticks.map(format) },
      ],
      series: [{}, ...lines, ...edges],
      bands: bands.map((_band, index) => ({ series: [offset + 2 * index, offset + 2 * index + 1], fill: wash(0.14 + 0.16 * index) })),
      hooks: {
        draw: [
          (plot) => {
            if (!mark) return
            const y = Math.round(plot.valToPos(mark.at, 'y', true))
            const { ctx, bbox } = plot
            ctx.save()
            ctx.strokeStyle = colour('--bad', host)
            ctx.setLineDash([4, 4])
            ctx.beginPath()
            ctx.moveTo(bbox.left, y)
            ctx.lineTo(bbox.left + bbox.width, y)
            ctx.stroke()
            ctx.fillStyle = ctx.strokeStyle
            ctx.font = `${11 * devicePixelRatio}px system-ui`
            ctx.fillText(mark.label, bbox.left + 6, y - 5)
            ctx.restore()
          },
        ],
      },
    },
    data,
    host,
  )
}

/** The canvas of a `Chart`. Drawn anew when the data, the width or the theme changes. */
export default function Drawing(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null)
  const tip = useRef<HTMLDivElement>(null)
  const { format, formatX, series, x } = props
  useEffect(() => {
    const element = host.current
    if (!element) return
    let plot = draw(element, props)
    const follow = () => {
      const index = plot.cursor.idx
      const box = tip.current
      if (!box) return
      if (index === null || index === undefined || (plot.cursor.left ?? -1) < 0) {
        box.hidden = true
        return
      }
      box.hidden = false
      box.textContent = [formatX(x[index] as number), ...series.map((one) => (one.values[index] == null ? null : `${one.label} ${format(one.values[index])}`)).filter(Boolean)].join('\n')
      box.style.left = `${Math.min(Math.max((plot.cursor.left ?? 0) + 84, 0), element.clientWidth - box.offsetWidth)}px`
    }
    element.addEventListener('pointermove', follow)
    element.addEventListener('pointerleave', follow)
    const sized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: props.height ?? 260 }))
    sized.observe(element)
    const stop = onColours(() => {
      plot.destroy()
      plot = draw(element, props)
    })
    return () => {
      stop()
      sized.disconnect()
      element.removeEventListener('pointermove', follow)
      element.removeEventListener('pointerleave', follow)
      plot.destroy()
    }
  }, [props, format, formatX, series, x])
  return (
    <div className="relative">
      <div ref={host} />
      <div ref={tip} hidden className="pointer-events-none absolute top-1 z-10 rounded-md border border-line bg-raised px-2 py-1 text-xs whitespace-pre shadow-high" />
    </div>
  )
}
