// The one mechanism behind restore, verify and clone: fill an empty twin from a snapshot, wake it, count it against the
// census. What becomes of the twin then (swapped in, kept, thrown away) is the caller's business.

import type { Bytes } from '../base/bytes.ts'
import { HayaiError } from '../base/errors.ts'
import type { Census, Engine, Facts, Format, Target } from '../engines/engine.ts'
import type { Site, Twin } from '../runtimes/runtime.ts'
import { compareCensus } from '../snapshots/compare.ts'
import type { Watching } from './watching.ts'

export interface Filling {
  readonly engine: Engine
  readonly format: Format
  /** Runs while the twin is being made; the twin gets no byte before it has succeeded. */
  readonly preflight: () => Promise<void>
  readonly bytes: () => Bytes
  /** undefined for a file that has no manifest: then nothing can be counted against. A function is asked after the last byte. */
  readonly expected: Census | undefined | (() => Promise<Census>)
  readonly watch: Watching
}

/** A filled, counted twin, still beside the live database. Whatever goes wrong, the twin is gone and the error is thrown. */
export async function filledTwin(site: Site, filling: Filling): Promise<{ readonly twin: Twin; readonly facts: Facts }> {
  const twin = await site.twin(filling.watch)
  try {
    const facts = await fill(twin, filling)
    const { expected } = filling
    const counted = typeof expected === 'function' ? await expected() : expected
    if (counted !== undefined) refuseDifferences(counted, facts.census, filling.engine)
    return { twin, facts }
  } catch (error) {
    await twin.close()
    throw error
  }
}

async function fill(twin: Twin, { engine, format, preflight, bytes, watch }: Filling): Promise<Facts> {
  await bothOrNeither(preflight(), format.fills === 'awake' ? twin.wake(watch.signal) : Promise.resolve())
  watch.stage('loading')
  await withTarget(twin, (target) => engine.load(target, format, engine.check(format, bytes()), watch.signal))
  if (format.fills === 'asleep') await twin.wake(watch.signal)
  watch.stage('counting')
  return withTarget(twin, (target) => engine.inspect(target))
}

async function withTarget<T>(twin: Twin, work: (target: Target) => Promise<T>): Promise<T> {
  const target = await twin.target()
  try {
    return await work(target)
  } finally {
    await target.close()
  }
}

// The first failure wins, but nothing is left running when it is thrown.
async function bothOrNeither(...works: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) {
    if (result.status === 'rejected') throw result.reason
  }
}

function refuseDifferences(expected: Census, found: Census, { counts }: Engine): void {
  const differences = compareCensus(expected, found, counts)
  if (differences.length === 0) return
  throw new HayaiError('CORRUPT', `what was restored is not what was dumped: ${differences.slice(0, 3).join('; ')}`, {
    hint: 'The live database was not touched. Try an older snapshot.',
    details: { differences },
  })
}
