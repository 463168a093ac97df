import Papa from 'papaparse'
import { ABOUT, type Kind } from './kinds'

export type Row = Record<string, unknown>
/** What came of reading rows: the rows with their columns, or what is wrong with all of it. */
export type Read = { rows: Row[]; columns: string[]; wrong: null } | { rows: null; columns: string[]; wrong: string }

/** The most rows of a job. */
export const ROWS_MAX = 100_000
/** Requests may have 6 MiB; what comes near is uploaded instead. */
export const INLINE_BYTES = 5 * 1024 * 1024
/** The most that can be uploaded. */
export const UPLOAD_BYTES = 64 * 1024 * 1024

/** Reads rows from text: CSV with a header, a JSON list of objects, or a JSON object a line. Cells that are empty are left out, as the API does. */
export function readRows(text: string): Read {
  const trimmed = text.replace(/^\ufeff/, '').trim()
  if (!trimmed) return { rows: null, columns: [], wrong: 'There are no rows.' }
  return trimmed.startsWith('[') ? readJson(trimmed) : trimmed.startsWith('{') ? readLines(trimmed) : readCsv(trimmed)
}

function readJson(text: string): Read {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    return { rows: null, columns: [], wrong: `This is no JSON: ${(error as Error).message}` }
  }
  return readList(Array.isArray(list) ? list : [], 'Element')
}

function readLines(text: string): Read {
  const list: unknown[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (!line.trim()) continue
    try {
      list.push(JSON.parse(line))
    } catch {
      return { rows: null, columns: [], wrong: `Line ${index + 1} is no JSON object.` }
    }
  }
  return readList(list, 'Line')
}

function readList(list: unknown[], word: string): Read {
  const bad = list.findIndex((row) => typeof row !== 'object' || row === null || Array.isArray(row))
  if (bad >= 0) return { rows: null, columns: [], wrong: `${word} ${bad + 1} is no object.` }
  return checked(list as Row[], [...new Set(list.flatMap((row) => Object.keys(row as Row)))])
}

function readCsv(text: string): Read {
  const parsed = Papa.parse<string[]>(text, { skipEmptyLines: 'greedy' })
  const problem = parsed.errors.find((error) => error.type === 'Quotes')
  if (problem) return { rows: null, columns: [], wrong: `Row ${(problem.row ?? 0) + 1} has a quote that is not closed.` }
  const [head = [], ...lines] = parsed.data
  const columns = head.map((name) => name.trim())
  const twice = columns.find((name, index) => columns.indexOf(name) !== index)
  if (twice !== undefined) return { rows: null, columns, wrong: `The column “${twice}” is there twice.` }
  const long = lines.findIndex((line) => line.length > columns.length)
  if (long >= 0) return { rows: null, columns, wrong: `Row ${long + 1} has more cells than there are columns.` }
  return checked(
    lines.map((line) => Object.fromEntries(columns.flatMap((name, index) => (line[index] === undefined || line[index] === '' ? [] : [[name, name === 'tags' ? readTags(line[index]) : line[index]]])))),
    columns,
  )
}

/** `plan=gold;region=emea` as an object; what is not written so is left for the API to refuse by its row. */
export function readTags(cell: string): unknown {
  const pairs = cell.split(';').filter((part) => part.trim())
  if (!pairs.every((pair) => pair.includes('='))) return cell
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()]))
}

function checked(rows: Row[], columns: string[]): Read {
  if (rows.length === 0) return { rows: null, columns, wrong: 'There are no rows below the header.' }
  if (rows.length > ROWS_MAX) return { rows: null, columns, wrong: `A job has at most ${ROWS_MAX.toLocaleString('en')} rows: split this in several.` }
  return { rows, columns, wrong: null }
}

/** What is wrong with the columns for a kind of job; null if nothing is. */
export function columnsWrong(kind: Kind, columns: string[]): string | null {
  const { needed, more } = ABOUT[kind]
  const missing = needed.filter((name) => !columns.includes(name))
  if (missing.length > 0) return `The column ${missing.map((name) => `“${name}”`).join(' and ')} is missing.${columns.length === 1 && /[;\t]/.test(columns[0] ?? '') ? ' Separate cells by commas.' : ''}`
  const unknown = kind === 'notifications' ? [] : columns.filter((name) => !needed.includes(name) && !more.includes(name))
  return unknown.length > 0 ? `A job of this kind has no column ${unknown.map((name) => `“${name}”`).join(', ')}.` : null
}

/** The first line of a file that is too large to read here: its columns, if it is CSV. */
export function headerOf(start: string): string[] {
  const text = start.replace(/^\ufeff/, '')
  if (/^\s*[[{]/.test(text)) return []
  return (Papa.parse<string[]>(text, { preview: 1 }).data[0] ?? []).map((name) => name.trim())
}

/** Rows as JSON lines, for an upload. */
export function toLines(rows: Row[]): string {
  return rows.map((row) => JSON.stringify(row)).join('\n')
}
