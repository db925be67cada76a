// The quick way of many small pieces into one file: gathered into large writes, several of them on the way at once, and
// brought to the disk while more still comes, so that the last sync, on which the caller waits, is a short one.

import type { FileHandle } from 'node:fs/promises'
import { inBlocks, type Block } from '../base/blocks.ts'
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
  const writing: Promise<void>[] = []
  let position = 0
  let unsynced = 0
  let syncing: Promise<void> | undefined
  let failure: { readonly error: Error } | undefined
  const fail = (error: unknown): void => {
    failure ??= { error: explain(error) }
  }
  const check = (): void => {
    if (failure !== undefined) throw failure.error
  }

  async function write(block: Block, at: number): Promise<void> {
    try {
      await writeFully(handle, block.bytes, at)
    } catch (error) {
      return fail(error)
    }
    unsynced += block.bytes.byteLength
    block.release()
    if (unsynced >= SYNC_EVERY) syncing ??= sync()
  }

  async function sync(): Promise<void> {
    unsynced = 0
    await handle.datasync().catch(fail)
    syncing = undefined
  }

  try {
    for await (const block of inBlocks(source, BLOCK)) {
      writing.push(write(block, position))
      position += block.bytes.byteLength
      if (writing.length >= ON_THE_WAY) await writing.shift()
      check()
    }
  } finally {
    await Promise.all(writing)
    await syncing
  }
  check()
  await handle.sync().catch(fail)
  check()
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done)
    done += bytesWritten
  }
}
