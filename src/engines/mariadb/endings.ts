// A trigger that was made together with other statements keeps the semicolon behind it as part of its text in MySQL. mysqldump puts that
// text into a comment for older versions, where a semicolon is an error: the dump cannot be read. So the semicolon is left out.

import type { Bytes } from '../../base/bytes.ts'
import type { Dialect } from './dialect.ts'

// The delimiter at the end of a line is never inside of a value: the program writes each row on one line, and line ends in it as `\n`.
// Another program might not, so its texts are left alone.
const FIRST = Buffer.from('-- MySQL dump ')
const WRONG = Buffer.from('; */;;\n')

/** A dump in which every statement ends once. */
export function endedOnce({ keepsSemicolons }: Dialect, dump: Bytes): Bytes {
  return keepsSemicolons ? mended(dump) : dump
}

async function* mended(dump: Bytes): Bytes {
  let stock: boolean | undefined // undefined: too little has come to tell
  let rest = Buffer.alloc(0)
  for await (const chunk of dump) {
    const bytes = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk])
    if (bytes.length >= FIRST.length) stock ??= bytes.subarray(0, FIRST.length).equals(FIRST)
    let [from, held] = [0, bytes.length]
    if (stock === true) {
      for (let at = bytes.indexOf(WRONG); at !== -1; at = bytes.indexOf(WRONG, from)) {
        if (at > from) yield bytes.subarray(from, at)
        from = at + 1
      }
      held = begun(bytes.subarray(from))
    } else if (stock === false) held = 0
    const end = bytes.length - held
    if (end > from) yield bytes.subarray(from, end)
    rest = Buffer.from(bytes.subarray(Math.max(from, end)))
  }
  if (rest.length > 0) yield rest
}

/** How many bytes at the end may be the beginning of what is wrong. */
function begun(bytes: Buffer): number {
  for (let length = Math.min(WRONG.length - 1, bytes.length); length > 0; length -= 1)
    if (bytes.subarray(bytes.length - length).equals(WRONG.subarray(0, length))) return length
  return 0
}
