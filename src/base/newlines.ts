// Counting lines in bytes that pass, for rows: four bytes at a time, which is three to four times as fast as one by one.

const NEWLINE = 0x0a

/** How many newlines there are from one offset up to another. */
export function newlines(bytes: Buffer, from: number, to: number): number {
  let total = 0
  let at = from
  while (at < to && ((bytes.byteOffset + at) & 3) !== 0) if (bytes[at++] === NEWLINE) total += 1
  if (at === to) return total
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (to - at) >> 2)
  for (let word = 0; word < words.length;) {
    const stop = Math.min(words.length, word + 255) // until a lane of `lanes` could overflow
    let lanes = 0
    for (; word < stop; word += 1) {
      const zeroWhereNewline = (words[word] ?? 0) ^ 0x0a0a0a0a
      const highBitUnlessZero = ((zeroWhereNewline & 0x7f7f7f7f) + 0x7f7f7f7f) | zeroWhereNewline | 0x7f7f7f7f
      lanes = (lanes + ((~highBitUnlessZero >>> 7) & 0x01010101)) | 0
    }
    total += (lanes & 255) + ((lanes >>> 8) & 255) + ((lanes >>> 16) & 255) + (lanes >>> 24)
  }
  for (at += words.length * 4; at < to; at += 1) if (bytes[at] === NEWLINE) total += 1
  return total
}
