import { describe, expect, it } from 'vitest'
import { choosable, leftOf, readParts } from './parts'

const line = (change: object) => ({ id: 'a', kind: 'usage', amount: '10.000000', credited: '2.000000', disputed: '1.500000', settled: false, ...change }) as Parameters<typeof leftOf>[0]

describe('parts of lines', () => {
  it('leaves what was neither credited nor disputed', () => {
    expect(leftOf(line({}))).toBe('6.500000')
  })
  it('offers no taxes, nothing paid from credit, nothing used up', () => {
    expect(choosable([line({}), line({ kind: 'tax' }), line({ settled: true }), line({ credited: '8.5' })]).length).toBe(1)
  })
  it('takes no more than is left, and never nothing', () => {
    const lines = [{ id: 'a', most: '6.50' }, { id: 'b', most: '1' }]
    expect(readParts(lines, { a: '6.50', b: '0,5' })).toEqual({ parts: [{ line: 'a', amount: '6.50' }, { line: 'b', amount: '0.5' }], total: '7.000000', wrong: null })
    expect(readParts(lines, { a: '6.51' }).wrong).toMatch(/more than is left/)
    expect(readParts(lines, { a: '0' }).wrong).toMatch(/above zero/)
    expect(readParts(lines, {}).wrong).toMatch(/at least one/)
  })
})
