// A snapshot of a live database: while writers are kept out it is copied beside itself, as it is; then it is theirs again, and the
// copy, which nobody else knows, is brought to rest, read, counted and handed on.

import { constants, createReadStream } from 'node:fs'
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { permissionOf } from '../../base/child.ts'
import { run } from '../../base/exec.ts'
import { beats } from '../../base/pulse.ts'
import { tarOfFile } from '../../base/tar-file.ts'
import type { Dump, Facts, Format, Ready, Survey, Target } from '../engine.ts'
import { ask, childFor } from './ask.ts'
import type { Counted, Happening, Surveyed } from './protocol.ts'
import { PATIENCE } from './recipe.ts'

/** The name of the database in a tar. */
export const MEMBER = 'database.duckdb'

/** Returns as soon as writers are kept out; the copy goes on being made, read or not, until close(). */
export async function dump(target: Target, format: Format, signal: AbortSignal, ready?: Ready): Promise<Dump> {
  const folder = join(target.scratch, 'copy')
  await mkdir(folder)
  const copy = join(folder, basename(target.path)) // DuckDB calls a database by the name of its file, and so may a view in it
  const spill = join(target.scratch, 'spill')
  const closing = new AbortController()
  const ends = AbortSignal.any([signal, closing.signal])
  const instant = Promise.withResolvers<{ readonly at: Date; readonly bytes: number }>()
  const pulse = { alive: 0, alone: false }
  let blocked = 0

  // Both children are there, with all that they need, before anybody is kept waiting.
  async function copyAway(): Promise<void> {
    const [holds, prepared, copied, free] = [gate(), gate(), gate(), gate()]
    const wanted = Promise.withResolvers<boolean>()
    const copying = ask(
      'copy',
      { file: target.path, to: copy, durable: false, waits: true },
      {
        signal: ends,
        input: permissionOf(wanted.promise),
        on: async ({ event }) => {
          if (event === 'ready') prepared.resolve()
          else pulse.alive++
        },
      },
    )
    copying.then(() => copied.resolve(), copied.reject)
    copied.promise.catch(prepared.reject)
    const on = async (happening: Happening): Promise<void> => {
      if (happening.event === 'ready') {
        await prepared.promise
        await ready?.('lock')
        holds.resolve()
      }
      if (happening.event !== 'held') return
      wanted.resolve(true) // nobody writes: what is copied now is what is there at the instant
      await ready?.('fix')
      instant.resolve({ at: new Date(), bytes: happening.bytes })
      await copied.promise
      blocked = Date.now() - Date.parse(happening.at)
      free.resolve()
    }
    try {
      await ask('hold', { file: target.path, patience: PATIENCE }, { signal: ends, on, input: permission(holds.promise, free.promise) })
    } finally {
      wanted.resolve(false)
      await Promise.allSettled([copying])
    }
  }
  async function copyAndExamine(): Promise<Surveyed> {
    await copyAway()
    pulse.alone = true // from here on nobody else is in the way
    const hint = 'Save what can be saved, table by table, or restore an earlier snapshot.'
    return ask('examine', { file: copy, spill, hint }, { signal: ends })
  }
  const counted = copyAndExamine()
  counted.catch((error: unknown) => instant.reject(error))
  const { at, bytes } = await instant.promise

  async function* read(): Bytes {
    yield* beats(counted, pulse)
    await counted
    if (format.name === 'sql') {
      await ask('trySchema', { file: copy, spill }, { signal: ends })
      yield* run(childFor('writeSql', { file: copy, spill }, ends))
      return
    }
    const content = createReadStream(copy, { highWaterMark: READ_BYTES, signal: ends })
    yield* format.name === 'tar' ? tarOfFile(MEMBER, (await stat(copy)).size, content) : content
  }
  return {
    instant: at,
    bytes: read(),
    land: null,
    facts: async () => ({ ...surveyOf(await counted), blocked }),
    expectedBytes: format.name === 'sql' ? undefined : bytes,
    async close() {
      closing.abort()
      await Promise.allSettled([counted]) // the children are gone when this settles; what they said was for those who read
      for (const name of await readdir(target.scratch)) await rm(join(target.scratch, name), { recursive: true, force: true })
    },
  }
}

function gate(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>()
  made.promise.catch(() => {}) // heard of by who waits, if anybody
  return made
}

/** The permission to hold, and the end of it. */
async function* permission(given: Promise<void>, until: Promise<void>): Bytes {
  await given
  yield Buffer.from('g')
  await until
}

const READ_BYTES = 1024 * 1024

export function factsOf({ version, census, notes }: Counted): Facts {
  return { product: 'DuckDB', version, census, notes, tools: { duckdb: version } }
}

export function surveyOf(surveyed: Surveyed): Survey {
  return { ...factsOf(surveyed), outline: surveyed.outline, digests: surveyed.digests }
}

/** Of a snapshot that is a database file: out of a copy of it, for DuckDB has to open it as if it would write. */
export async function* tableRows(file: string, table: string, scratch: string, signal: AbortSignal): Bytes {
  const copy = join(scratch, basename(file))
  await copyFile(file, copy, constants.COPYFILE_FICLONE)
  yield* run(childFor('writeRows', { file: copy, spill: join(scratch, 'spill'), table }, signal))
}
