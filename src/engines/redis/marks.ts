// The first and the last bytes of an RDB file, by which a whole one is told from one that was cut short or changed.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { crc64 } from './crc64.ts'

const HEAD = 9 // `REDIS0010`
const CHECKSUM = 8
const NO_CHECKSUM = Buffer.alloc(CHECKSUM)
const END = 0xff

/** Passes the bytes on, and throws CORRUPT at their end when they are not a whole RDB file with the right checksum. */
export async function* checkRdb(source: Bytes): Bytes {
  const ends = rdbEnds()
  for await (const chunk of source) {
    ends.feed(chunk)
    yield chunk
  }
  ends.check()
}

export interface RdbEnds {
  feed(chunk: Uint8Array): void
  /** Throws CORRUPT when what was fed is not a whole RDB file with the right checksum. */
  check(): void
}

export function rdbEnds(): RdbEnds {
  const crc = crc64()
  let head = Buffer.alloc(0)
  let held = Buffer.alloc(0) // may be the checksum, which does not count itself: waits until more has come
  let last: number | undefined // before what is held
  return {
    feed(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      if (head.length < HEAD) head = Buffer.concat([head, bytes.subarray(0, HEAD - head.length)])
      for (const part of bytes.length < CHECKSUM ? [Buffer.concat([held, bytes])] : [held, bytes]) {
        const counted = part === held ? part : part.subarray(0, -CHECKSUM)
        crc.feed(counted)
        last = counted.at(-1) ?? last
      }
      held = Buffer.from(Buffer.concat([held, bytes.subarray(-CHECKSUM)]).subarray(-CHECKSUM))
    },
    check() {
      const problem = whatIsWrong(head.toString('latin1'), last, held, crc.value())
      if (problem === undefined) return
      throw new HayaiError('CORRUPT', `the RDB file ${problem}`, { hint: 'Use another snapshot; this one was cut short or changed.' })
    },
  }
}

function whatIsWrong(head: string, last: number | undefined, found: Buffer, expected: Buffer): string | undefined {
  if (head === '') return 'is empty'
  if (!/^(?:REDIS\d{4}|VALKEY\d{3})$/.test(head)) return 'does not begin like one'
  if (/^REDIS000[1-4]$/.test(head)) return 'was written by Redis 2.4 or older, and has no checksum'
  if (found.equals(NO_CHECKSUM)) return last === END ? undefined : 'has no end' // written with `rdbchecksum no`
  return found.equals(expected) && last === END ? undefined : 'does not end with the checksum of what is in it'
}
