// list, connect and logs: what there is, how it is reached, and what its server says. Nothing is changed here.

import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError, systemCode } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import type { Connection, DatabaseView, Watch } from './answers.ts'
import { databaseOf, glance, type Context, type Database } from './context.ts'

export async function list(context: Context, runningOnly: boolean): Promise<readonly DatabaseView[]> {
  const views = await Promise.all((await glance(context)).map(viewOf))
  // A file is always at hand, so "all that run" means it too: `hayai list --running | xargs -I {} hayai snapshot {}`.
  return runningOnly ? views.filter(({ status }) => status === 'running' || status === 'file') : views
}

export async function viewOf(database: Database): Promise<DatabaseView> {
  const { name, entry, site } = database
  const [status, generations] = await Promise.all([site.status(), site.generations()])
  return {
    name,
    engine: entry.engine,
    runtime: entry.runtime,
    version: entry.version ?? '',
    status,
    port: entry.port,
    file: database.engine.recipe.shape === 'file' ? site.path : null,
    generation: generations.find(({ live }) => live)?.name ?? null,
  }
}

export async function connect(context: Context, name: string): Promise<Connection> {
  const { engine, entry, placement, site } = await databaseOf(context, name)
  const { user, password, database } = placement.settings
  if (engine.recipe.shape === 'file') {
    const none = { host: null, port: null, user: null, password: null, database: null }
    return { name, engine: entry.engine, ...none, file: site.path, uri: new Secret(engine.uri(undefined, site.path)) }
  }
  const endpoint = { host: '127.0.0.1', port: entry.port ?? 0, user, password, database }
  return { name, engine: entry.engine, ...endpoint, file: null, uri: new Secret(engine.uri(endpoint, site.path)) }
}

/** The last lines of the server's log; with `follow` also what comes, until the signal. */
export async function logs(context: Context, name: string, options: { follow: boolean; lines: number }, watch: Watch = {}): Promise<Bytes> {
  const database = await databaseOf(context, name)
  if (database.engine.recipe.shape === 'file') {
    throw new HayaiError('USAGE', `"${name}" is a file and has no log`, {
      hint: `${database.engine.title} writes none; its application may.`,
    })
  }
  const file = database.placement.logFile
  try {
    await stat(file)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    throw new HayaiError('WRONG_STATE', `"${name}" has no log yet: it was never started`, { hint: `hayai start ${name}` })
  }
  return follow(file, options, watch.signal)
}

const LOOK_BACK = 256 * 1024
const PAUSE = 200

async function* follow(file: string, { follow: on, lines }: { follow: boolean; lines: number }, signal: AbortSignal | undefined): Bytes {
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
