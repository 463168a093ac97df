/** The numbers of a drawing, for whoever reads rather than looks: a row for each moment, a column for each of `heads`. */
export function Numbers({ title, heads, rows }: { title: string; heads: string[]; rows: { key: string | number; when: string; cells: string[] }[] }) {
  return (
    <details className="mt-2 text-xs">
      <summary className="text-soft">Show the numbers</summary>
      <div className="mt-2 max-h-64 overflow-auto rounded border border-line" role="region" aria-label={`${title}: numbers`} tabIndex={0}>
        <table className="w-full text-xs">
          <thead>
            <tr>
              <th scope="col" className="sticky top-0 bg-paper px-2 py-1 text-left font-medium text-soft">When</th>
              {heads.map((head) => (
                <th key={head} scope="col" className="sticky top-0 bg-paper px-2 py-1 text-right font-medium text-soft">{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, when, cells }) => (
              <tr key={key}>
                <th scope="row" className="px-2 py-0.5 text-left font-normal">{when}</th>
                {cells.map((cell, at) => (
                  <td key={heads[at]} className="px-2 py-0.5 text-right">{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
