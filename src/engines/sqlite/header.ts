// The first hundred bytes of a database file: https://www.sqlite.org/fileformat.html#the_database_header

import { HayaiError } from '../../base/errors.ts'
import type { Check } from '../../base/tar-file.ts'

export const HEADER_BYTES = 100
const MAGIC = Buffer.from('SQLite format 3\0', 'latin1')

export function hasMagic(head: Buffer): boolean {
  return head.subarray(0, MAGIC.byteLength).equals(MAGIC)
}

/** Whether readers of the file must look into its -wal too. */
export function isWal(head: Buffer): boolean {
  return hasMagic(head) && head[18] === 2
}

/** What is wrong with a file of that beginning and length; undefined when nothing is. */
export function flawOf(head: Buffer, length: number): string | undefined {
  if (length === 0) return 'it is empty'
  if (!hasMagic(head)) return 'it does not begin like an SQLite database'
  if (head.byteLength < HEADER_BYTES) return `it ends after ${length} bytes, within its header`
  const page = pageSize(head)
  if (page === undefined) return 'its header names an impossible page size'
  const pages = pageCount(head)
  // A whole number of pages too many is allowed: programs may make room in advance, and SQLite does not look there.
  if (length % page !== 0) return `${length} bytes are not a whole number of pages of ${page} bytes`
  if (pages !== undefined && length < pages * page) return `it is cut: ${length} bytes are there of ${pages * page}`
  return undefined
}

function pageSize(head: Buffer): number | undefined {
  const size = head.readUInt16BE(16)
  if (size === 1) return 65536
  return size >= 512 && (size & (size - 1)) === 0 ? size : undefined
}

/** Undefined when a program of before 2010 wrote last: then the number in the header is an old one. */
function pageCount(head: Buffer): number | undefined {
  const [changes, count, countedAt] = [head.readUInt32BE(24), head.readUInt32BE(28), head.readUInt32BE(92)]
  return changes === countedAt && count > 0 ? count : undefined
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
      if (flaw !== undefined) throw new HayaiError('CORRUPT', `the SQLite file is damaged: ${flaw}`, { hint: 'Use another snapshot.' })
    },
  }
}
