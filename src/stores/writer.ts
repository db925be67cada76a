// The quick way of many small pieces into one file: gathered into large writes, several of them on the way at once, and
// brought to the disk while more still comes, so that the last sync, on which the caller waits, is a short one.

import type { FileHandle } from 'node:fs/promises'
import { inBlocks, type Block } from '../base/blocks.ts'
import type { Bytes } from '../base/bytes.ts'
import { isCode, systemCode } from '../base/errors.ts'

const BLOCK = 1024 * 1024
const ON_THE_WAY = 3
/** After so many new bytes a sync begins in the background, one at a time. */
const SYNC_EVERY = 64 * 1024 * 1024
/** More than the last block of a file may have left. */
const PROBE = 1024 * 1024

/**
 * Writes all of it and syncs. What the source throws is thrown as it is; what the file system throws goes through `explain`.
 * When it settles nothing is on the way any more, and the handle may be closed.
 */
export async function writeAll(handle: FileHandle, source: Bytes, explain: (error: unknown) => Error): Promise<void> {
  const writing: Promise<void>[] = []
  const disk = diskOf(handle, explain)
  let position = 0

  async function write(block: Block, at: number): Promise<void> {
    try {
      await writeFully(handle, block.bytes, at)
    } catch (error) {
      return disk.fail(error)
    }
    disk.wrote(block.bytes.byteLength)
    block.release()
  }

  try {
    for await (const block of inBlocks(source, BLOCK)) {
      writing.push(write(block, position))
      position += block.bytes.byteLength
      if (writing.length >= ON_THE_WAY) await writing.shift()
      disk.check()
    }
  } finally {
    await Promise.all(writing)
    await disk.rest()
  }
  await disk.sync()
}

/**
 * The same for bytes that their maker writes into the file by itself: they are awaited, brought to the disk, and counted at the end.
 * A maker that fails on a disk that is full says so in words of its own; then the disk is asked, too.
 */
export async function attendAll(handle: FileHandle, source: Bytes, explain: (error: unknown) => Error): Promise<void> {
  const disk = diskOf(handle, explain)
  let total = 0
  try {
    for await (const { byteLength } of source) {
      total += byteLength
      disk.wrote(byteLength)
      disk.check()
    }
  } catch (error) {
    if (isCode(error, 'TOOL_FAILED') || systemCode(error) !== undefined) await refuseFull(handle, explain)
    throw error
  } finally {
    await disk.rest()
  }
  await disk.sync()
  const { size } = await handle.stat().catch((error: unknown) => {
    throw explain(error)
  })
  if (size !== total) throw new Error(`${size} bytes are in the file, and ${total} were told of`)
}

async function refuseFull(handle: FileHandle, explain: (error: unknown) => Error): Promise<void> {
  try {
    await handle.appendFile(Buffer.alloc(PROBE, 0xff))
    await handle.datasync()
  } catch (error) {
    throw explain(error)
  }
}

/** Brings to the disk what was written, while more comes; keeps the first failure for who checks. */
function diskOf(handle: FileHandle, explain: (error: unknown) => Error) {
  let unsynced = 0
  let syncing: Promise<void> | undefined
  let failure: { readonly error: Error } | undefined
  const fail = (error: unknown): void => {
    failure ??= { error: explain(error) }
  }
  const check = (): void => {
    if (failure !== undefined) throw failure.error
  }

  async function early(): Promise<void> {
    unsynced = 0
    await handle.datasync().catch(fail)
    syncing = undefined
  }

  return {
    fail,
    check,
    wrote(bytes: number): void {
      unsynced += bytes
      if (unsynced >= SYNC_EVERY) syncing ??= early()
    },
    async rest(): Promise<void> {
      await syncing
    },
    async sync(): Promise<void> {
      check()
      await handle.sync().catch(fail)
      check()
    },
  }
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done)
    done += bytesWritten
  }
}
