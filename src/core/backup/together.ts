// Several databases at once: their locks, always taken in the same order, so that no two commands wait for each other.

import { availableParallelism } from 'node:os'
import { withLock } from '../../base/locks.ts'
import type { Context } from '../context.ts'

interface Locking {
  readonly purpose: string
  readonly signal?: AbortSignal
}

/** Does the work with the locks of all these databases held, whether they are there yet or not. */
export async function withAll<T>(context: Context, names: readonly string[], options: Locking, work: () => Promise<T>): Promise<T> {
  const sorted = [...new Set(names)].toSorted((a, b) => (a < b ? 1 : -1))
  return sorted.reduce<() => Promise<T>>((inner, name) => () => withLock(context.paths.databaseLock(name), options, inner), work)()
}

/** As many at a time as there are cores. Waits for all of them, also when one has failed; then the first failure is thrown. */
export async function inLanes<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: { readonly at: number; readonly value: R }[] = []
  const failures: { readonly error: unknown }[] = []
  const waiting = [...items.entries()]
  const lanes = Array.from({ length: Math.max(2, availableParallelism()) }, async () => {
    for (let next = waiting.shift(); next !== undefined && failures.length === 0; next = waiting.shift()) {
      const [at, item] = next
      try {
        results.push({ at, value: await work(item) })
      } catch (error) {
        failures.push({ error })
      }
    }
  })
  await Promise.all(lanes)
  const [failure] = failures
  if (failure !== undefined) throw failure.error
  return results.toSorted((a, b) => a.at - b.at).map(({ value }) => value)
}
