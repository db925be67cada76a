// A place in an RDB file whose bytes arrive bit by bit. Each step is a generator: it yields when it needs more bytes than have
// come, and goes on when feed() has brought them.

import { HayaiError } from '../../base/errors.ts'

export type Steps<Result = void> = Generator<undefined, Result, undefined>

export class Cursor {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  feed(chunk: Uint8Array): void {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.#bytes = this.#at < this.#bytes.length ? Buffer.concat([this.#bytes.subarray(this.#at), fresh]) : fresh
    this.#at = 0
  }

  /** How many bytes have come and were not stepped over. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  *byte(): Steps<number> {
    while (this.#at === this.#bytes.length) yield
    return this.#bytes[this.#at++] ?? 0
  }

  /** A few bytes, as latin1. */
  *word(size: number): Steps<string> {
    while (this.left < size) yield
    this.#at += size
    return this.#bytes.toString('latin1', this.#at - size, this.#at)
  }

  *skip(size: number): Steps {
    let rest = size
    while (rest > this.left) {
      rest -= this.left
      this.#at = this.#bytes.length
      yield
    }
    this.#at += rest
  }

  *length(): Steps<number> {
    return Number(yield* this.exactLength())
  }

  *exactLength(): Steps<number | bigint> {
    let width = this.#widthAt(this.#at)
    while (width === 0 || this.left < width) {
      yield
      width = this.#widthAt(this.#at)
    }
    const result = this.#lengthAt(this.#at)
    this.#at += width
    return result
  }

  *lengths(count: number): Steps {
    for (let rest = count; rest > 0; rest -= 1) yield* this.exactLength()
  }

  *strings(count: number): Steps {
    for (let rest = count; rest > 0; rest -= 1) {
      let size = this.#enterString()
      while (size < 0) {
        yield
        size = this.#enterString()
      }
      if (size <= this.left) this.#at += size
      else yield* this.skip(size)
    }
  }

  /** How many bytes the length at `from` takes; 0 when its first byte has not come. One of a special encoding takes 1. */
  #widthAt(from: number): number {
    const first = this.#bytes[from]
    if (first === undefined) return 0
    if (first < 0x40 || first >= 0xc0) return 1
    if (first < 0x80) return 2
    return first === 0x80 ? 5 : 9
  }

  #lengthAt(from: number): number | bigint {
    const first = this.#bytes[from] ?? 0
    if (first < 0x40) return first
    if (first < 0x80) return ((first & 63) << 8) | (this.#bytes[from + 1] ?? 0)
    if (first === 0x80) return this.#bytes.readUInt32BE(from + 1)
    if (first === 0x81) return this.#bytes.readBigUInt64BE(from + 1)
    throw strange(`a length of the kind ${first}`)
  }

  /** Steps over the header of a string, and gives the size of the rest; -1 when the header is not all there yet. */
  #enterString(): number {
    const first = this.#bytes[this.#at] ?? 0
    const width = this.#widthAt(this.#at)
    if (width === 0 || this.left < width) return -1
    if (first < 0xc0) {
      const size = Number(this.#lengthAt(this.#at))
      this.#at += width
      return size
    }
    if (first < 0xc3) {
      this.#at += 1
      return 1 << (first & 3) // a number in 1, 2 or 4 bytes
    }
    if (first !== 0xc3) throw strange(`a string of the kind ${first}`)
    const compressed = this.#widthAt(this.#at + 1)
    const plain = compressed === 0 ? 0 : this.#widthAt(this.#at + 1 + compressed)
    if (plain === 0 || this.left < 1 + compressed + plain) return -1
    const size = Number(this.#lengthAt(this.#at + 1))
    this.#at += 1 + compressed + plain
    return size
  }
}

export function strange(what: string): HayaiError {
  return new HayaiError('CONFLICT', `the RDB file holds ${what}, which this version of Hayai cannot count`, {
    hint: 'It was written by a newer server than Hayai knows: update Hayai.',
  })
}
