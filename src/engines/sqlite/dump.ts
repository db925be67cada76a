// A snapshot of a live database: copied, checked and counted beside it, then handed on from the copy, which nobody else knows.

import { createReadStream } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../../base/bytes.ts'
import { run } from '../../base/exec.ts'
import { beats } from '../../base/pulse.ts'
import { tarOfFile } from '../../base/tar-file.ts'
import { permissionOf } from '../../base/child.ts'
import type { Dump, Facts, Format, Ready, Survey, Target } from '../engine.ts'
import { ask, childFor } from './ask.ts'
import type { Counted, Happening, Surveyed } from './protocol.ts'
import { PATIENCE } from './recipe.ts'

/** The name of the database in a tar. */
export const MEMBER = 'database.db'

/** Returns as soon as the instant is fixed; the copy goes on being made, read or not, until close(). */
export async function dump(target: Target, format: Format, signal: AbortSignal, ready?: Ready): Promise<Dump> {
  const copy = join(target.scratch, 'copy.db')
  const closing = new AbortController()
  const instant = Promise.withResolvers<{ readonly at: Date; readonly bytes: number }>()
  const pulse = { alive: 0, alone: false }
  const permitted = Promise.withResolvers<boolean>()
  const on = async (happening: Happening): Promise<void> => {
    pulse.alive++
    if (happening.event === 'ready') {
      await ready?.('fix')
      permitted.resolve(true)
    }
    if (happening.event === 'instant') instant.resolve({ at: new Date(happening.at), bytes: happening.bytes })
    if (happening.event === 'checking') pulse.alone = true // the check of a copy waits for nobody
  }
  const ends = AbortSignal.any([signal, closing.signal])
  const counted = ask(
    'copy',
    { file: target.path, to: copy, patience: PATIENCE },
    { signal: ends, on, input: permissionOf(permitted.promise) },
  )
  counted.catch((error: unknown) => instant.reject(error))
  const { at, bytes } = await instant.promise

  async function* read(): Bytes {
    yield* beats(counted, pulse)
    await counted
    if (format.name === 'sql') {
      await ask('trySchema', { file: copy }, { signal: ends })
      yield* run(childFor('writeSql', { file: copy }, ends))
      return
    }
    const content = createReadStream(copy, { highWaterMark: READ_BYTES, signal: ends })
    yield* format.name === 'tar' ? tarOfFile(MEMBER, (await stat(copy)).size, content) : content
  }
  return {
    instant: at,
    bytes: read(),
    land: null,
    facts: async () => surveyOf(await counted),
    expectedBytes: format.name === 'sql' ? undefined : bytes,
    async close() {
      closing.abort()
      await Promise.allSettled([counted]) // the child is gone when this settles; what it said was for those who read
      for (const name of await readdir(target.scratch)) await rm(join(target.scratch, name), { force: true })
    },
  }
}

const READ_BYTES = 1024 * 1024
export function factsOf({ version, census, notes }: Counted): Facts {
  return { product: 'SQLite', version, census, notes, tools: { sqlite: version } }
}

export function surveyOf(surveyed: Surveyed): Survey {
  return { ...factsOf(surveyed), outline: surveyed.outline, digests: surveyed.digests }
}
