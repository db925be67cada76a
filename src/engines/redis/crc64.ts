// The checksum at the end of an RDB file: CRC-64 as Redis computes it (Jones' polynomial, least significant bit first).
// A 64-bit number is kept as two halves of 32 bits, and eight bytes are taken at a time: every byte of a dump goes through here.

const POLYNOMIAL = 0x95ac9329ac4bc9b5n

export interface Crc64 {
  feed(bytes: Uint8Array): void
  /** As it stands in the file: eight bytes, the least significant first. */
  value(): Buffer
}

export function crc64(): Crc64 {
  const [low, high] = (tables ??= makeTables())
  let a = 0 // the low half
  let b = 0 // the high half

  function one(byte: number): void {
    const index = (a ^ byte) & 255
    a = ((a >>> 8) | (b << 24)) ^ (low[index] ?? 0)
    b = (b >>> 8) ^ (high[index] ?? 0)
  }

  return {
    feed(bytes) {
      let at = 0
      while (at < bytes.length && ((bytes.byteOffset + at) & 3) !== 0) one(bytes[at++] ?? 0)
      if (at === bytes.length) return
      const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, ((bytes.length - at) >> 3) << 1)
      let [x, y] = [a, b]
      for (let word = 0; word < words.length; word += 2) {
        const p = x ^ (words[word] ?? 0)
        const q = y ^ (words[word + 1] ?? 0)
        x = fold(low, p, q)
        y = fold(high, p, q)
      }
      ;[a, b] = [x, y]
      for (at += words.length * 4; at < bytes.length; at += 1) one(bytes[at] ?? 0)
    },
    value() {
      const result = Buffer.alloc(8)
      result.writeInt32LE(a, 0)
      result.writeInt32LE(b, 4)
      return result
    },
  }
}

function fold(table: Int32Array, p: number, q: number): number {
  return (
    (table[1792 + (p & 255)] ?? 0) ^
    (table[1536 + ((p >>> 8) & 255)] ?? 0) ^
    (table[1280 + ((p >>> 16) & 255)] ?? 0) ^
    (table[1024 + (p >>> 24)] ?? 0) ^
    (table[768 + (q & 255)] ?? 0) ^
    (table[512 + ((q >>> 8) & 255)] ?? 0) ^
    (table[256 + ((q >>> 16) & 255)] ?? 0) ^
    (table[q >>> 24] ?? 0)
  )
}

let tables: readonly [Int32Array, Int32Array] | undefined

/** The halves of eight tables of 256 in a row: table n tells what a byte does that is followed by n others. */
function makeTables(): readonly [Int32Array, Int32Array] {
  const low = new Int32Array(8 * 256)
  const high = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte += 1) {
    let rest = BigInt(byte)
    for (let bit = 0; bit < 8; bit += 1) rest = (rest & 1n) === 1n ? (rest >> 1n) ^ POLYNOMIAL : rest >> 1n
    low[byte] = Number(BigInt.asIntN(32, rest))
    high[byte] = Number(rest >> 32n) | 0
  }
  for (let at = 256; at < low.length; at += 1) {
    const [before, beforeHigh] = [low[at - 256] ?? 0, high[at - 256] ?? 0]
    low[at] = ((before >>> 8) | (beforeHigh << 24)) ^ (low[before & 255] ?? 0)
    high[at] = (beforeHigh >>> 8) ^ (high[before & 255] ?? 0)
  }
  return [low, high]
}
