import { describe, expect, it } from 'vitest'
import { ALL, everyShown, has, NONE, sizeOf, toggle, toggleShown } from './selection'

describe('the selection of the grid', () => {
  it('names accounts one by one', () => {
    const two = toggle(toggle(NONE, 'a'), 'b')
    expect([has(two, 'a'), has(two, 'b'), has(two, 'c'), sizeOf(two, 9)]).toEqual([true, true, false, 2])
    expect(has(toggle(two, 'a'), 'a')).toBe(false)
  })

  it('leaves one out of all that match, and keeps the rest', () => {
    const less = toggle(ALL, 'a')
    expect([has(less, 'a'), has(less, 'far away'), sizeOf(less, 100_000)]).toEqual([false, true, 99_999])
    expect(sizeOf(toggle(less, 'a'), 100_000)).toBe(100_000)
  })

  it('takes the rows in sight and nothing else', () => {
    const shown = toggleShown(NONE, ['x', 'y'])
    expect([...shown.ids]).toEqual(['x', 'y'])
    expect(everyShown(shown, ['x', 'y'])).toBe(true)
    expect(everyShown(shown, ['y', 'z'])).toBe(false)
    expect([...toggleShown(shown, ['y', 'z']).ids]).toEqual(['x', 'y', 'z'])
    expect(toggleShown(shown, ['x', 'y'])).toEqual(NONE)
    expect(everyShown(NONE, [])).toBe(false)
  })

  it('takes the rows in sight back into all that match', () => {
    expect(toggleShown(toggle(toggle(ALL, 'x'), 'far away'), ['x', 'y'])).toEqual({ all: true, ids: new Set(['far away']) })
    expect(toggleShown(ALL, ['x'])).toEqual(NONE)
  })
})
