// Named pipes: for a server that writes only into files of its own opening, and whose bytes are wanted as they come.

import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { constants, lchown, open, rm, type FileHandle } from 'node:fs/promises'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Bytes } from './bytes.ts'
import { systemCode } from './errors.ts'
import { output } from './exec.ts'
import type { Landing } from './landing.ts'

/** Only `owner` may open it (and root); without one, whoever this process runs as. */
export async function makeFifo(path: string, owner?: { readonly uid: number; readonly gid: number }): Promise<void> {
  await output({ file: 'mkfifo', args: ['-m', '600', path] })
  if (owner !== undefined) await lchown(path, owner.uid, owner.gid)
}

/** Whoever still waits for somebody to read is let in, and fails at its first byte: nobody waits for ever for a reader that died. */
export async function removeFifo(path: string): Promise<void> {
  try {
    await (await openReader(path)).close()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
  await rm(path, { force: true })
}

/** What `write` puts into the pipe, when that is little: it must fit in a pipe, 4 KiB everywhere. */
export async function littleThrough(path: string, write: () => Promise<void>): Promise<string> {
  const reader = await openReader(path) // does not wait, and neither does a writer now
  try {
    await write()
    const { bytesRead, buffer } = await reader.read(Buffer.alloc(4096), 0, 4096)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await reader.close()
  }
}

function openReader(path: string): Promise<FileHandle> {
  return open(path, READING)
}

/**
 * What `write` puts into the pipe, however much; the value is its own, once both are through. It may open the pipe any number of
 * times: the end has come when it has settled. When it fails, that is thrown after the bytes. When reading ends early, its
 * writing fails, and nobody waits for it. A piece that went into a file is the reader's until it asks for the next one.
 */
export async function* through<T>(
  path: string,
  write: () => Promise<T>,
  { signal, into }: { readonly signal: AbortSignal; readonly into: Landing | undefined },
): AsyncGenerator<Uint8Array, T> {
  const reader = openSync(path, READING)
  try {
    const keeper = await open(path, constants.O_WRONLY | constants.O_NONBLOCK) // as long as it is there, the end has not come
    const writing = whileOpen(keeper, write)
    writing.catch(() => {}) // heard of below
    yield* pieces(reader, signal, into?.descriptor)
    return await writing
  } finally {
    closeSync(reader)
  }
}

async function whileOpen<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    await handle.close()
  }
}

const READING = constants.O_RDONLY | constants.O_NONBLOCK
const PIECE = 128 * 1024
const CAPACITY = 64 * 1024 // of a pipe: no read brings more
const TURN = 8
const NAP = 0.05
const NAPS = 64
const PAUSE = 2

// The writer hands on 4 KiB at a time. Who is woken for each of them spends more on waking than on reading, and takes the writer's
// processor for it. So after each read this thread sleeps for a twentieth of a millisecond, in which a pipe does not fill up, and
// which is too short for anybody to notice. Only a writer that pauses is waited for in the usual way.
async function* pieces(reader: number, signal: AbortSignal, into: number | undefined): Bytes {
  const block = Buffer.allocUnsafeSlow(PIECE + CAPACITY)
  for (let [filled, naps, given] = [0, 0, 0]; ;) {
    signal.throwIfAborted()
    const bytes = readNow(reader, block, filled)
    filled += bytes ?? 0
    if (filled > 0 && (filled >= PIECE || bytes === undefined || bytes === 0)) {
      const piece = block.subarray(0, filled)
      if (into !== undefined) writeWhole(into, piece)
      yield into === undefined ? Buffer.from(piece) : piece
      filled = 0
      if (++given % TURN === 0) await nextTurn() // nothing else here lets anybody else have one
    }
    if (bytes === 0) return
    naps = bytes === undefined ? naps + 1 : 0
    if (naps > NAPS) await sleep(PAUSE)
    else if ((bytes ?? 0) < CAPACITY / 2) Atomics.wait(NEVER, 0, 0, NAP)
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4))

/** 0: the end; undefined: nothing there yet. */
function readNow(reader: number, block: Buffer, at: number): number | undefined {
  try {
    return readSync(reader, block, at, block.length - at, null)
  } catch (error) {
    if (systemCode(error) === 'EAGAIN') return undefined
    throw error
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done)
}
