// Bytes read as a parser wants them: a look ahead, exactly so many, and the rest as it comes.

import type { Bytes } from '../base/bytes.ts'

export interface Reader {
  /** Up to so many of the next bytes, which stay where they are; fewer only at the end. */
  peek(length: number): Promise<Buffer>
  /** Exactly so many; CORRUPT when there are fewer. */
  take(length: number): Promise<Buffer>
  skip(length: number): Promise<void>
  rest(): Bytes
  close(): Promise<void>
}

/** `corrupt` makes the error for bytes that end too early. */
export function reader(source: Bytes, corrupt: (what: string) => Error): Reader {
  const pieces = source[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  async function more(): Promise<boolean> {
    const next = await pieces.next()
    if (next.done === true) return false
    const piece = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    held = held.byteLength === 0 ? piece : Buffer.concat([held, piece])
    return true
  }
  async function peek(length: number): Promise<Buffer> {
    while (held.byteLength < length && (await more()));
    return held.subarray(0, length)
  }
  async function take(length: number): Promise<Buffer> {
    const taken = await peek(length)
    if (taken.byteLength < length) throw corrupt('it is cut short')
    held = held.subarray(length)
    return taken
  }
  return {
    peek,
    take,
    async skip(length) {
      for (let left = length; left > 0;) left -= (await take(Math.min(left, Math.max(1, held.byteLength)))).byteLength
    },
    async *rest() {
      for (; held.byteLength > 0 || (await more()); held = Buffer.alloc(0)) yield held
    },
    async close() {
      await pieces.return?.()
    },
  }
}
