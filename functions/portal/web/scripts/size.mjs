// Adds up the script that the first view loads: the entry, the overview page, and all they import. Fails above the budget.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const BUDGET_KB = 150
const FIRST_VIEW = ['index.html', 'src/pages/overview/page.tsx']

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'))

const files = new Set()
function collect(key) {
  const chunk = manifest[key]
  if (!chunk) throw new Error(`${key} is not in the manifest: was it renamed?`)
  if (files.has(chunk.file)) return
  files.add(chunk.file)
  for (const imported of chunk.imports ?? []) collect(imported)
}
FIRST_VIEW.forEach(collect)

const sizes = [...files].map((file) => [file, gzipSync(readFileSync(dist + file), { level: 9 }).length / 1024])
const total = sizes.reduce((sum, [, size]) => sum + size, 0)
for (const [file, size] of sizes.sort((a, b) => b[1] - a[1])) console.log(`${size.toFixed(1).padStart(7)} KB  ${file}`)
console.log(`${total.toFixed(1).padStart(7)} KB  first view, gzipped (budget ${BUDGET_KB} KB)`)
if (total > BUDGET_KB) {
  console.error(`The first view is ${(total - BUDGET_KB).toFixed(1)} KB over its budget.`)
  process.exit(1)
}
