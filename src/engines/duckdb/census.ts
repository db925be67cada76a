// In the child: what is in a database, counted; and all of it read, so that a damaged block is found.

import { HayaiError, messageOf } from '../../base/errors.ts'
import { explained, isDamage, quoted, type Database } from './connection.ts'
import { versionOfDuckdb } from './package.ts'
import type { Counted } from './protocol.ts'

export interface Table {
  readonly schema: string
  readonly name: string
}

/** What there is of the database itself: not of the system, and nothing temporary. */
export const OWN = 'database_name = current_database() AND NOT internal'

export async function tablesOf(db: Database): Promise<readonly Table[]> {
  const rows = await db.rows(`SELECT schema_name, table_name FROM duckdb_tables() WHERE ${OWN} AND NOT temporary ORDER BY ALL`)
  return rows.map(([schema, name]) => ({ schema: String(schema), name: String(name) }))
}

/** As the census names it. */
export function called({ schema, name }: Table): string {
  return schema === 'main' ? name : `${schema}.${name}`
}

/** As SQL wants it. */
export function nameOf({ schema, name }: Table): string {
  return schema === 'main' ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

export async function countAll(db: Database): Promise<Counted> {
  const tables: Record<string, number> = {}
  for (const table of await tablesOf(db)) {
    tables[called(table)] = await numberIn(db, `SELECT count(*) FROM ${nameOf(table)}`)
  }
  const objects: Record<string, number> = {}
  for (const [kind, source] of Object.entries(KINDS)) objects[kind] = await numberIn(db, `SELECT count(*) FROM ${source}`)
  return { version: await versionOfDuckdb(), census: { tables, objects }, notes: [] }
}

const KINDS = {
  schemas: `duckdb_schemas() WHERE ${OWN} AND schema_name <> 'main'`,
  views: `duckdb_views() WHERE ${OWN} AND NOT temporary`,
  indexes: 'duckdb_indexes() WHERE database_name = current_database()',
  sequences: 'duckdb_sequences() WHERE database_name = current_database() AND NOT temporary',
  macros: `duckdb_functions() WHERE ${OWN} AND function_type IN ('macro', 'table_macro')`,
  types: `duckdb_types() WHERE ${OWN}`,
  constraints: 'duckdb_constraints() WHERE database_name = current_database()',
} as const

export async function numberIn(db: Database, sql: string): Promise<number> {
  const [row] = await db.rows(sql)
  return Number(row?.[0])
}

/** Reads every value: each block has a checksum, and is compared with it as it is read. Throws CORRUPT; else gives warnings. */
export async function readAll(db: Database, file: string, hint: string): Promise<readonly string[]> {
  const warnings: string[] = []
  for (const table of await tablesOf(db)) {
    try {
      await db.rows(`SELECT max(hash(COLUMNS(*))) FROM ${nameOf(table)}`)
    } catch (error) {
      const known = explained(error, file)
      if (isDamage(known)) throw new HayaiError('CORRUPT', messageOf(known), { hint, cause: error })
      warnings.push(`The table ${nameOf(table)} was copied, but not all of it could be read: ${messageOf(error).split('\n')[0] ?? ''}.`)
    }
  }
  return warnings
}
