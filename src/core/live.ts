// The live database itself as a source: a dump that streams straight into a twin, with no file in between. The twin is counted
// against what the dump held at its instant.

import type { Bytes } from '../base/bytes.ts'
import type { Census, Dump, Facts, Format } from '../engines/engine.ts'
import type { Site } from '../runtimes/runtime.ts'
import type { Database } from './context.ts'
import { filledTwin } from './fill.ts'
import { stallGuard, type StallGuard } from './stall.ts'
import type { Watching } from './watching.ts'

interface Streaming {
  readonly from: Database
  /** Where the twin shall stand. */
  readonly into: Site
  readonly format: Format
  /** The version whose programs make the dump; the server's own when not given. */
  readonly programsOf?: string
  readonly watch: Watching
}

interface Streamed {
  readonly twin: Awaited<ReturnType<typeof filledTwin>>['twin']
  /** What the twin says of itself, and what the dump had to say. */
  readonly facts: Facts
  readonly instant: Date
  readonly notes: readonly string[]
}

/** A filled, counted twin of what a database holds. Called with its lock held. WRONG_STATE when it does not answer. */
export async function streamedTwin({ from, into, format, programsOf, watch }: Streaming): Promise<Streamed> {
  const target = await from.site.open(programsOf)
  const guard = stallGuard(watch.signal, from.name)
  guard.done() // until something is asked of it
  let dump: Dump | undefined
  async function* stream(): Bytes {
    guard.alive()
    dump = await from.engine.dump(target, format, guard.signal)
    guard.done()
    watch.stage('copying')
    yield* attended(dump, guard, watch)
  }
  const census = async (): Promise<Census> => (await factsOf(dump)).census
  try {
    const filling = { engine: from.engine, format, bytes: stream, expected: census, watch }
    const { twin, facts } = await filledTwin(into, filling)
    if (dump === undefined) throw new Error('a twin was filled, and the dump was never asked for')
    return { twin, facts, instant: dump.instant, notes: (await factsOf(dump)).notes }
  } finally {
    guard.done()
    await dump?.close()
    await target.close()
  }
}

function factsOf(dump: Dump | undefined): Promise<Facts> {
  if (dump === undefined) throw new Error('a twin was counted before it was filled')
  return dump.facts()
}

// The dump is at fault only while a byte is awaited from it, not while the twin is still busy with those it has.
async function* attended({ bytes, expectedBytes }: Dump, guard: StallGuard, watch: Watching): Bytes {
  let done = 0
  guard.alive()
  for await (const chunk of bytes) {
    guard.done()
    done += chunk.byteLength
    watch.bytes(done, expectedBytes)
    yield chunk
    guard.alive()
  }
  guard.done()
}
