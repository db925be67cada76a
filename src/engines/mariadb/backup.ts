// A physical copy of the running server: made by mariadb-backup beside the data, prepared, and only then packed. What is in it is
// the state at the end of its making: everything that was committed until then, and nothing later.

import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { drain, type Bytes } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import { closedAtItsEnd, notToItsEnd } from '../../base/reading.ts'
import type { Census, Dump, Endpoint, Outlined, Target, Workshop } from '../engine.ts'
import { look, sameMoment, standing, type Look } from './activity.ts'
import { censusOf, countContents, keepsRows, readServer, type Contents, type Server } from './catalog.ts'
import { MARIADB, type Dialect } from './dialect.ts'
import { INFO_FILES, packed, toolVersionIn } from './folder.ts'
import { readPhysicalNotes } from './notes.ts'
import { readOutline as readStructure } from './outline.ts'
import { key } from './passage.ts'
import { connect, endpointOf, errorNumber, innerOf, programEnvironment, withSession, type Session } from './session.ts'

const PROGRAM = 'mariadb-backup'

/** How long others may keep mariadb-backup waiting while it makes them wait; seconds. */
const PATIENCE = 60

export async function backUp(dialect: Dialect, target: Target, outer: AbortSignal, patience = PATIENCE): Promise<Dump> {
  const closing = new AbortController()
  const signal = AbortSignal.any([outer, closing.signal])
  const endpoint = endpointOf(target)
  await called(target, ['--version'], signal)
  let workshop: Workshop | undefined
  const session = await connect(dialect, endpoint, { signal })
  const close = async (): Promise<void> => {
    closing.abort(notToItsEnd())
    await session.close()
    await workshop?.close()
  }
  try {
    const server = await readServer(session, dialect)
    const before = await look(session, server, endpoint.database)
    const structure = await readStructure(session, server, before.outline)
    const notes = await readPhysicalNotes(session, before.outline)
    const facts = Promise.withResolvers<Outlined>()
    facts.promise.catch(() => {}) // whoever asks for the facts hears of it
    let instant = new Date()
    async function* bytes(): Bytes {
      workshop = await target.workshop(signal)
      const counting = count(server, endpoint, before, signal)
      counting.catch(() => {}) // heard of below
      yield* whileGrowing(workshop, signal, copy(workshop, innerOf(target), signal), () => refuseStuck(session, patience))
      session.holds()
      instant = new Date()
      const { census, noted } = settled(before, await look(session, server, endpoint.database), await counting)
      const tool = await refuseOtherVersion(workshop, server)
      yield* whileGrowing(workshop, signal, called(workshop, prepareArguments(workshop), signal))
      yield* packed(workshop.archive(signal))
      const { version } = server
      facts.resolve({
        product: dialect.product,
        version,
        census,
        notes: [...notes, ...noted],
        tools: { [PROGRAM]: tool },
        outline: structure,
      })
    }
    return {
      get instant() {
        return instant
      },
      bytes: closedAtItsEnd(bytes(), close, facts.reject),
      land: null, // it is packed here
      facts: () => facts.promise,
      expectedBytes: before.outline.tables.reduce((sum, table) => sum + table.bytes, 0),
      async close() {
        facts.reject(notToItsEnd())
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

function copy(workshop: Workshop, { host, port, user, password, tls }: Endpoint, signal: AbortSignal): Promise<void> {
  const login = [`--host=${host}`, `--port=${port}`, '--protocol=tcp', `--user=${user}`, ...MARIADB.programArguments(tls?.file)]
  const places = [`--target-dir=${workshop.path}`, `--tmpdir=${workshop.temporary}`]
  const args = ['--no-defaults', '--backup', ...login, ...places, `--parallel=${Math.min(4, availableParallelism())}`]
  return called(workshop, args, signal, programEnvironment({ password }))
}

function prepareArguments({ path, temporary }: Workshop): readonly string[] {
  return ['--no-defaults', '--prepare', `--target-dir=${path}`, `--tmpdir=${temporary}`, '--use-memory=256M']
}

async function called(
  place: Pick<Workshop, 'run'>,
  args: readonly string[],
  signal: AbortSignal,
  env: ReturnType<typeof programEnvironment> = {},
): Promise<void> {
  try {
    await drain(place.run({ program: PROGRAM, args, env, signal }))
  } catch (error) {
    if (isCode(error, 'ENVIRONMENT')) {
      throw new HayaiError('ENVIRONMENT', error.message, { hint: INSTALL, cause: error })
    }
    if (isCode(error, 'TOOL_FAILED') && /No space left on device|Errcode: 28\b/.test(error.message)) {
      throw new HayaiError('STORE_FAILED', `there is no room for a copy of the server beside its data: ${error.message}`, {
        hint: 'Free some disk space, or use --format sql, which needs no copy.',
        cause: error,
      })
    }
    throw error
  }
}

const INSTALL =
  process.platform === 'darwin'
    ? 'Install it: brew install mariadb. Or use --format sql.'
    : 'Install it: sudo apt-get install mariadb-backup (Debian, Ubuntu), or MariaDB-backup of mariadb.org, of the same version as the server. Or use --format sql.'

const TICK = 3000
const NOTHING = new Uint8Array(0)

/** Gives an empty chunk now and then while files grow or change: whoever waits knows by it that the work goes on. */
async function* whileGrowing(workshop: Workshop, signal: AbortSignal, work: Promise<void>, look = async (): Promise<void> => {}): Bytes {
  const done = work.then(() => true)
  done.catch(() => {}) // awaited below
  for (let last = ''; ;) {
    const waiting = new AbortController()
    const tick = sleep(TICK, false, { signal: waiting.signal }).catch(() => false)
    const ended = await Promise.race([done, tick]).finally(() => waiting.abort())
    if (ended) return
    signal.throwIfAborted()
    await look()
    const now = await workshop.extent()
    if (now !== last) yield NOTHING
    last = now
  }
}

/** A client that does not let go of a table, or changes it for long, can keep all others waiting for as long as the copy waits for it. */
async function refuseStuck(session: Session, patience: number): Promise<void> {
  const [row] = await session.query<{ seconds: number }>(`
    SELECT TIME AS seconds FROM information_schema.PROCESSLIST WHERE INFO LIKE 'BACKUP STAGE%' AND STATE LIKE 'Waiting for%' ORDER BY TIME DESC LIMIT 1`)
  if (row === undefined || row.seconds < patience) return
  throw new HayaiError(
    'LOCKED',
    `somebody has been changing the structure of the database, or holding a table locked, for ${row.seconds} s: no copy can be made meanwhile`,
    { hint: 'Try again when it has ended; SHOW PROCESSLIST shows it.' },
  )
}

/** A copy is made by the server's own version: another one may read its files otherwise. */
async function refuseOtherVersion(workshop: Workshop, { version }: Server): Promise<string> {
  let info: string | undefined
  for (const name of INFO_FILES) info ??= await workshop.read(name)
  const tool = toolVersionIn(info ?? '')
  if (tool === version) return tool
  throw new HayaiError('ENVIRONMENT', `${PROGRAM} is of version ${tool || 'unknown'}, and the server is ${version}`, {
    hint: `Install ${PROGRAM} ${version}; or, if the server's program was upgraded too, stop the database and start it again.`,
  })
}

/** Undefined when others remove meanwhile what has to be counted. */
async function count(server: Server, endpoint: Endpoint, { outline }: Look, signal: AbortSignal): Promise<Contents | undefined> {
  try {
    return await withSession(server.dialect, endpoint, { signal }, async (session) => {
      await session.query('SET SESSION lock_wait_timeout = 5') // to wait for others would make others wait
      await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
      const contents = await countContents(session, outline)
      await session.query('COMMIT')
      return contents
    })
  } catch (error) {
    if (errorNumber(error) === undefined) throw error
    return undefined
  }
}

/** Exact when nobody wrote from the first look to the last; else of what was there at both. */
function settled(before: Look, after: Look, counted: Contents | undefined): { readonly census: Census; readonly noted: readonly string[] } {
  const rows = new Map(counted?.rows)
  for (const table of before.outline.tables) {
    const at = key(table.database, table.name)
    if (table.engine === 'MEMORY') rows.set(at, 0) // what is in memory is not in the files
    else if (keepsRows(table) && !rows.has(at)) rows.set(at, 0)
  }
  if (counted !== undefined && sameMoment(before, after)) {
    return { census: censusOf(before.outline, { rows, positions: counted.positions }), noted: [] }
  }
  const census = censusOf({ ...before.outline, tables: standing(before, after) }, { rows, positions: new Map() })
  return {
    census: { ...census, moving: true },
    noted: [
      'Others wrote while the copy was made. It holds what was committed until its end; the rows in the census are those of its beginning.',
    ],
  }
}
