// A server's log, which is a file: its last lines, and what comes.

import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytes } from '../../base/bytes.ts'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { called, type Home } from './home.ts'

export interface LogOptions {
  readonly follow: boolean
  readonly lines: number
}

export async function* logOf(home: Home, options: LogOptions, signal: AbortSignal | undefined): Bytes {
  const { logFile, name } = home.placement
  try {
    await stat(logFile)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    throw new HayaiError('WRONG_STATE', `${called(home)} has no log yet: it was never started`, { hint: `hayai start ${name}` })
  }
  yield* follow(logFile, options, signal)
}

const LOOK_BACK = 256 * 1024
const PAUSE = 200

async function* follow(file: string, { follow: on, lines }: LogOptions, signal: AbortSignal | undefined): Bytes {
  const handle = await open(file, 'r')
  try {
    let { size } = await handle.stat()
    yield lastLines(await readAt(handle, Math.max(0, size - LOOK_BACK), size), lines)
    while (on && signal?.aborted !== true) {
      await sleep(PAUSE, undefined, { ref: true })
      const { size: now } = await handle.stat()
      if (now > size) yield await readAt(handle, size, now)
      size = now // it may also have been emptied
    }
  } finally {
    await handle.close()
  }
}

async function readAt(handle: Awaited<ReturnType<typeof open>>, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(to - from)
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from)
  return buffer.subarray(0, bytesRead)
}

function lastLines(content: Buffer, lines: number): Buffer {
  let at = content.length
  if (content[at - 1] === 0x0a) at--
  for (let left = lines; left > 0 && at > 0; left--) at = content.lastIndexOf(0x0a, at - 1)
  return at <= 0 ? content : content.subarray(at + 1)
}
