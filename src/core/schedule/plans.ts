// The plans of a project, by name, with what the record says of them.

import { HayaiError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { DeclaredRetention, Plan } from '../../project/plans.ts'
import { parseDuration, type Retention } from '../../snapshots/retention.ts'
import { configOf, type Context } from '../context.ts'
import { entriesOf, type Entry } from './runs.ts'

export async function plansOf(context: Context): Promise<readonly Plan[]> {
  return (await configOf(context))?.plans ?? []
}

/** NOT_FOUND, with the nearest name, when `.hayaidb` declares no such plan. */
export async function planCalled(context: Context, name: string): Promise<Plan> {
  const plans = await plansOf(context)
  const found = plans.find((plan) => plan.name === name)
  if (found !== undefined) return found
  const names = plans.map((plan) => plan.name)
  if (names.length === 0) {
    throw new HayaiError('NOT_FOUND', '.hayaidb declares no plan', {
      hint: 'Write `global: {backup: {schedule: "0 2 * * *", retention: 30d}}` into it, and see what `hayai validate` says of it.',
    })
  }
  const near = nearest(name, names)
  throw new HayaiError('NOT_FOUND', `no plan is called ${JSON.stringify(name)}`, {
    hint: `${near === undefined ? '' : `Did you mean "${near}"? `}There are: ${names.join(', ')}.`,
  })
}

export async function recordOf(context: Context): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for await (const entry of entriesOf(context.paths.runs)) entries.push(entry)
  return entries
}

/** undefined: everything is kept. */
export function policyOf(declared: DeclaredRetention | undefined): Retention | undefined {
  if (declared === undefined) return undefined
  const { within, ...counts } = declared
  return { ...counts, ...(within !== undefined && { within: parseDuration(within) }) }
}
