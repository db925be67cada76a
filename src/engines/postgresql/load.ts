// Fills an empty server from an SQL dump, and stops at the first error.

import { randomUUID } from 'node:crypto'
import { concatenate, once, type Bytes } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import type { Target } from '../engine.ts'
import { listDatabases } from './catalog.ts'
import { marksColumns, withoutColumnMarks } from './column-marks.ts'
import { endpointOf, innerOf, programEnvironment, withSession } from './session.ts'

export async function load(target: Target, bytes: Bytes, signal: AbortSignal): Promise<void> {
  // A psql that leaves early (`\q`), or is still inside of something at the end, exits 0 as well. This is what it says last.
  const token = `end of input ${randomUUID()}`
  const knowsMarks = await withSession(endpointOf(target), { signal }, marksColumns)
  const said = target.run(
    {
      program: 'psql',
      args: ['--no-psqlrc', '--quiet', '--no-password', '--set=ON_ERROR_STOP=1', '--output=/dev/null', '--file=-'],
      env: programEnvironment(innerOf(target)),
      signal,
    },
    concatenate(knowsMarks ? bytes : withoutColumnMarks(bytes), once(`\n\\echo ${token}\n`)),
  )
  let last = ''
  try {
    for await (const chunk of said) last = (last + Buffer.from(chunk).toString('latin1')).slice(-200)
  } catch (error) {
    throw roomOr(error)
  }
  if (!last.endsWith(`${token}\n`)) {
    throw new HayaiError('TOOL_FAILED', 'psql stopped before the end of the dump, without an error', {
      hint: 'The file tells psql to leave (\\q), or ends in the middle of a statement.',
    })
  }
  await analyse(target, signal)
}

/** A server that has no room ends at once, and psql's last words are of the connection. */
function roomOr(error: unknown): unknown {
  if (!isCode(error, 'TOOL_FAILED')) return error
  const words = [error.message, error.details?.['stderr']].join('\n')
  const line = words.split('\n').find((each) => /No space left on device|Disk quota exceeded/.test(each))
  if (line === undefined) return error
  return new HayaiError('STORE_FAILED', `there is no room for the data beside what is there: ${line.trim()}`, {
    hint: 'Make room where the data is kept, and try again. The live database was not touched.',
    cause: error,
    ...(error.details === undefined ? {} : { details: error.details }),
  })
}

/** Without statistics the first queries after a restore may take the wrong way, and hours. */
async function analyse(target: Target, signal: AbortSignal): Promise<void> {
  const endpoint = endpointOf(target)
  const databases = await withSession(endpoint, { signal }, listDatabases)
  for (const { name: database, connectable } of databases) {
    if (connectable) await withSession(endpoint, { database, signal }, (session) => session.query('ANALYZE'))
  }
}
