// The quick way of many small pieces into one file: gathered into large writes, several of them on the way at once, and
// brought to the disk while more still comes, so that the last sync, on which the caller waits, is a short one.

import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from '../base/bytes.ts'

const BLOCK = 1024 * 1024
const ON_THE_WAY = 3
/** After so many new bytes a sync begins in the background, one at a time. */
const SYNC_EVERY = 16 * 1024 * 1024

/**
 * Writes all of it and syncs. What the source throws is thrown as it is; what the file system throws goes through `explain`.
 * When it settles nothing is on the way any more, and the handle may be closed.
 */
export async function writeAll(handle: FileHandle, source: Bytes, explain: (error: unknown) => Error): Promise<void> {
  const file = gathering(handle, explain)
  try {
    for await (const chunk of source) await file.add(chunk)
    await file.finish()
  } finally {
    await file.settled()
  }
}

function gathering(handle: FileHandle, explain: (error: unknown) => Error) {
  const spare: Buffer[] = []
  const writing: Promise<void>[] = []
  let block: Buffer = Buffer.allocUnsafeSlow(BLOCK)
  let filled = 0
  let position = 0
  let unsynced = 0
  let syncing: Promise<void> | undefined
  let failure: { readonly error: Error } | undefined

  const fail = (error: unknown): void => {
    failure ??= { error: explain(error) }
  }

  function flush(): void {
    const [full, length, at] = [block, filled, position]
    const work = writeFully(handle, full, length, at).then(() => {
      spare.push(full)
      unsynced += length
      if (unsynced >= SYNC_EVERY) syncSoon()
    }, fail)
    writing.push(work)
    position += length
    filled = 0
    block = spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK)
  }

  function syncSoon(): void {
    if (syncing !== undefined) return
    unsynced = 0
    syncing = handle
      .datasync()
      .catch(fail)
      .then(() => {
        syncing = undefined
      })
  }

  function check(): void {
    if (failure !== undefined) throw failure.error
  }

  return {
    async add(chunk: Uint8Array): Promise<void> {
      for (let from = 0; from < chunk.byteLength;) {
        const length = Math.min(BLOCK - filled, chunk.byteLength - from)
        block.set(chunk.subarray(from, from + length), filled)
        filled += length
        from += length
        if (filled < BLOCK) continue
        flush()
        if (writing.length >= ON_THE_WAY) await writing.shift()
        check()
      }
    },
    async finish(): Promise<void> {
      if (filled > 0) flush()
      await Promise.all(writing)
      await syncing
      check()
      await handle.sync().catch(fail)
      check()
    },
    async settled(): Promise<void> {
      await Promise.all(writing)
      await syncing
    },
  }
}

async function writeFully(handle: FileHandle, block: Buffer, length: number, position: number): Promise<void> {
  for (let done = 0; done < length;) {
    const { bytesWritten } = await handle.write(block, done, length - done, position + done)
    done += bytesWritten
  }
}
