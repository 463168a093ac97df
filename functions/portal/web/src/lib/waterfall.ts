import { fromMicros, toMicros } from './decimal'

/** A step of a waterfall as the API gives it: one more part with its sign, or a `total` of what came before. */
export interface Step {
  label: string
  amount: string
  total: boolean
}
/** A step with where its bar stands. */
export interface Bar extends Step {
  from: string
  to: string
}

/** The bars of a waterfall: each begins where the one before it ended; those of totals stand on zero. */
export function waterfall(steps: Step[]): Bar[] {
  let level = 0n
  return steps.map((step) => {
    const from = step.total ? 0n : level
    level = from + toMicros(step.amount)
    return { label: step.label, amount: step.amount, total: step.total, from: fromMicros(from), to: fromMicros(level) }
  })
}
