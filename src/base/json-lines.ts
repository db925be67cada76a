// A file of JSON lines that is only ever added to. What a crash has cut short stays a line of its own, and is passed over.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { exists, giveToOwner, syncFolder } from './files.ts'

/** Returns when the line is on the disk. */
export async function appendJson(file: string, value: unknown): Promise<void> {
  const isNew = !(await exists(file))
  const handle = await open(file, 'a+', 0o600)
  try {
    if (isNew) await giveToOwner(handle, dirname(file))
    const { size } = await handle.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await handle.read(last, 0, 1, size - 1)
    const cut = size > 0 && last.toString() !== '\n' // a crash has left half a line
    await handle.writeFile(`${cut ? '\n' : ''}${JSON.stringify(value)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (isNew) await syncFolder(dirname(file))
}

/** What every whole line holds, the oldest first; nothing when there is no file. */
export async function* jsonIn(file: string): AsyncGenerator {
  if (!(await exists(file))) return
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    try {
      yield JSON.parse(line)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
}
