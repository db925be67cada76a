// The one mechanism behind restore, verify and clone: fill an empty twin from a snapshot, wake it, count it against the
// census. What becomes of the twin then (swapped in, kept, thrown away) is the caller's business.

import type { Bytes } from '../base/bytes.ts'
import { HayaiError, isCode, systemCode } from '../base/errors.ts'
import type { Census, Engine, Facts, Format, Target } from '../engines/engine.ts'
import type { Site, Twin } from '../runtimes/runtime.ts'
import { compareCensus } from '../snapshots/compare.ts'
import type { Source } from './library.ts'
import type { Watching } from './watching.ts'

export interface Filling {
  readonly engine: Engine
  readonly format: Format
  readonly bytes: () => Bytes
  /** undefined for what has been looked at before, and for what was never digested. */
  readonly proof?: Proof
  /** undefined for a file that has no manifest: then nothing can be counted against. A function is asked after the last byte. */
  readonly expected: Census | undefined | (() => Promise<Census>)
  readonly watch: Watching
}

/** What shows that a snapshot is as it was written, before any server has to do with its bytes. */
export interface Proof {
  /** Reads all of it; throws CORRUPT. Runs while a server is being started, which gets no byte before it has succeeded. */
  check(): Promise<void>
  /** The plain bytes, and CORRUPT at their end: one reading less where they become files, on which a server is started only then. */
  bytes(): Bytes
}

/** A twin filled from a snapshot that was found, and that nobody has looked at yet. */
export function twinFrom(site: Site, source: Source, watch: Watching): ReturnType<typeof filledTwin> {
  const plain = source.manifest?.files[0]?.plain.bytes
  const onBytes = (done: number): void => watch.bytes(done, plain)
  return filledTwin(site, {
    engine: source.engine,
    format: source.format,
    bytes: () => source.open(onBytes),
    ...(source.manifest !== null && { proof: proofOf(source, onBytes, watch) }),
    expected: source.manifest?.census,
    watch,
  })
}

function proofOf(source: Source, onBytes: (done: number) => void, watch: Watching): Proof {
  return {
    check: async () => {
      await source.checkReadable()
      await source.verifyDigest((done, total) => watch.bytes(done, total), watch.signal)
    },
    bytes: () => source.openDigested(onBytes),
  }
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

async function fill(twin: Twin, { engine, format, proof, bytes, watch }: Filling): Promise<Facts> {
  const load = (read: () => Bytes, digested = false): Promise<void> => {
    watch.stage('loading')
    return withTarget(twin, (target) => engine.load(target, format, engine.check(format, read(), digested), watch.signal))
  }
  if (format.fills === 'awake') {
    if (proof !== undefined) watch.stage('checking digests')
    await bothOrNeither(proof?.check() ?? Promise.resolve(), twin.wake(watch.signal))
    await load(bytes)
  } else {
    await (proof === undefined ? load(bytes) : loadDigested(load, proof, watch))
    await twin.wake(watch.signal)
  }
  watch.stage('counting')
  return withTarget(twin, (target) => engine.inspect(target))
}

/** What is damaged is told as that, and not as what the damage led to. */
async function loadDigested(
  load: (read: () => Bytes, digested: boolean) => Promise<void>,
  proof: Proof,
  { signal }: Watching,
): Promise<void> {
  try {
    await load(() => proof.bytes(), true)
  } catch (error) {
    const isFull = isCode(error, 'STORE_FAILED') || ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
    if (!isFull && !signal.aborted) await proof.check()
    throw error
  }
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
