// In the child: the statements by which tables are made.

import { OWN } from './census.ts'
import { quoted, quotedText, type Database } from './connection.ts'

export interface TableText {
  readonly schema: string
  readonly name: string
  readonly sql: string
}

/** In the order of their making. */
export async function tableTexts(db: Database): Promise<readonly TableText[]> {
  const rows = await db.rows(`SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE ${OWN} AND NOT temporary ORDER BY table_oid`)
  const texts: TableText[] = []
  for (const [schema, name, sql] of rows.map((row) => row.map(String))) {
    if (schema === undefined || name === undefined || sql === undefined) continue
    texts.push({ schema, name, sql: withOwnKeys(sql, await keysToItself(db, schema, name)) })
  }
  return texts
}

export interface OwnKey {
  readonly columns: readonly string[]
  readonly referenced: readonly string[]
}

/** The foreign keys by which a table refers to itself. */
export async function keysToItself(db: Database, schema: string, name: string): Promise<readonly OwnKey[]> {
  const rows = await db.rows(
    `SELECT constraint_column_names, referenced_column_names FROM duckdb_constraints()
     WHERE database_name = current_database() AND schema_name = ${quotedText(schema)} AND table_name = ${quotedText(name)}
       AND constraint_type = 'FOREIGN KEY' AND referenced_table = table_name ORDER BY constraint_index`,
  )
  return (rows as readonly (readonly [readonly string[], readonly string[]])[]).map(([columns, referenced]) => ({ columns, referenced }))
}

/** DuckDB leaves a gap for a key to the same table, in its own exports too: `(id INTEGER PRIMARY KEY, parent INTEGER, );` */
function withOwnKeys(sql: string, keys: readonly OwnKey[]): string {
  if (keys.length === 0) return sql
  const [table = ''] = /^CREATE TABLE (?:"(?:[^"]|"")*"|[^"(])+/.exec(sql) ?? []
  const closed = sql
    .replace(/(, )*\);$/, '')
    .replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|, (?=, )/g, (found) => (found === ', ' ? '' : found))
  const list = (names: readonly string[]): string => names.map(quoted).join(', ')
  const texts = keys.map(
    ({ columns, referenced }) => `FOREIGN KEY (${list(columns)}) REFERENCES ${table.replace('CREATE TABLE ', '')}(${list(referenced)})`,
  )
  return `${[closed, ...texts].join(', ')});`
}
