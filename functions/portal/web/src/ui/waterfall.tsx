import { forDrawing, sign } from '~/lib/decimal'
import { type Step, waterfall } from '~/lib/waterfall'
import { Amount, type Explanation } from './amount'

/** A waterfall lying on its side, so that its names stay readable on a phone: a table whose rows hold their bar. */
export function Waterfall({ label, steps, currency }: { label: string; steps: (Step & { explain: Explanation })[]; currency?: string }) {
  const bars = waterfall(steps)
  const ends = bars.flatMap((bar) => [forDrawing(bar.from), forDrawing(bar.to)])
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends) || 1]
  const at = (value: string) => ((forDrawing(value) - low) / (high - low)) * 100
  return (
    <table className="w-full text-sm">
      <caption className="sr-only">{label}</caption>
      <thead className="sr-only">
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Bar</th>
          <th scope="col">Amount</th>
        </tr>
      </thead>
      <tbody>
        {bars.map((bar, index) => {
          const [from, to] = [at(bar.from), at(bar.to)].sort((a, b) => a - b) as [number, number]
          const below = sign(bar.amount) < 0
          const colour = bar.total ? (below ? 'var(--bad-solid)' : 'var(--series-1)') : below ? 'var(--series-2)' : 'var(--series-3)'
          return (
            <tr key={bar.label} className={bar.total ? 'font-semibold' : ''}>
              <th scope="row" className={`w-[34%] py-1.5 pr-3 text-left sm:w-44 ${bar.total ? 'font-semibold' : 'font-normal text-soft'}`}>
                {bar.label}
              </th>
              <td className="py-1.5" aria-hidden="true">
                <div className="relative h-6">
                  <span className="absolute inset-y-0 border-l border-line-strong" style={{ left: `${at('0')}%` }} />
                  <span className="absolute inset-y-0.5 rounded-xs" style={{ left: `${from}%`, width: `max(2px, ${to - from}%)`, background: colour }} />
                </div>
              </td>
              <td className="w-28 py-1.5 pl-3 text-right sm:w-36">
                <Amount value={bar.amount} currency={currency} signed={!bar.total} tone="negative" explain={steps[index]?.explain} />
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
