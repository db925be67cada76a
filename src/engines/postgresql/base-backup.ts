// A base backup of the running server as one tar archive, the log (WAL) of its making included, streamed as it is made. What is in
// it is the state at its end: everything that was committed until then, and nothing later.

import { randomBytes } from 'node:crypto'
import { text, type Bytes } from '../../base/bytes.ts'
import { HayaiError, isCode, systemCode } from '../../base/errors.ts'
import type { Landing } from '../../base/landing.ts'
import { closedAtItsEnd, notToItsEnd } from '../../base/reading.ts'
import type { Dump, Endpoint, Outlined, Target } from '../engine.ts'
import { label } from './adopt.ts'
import { readServer } from './catalog.ts'
import { waitingForArchive } from './concerns.ts'
import { surveyForCopy } from './inspect.ts'
import { physicalNotes } from './notes.ts'
import { connect, endpointOf, innerOf, programEnvironment, type Session } from './session.ts'
import { literal } from './sql.ts'
import { sameMoment, standing, type Standing } from './standing.ts'

export async function baseBackup(target: Target, outer: AbortSignal): Promise<Dump> {
  const closing = new AbortController()
  const signal = AbortSignal.any([outer, closing.signal])
  const endpoint = endpointOf(target)
  const main = await connect(endpoint, { signal })
  const close = async (): Promise<void> => {
    closing.abort(notToItsEnd())
    await main.close()
  }
  try {
    const { version } = await readServer(main)
    const { oid, size } = await refuseUnfit(main)
    await holdLog(main)
    const tool = /\d\S*/.exec(await text(target.run({ program: PROGRAM, args: ['--version'], signal })))?.[0] ?? ''
    const notes = await physicalNotes(main, endpoint, signal)
    const before = await standing(endpoint, main, signal)
    const facts = Promise.withResolvers<Outlined>()
    facts.promise.catch(() => {}) // whoever asks for the facts hears of it
    let instant = new Date()
    async function* written(into?: Landing): Bytes {
      const counting = count(endpoint, signal)
      counting.catch(() => {}) // heard of below
      const args = [...ARGUMENTS, `--label=${label(oid)}`]
      const env = programEnvironment(innerOf(target))
      yield* explained(target.run({ program: PROGRAM, args, env, signal, into, expects: size }))
      main.holds()
      instant = new Date()
      const counted = await counting
      const { noted, ...found } = settled(before, await standing(endpoint, main, signal), counted)
      facts.resolve({ product: 'PostgreSQL', version, ...found, notes: [...notes, ...noted], tools: { [PROGRAM]: tool } })
    }
    const read = (into?: Landing): Bytes => closedAtItsEnd(written(into), close, facts.reject)
    return {
      get instant() {
        return instant
      },
      bytes: read(),
      land: read,
      facts: () => facts.promise,
      expectedBytes: size,
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

const PROGRAM = 'pg_basebackup'
const ARGUMENTS = ['--pgdata=-', '--format=tar', '--wal-method=fetch', '--checkpoint=fast', '--manifest-checksums=SHA256', '--no-password']

interface Fit {
  /** The main database's: it stays the same in every copy. */
  readonly oid: number
  readonly size: number
}

/** Throws CONFLICT, with what to do, when a server is set so that no base backup can be made of it, or none in one archive. */
async function refuseUnfit(main: Session): Promise<Fit> {
  const [row] = await main.query<Fit & { level: string; senders: number; spaces: string | null }>(`
    SELECT current_setting('wal_level') AS level, current_setting('max_wal_senders')::int AS senders,
      (SELECT string_agg(spcname, ', ') FROM pg_tablespace WHERE oid >= 16384) AS spaces,
      (SELECT oid::bigint::float8 FROM pg_database WHERE datname = current_database()) AS oid,
      (SELECT sum(pg_database_size(oid)) FROM pg_database)::float8 AS size`)
  if (row === undefined) throw new Error('the server does not tell its settings')
  const settings = 'Leave POSTGRES_WAL_LEVEL and POSTGRES_MAX_WAL_SENDERS out of .hayaidb and start it anew; or use --format sql.'
  if (row.level === 'minimal') throw unfit('it is set to wal_level = minimal', settings)
  if (row.senders === 0) throw unfit('it is set to max_wal_senders = 0', settings)
  if (row.spaces !== null)
    throw unfit(
      `it has tablespaces (${row.spaces}), whose files lie in other folders`,
      'Use --format sql; or move what is in them: ALTER DATABASE ... SET TABLESPACE pg_default.',
    )
  const waiting = await waitingForArchive(main)
  if (waiting?.failed !== undefined)
    throw unfit(
      `its log cannot be archived (${waiting.failed.name} failed at ${waiting.failed.at}), and the server ends no backup before that`,
      'Make room in its archive folder, or put that back: `hayai health` tells more; or use --format sql.',
    )
  return row
}

function unfit(why: string, hint: string): HayaiError {
  return new HayaiError('CONFLICT', `no base backup can be made of this server as one tar archive: ${why}`, { hint })
}

/** From now on the server keeps all of its log for as long as this session lasts; without a free slot, only what it keeps by itself. */
async function holdLog(main: Session): Promise<void> {
  const slot = `hayai_${process.pid}_${randomBytes(4).toString('hex')}`
  try {
    await main.query(`SELECT pg_create_physical_replication_slot(${literal(slot)}, true, true)`)
  } catch (error) {
    const state = error instanceof Error ? systemCode(error.cause) : undefined
    if (state !== '53400' && state !== '55000') throw error // all slots are in use, or there are none
  }
}

async function* explained(source: Bytes): Bytes {
  try {
    yield* source
  } catch (error) {
    if (!(error instanceof HayaiError) || error.code !== 'TOOL_FAILED' || error.hint !== undefined) throw error
    const hint = HINTS.find(([pattern]) => pattern.test(error.message))?.[1]
    if (hint === undefined) throw error
    throw new HayaiError(error.code, error.message, {
      hint,
      cause: error,
      ...(error.details === undefined ? {} : { details: error.details }),
    })
  }
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/pg_hba\.conf/, 'Let the login in: a line `host replication all 127.0.0.1/32 scram-sha-256` in pg_hba.conf, then pg_reload_conf().'],
  [/max_wal_senders|standby connections/, 'Others copy from this server already: end one of them, or raise POSTGRES_MAX_WAL_SENDERS.'],
  [
    /removed|could not find (?:any )?WAL/i,
    'The server did not keep its log for long enough: raise POSTGRES_WAL_KEEP_SIZE, or POSTGRES_MAX_REPLICATION_SLOTS.',
  ],
]

/** Undefined when others hold what has to be counted, or remove it meanwhile. */
async function count(endpoint: Endpoint, signal: AbortSignal): Promise<Outlined | undefined> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    try {
      return await surveyForCopy(endpoint, signal)
    } catch (error) {
      const state = error instanceof Error ? systemCode(error.cause) : undefined
      if (!isCode(error, 'TOOL_FAILED') || state === undefined || !IN_THE_WAY.has(state)) throw error
    }
  }
  return undefined
}

// A lock that was not had, and things that were there a moment ago: a table, what pg_class told of, a database.
const IN_THE_WAY = new Set(['55P03', '40P01', '42P01', '42704', 'XX000', '3D000', '57P01'])

type Found = Pick<Outlined, 'census' | 'outline'> & { readonly noted: readonly string[] }

/** Exact when nobody wrote from the first look to the last; else of what was there at both. */
function settled(before: Standing, after: Standing, counted: Outlined | undefined): Found {
  if (counted !== undefined && sameMoment(before, after)) return { census: counted.census, outline: counted.outline, noted: [] }
  const stood = [...before.tables].filter(([table, { oid }]) => after.tables.get(table)?.oid === oid)
  const rows = stood.map(([table, { estimate }]) => [table, counted?.census.tables[table] ?? estimate] as const)
  return {
    census: { tables: Object.fromEntries(rows), objects: counted?.census.objects ?? {}, moving: true },
    outline: counted?.outline ?? { tables: {}, objects: {} },
    noted: [
      'Others wrote while the copy was made. It holds what was committed until its end; the rows in the census are those of its beginning, or estimates.',
    ],
  }
}
