// What the catalogs say: which databases a server has, and the countable facts of each. Left out everywhere: what belongs to
// the system or to an extension (a restored extension brings it), and what pg_dump has no words for.

import { HayaiError } from '../../base/errors.ts'
import type { Census } from '../engine.ts'
import type { Session } from './session.ts'
import { bytesKey } from './rows.ts'
import { name, shown } from './sql.ts'

export interface Server {
  /** `15.18`, without what a distribution adds. */
  readonly version: string
  readonly major: number
}

export async function readServer(session: Session): Promise<Server> {
  const [row] = await session.query<{ version: string; number: number }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number`,
  )
  if (row === undefined) throw new Error('the server does not tell its version')
  const version = row.version.split(' ')[0] ?? ''
  if (row.number < 130_000) {
    throw new HayaiError('ENVIRONMENT', `PostgreSQL ${version} is too old: Hayai knows 13 and newer`, {
      hint: 'Upgrade it with pg_upgrade, or with its own pg_dump.',
    })
  }
  return { version, major: Math.floor(row.number / 10_000) }
}

/** What is in force on the server and not as it comes. Of a connection string, which may hold a password, nothing is told. */
export async function settingsInForce(session: Session): Promise<Readonly<Record<string, string>>> {
  const rows = await session.query<{ name: string; value: string }>(`
    SELECT name, current_setting(name) AS value FROM pg_settings
    WHERE source NOT IN ('default', 'override', 'client', 'session', 'database', 'user', 'database user') AND name !~ 'conninfo|passphrase|password' ORDER BY name`)
  return Object.fromEntries(rows.map(({ name: setting, value }) => [setting, value]))
}

export interface Listed {
  readonly name: string
  readonly template: boolean
  /** false also for one whose creation or removal was cut short. */
  readonly connectable: boolean
}

/** Every database of the server but the two stock templates. */
export async function listDatabases(session: Session): Promise<readonly Listed[]> {
  return session.query<Listed>(`
    SELECT datname AS name, datistemplate AS template, datallowconn AND datconnlimit <> -2 AS connectable
    FROM pg_database WHERE datname NOT IN ('template0', 'template1') ORDER BY datname`)
}

export const ORDINARY_SCHEMA = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`
export const notMember = (catalog: string, oid: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`

/** Whether anybody has made or changed anything in this database; `postgres` is worth keeping only then. */
export async function isTouched(session: Session): Promise<boolean> {
  const made = [
    'pg_class',
    'pg_proc',
    'pg_type',
    'pg_namespace',
    'pg_extension',
    'pg_largeobject_metadata',
    'pg_event_trigger',
    'pg_publication',
    'pg_foreign_data_wrapper',
    'pg_cast',
    'pg_default_acl',
    'pg_operator',
    'pg_collation',
    'pg_ts_config',
  ]
  const [row] = await session.query<{ touched: boolean }>(`
    SELECT ${made.map((catalog) => `EXISTS (SELECT FROM ${catalog} WHERE oid >= 16384)`).join(' OR ')}
      OR EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)
      OR d.datacl IS NOT NULL OR d.datdba <> 10 OR d.datconnlimit <> -1
      OR NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') AS touched
    FROM pg_database d WHERE d.datname = current_database()`)
  return row?.touched === true
}

interface Relation {
  readonly kind: 'r' | 'S'
  readonly schema: string
  readonly name: string
  readonly key: string
  /** Whether its changes are in the log: what is not, a physical copy has empty. */
  readonly logged: boolean
}

/** Tables that hold rows of their own, and sequences. */
async function listRelations(session: Session): Promise<readonly Relation[]> {
  const rows = await session.query<Omit<Relation, 'key'> & { schemaBytes: Buffer; nameBytes: Buffer }>(`
    SELECT c.relkind AS kind, c.relpersistence <> 'u' AS logged, n.nspname AS schema, c.relname AS name,
      convert_to(n.nspname, getdatabaseencoding()) AS "schemaBytes", convert_to(c.relname, getdatabaseencoding()) AS "nameBytes"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'S') AND ${ORDINARY_SCHEMA} AND ${notMember('pg_class', 'c.oid')}
    ORDER BY n.nspname, c.relname`)
  return rows.map(({ schemaBytes, nameBytes, ...row }) => ({ ...row, key: bytesKey(schemaBytes, nameBytes) }))
}

/** The same tables, with what tells one from another of the same name, and about how many rows each has. */
export async function listTables(
  session: Session,
): Promise<readonly { readonly schema: string; readonly name: string; readonly oid: string; readonly estimate: number }[]> {
  return session.query(`
    SELECT n.nspname AS schema, c.relname AS name, c.oid::text AS oid, greatest(c.reltuples, 0)::float8 AS estimate
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND ${ORDINARY_SCHEMA} AND ${notMember('pg_class', 'c.oid')}`)
}

async function countObjects(session: Session): Promise<Readonly<Record<string, number>>> {
  const relations = (kinds: string): string => `SELECT count(*) FROM relation WHERE relkind IN (${kinds})`
  const onRelation = (catalog: string, column: string, more: string): string =>
    `SELECT count(*) FROM ${catalog} x JOIN relation r ON r.oid = x.${column} WHERE ${more}`
  const free = (catalog: string): string => `SELECT count(*) FROM ${catalog} x WHERE x.oid >= 16384 AND ${notMember(catalog, 'x.oid')}`
  const inSchema = (catalog: string, column: string, more = 'true'): string =>
    `SELECT count(*) FROM ${catalog} x JOIN space s ON s.oid = x.${column} WHERE ${notMember(catalog, 'x.oid')} AND (${more})`
  const counts: Readonly<Record<string, string>> = {
    sequences: relations(`'S'`),
    indexes: `SELECT count(*) FROM pg_index x JOIN relation r ON r.oid = x.indrelid WHERE x.indisvalid OR r.relkind = 'p'`,
    constraints: onRelation('pg_constraint', 'conrelid', `x.conparentid = 0 AND x.contype IN ('c', 'f', 'p', 'u', 'x')`),
    functions: inSchema(
      'pg_proc',
      'pronamespace',
      `NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = x.oid AND d.deptype = 'i')`,
    ),
    triggers: onRelation('pg_trigger', 'tgrelid', 'NOT x.tgisinternal AND x.tgparentid = 0'),
    'event triggers': free('pg_event_trigger'),
    views: relations(`'v'`),
    'materialised views': relations(`'m'`),
    'foreign tables': relations(`'f'`),
    rules: onRelation('pg_rewrite', 'ev_class', `x.rulename <> '_RETURN'`),
    policies: onRelation('pg_policy', 'polrelid', 'true'),
    statistics: inSchema('pg_statistic_ext', 'stxnamespace'),
    types: inSchema(
      'pg_type',
      'typnamespace',
      `x.typtype IN ('d', 'e', 'r')
      OR x.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = x.typrelid AND c.relkind = 'c')
      OR x.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = x.oid)`,
    ),
    'large objects': 'SELECT count(*) FROM pg_largeobject_metadata',
    schemas: `SELECT count(*) FROM space x WHERE x.nspname <> 'public' AND ${notMember('pg_namespace', 'x.oid')}`,
    extensions: `SELECT count(*) FROM pg_extension x WHERE x.extname <> 'plpgsql'`,
    publications: free('pg_publication'),
  }
  const columns = Object.entries(counts).map(([key, sql]) => `(${sql})::float8 AS "${key}"`)
  const [row] = await session.query<Record<string, number>>(`
    WITH space AS MATERIALIZED (SELECT n.oid, n.nspname FROM pg_namespace n WHERE ${ORDINARY_SCHEMA}),
    relation AS MATERIALIZED (
      SELECT c.oid, c.relkind FROM pg_class c JOIN space s ON s.oid = c.relnamespace WHERE ${notMember('pg_class', 'c.oid')})
    SELECT ${columns.join(',\n')}`)
  if (row === undefined) throw new Error('the catalogs gave no counts')
  return row
}

/** What is counted once for the whole server. Superusers are not: each server has one of its own making. */
export async function countRoles(session: Session): Promise<Readonly<Record<string, number>>> {
  const [row] = await session.query<{ roles: number; memberships: number }>(`
    SELECT (SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_' AND NOT rolsuper)::float8 AS roles,
      (SELECT count(DISTINCT (a.roleid, a.member)) FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
        WHERE m.rolname !~ '^pg_')::float8 AS memberships`)
  if (row === undefined) throw new Error('the catalogs gave no count of roles')
  return { ...row }
}

/** The facts of one database but for what is in its tables and sequences, which the caller finds out. */
export interface Outline {
  readonly relations: readonly Relation[]
  readonly objects: Readonly<Record<string, number>>
}

export async function outline(session: Session): Promise<Outline> {
  return { relations: await listRelations(session), objects: await countObjects(session) }
}

export interface Contents {
  /** By Relation.key. */
  readonly rows: ReadonlyMap<string, number>
  readonly positions: ReadonlyMap<string, bigint>
}

/** Counts the rows of every table, and asks where every sequence stands. */
export async function countContents(session: Session, { relations }: Outline): Promise<Contents> {
  const tables = relations.filter(({ kind }) => kind === 'r')
  const rows = new Map<string, number>()
  for (let from = 0; from < tables.length; from += 50) {
    const some = tables.slice(from, from + 50)
    const counted = await session.query<{ at: number; rows: number }>(
      some
        .map((table, at) => `SELECT ${at} AS at, count(*)::float8 AS rows FROM ONLY ${name(table.schema)}.${name(table.name)}`)
        .join(' UNION ALL '),
    )
    for (const { at, rows: count } of counted) rows.set(some[at]?.key ?? '', count)
  }
  return { rows, positions: await readPositions(session) }
}

/** Where every sequence stands, by Relation.key; one that was never asked for a number is left out. */
export async function readPositions(session: Session): Promise<ReadonlyMap<string, bigint>> {
  const positions = new Map<string, bigint>()
  const sequences = await session.query<{ schema: Buffer; name: Buffer; value: string | null }>(`
    SELECT convert_to(n.nspname, getdatabaseencoding()) AS schema, convert_to(c.relname, getdatabaseencoding()) AS name,
      pg_sequence_last_value(c.oid)::text AS value
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND ${ORDINARY_SCHEMA}`)
  for (const each of sequences) if (each.value !== null) positions.set(bytesKey(each.schema, each.name), BigInt(each.value))
  return positions
}

/** What of it a physical copy has: unlogged tables and sequences come without content. */
export function asCopied({ relations }: Outline, { rows, positions }: Contents): Contents {
  const unlogged = new Set(relations.filter(({ logged }) => !logged).map(({ key }) => key))
  return {
    rows: new Map([...rows].map(([key, count]) => [key, unlogged.has(key) ? 0 : count])),
    positions: new Map([...positions].filter(([key]) => !unlogged.has(key))),
  }
}

const WITHIN = 1_000_000_000_000_000n // keeps the sum a number that JSON can hold

/** The part of the census that one database makes. The main database's keys have no prefix: it may be restored under any name. */
export function databaseCensus(prefix: string, { relations, objects }: Outline, contents: Contents): Census {
  const tables: Record<string, number> = {}
  let positions = 0n
  for (const { kind, schema, name: relation, key } of relations) {
    if (kind === 'S') {
      positions += contents.positions.get(key) ?? 0n
      continue
    }
    const rows = contents.rows.get(key)
    if (rows === undefined) throw new HayaiError('TOOL_FAILED', `pg_dump left out the rows of ${prefix}${shown(schema)}.${shown(relation)}`)
    tables[`${prefix}${shown(schema)}.${shown(relation)}`] = rows
  }
  const all = { ...objects, 'sequence positions': Number(positions % WITHIN) }
  return { tables, objects: Object.fromEntries(Object.entries(all).map(([key, count]) => [`${prefix}${key}`, count])) }
}

export function joined(parts: readonly Census[], roles: Readonly<Record<string, number>>): Census {
  return {
    tables: Object.fromEntries(parts.flatMap((part) => Object.entries(part.tables))),
    objects: Object.fromEntries([...parts.flatMap((part) => Object.entries(part.objects)), ...Object.entries(roles)]),
  }
}
