import { compare, fromMicros, minus, sign, sum, toMicros } from './decimal'

export interface Step {
  label: string
  amount: string
}
/** A step with where its bar stands. `total`: it stands on zero, as the first and the last do. */
export interface Bar extends Step {
  from: string
  to: string
  total: boolean
}

/**
 * The bars of a waterfall: the first step is where it begins, the last what is left, and those between lead from one to the other. What is
 * taken off may come as a size or with its sign; the one of the two that adds up is taken.
 */
export function waterfall(steps: Step[]): Bar[] {
  const [first, last] = [steps[0], steps.at(-1)]
  if (!first || !last || steps.length < 2) return steps.map((step) => ({ ...step, from: '0.000000', to: step.amount, total: true }))
  const between = steps.slice(1, -1)
  const signed = sum([first.amount, ...between.map((step) => step.amount)])
  const sizes = compare(signed, last.amount) !== 0 && compare(minus(first.amount, sum(between.map((step) => step.amount))), last.amount) === 0
  let level = toMicros(first.amount)
  const bars: Bar[] = [{ ...first, from: '0.000000', to: first.amount, total: true }]
  for (const step of between) {
    const change = sizes ? -toMicros(step.amount) : toMicros(step.amount)
    bars.push({ label: step.label, amount: fromMicros(change), from: fromMicros(level), to: fromMicros(level + change), total: false })
    level += change
  }
  return [...bars, { ...last, from: '0.000000', to: last.amount, total: true }]
}

/** Whether what is left is below zero. */
export function loses(bars: Bar[]): boolean {
  const last = bars.at(-1)
  return last !== undefined && sign(last.amount) < 0
}
