// Bytes that arrive over time, and what can be done to them on the way.

import { createHash } from 'node:crypto'

/** Bytes that arrive over time. Reaching the end means that the source succeeded; a source that fails throws. */
export type Bytes = AsyncIterable<Uint8Array>

export interface Digest {
  readonly bytes: number
  readonly sha256: string
}

/** Passes bytes on and, once they have ended, knows how many they were and their SHA-256. */
export interface Meter {
  readonly bytes: Bytes
  /** Throws when the bytes have not ended: a digest of a part is no digest. */
  digest(): Digest
}

export function meter(source: Bytes, onBytes?: (total: number) => void): Meter {
  const hash = createHash('sha256')
  let total = 0
  let result: Digest | undefined
  async function* pass(): Bytes {
    for await (const chunk of source) {
      hash.update(chunk)
      total += chunk.byteLength
      onBytes?.(total)
      yield chunk
    }
    result = { bytes: total, sha256: hash.digest('hex') }
  }
  return {
    bytes: pass(),
    digest() {
      if (result === undefined) throw new Error('the digest was asked for before the bytes had ended')
      return result
    },
  }
}

/** Reads to the end and throws the bytes away; for sources whose end alone matters. */
export async function drain(source: Bytes): Promise<void> {
  for await (const _ of source);
}

/** All of it as text. Only for output that is known to be small: throws past `limit` bytes. */
export async function text(source: Bytes, limit = 16 * 1024 * 1024): Promise<string> {
  const parts: Uint8Array[] = []
  let total = 0
  for await (const chunk of source) {
    total += chunk.byteLength
    if (total > limit) throw new Error(`more than ${limit} bytes where little was expected`)
    parts.push(Uint8Array.prototype.slice.call(chunk)) // its memory may be used again
  }
  return Buffer.concat(parts).toString('utf8')
}

export async function* once(content: string | Uint8Array): Bytes {
  yield typeof content === 'string' ? Buffer.from(content, 'utf8') : content
}

/** One after another. */
export async function* concatenate(...sources: readonly Bytes[]): Bytes {
  for (const source of sources) yield* source
}
