// Many small pieces gathered into blocks of one size, in memory that is used again: for stages whose every step has its price.

import type { Bytes } from './bytes.ts'
import { streamed } from './garbage.ts'

export interface Block {
  readonly bytes: Uint8Array
  /** Gives the memory back; to be called once nobody looks at the bytes any more. */
  release(): void
}

/** Every block but the last is full. The pieces are copied: a source may use its buffers again. */
export async function* inBlocks(source: Bytes, size: number): AsyncGenerator<Block, void, undefined> {
  const spare: Buffer[] = []
  const take = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(size)
  const block = (memory: Buffer, length: number): Block => ({ bytes: memory.subarray(0, length), release: () => void spare.push(memory) })
  let memory = take()
  let filled = 0
  for await (const piece of source) {
    streamed(piece.byteLength)
    for (let from = 0; from < piece.byteLength;) {
      const length = Math.min(size - filled, piece.byteLength - from)
      memory.set(piece.subarray(from, from + length), filled)
      filled += length
      from += length
      if (filled < size) continue
      yield block(memory, filled)
      memory = take()
      filled = 0
    }
  }
  if (filled > 0) yield block(memory, filled)
}
