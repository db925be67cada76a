// Laying the entries of a tar archive down as files. What may be made, and where, its caller decides; so is the sync that counts.

import type { FileHandle } from 'node:fs/promises'
import { inBlocks } from './blocks.ts'
import type { Bytes } from './bytes.ts'
import { tarReader, type TarEvent, type TarHeader } from './tar.ts'

const BLOCK = 1024 * 1024

/**
 * `make` opens the file of an entry, or makes what else it is; undefined: its bytes are passed over. Throws CORRUPT at a cut end.
 * In large blocks, each of which is written while the next one is read: an archive comes in small pieces, and each would cost a call.
 */
export async function untar(
  source: Bytes,
  signal: AbortSignal,
  make: (header: TarHeader) => Promise<FileHandle | undefined>,
): Promise<void> {
  const reader = tarReader()
  const disk = earlySync()
  let file: FileHandle | undefined
  async function done(): Promise<void> {
    const last = file
    file = undefined
    if (last !== undefined) await disk.close(last)
  }
  async function write(events: readonly TarEvent[]): Promise<void> {
    for (const event of events) {
      if (!('bytes' in event)) {
        await done()
        file = await make(event.header)
      } else if (file !== undefined) {
        await file.writeFile(event.bytes)
        disk.wrote(file, event.bytes.byteLength)
      }
    }
  }
  // What is wrong with an entry is told before what is wrong with those behind it.
  let failure: { readonly error: unknown } | undefined
  async function* untilItFails(): Bytes {
    try {
      yield* source
    } catch (error) {
      failure = { error }
    }
  }
  let writing = Promise.resolve()
  let release = (): void => {}
  try {
    for await (const block of inBlocks(untilItFails(), BLOCK)) {
      signal.throwIfAborted()
      const events = reader.feed(block.bytes)
      await writing
      release()
      writing = write(events)
      writing.catch(() => {}) // awaited in the next round, or below
      release = block.release
    }
    await writing
  } finally {
    await Promise.allSettled([writing])
    await done()
    await disk.settled()
  }
  if (failure !== undefined) throw failure.error
  disk.check()
  reader.end()
}

/** After so many new bytes of a file a sync of it begins. */
const SYNC_EVERY = 64 * 1024 * 1024
const LARGE = 1024 * 1024
/** So many files may be open only because their bytes are on their way to the disk. */
const OPEN = 8

/**
 * Brings what is written to large files to the disk, one at a time and while more is written. Without that all of it waits in memory
 * until somebody syncs, who then waits for the disk alone.
 */
function earlySync() {
  let failure: { readonly error: unknown } | undefined
  let behind = Promise.resolve()
  let waiting = 0
  let unsynced = 0
  const later = (work: () => Promise<void>): void => {
    waiting += 1
    behind = behind
      .then(work)
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => void (waiting -= 1))
  }
  return {
    /** To the file that is written now. */
    wrote(file: FileHandle, bytes: number): void {
      unsynced += bytes
      if (unsynced < SYNC_EVERY || waiting > 0) return
      unsynced = 0
      later(() => file.datasync())
    },
    async close(file: FileHandle): Promise<void> {
      const isLarge = unsynced >= LARGE
      unsynced = 0
      if (!isLarge && waiting === 0) return file.close()
      later(async () => {
        try {
          if (isLarge) await file.datasync()
        } finally {
          await file.close()
        }
      })
      if (waiting >= OPEN) await behind
    },
    async settled(): Promise<void> {
      await behind
    },
    /** Throws what a disk said meanwhile. */
    check(): void {
      if (failure !== undefined) throw failure.error
    },
  }
}
