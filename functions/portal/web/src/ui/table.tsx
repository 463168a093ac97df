import { type ColumnDef, tableFeatures, useTable } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { Button } from './button'
import { Icon } from './icon'
import { InRow } from './row'
import { Failed, Skeleton } from './state'

const ROW_PX = 40
const features = tableFeatures({})

/** A column of a `DataTable`. */
export interface Column<Row> {
  id: string
  head: string
  /** What stands in the cell. Text from data is given as text. */
  cell: (row: Row) => ReactNode
  /** Figures stand right. */
  align?: 'left' | 'right'
  /** Its share of the width in rem; the first column without one takes what is left. */
  width?: number
  /** Not shown below this width of the page: the most important columns have none. */
  from?: 'sm' | 'md' | 'lg' | 'xl'
  /** The name by which it is sorted; in the table itself if `value` is given, else by `onSort`. */
  sort?: string
  /** What an in-table sort compares. */
  value?: (row: Row) => string | number | bigint
}

export interface Selection {
  has: (id: string) => boolean
  toggle: (id: string) => void
  /** All rows shown, on or off. */
  toggleAll: () => void
  all: boolean
  some: boolean
}

interface Props<Row> {
  /** What the table is, for screen readers. */
  label: string
  columns: Column<Row>[]
  rows: Row[]
  rowId: (row: Row) => string
  loading?: boolean
  error?: unknown
  retry?: () => void
  /** What stands there when there are no rows. */
  empty: ReactNode
  /** Opens a row: Enter on it, or a press. The first cell should hold the real link. */
  onOpen?: (row: Row) => void
  selection?: Selection
  /** `name` or `-name`. */
  sort?: string
  onSort?: (sort: string) => void
  /** With windows of a longer list: how many rows there are in all, and the row at a place if it is there. `rows` is then not looked at. */
  total?: number
  rowAt?: (index: number) => Row | undefined
  /** Which rows are in sight, so that they can be fetched. */
  onRange?: (first: number, last: number) => void
  /** The list goes on: shows a button below. */
  hasMore?: boolean
  more?: () => void
  loadingMore?: boolean
  /** The highest the table gets before it scrolls, as a CSS length. */
  maxHeight?: string
  /** Another filter is under way: what is shown is the last one's. */
  stale?: boolean
}

const BREAKS = { sm: '40rem', md: '48rem', lg: '64rem', xl: '80rem' } as const
/** The least room of a column without a width of its own. */
const FLEXIBLE_REM = 13

/** Which of the widths a page has reached; a column below its own is not made at all. */
function useBreaks(): Record<keyof typeof BREAKS, boolean> {
  const [medias] = useState(() => Object.entries(BREAKS).map(([name, width]) => [name, matchMedia(`(min-width: ${width})`)] as const))
  const reached = useSyncExternalStore(
    (listener) => {
      medias.forEach(([, media]) => media.addEventListener('change', listener))
      return () => medias.forEach(([, media]) => media.removeEventListener('change', listener))
    },
    () => medias.filter(([, media]) => media.matches).map(([name]) => name).join(),
  )
  return useMemo(() => Object.fromEntries(Object.keys(BREAKS).map((name) => [name, reached.split(',').includes(name)])) as Record<keyof typeof BREAKS, boolean>, [reached])
}

function order(left: string | number | bigint, right: string | number | bigint): number {
  if (typeof left === 'string' && typeof right === 'string') return left.localeCompare(right, undefined, { numeric: true })
  return left < right ? -1 : left > right ? 1 : 0
}

/** A table with a head that stays, rows made only where they are seen, and states for loading, nothing and failure. */
export function DataTable<Row>(props: Props<Row>) {
  const { label, rowId, loading = false, error, retry, empty, onOpen, selection, onSort, total, rowAt, onRange, maxHeight, stale = false } = props
  const [ownSort, setOwnSort] = useState(props.sort ?? '')
  const sort = onSort ? (props.sort ?? '') : ownSort
  const scroller = useRef<HTMLDivElement>(null)
  const breaks = useBreaks()
  const columns = useMemo(() => props.columns.filter((column) => !column.from || breaks[column.from]), [props.columns, breaks])
  const leastRem = columns.reduce((total, column) => total + (column.width ?? FLEXIBLE_REM), selection ? 2.5 : 0)

  const rows = useMemo(() => {
    if (onSort || !ownSort) return props.rows
    const column = columns.find((candidate) => candidate.sort === ownSort.replace(/^-/, ''))
    if (!column?.value) return props.rows
    const { value } = column
    const way = ownSort.startsWith('-') ? -1 : 1
    return [...props.rows].sort((a, b) => way * order(value(a), value(b)))
  }, [props.rows, ownSort, onSort, columns])

  const count = total ?? rows.length
  const virtual = count > 60
  const virtualizer = useVirtualizer({
    count,
    enabled: virtual,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const items = virtual ? virtualizer.getVirtualItems() : null
  // Rows are made a little beyond what is seen; what is told is what is seen.
  const [seenFirst, seenLast] = items ? [virtualizer.range?.startIndex ?? 0, virtualizer.range?.endIndex ?? 0] : [0, count - 1]
  useEffect(() => {
    if (seenFirst <= seenLast) onRange?.(seenFirst, seenLast)
  }, [onRange, seenFirst, seenLast])
  const first = items?.[0]?.index ?? 0
  const last = items ? (items.at(-1)?.index ?? -1) : count - 1

  const shown = useMemo(() => {
    const at = rowAt ?? ((index: number) => rows[index])
    const window: { row: Row | undefined; index: number }[] = []
    for (let index = first; index <= last; index += 1) window.push({ row: at(index), index })
    return window
  }, [rowAt, rows, first, last])

  const definitions = useMemo<ColumnDef<typeof features, (typeof shown)[number]>[]>(
    () => columns.map((column) => ({ id: column.id, header: column.head, cell: (context) => (context.row.original.row === undefined ? <Skeleton className="h-3 w-3/5" /> : column.cell(context.row.original.row)) })),
    [columns],
  )
  const table = useTable({
    features,
    columns: definitions,
    data: shown,
    // A place of a window keeps its element when its row comes, and with it the focus.
    getRowId: (item) => (rowAt || item.row === undefined ? `row-${item.index}` : rowId(item.row)),
  })

  const move = useCallback(
    (event: KeyboardEvent<HTMLTableRowElement>, index: number, row: Row | undefined) => {
      // Right and left walk through what can be pressed in the row, and back to it.
      const inside = [...event.currentTarget.querySelectorAll<HTMLElement>('a, button')]
      const at = inside.indexOf(event.target as HTMLElement)
      if ((event.key === 'ArrowRight' || event.key === 'ArrowLeft') && (event.target === event.currentTarget || at >= 0)) {
        const next = event.key === 'ArrowRight' ? inside[at + 1] : at > 0 ? inside[at - 1] : at === 0 ? event.currentTarget : undefined
        if (next) {
          event.preventDefault()
          next.focus()
        }
        return
      }
      if (event.target !== event.currentTarget) return
      const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -count, End: count }
      const step = steps[event.key]
      if (step !== undefined) {
        event.preventDefault()
        const target = Math.max(0, Math.min(count - 1, index + step))
        if (virtual) virtualizer.scrollToIndex(target)
        // A row far away is made some frames after the scrolling; then it takes the focus.
        const focus = (frames: number) => {
          const there = scroller.current?.querySelector<HTMLElement>(`tr[data-index="${target}"]`)
          if (there) there.focus({ preventScroll: virtual })
          else if (frames > 0) requestAnimationFrame(() => focus(frames - 1))
        }
        requestAnimationFrame(() => focus(30))
      } else if (event.key === 'Enter' && row !== undefined && onOpen) {
        event.preventDefault()
        onOpen(row)
      } else if ((event.key === ' ' || event.key === 'x') && row !== undefined && selection) {
        event.preventDefault()
        selection.toggle(rowId(row))
      }
    },
    [count, onOpen, rowId, selection, virtual, virtualizer],
  )

  const goOn = props.hasMore && (
    <div className="no-print flex justify-center border-t border-line p-3">
      <Button onClick={props.more} busy={props.loadingMore}>
        Load more
      </Button>
    </div>
  )
  if (error && count === 0) return <Failed error={error} retry={retry} what={label} />
  // Nothing among what was fetched is not nothing at all.
  if (!loading && count === 0) {
    return (
      <>
        {empty}
        {goOn}
      </>
    )
  }

  const span = columns.length + (selection ? 1 : 0)
  const before = items ? (items[0]?.start ?? 0) : 0
  const after = items ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0
  const interactive = Boolean(onOpen || selection)

  const toggleSort = (name: string) => {
    const next = sort === `-${name}` ? name : sort === name ? `-${name}` : columns.find((column) => column.sort === name)?.align === 'right' ? `-${name}` : name
    if (onSort) onSort(next)
    else setOwnSort(next)
  }

  return (
    <div className={stale ? 'opacity-60 transition-opacity' : 'transition-opacity'} aria-busy={loading || stale}>
      <div ref={scroller} role="region" aria-label={label} tabIndex={0} className="overflow-auto" style={{ maxHeight: virtual ? (maxHeight ?? 'min(70vh, 52rem)') : maxHeight }}>
        <table className="w-full table-fixed border-separate border-spacing-0 text-sm" style={{ minWidth: columns.length > 3 ? `${leastRem}rem` : undefined }} aria-rowcount={count + 1}>
          <colgroup>
            {selection && <col style={{ width: '2.5rem' }} />}
            {columns.map((column) => (
              <col key={column.id} style={column.width ? { width: `${column.width}rem` } : undefined} />
            ))}
          </colgroup>
          <thead>
            {table.getHeaderGroups().map((group) => (
              <tr key={group.id} aria-rowindex={1}>
                {selection && (
                  <th scope="col" className="sticky top-0 z-10 border-b border-line bg-paper pl-4 text-left">
                    <input
                      type="checkbox"
                      aria-label="Select all rows shown"
                      className="size-4 align-middle accent-(--accent-ink)"
                      checked={selection.all}
                      ref={(box) => {
                        if (box) box.indeterminate = selection.some && !selection.all
                      }}
                      onChange={selection.toggleAll}
                    />
                  </th>
                )}
                {group.headers.map((header) => {
                  const column = columns.find((candidate) => candidate.id === header.column.id) as Column<Row>
                  const sortable = column.sort !== undefined && (onSort !== undefined || column.value !== undefined)
                  const way = sort === column.sort ? 'ascending' : sort === `-${column.sort}` ? 'descending' : undefined
                  return (
                    <th
                      key={header.id}
                      scope="col"
                      aria-sort={sortable ? (way ?? 'none') : undefined}
                      className={`sticky top-0 z-10 h-9 truncate border-b border-line bg-paper px-3 text-xs font-medium text-soft first:pl-4 last:pr-4 ${column.align === 'right' ? 'text-right' : 'text-left'}`}
                    >
                      {sortable ? (
                        <button type="button" className="inline-flex items-center gap-1 hover:text-ink" onClick={() => toggleSort(column.sort as string)}>
                          {column.head}
                          {way && <Icon name={way === 'ascending' ? 'up' : 'down'} size={12} />}
                        </button>
                      ) : column.head ? (
                        column.head
                      ) : (
                        <span className="sr-only">Actions</span>
                      )}
                    </th>
                  )
                })}
              </tr>
            ))}
          </thead>
          <tbody>
            {loading && count === 0
              ? Array.from({ length: 8 }, (_, index) => (
                  <tr key={index} className="h-10">
                    {selection && <td className="border-b border-line" />}
                    {columns.map((column) => (
                      <td key={column.id} className={`border-b border-line px-3 first:pl-4 last:pr-4 ${column.align === 'right' ? 'text-right' : ''}`}>
                        <Skeleton className="h-3 w-3/5" />
                      </td>
                    ))}
                  </tr>
                ))
              : null}
            {before > 0 && (
              <tr aria-hidden="true">
                <td colSpan={span} style={{ height: before, padding: 0 }} />
              </tr>
            )}
            {table.getRowModel().rows.map((line) => {
              const { row, index } = line.original
              const chosen = row !== undefined && selection?.has(rowId(row))
              return (
                <tr
                  key={line.id}
                  data-index={index}
                  aria-rowindex={index + 2}
                  aria-selected={selection ? Boolean(chosen) : undefined}
                  tabIndex={interactive ? (index === first ? 0 : -1) : undefined}
                  className={`h-10 ${interactive ? 'hover:bg-surface focus:bg-surface' : ''} ${onOpen ? 'cursor-pointer' : ''} ${chosen ? 'bg-accent-wash' : ''}`}
                  onKeyDown={interactive ? (event) => move(event, index, row) : undefined}
                  onClick={
                    onOpen && row !== undefined
                      ? (event) => {
                          if ((event.target as HTMLElement).closest('a, button, input, label, select') || getSelection()?.toString()) return
                          onOpen(row)
                        }
                      : undefined
                  }
                >
                  {selection && (
                    <td className="border-b border-line pl-4">
                      {row !== undefined && <input type="checkbox" aria-label="Select row" className="size-4 align-middle accent-(--accent-ink)" checked={Boolean(chosen)} onChange={() => selection.toggle(rowId(row))} />}
                    </td>
                  )}
                  {line.getAllCells().map((cell) => {
                    const column = columns.find((candidate) => candidate.id === cell.column.id) as Column<Row>
                    return (
                      <td key={cell.id} className={`truncate border-b border-line px-3 first:pl-4 last:pr-4 ${column.align === 'right' ? 'text-right tabular-nums' : ''}`}>
                        <InRow value={interactive}>
                          <table.FlexRender cell={cell} />
                        </InRow>
                      </td>
                    )
                  })}
                </tr>
              )
            })}
            {after > 0 && (
              <tr aria-hidden="true">
                <td colSpan={span} style={{ height: after, padding: 0 }} />
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {error && count > 0 ? <Failed error={error} retry={retry} what="The rest" /> : null}
      {goOn}
    </div>
  )
}
