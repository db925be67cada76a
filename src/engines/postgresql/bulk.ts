// The large tables of a dump. pg_dump reads them row by row from a connection, which costs as much again as the server's own work;
// a server on this machine can write the very same text into a named pipe (COPY ... TO '<file>'). So where a few tables are nearly
// all there is, pg_dump makes an archive of everything but their rows, pg_restore gives its two halves as SQL, and the rows go in
// between. All of it is of the one snapshot, and the locks on the tables are held until the last row.

import { lchown, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { drain, type Bytes } from '../../base/bytes.ts'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { makeFifo, removeFifo, type Fifo } from '../../base/fifo.ts'
import { inTurns, type Lane, type Turns } from '../../base/lanes.ts'
import { isAbandoned, temporaryName } from '../../base/files.ts'
import { landed, type Landing } from '../../base/landing.ts'
import type { Target } from '../engine.ts'
import { notMember, ORDINARY_SCHEMA } from './catalog.ts'
import { bytesKey } from './rows.ts'
import { innerOf, programEnvironment, type Session } from './session.ts'
import { comment, literal, name } from './sql.ts'

const MIB = 1024 * 1024
/** Less than this is not worth the second connection. */
const WORTH = 64 * MIB
/** What is not in large tables goes through the archive, and that takes room beside the data for a moment. */
const REST = 256 * MIB
const LARGE = MIB
const MOST = 300 // their names are arguments of pg_dump
/** Of a table at a time: as much as may wait for its turn. */
const RANGE = 6 * MIB

export interface Table {
  readonly schema: string
  readonly name: string
  readonly owner: string
  /** As COPY wants them: those that are computed are not among them. */
  readonly columns: string
  /** In bytes, with what is stored beside it. */
  readonly size: number
  /** How many pages it may be read by, in ranges of them; 0 where only the whole can be read. */
  readonly pages: number
}

/** The tables that are worth it; none where this server cannot write to where this process reads. `whole`: bytes of all tables. */
export async function bulkTables(target: Target, session: Session, whole: number): Promise<readonly Table[]> {
  if (process.platform !== 'linux' || target.inner !== target.endpoint || whole < WORTH) return []
  const [can] = await session.query<{ copy: boolean }>(
    `SELECT current_setting('is_superuser') = 'on' AND getdatabaseencoding() = 'UTF8' AS copy`,
  )
  if (can?.copy !== true) return []
  const tables = await session.query<Table>(`
    SELECT * FROM (
      SELECT n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner, pg_table_size(c.oid)::float8 AS size,
        CASE WHEN current_setting('server_version_num')::int >= 140000 AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'heap')
          THEN (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 ELSE 0 END AS pages,
        (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND ${ORDINARY_SCHEMA} AND ${notMember('pg_class', 'c.oid')}) t
    WHERE size >= ${LARGE} AND columns IS NOT NULL ORDER BY size DESC LIMIT ${MOST}`)
  const large = tables.reduce((sum, { size }) => sum + size, 0)
  return large >= WORTH && whole - large <= REST ? tables : []
}

export interface Bulk {
  /** What comes before the rows, and after them. */
  readonly before: (into: Landing | undefined) => Bytes
  readonly after: (into: Landing | undefined) => Bytes
  /** The rows of the next one of the tables as a dump has them, without the lines around them; the value is their number. */
  rows(table: Table, into: Landing | undefined): AsyncGenerator<Uint8Array, number>
  close(): Promise<void>
}

export interface Opening {
  readonly target: Target
  readonly database: string
  readonly tables: readonly Table[]
  readonly snapshot: string
  /** How many connections copy at a time. */
  readonly lanes: number
  readonly signal: AbortSignal
  /** A connection to it. */
  readonly open: () => Promise<Session>
}

/**
 * undefined when it cannot be had after all: a table is being changed by somebody, the server may not write there, there is no room
 * for the archive. Nothing has been written then, and pg_dump alone waits, or says what is wrong.
 */
export async function openBulk({ target, database, tables, snapshot, lanes: most, signal, open }: Opening): Promise<Bulk | undefined> {
  const archive = join(target.scratch, 'archive')
  const parts = tables.map((table) => ({ table, ranges: rangesOf(table) }))
  const opened: AsyncDisposable[] = []
  const lanes: Lane<string>[] = []
  const stopping = new AbortController()
  let archived: Promise<void> | undefined
  let turns: Turns | undefined
  const lane = async (): Promise<Lane<string>> => {
    const session = await open()
    opened.push({ [Symbol.asyncDispose]: () => session.close() })
    await hold(session, snapshot, tables)
    const { fifo, called } = await placeBeside(target, session)
    opened.push({ [Symbol.asyncDispose]: () => fifo.close() })
    return { fifo, write: (source) => session.count(`COPY ${source} TO ${literal(called)} WITH (ENCODING 'UTF8')`) }
  }
  const close = async (): Promise<void> => {
    turns?.close()
    stopping.abort()
    await archived?.catch(() => {}) // it has been told, or is not wanted
    for (const each of opened.toReversed()) await each[Symbol.asyncDispose]() // a pipe before its connection: the server may be writing into it
    await rm(archive, { force: true })
  }
  try {
    await sweep(target)
    const archiving = AbortSignal.any([signal, stopping.signal])
    archived = drain(target.run({ ...archiver(target, database, { archive, snapshot, tables }), signal: archiving }))
    archived.catch(() => {}) // heard of below
    const several = tables.length > 1 || parts.some(({ ranges }) => ranges.length > 1)
    const ready = await Promise.allSettled(Array.from({ length: several ? most : 1 }, lane))
    for (const each of ready) {
      if (each.status === 'rejected') throw each.reason
      lanes.push(each.value)
    }
    turns = inTurns(
      parts.flatMap(({ ranges }) => ranges),
      lanes,
      signal,
    )
    await archived
  } catch (error) {
    await close()
    signal.throwIfAborted()
    if (!(error instanceof HayaiError) && systemCode(error) === undefined) throw error // a fault of ours
    return undefined
  }
  const half = (...sections: readonly string[]) => {
    const args = ['--no-tablespaces', ...sections.map((each) => `--section=${each}`), '--file=-', archive]
    return (into: Landing | undefined): Bytes => {
      const bytes = target.run({ program: 'pg_restore', args, signal })
      return into === undefined ? bytes : landed(bytes, into)
    }
  }
  const [left, rowsOf] = [[...parts], turns]
  return {
    before: half('pre-data', 'data'),
    after: half('post-data'),
    async *rows(table, into) {
      const next = left.shift()
      if (next?.table !== table) throw new Error('tables come in their order')
      let rows = 0
      for (const _ of next.ranges) rows += yield* rowsOf.part(into)
      return rows
    },
    close,
  }
}

const qualified = ({ schema, name: table }: Table): string => `${name(schema)}.${name(table)}`

/**
 * What COPY copies: a table, or one range of its pages after the other. The rows are in the same order either way, that of the pages;
 * the last range has no end, so it also has the pages that came since.
 */
function rangesOf(table: Table): readonly string[] {
  const columns = `(${table.columns})`
  const each = Math.ceil((RANGE / table.size) * table.pages)
  if (table.pages <= each * 2) return [`${qualified(table)} ${columns}`]
  const starts = Array.from({ length: Math.ceil(table.pages / each) }, (_, index) => index * each)
  return starts.map((start, index) => {
    const end = starts[index + 1]
    const before = end === undefined ? '' : ` AND ctid < '(${end},0)'`
    return `(SELECT ${table.columns} FROM ONLY ${qualified(table)} WHERE ctid >= '(${start},0)'${before})`
  })
}

/** What pg_dump says of itself before it reads (setup_connection in its source), and a lock that waits for nobody. */
async function hold(session: Session, snapshot: string, tables: readonly Table[]): Promise<void> {
  await session.query(`
    SET standard_conforming_strings = on; SET extra_float_digits = 3; SET intervalstyle = postgres; SET synchronize_seqscans = off; SET row_security = off;
    SET enable_tidscan = on; SET max_parallel_workers_per_gather = 0; SET jit = off;
    SELECT set_config('search_path', '', false)`)
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  await session.query(`
    SET TRANSACTION SNAPSHOT ${literal(snapshot)};
    LOCK TABLE ${tables.map((table) => `ONLY ${qualified(table)}`).join(', ')} IN ACCESS SHARE MODE NOWAIT`)
}

interface Wanted {
  readonly archive: string
  readonly snapshot: string
  readonly tables: readonly Table[]
}

function archiver(target: Target, database: string, { archive, snapshot, tables }: Wanted) {
  // Whoever waits to change a table waits for our lock, and pg_dump would wait behind them, and we for pg_dump: so it does not wait long.
  const args = [
    '--no-password',
    '--format=custom',
    '--compress=0',
    '--no-sync', // it is read at once, and is gone then
    `--file=${archive}`,
    `--snapshot=${snapshot}`,
    '--lock-wait-timeout=2000',
  ]
  return {
    program: 'pg_dump',
    args: [...args, ...tables.map((table) => `--exclude-table-data=${qualified(table)}`)],
    env: programEnvironment(innerOf(target), database),
  }
}

interface Place {
  readonly fifo: Fifo
  /** As the server calls it. */
  readonly called: string
}

// A folder in which the server looks for nothing, which no base backup takes along, and which every start of the server empties.
const FOLDER = join('base', 'pgsql_tmp')
const PREFIX = 'pgsql_tmp'

/** A named pipe that the server has shown that it can write to. */
async function placeBeside(target: Target, session: Session): Promise<Place> {
  const folder = join(target.path, FOLDER)
  const { uid, gid } = await stat(target.path)
  const owner = process.getuid?.() === 0 ? { uid, gid } : undefined
  const [row] = await session.query<{ folder: string }>(`SELECT current_setting('data_directory') AS folder`)
  const file = `${PREFIX}${temporaryName('copy')}`
  const called = join(row?.folder ?? '', FOLDER, file)
  await makeFolderFor(folder, owner)
  const fifo = await makeFifo(join(folder, file), owner)
  try {
    const said = await fifo.little(async () => void (await session.count(`COPY (SELECT 'here') TO ${literal(called)}`)))
    if (said !== 'here\n') throw new HayaiError('ENVIRONMENT', 'the server wrote elsewhere')
    return { fifo, called }
  } catch (error) {
    await fifo.close()
    throw error
  }
}

async function makeFolderFor(folder: string, owner: { readonly uid: number; readonly gid: number } | undefined): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    throw error
  }
  if (owner !== undefined) await lchown(folder, owner.uid, owner.gid)
}

/** Those of killed commands; a server process may wait in front of one. */
async function sweep(target: Target): Promise<void> {
  const folder = join(target.path, FOLDER)
  const files = await readdir(folder).catch(() => []) // not there: nothing to sweep; whatever else is told when it is used
  for (const file of files) if (file.startsWith(PREFIX) && isAbandoned(file.slice(PREFIX.length))) await removeFifo(join(folder, file))
}

/** As pg_dump announces the rows of a table, by which they are found again in the file. */
export function announcement(table: Table): string {
  const heading = comment(`Data for Name: ${table.name}; Type: TABLE DATA; Schema: ${table.schema}; Owner: ${table.owner}`)
  return `--\n${heading}--\n\nCOPY ${qualified(table)} (${table.columns}) FROM stdin;\n`
}

export const END_OF_ROWS = '\\.\n\n\n'

export const keyOf = (table: Table): string => bytesKey(Buffer.from(table.schema), Buffer.from(table.name))
