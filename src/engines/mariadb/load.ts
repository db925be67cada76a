// Fills an empty server from an SQL dump, and stops at the first error.

import { randomUUID } from 'node:crypto'
import { concatenate, once, type Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import type { Target } from '../engine.ts'
import { isNewEnough, listDatabases, listTables, readServer } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { endedOnce } from './endings.ts'
import { endless, FURTHER } from './endless.ts'
import { keepLogin } from './keep.ts'
import { withoutSandbox } from './marks.ts'
import { endpointOf, innerOf, programArguments, programEnvironment, withSession } from './session.ts'
import { literal, name } from './sql.ts'

export async function load(dialect: Dialect, target: Target, bytes: Bytes, signal: AbortSignal): Promise<void> {
  const endpoint = endpointOf(target)
  // Held open, for a dump may bring accounts, and with them another password for the one that this session has logged in with.
  await withSession(dialect, endpoint, { signal }, async (held) => {
    const reaching = dialect.extended && isNewEnough(await readServer(held, dialect), FURTHER)
    await run(dialect, target, reaching ? endless(bytes) : bytes, signal)
    await keepLogin(held, dialect, endpoint, signal)
  })
  await analyse(dialect, target, signal)
}

/** Runs a script in a database of the server, to its end. */
export async function run(
  dialect: Dialect,
  target: Target,
  bytes: Bytes,
  signal: AbortSignal,
  database = endpointOf(target).database,
): Promise<void> {
  const endpoint = innerOf(target)
  // A client that stops early, or is still inside of something at the end, may exit 0 as well. This is what it says last.
  const token = `end of input ${randomUUID()}`
  const said = target.run(
    {
      program: dialect.programs.client,
      // --binary-mode: nothing but SQL and DELIMITER is a command, and no byte of a string is taken for something else.
      args: [...programArguments(dialect, endpoint), '--batch', '--binary-mode', '--skip-column-names', `--database=${database}`],
      env: programEnvironment(endpoint),
      signal,
    },
    concatenate(endedOnce(dialect, withoutSandbox(bytes)), once(`\nSELECT ${literal(token)};\n`)),
  )
  let last = ''
  for await (const chunk of said) last = (last + Buffer.from(chunk).toString('latin1')).slice(-200)
  if (last.endsWith(`${token}\n`)) return
  throw new HayaiError('TOOL_FAILED', `${dialect.programs.client} stopped before the end of the dump, without an error`, {
    hint: 'The file ends in the middle of a statement.',
  })
}

/** Without statistics the first queries after a restore may take the wrong way. */
async function analyse(dialect: Dialect, target: Target, signal: AbortSignal): Promise<void> {
  const endpoint = endpointOf(target)
  await withSession(dialect, endpoint, { signal }, async (session) => {
    const databases = await listDatabases(session, endpoint.database)
    const tables = (await listTables(session, databases)).filter(
      ({ kind, engine }) => kind !== 'view' && kind !== 'sequence' && engine === 'InnoDB',
    )
    for (let from = 0; from < tables.length; from += 50) {
      const some = tables.slice(from, from + 50)
      await session.query(
        `ANALYZE NO_WRITE_TO_BINLOG TABLE ${some.map((table) => `${name(table.database)}.${name(table.name)}`).join(', ')}`,
      )
    }
  })
}
