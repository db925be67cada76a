// Several writers at once, each with a pipe of its own, and one reader who has what they write in the order in which it is wanted.

import { writeSync } from 'node:fs'
import { Readable } from 'node:stream'
import { BLOCK, type Fifo } from './fifo.ts'
import type { Landing } from './landing.ts'

export interface Lane<Part> {
  readonly fifo: Fifo
  /** Writes a part into the pipe, and says how much that was, in whatever it counts. */
  readonly write: (part: Part) => Promise<number>
}

export interface Turns {
  /**
   * The next part, whole; the value is what its writer said. When writing it fails, that is thrown after its bytes. A piece that went
   * into a file is the reader's until it asks for the next one.
   */
  part(into: Landing | undefined): AsyncGenerator<Uint8Array, number>
  /** No more is read. Who writes is left to it: closing the pipes ends that. */
  close(): void
}

// So much a lane may be ahead of the reader, besides what its pipe holds.
const AHEAD = 24

/** The first part is the first lane's, the second the second's, and so on in turns; all of them begin now. */
export function inTurns<Part>(parts: readonly Part[], lanes: readonly Lane<Part>[], signal: AbortSignal): Turns {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const spare: Buffer[] = []
  const block = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK)

  // Pieces, and after those of a part its number.
  async function* written({ fifo, write }: Lane<Part>, mine: readonly Part[]): AsyncGenerator<Uint8Array | number, void> {
    for (const part of mine) yield yield* fifo.through(() => write(part), { signal: either, block })
  }
  const running = lanes.map((lane, first) => {
    const mine = parts.filter((_, index) => index % lanes.length === first)
    const stream = Readable.from(written(lane, mine), { highWaterMark: AHEAD })
    stream.on('error', () => {}) // heard of by whoever reads
    stream.read(0) // begin
    return { stream, items: stream.iterator() as AsyncIterator<Uint8Array | number, undefined> }
  })
  let given = 0
  return {
    async *part(into) {
      const lane = running[given++ % running.length]
      for (;;) {
        const next = await lane?.items.next()
        signal.throwIfAborted()
        if (next === undefined || next.done === true) throw new Error('there is no such part')
        if (typeof next.value === 'number') return next.value
        const piece = next.value
        if (into !== undefined) writeWhole(into.descriptor, piece)
        yield piece
        if (into !== undefined) spare.push(Buffer.from(piece.buffer))
      }
    },
    close() {
      over.abort()
      for (const { stream } of running) stream.destroy()
    },
  }
}

// In this thread: what lies in the memory of the system is there in less time than it takes to ask another thread.
function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done)
}
