// Named pipes: for a server that writes only into files of its own opening, and whose bytes are wanted as they come. Linux.

import { closeSync, openSync, readSync } from 'node:fs'
import { constants, lchown, open, rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemCode } from './errors.ts'
import { output } from './exec.ts'

export interface Fifo {
  /** What `write` puts into it, when that is less than a pipe holds. */
  little(write: () => Promise<void>): Promise<string>
  /**
   * What `write` puts into it, however much; the value is its own, once both are through. It may open the pipe any number of times:
   * the end has come when it has settled. When it fails, that is thrown after the bytes. When reading ends early, nobody waits for
   * it, and close() makes its writing fail.
   */
  through<T>(write: () => Promise<T>, options: Through): AsyncGenerator<Uint8Array, T>
  /** Removes it. */
  close(): Promise<void>
}

export interface Through {
  readonly signal: AbortSignal
  /** Memory for the next piece, which is a part of it. */
  readonly block: () => Buffer
}

/** Bytes that a block should have room for. */
export const BLOCK = 256 * 1024

const READING = constants.O_RDONLY | constants.O_NONBLOCK

/** Makes one at a path where nothing is. Only `owner` may open it (and root); without one, whoever this process runs as. */
export async function makeFifo(path: string, owner?: { readonly uid: number; readonly gid: number }): Promise<Fifo> {
  await output({ file: 'mkfifo', args: ['-m', '600', path] })
  let reader: number | undefined
  const close = async (): Promise<void> => {
    if (reader !== undefined) closeSync(reader)
    reader = undefined
    await rm(path, { force: true })
  }
  try {
    if (owner !== undefined) await lchown(path, owner.uid, owner.gid)
    const descriptor = (reader = openSync(path, READING)) // does not wait, and neither does a writer from now on
    await widen(path)
    return {
      close,
      async little(write) {
        await write()
        const block = Buffer.alloc(4096)
        return block.toString('utf8', 0, readNow(descriptor, block))
      },
      through: (write, options) => read(descriptor, write, options),
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** One that a killed command left: whoever still waits for somebody to read from it is let in, and fails at the first byte. */
export async function removeFifo(path: string): Promise<void> {
  try {
    await (await open(path, READING)).close()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
  await rm(path, { force: true })
}

// A pipe holds 64 KiB, which a server fills in a fifth of a millisecond: both sides would do nothing but wake each other, and on a
// busy machine wait for each other. Linux lets anybody make it larger, up to this (pipe(7)); a pipe that two programs have open is
// one, so a third can. Node has no word for it; Perl, which Debian and its kin cannot be without, has.
const ROOM = 1024 * 1024
const F_SETPIPE_SZ = 1031

async function widen(path: string): Promise<void> {
  const script = `open(my $pipe, "+<", $ARGV[0]) or die $!; fcntl($pipe, ${F_SETPIPE_SZ}, ${ROOM}) or die $!`
  await output({ file: 'perl', args: ['-e', script, path] })
}

const PAUSE = 1 // milliseconds, in which it does not fill up
const TURN = 8

async function* read<T>(reader: number, write: () => Promise<T>, { signal, block: next }: Through): AsyncGenerator<Uint8Array, T> {
  let over = false
  let wake = (): void => {}
  const end = (): void => {
    over = true
    wake()
  }
  const writing = write()
  writing.then(end, end)
  let block = next()
  for (let given = 1; ; given += 1) {
    signal.throwIfAborted()
    const last = over // what was written before the end is there when this is read
    const bytes = readNow(reader, block)
    const full = bytes === block.length
    if (bytes > 0) {
      yield block.subarray(0, bytes)
      block = next()
    } else if (last) return writing
    if (full && given % TURN === 0) await nextTurn() // nothing else here lets anybody else have one
    if (full || over) continue
    await new Promise<void>((resolve) => {
      wake = resolve
      setTimeout(resolve, PAUSE)
    })
  }
}

/** 0: nothing there yet, with or without a writer who has it open. */
function readNow(reader: number, block: Buffer): number {
  try {
    return readSync(reader, block, 0, block.length, null)
  } catch (error) {
    if (systemCode(error) === 'EAGAIN') return 0
    throw error
  }
}
