// What a file without a manifest is, told by its first bytes: whatever it is called, and whatever it was compressed with.

import type { Bytes } from '../base/bytes.ts'

const LOOKED_AT = 512

/** The ending that such a file usually has, `.sql`, `.db`, `.rdb` or `.tar`; undefined when its beginning is none that is known. */
export async function sniff(bytes: Bytes): Promise<string | undefined> {
  return extensionOf(await beginning(bytes, LOOKED_AT))
}

/** So many bytes, or all where there are fewer. */
export async function beginning(bytes: Bytes, wanted: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    parts.push(chunk)
    length += chunk.byteLength
    if (length >= wanted) break
  }
  return Buffer.concat(parts).subarray(0, wanted)
}

function extensionOf(start: Buffer): string | undefined {
  const at = (offset: number, length: number): string => start.toString('latin1', offset, offset + length)
  if (at(0, 16) === 'SQLite format 3\0' || at(8, 4) === 'DUCK') return '.db'
  if (/^(REDIS|VALKEY)\d/.test(at(0, 7))) return '.rdb'
  if (at(257, 5) === 'ustar') return '.tar'
  return start.length === 0 || start.includes(0) ? undefined : '.sql'
}
