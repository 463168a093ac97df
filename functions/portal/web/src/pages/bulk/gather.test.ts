import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '~/api/problem'
import { gatherIds, newGathering } from './gather'

const all = Array.from({ length: 1_050 }, (_, index) => `acc_${index}`)
const cut = (offset: number) => ({ ids: all.slice(offset, offset + 200), matched: all.length })

describe('gathering all that match', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('asks each page once, a few at a time, and keeps the order', async () => {
    let under = 0
    let most = 0
    const page = vi.fn(async (offset: number) => {
      most = Math.max(most, (under += 1))
      await new Promise((done) => setTimeout(done, offset === 200 ? 50 : 5))
      under -= 1
      return cut(offset)
    })
    const gathered = gatherIds(page, new AbortController().signal, newGathering(), () => {})
    await vi.runAllTimersAsync()
    expect(await gathered).toEqual(all)
    expect(page).toHaveBeenCalledTimes(6)
    expect(most).toBe(4)
  })

  it('waits as long as it is told to, and asks that page again', async () => {
    const asked: number[] = []
    const page = vi.fn(async (offset: number) => {
      asked.push(Date.now())
      if (asked.length === 1) throw new ApiError(429, {}, 7)
      return cut(offset)
    })
    const gathered = gatherIds(page, new AbortController().signal, newGathering(), () => {})
    await vi.runAllTimersAsync()
    expect(await gathered).toHaveLength(1_050)
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBe(7_000)
  })

  it('goes on after a failure where it was', async () => {
    const soFar = newGathering()
    const once = vi.fn(async (offset: number) => {
      if (offset === 600) throw new ApiError(403, {})
      return cut(offset)
    })
    await expect(gatherIds(once, new AbortController().signal, soFar, () => {})).rejects.toBeInstanceOf(ApiError)
    const had = [...soFar.pages.keys()]
    const again = vi.fn(async (offset: number) => cut(offset))
    expect(await gatherIds(again, new AbortController().signal, soFar, () => {})).toEqual(all)
    expect(again).toHaveBeenCalledTimes(6 - had.length)
    expect(again).toHaveBeenCalledWith(600)
  })

  it('gives nothing when it was stopped', async () => {
    const stop = new AbortController()
    const gathered = gatherIds(
      async (offset) => {
        stop.abort()
        return cut(offset)
      },
      stop.signal,
      newGathering(),
      () => {},
    )
    await expect(gathered).rejects.toThrow()
  })
})
