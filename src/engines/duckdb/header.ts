// The first three blocks of a database file, 4 KiB each: what it is and which DuckDB wrote it; then the state of the database,
// twice, of which the one with the higher number counts. https://duckdb.org/docs/internals/storage

import { HayaiError } from '../../base/errors.ts'
import type { Check } from '../../base/tar-file.ts'

const BLOCK = 4096
export const HEADER_BYTES = 3 * BLOCK
const MAGIC = Buffer.from('DUCK', 'latin1')

export function hasMagic(head: Buffer): boolean {
  return head.subarray(8, 12).equals(MAGIC)
}

/** The version of DuckDB that made the file, as it is written there: `v1.5.6`; empty in files of old versions. */
export function writtenBy(head: Buffer): string {
  const text = head.toString('latin1', 52, 84)
  return /^v\d[\w.-]*/.exec(text)?.[0] ?? ''
}

/** What is wrong with a file of that beginning and length; undefined when nothing is. */
export function flawOf(head: Buffer, length: number): string | undefined {
  if (length === 0) return 'it is empty'
  if (!hasMagic(head)) return 'it does not begin like a DuckDB database'
  if (head.byteLength < HEADER_BYTES) return `it ends after ${length} bytes, within its header`
  const size = blockBytes(head)
  if (size < BLOCK || size > 2 ** 30) return undefined // of a version that writes it differently, or encrypted
  return (length - HEADER_BYTES) % size === 0 ? undefined : `it is cut: ${length} bytes are no whole number of blocks`
}

/** How many blocks there must be cannot be told: the last ones may be free, and are not always there. */
function blockBytes(head: Buffer): number {
  const at = head.readBigUInt64LE(BLOCK + 8) >= head.readBigUInt64LE(2 * BLOCK + 8) ? BLOCK : 2 * BLOCK
  return Number(head.readBigUInt64LE(at + 40))
}

/** Looks at a database file as it passes by; end() throws CORRUPT when it was not whole. */
export function fileCheck(): Check {
  let head = Buffer.alloc(0)
  let length = 0
  return {
    feed(chunk) {
      if (head.byteLength < HEADER_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEADER_BYTES - head.byteLength)])
      length += chunk.byteLength
    },
    end() {
      const flaw = flawOf(head, length)
      if (flaw !== undefined) throw new HayaiError('CORRUPT', `the DuckDB file is damaged: ${flaw}`, { hint: 'Use another snapshot.' })
    },
  }
}
