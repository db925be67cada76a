// A file that a program writes into by itself. Bytes that only pass through this process on their way to a file cost more than
// they need to: a pipe moves them in small pieces, and each is copied twice. So the file's descriptor is lent to the program, and
// the bytes are read where they landed, for the digest and whoever else looks at them.

import { fstat, read, write } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { once, type Bytes } from './bytes.ts'

const readAt = promisify(read)
const writeNext = promisify(write)

/** Open for reading and appending: whoever writes goes on where the one before stopped, also one that opened it by its name. */
export interface Landing {
  readonly descriptor: number
}

/** The same bytes, each after it has been written there. */
export async function* landed(bytes: Bytes, { descriptor }: Landing): Bytes {
  for await (const chunk of bytes) {
    await writeAtEnd(descriptor, chunk)
    yield chunk
  }
}

/** Words between what programs write, which go the same way as that. */
export function words(text: string, into: Landing | undefined): Bytes {
  return into === undefined ? once(text) : landed(once(text), into)
}

async function writeAtEnd(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await writeNext(descriptor, bytes, done, bytes.byteLength - done, null)
    done += bytesWritten
  }
}

const BLOCK = 512 * 1024
const PAUSE = 4

/**
 * What others write to the file behind `from`, until `ended` has settled and all of it was read. That the writer succeeded is
 * for the caller to look at. A piece is the reader's until it asks for the next one: its memory is used again.
 */
export async function* followed({ descriptor }: Landing, from: number, ended: Promise<unknown>): Bytes {
  let [position, over] = [from, false]
  const end = (): void => void (over = true)
  ended.then(end, end)
  const block = Buffer.allocUnsafeSlow(BLOCK)
  for (;;) {
    const last = over // what was written before the end is there when this is read
    const { bytesRead } = await readAt(descriptor, block, 0, BLOCK, position)
    position += bytesRead
    if (bytesRead > 0) yield block.subarray(0, bytesRead)
    else if (last) return
    if (bytesRead < BLOCK && !last) await sleep(PAUSE)
  }
}

/** Where the next byte will be. */
export async function endOf({ descriptor }: Landing): Promise<number> {
  return (await promisify(fstat)(descriptor)).size
}
