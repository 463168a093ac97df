import { calendar, count, percent } from '~/lib/format'
import { useViewer } from '~/session/session'

/** A table of cohorts whose cells are shaded by how many are left. The colour repeats what the number says. */
export function Cohorts({ rows }: { rows: { month: string; size: number; retained: string[] }[] }) {
  const { place } = useViewer()
  const months = Math.max(0, ...rows.map((row) => row.retained.length))
  return (
    <div className="relative overflow-x-auto" role="region" aria-label="Cohorts" tabIndex={0}>
      <table className="w-full border-separate border-spacing-0.5 px-3 pb-3 text-xs">
        <thead>
          <tr>
            <th scope="col" className="px-1.5 py-1 text-left font-medium whitespace-nowrap text-soft">First paid</th>
            <th scope="col" className="px-1.5 py-1 text-right font-medium text-soft">Accounts</th>
            {Array.from({ length: months }, (_, index) => (
              <th key={index} scope="col" className="min-w-12 px-1 py-1 text-center font-medium whitespace-nowrap text-soft">
                <span className="sr-only">After month </span>
                {index}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.month}>
              <th scope="row" className="px-1.5 py-1 text-left font-normal whitespace-nowrap">{calendar(row.month, place)}</th>
              <td className="px-1.5 py-1 text-right">{count(row.size, place)}</td>
              {Array.from({ length: months }, (_, index) => {
                const value = row.retained[index]
                if (value === undefined) return <td key={index} />
                return (
                  <td key={index} className="rounded-sm px-1 py-1 text-center" style={{ background: `color-mix(in srgb, var(--series-1) ${Math.round((Math.max(0, Math.min(100, Number(value))) / 100) * 40)}%, var(--paper))` }}>
                    {percent(value, place, { digits: 0 })}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
