// What the server says of itself: its version, its databases, and what is in them. The names of schemas are compared here and not
// by the server, to which `Shop` and `shop` are the same when it compares and two when it stores.

import { HayaiError } from '../../base/errors.ts'
import { compareVersions } from '../../base/versions.ts'
import type { Census } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { key, type Passed } from './passage.ts'
import type { Session } from './session.ts'
import { name, shown } from './sql.ts'

export interface Server {
  /** `10.11.19`, without what a distribution adds. */
  readonly version: string
  readonly dialect: Dialect
}

export async function readServer(session: Session, dialect: Dialect): Promise<Server> {
  const [row] = await session.query<{ version: string }>('SELECT @@version AS version')
  const said = row?.version ?? ''
  if (!dialect.speaks(said)) {
    throw new HayaiError('ENVIRONMENT', `this server says that it is ${said}, which is not ${dialect.product}`, {
      hint: 'Name its engine as what it is.',
    })
  }
  const version = /^\d+(?:\.\d+)*/.exec(said)?.[0] ?? ''
  if (compareVersions(version, dialect.oldest) >= 0) return { version, dialect }
  throw new HayaiError('ENVIRONMENT', `${dialect.product} ${version} is too old: Hayai knows ${dialect.oldest} and newer`, {
    hint: `Upgrade it, or dump it with its own ${dialect.programs.dump}.`,
  })
}

/** What is in force on the server because it was told so, without what may be a secret. */
export async function settingsInForce(session: Session, { told }: Dialect): Promise<Readonly<Record<string, string>>> {
  const rows = await session.query<{ name: string; value: string }>(told)
  return Object.fromEntries(rows.filter((row) => !/passw|secret|token/.test(row.name)).map((row) => [row.name, row.value]))
}

export const isNewEnough = ({ version }: Server, wanted: string): boolean => compareVersions(version, wanted) >= 0

const SYSTEM: ReadonlySet<string> = new Set(['information_schema', 'performance_schema', 'mysql', 'sys'])
const OF_PEOPLE = (column: string): string => `${column} NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')`

/** People's databases: the main one first, then the others in order. */
export async function listDatabases(session: Session, main: string): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA')
  const others = rows.map((row) => row.name).filter((each) => !SYSTEM.has(each) && each !== main && !each.startsWith('#mysql50#'))
  return [main, ...others.toSorted()]
}

export interface Table {
  readonly database: string
  readonly name: string
  readonly kind: 'table' | 'versioned' | 'view' | 'sequence'
  readonly engine: string
  readonly bytes: number
}

/** Engines whose tables keep their rows in another place, which the dump program leaves there. */
const ELSEWHERE = /^(?:MRG_MyISAM|MRG_ISAM|CONNECT|OQGRAPH|SPIDER|VP|FEDERATED|BLACKHOLE)$/i
export const keepsRows = ({ kind, engine }: Table): boolean => (kind === 'table' || kind === 'versioned') && !ELSEWHERE.test(engine)

const KINDS: Readonly<Record<string, Table['kind']>> = {
  'BASE TABLE': 'table',
  'SYSTEM VERSIONED': 'versioned',
  VIEW: 'view',
  SEQUENCE: 'sequence',
}

export async function listTables(session: Session, databases: readonly string[]): Promise<readonly Table[]> {
  const rows = await session.query<{ database: string; name: string; type: string; engine: string | null; bytes: number | string | null }>(`
    SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, DATA_LENGTH AS bytes
    FROM information_schema.TABLES WHERE ${OF_PEOPLE('TABLE_SCHEMA')} ORDER BY BINARY TABLE_SCHEMA, BINARY TABLE_NAME`)
  return rows.flatMap((row) => {
    const kind = KINDS[row.type]
    if (kind === undefined || !databases.includes(row.database)) return []
    return [{ database: row.database, name: row.name, kind, engine: row.engine ?? '', bytes: Number(row.bytes ?? 0) }]
  })
}

/**
 * Versioned tables whose history the dump program can write. Only newer programs can; and where one table of the server counts in
 * transactions, they refuse to write the history of any.
 */
export async function listHistories(session: Session, server: Server, tables: readonly Table[]): Promise<ReadonlySet<string>> {
  const versioned = tables.filter(({ kind }) => kind === 'versioned')
  if (versioned.length === 0 || !isNewEnough(server, '10.11')) return new Set()
  const counting = await countingTransactions(session)
  if (tables.some(({ database, name: table }) => counting.has(key(database, table)))) return new Set()
  return new Set(versioned.map((table) => key(table.database, table.name)))
}

/** Versioned tables that tell by the numbers of this server's transactions, and not by the clock, how long each row was there. */
export async function countingTransactions(session: Session): Promise<ReadonlySet<string>> {
  const rows = await session.query<{ database: string; name: string }>(`
    SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS name FROM information_schema.COLUMNS
    WHERE GENERATION_EXPRESSION = 'ROW START' AND DATA_TYPE = 'bigint'`)
  return new Set(rows.map(({ database, name: table }) => key(database, table)))
}

/** Things worth counting besides rows: by kind, how many there are in each database. */
type Counts = ReadonlyMap<string, Readonly<Record<string, number>>>

// An event whose time has come is gone, by itself or when it is created again: such ones are not counted.
const LASTING = `(ON_COMPLETION = 'PRESERVE' OR EVENT_TYPE = 'RECURRING' AND ENDS IS NULL)`

export async function countObjects(session: Session): Promise<Counts> {
  const counts: readonly (readonly [kind: string, table: string, column: string, what: string, where: string])[] = [
    ['tables', 'TABLES', 'TABLE_SCHEMA', '*', `TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')`],
    ['views', 'TABLES', 'TABLE_SCHEMA', '*', `TABLE_TYPE = 'VIEW'`],
    ['sequences', 'TABLES', 'TABLE_SCHEMA', '*', `TABLE_TYPE = 'SEQUENCE'`],
    ['indexes', 'STATISTICS', 'TABLE_SCHEMA', 'DISTINCT TABLE_NAME, INDEX_NAME', 'TRUE'],
    ['constraints', 'TABLE_CONSTRAINTS', 'TABLE_SCHEMA', '*', 'TRUE'],
    ['routines', 'ROUTINES', 'ROUTINE_SCHEMA', '*', 'TRUE'],
    ['triggers', 'TRIGGERS', 'TRIGGER_SCHEMA', '*', 'TRUE'],
    ['events', 'EVENTS', 'EVENT_SCHEMA', '*', LASTING],
    ['partitions', 'PARTITIONS', 'TABLE_SCHEMA', '*', 'PARTITION_NAME IS NOT NULL'],
  ]
  const found = new Map<string, Record<string, number>>()
  for (const [kind, table, column, what, where] of counts) {
    const rows = await session.query<{ database: string; number: number }>(`
      SELECT ${column} AS \`database\`, COUNT(${what}) AS number FROM information_schema.${table}
      WHERE ${OF_PEOPLE(column)} AND ${where} GROUP BY BINARY ${column}, ${column}`)
    for (const row of rows) {
      const ofDatabase = found.get(row.database) ?? {}
      ofDatabase[kind] = row.number
      found.set(row.database, ofDatabase)
    }
  }
  return found
}

/** What is counted once for the whole server. Accounts are not: each server has its own login. */
export async function countServerObjects(session: Session, dialect: Dialect): Promise<Readonly<Record<string, number>>> {
  const count = async (from: string): Promise<number> => {
    const [row] = await session.query<{ number: number }>(`SELECT COUNT(*) AS number FROM ${from}`)
    return row?.number ?? 0
  }
  const roles = dialect.extended ? { roles: await count(`mysql.user WHERE is_role = 'Y' AND User <> 'PUBLIC'`) } : {}
  return { ...roles, servers: await count('mysql.servers'), 'loaded functions': await count('mysql.func') }
}

export interface Outline {
  readonly databases: readonly string[]
  readonly tables: readonly Table[]
  readonly histories: ReadonlySet<string>
  readonly objects: Counts
  readonly ofServer: Readonly<Record<string, number>>
}

export async function readOutline(session: Session, server: Server, main: string): Promise<Outline> {
  const databases = await listDatabases(session, main)
  const tables = await listTables(session, databases)
  const histories = await listHistories(session, server, tables)
  return { databases, tables, histories, objects: await countObjects(session), ofServer: await countServerObjects(session, server.dialect) }
}

export type Contents = Pick<Passed, 'rows' | 'positions'>

/** Counts the rows of every table, and asks where every sequence stands. */
export async function countContents(session: Session, { tables, histories }: Outline): Promise<Contents> {
  const rows = new Map<string, number>()
  const positions = new Map<string, bigint>()
  for (const table of tables) {
    const at = key(table.database, table.name)
    const from = `${name(table.database)}.${name(table.name)}`
    if (keepsRows(table)) {
      const [row] = await session.query<{ rows: number }>(
        `SELECT COUNT(*) AS \`rows\` FROM ${from}${histories.has(at) ? ' FOR SYSTEM_TIME ALL' : ''}`,
      )
      rows.set(at, row?.rows ?? 0)
    } else if (table.kind === 'sequence') {
      const [row] = await session.query<{ next: string }>(`SELECT CAST(next_not_cached_value AS CHAR) AS next FROM ${from}`)
      positions.set(at, BigInt(row?.next ?? 0))
    }
  }
  return { rows, positions }
}

const WITHIN = 1_000_000_000_000_000n // keeps the sum a number that JSON can hold

/** The main database's keys have no prefix: it may be restored under any name. */
export function censusOf({ databases, tables, objects, ofServer }: Outline, { rows, positions }: Contents): Census {
  const counted: Record<string, number> = {}
  const things: Record<string, number> = {}
  const [main] = databases
  for (const database of databases) {
    const prefix = database === main ? '' : `${shown(database)}/`
    let sum = 0n
    for (const table of tables.filter((each) => each.database === database)) {
      const at = key(database, table.name)
      if (table.kind === 'sequence') sum += positions.get(at) ?? 0n
      if (!keepsRows(table)) continue
      const number = rows.get(at)
      if (number === undefined) throw new HayaiError('TOOL_FAILED', `the dump left out the rows of ${prefix}${shown(table.name)}`)
      counted[prefix + shown(table.name)] = number
    }
    const all = { ...objects.get(database), 'sequence positions': Number(sum % WITHIN) }
    for (const [kind, number] of Object.entries(all)) if (number !== 0) things[prefix + kind] = number
  }
  for (const [kind, number] of Object.entries({ 'other databases': databases.length - 1, ...ofServer }))
    if (number !== 0) things[kind] = number
  return { tables: counted, objects: things }
}
