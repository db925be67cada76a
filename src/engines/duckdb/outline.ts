// In the child: what a database is made of, by its catalog; and a digest of each table's rows, whatever their order.

import { abridged, digestOf } from '../../base/digest.ts'
import type { Column, Named, Outline, TableOutline } from '../engine.ts'
import { called, nameOf, OWN, tablesOf, type Table } from './census.ts'
import { quoted, type Database } from './connection.ts'
import { literalOf } from './literals.ts'
import { duckdb } from './package.ts'

export async function outlineOf(db: Database): Promise<Outline> {
  const [columns, constraints, indexes, comments] = [
    await columnsOf(db),
    await constraintsOf(db),
    await indexesOf(db),
    await commentsOf(db),
  ]
  const tables = (await tablesOf(db)).map((table): readonly [string, TableOutline] => {
    const name = called(table)
    const parts = { constraint: constraints.get(name), index: indexes.get(name), comment: comments.get(name) }
    return [
      name,
      {
        columns: Object.fromEntries(columns.get(name) ?? []),
        parts: Object.fromEntries(Object.entries(parts).flatMap(([kind, found]) => (found === undefined ? [] : [[kind, named(found)]]))),
      },
    ]
  })
  return { bytes: await bytesOf(db), tables: Object.fromEntries(tables), objects: await objectsOf(db) }
}

type Pairs<T> = Map<string, (readonly [string, T])[]>

function named(pairs: readonly (readonly [string, string])[]): Named {
  return Object.fromEntries(pairs)
}

/** Rows of a schema, a table, and what is told of it, by table. */
async function byTable<T>(db: Database, query: string, tell: (row: readonly unknown[]) => readonly [string, T]): Promise<Pairs<T>> {
  const found: Pairs<T> = new Map()
  for (const [schema, name, ...rest] of await db.rows(query)) {
    const key = called({ schema: String(schema), name: String(name) })
    found.set(key, [...(found.get(key) ?? []), tell(rest)])
  }
  return found
}

async function bytesOf(db: Database): Promise<number> {
  const [row] = await db.rows('SELECT block_size * used_blocks FROM pragma_database_size() WHERE database_name = current_database()')
  return Number(row?.[0] ?? 0)
}

function columnsOf(db: Database): Promise<Pairs<Column>> {
  return byTable(
    db,
    `SELECT schema_name, table_name, column_name, data_type, is_nullable, column_default FROM duckdb_columns() WHERE ${OWN} ORDER BY schema_name, table_name, column_index`,
    ([name, type, nullable, value]) => [
      String(name),
      { type: abridged(String(type)), nullable: nullable === true, default: typeof value === 'string' ? abridged(value) : null },
    ],
  )
}

/** NOT NULL is told of the column. */
function constraintsOf(db: Database): Promise<Pairs<string>> {
  return byTable(
    db,
    `SELECT schema_name, table_name, constraint_type, constraint_column_names, expression, referenced_table, referenced_column_names
     FROM duckdb_constraints() WHERE database_name = current_database() AND constraint_type <> 'NOT NULL' ORDER BY ALL`,
    ([type, columns, expression, table, referenced]) => {
      const list = (names: unknown): string => `(${Array.isArray(names) ? names.map(String).join(', ') : ''})`
      if (type === 'CHECK') return [abridged(`check ${String(expression)}`), '']
      if (type === 'FOREIGN KEY') return [`foreign key ${list(columns)}`, `references ${String(table)} ${list(referenced)}`]
      return type === 'PRIMARY KEY' ? ['primary key', list(columns)] : [`unique ${list(columns)}`, '']
    },
  )
}

function indexesOf(db: Database): Promise<Pairs<string>> {
  return byTable(
    db,
    `SELECT schema_name, table_name, index_name, is_unique, expressions FROM duckdb_indexes()
     WHERE database_name = current_database() AND sql IS NOT NULL ORDER BY ALL`,
    ([name, unique, expressions]) => [String(name), abridged(`${unique === true ? 'UNIQUE ' : ''}${String(expressions)}`)],
  )
}

function commentsOf(db: Database): Promise<Pairs<string>> {
  return byTable(
    db,
    `SELECT schema_name, table_name, 'of the table', comment FROM duckdb_tables() WHERE ${OWN} AND comment IS NOT NULL
     UNION ALL SELECT schema_name, table_name, 'of ' || column_name, comment FROM duckdb_columns() WHERE ${OWN} AND comment IS NOT NULL
     ORDER BY ALL`,
    ([name, comment]) => [String(name), abridged(String(comment))],
  )
}

/** By kind: a query of schema, name and text; whether the text is shown or only told apart. */
const OBJECTS = {
  schema: [`SELECT 'main', schema_name, '' FROM duckdb_schemas() WHERE ${OWN} AND schema_name <> 'main' ORDER BY ALL`, 'shown'],
  view: [`SELECT schema_name, view_name, sql FROM duckdb_views() WHERE ${OWN} AND NOT temporary ORDER BY ALL`, 'digested'],
  macro: [
    `SELECT schema_name, function_name, string_agg(CAST(parameters AS VARCHAR) || macro_definition, chr(10) ORDER BY macro_definition)
     FROM duckdb_functions() WHERE ${OWN} AND function_type IN ('macro', 'table_macro') GROUP BY ALL ORDER BY ALL`,
    'digested',
  ],
  sequence: [
    `SELECT schema_name, sequence_name, format('from {} to {} by {}', min_value, max_value, increment_by) || if(cycle, ', cycling', '')
     FROM duckdb_sequences() WHERE database_name = current_database() AND NOT temporary ORDER BY ALL`,
    'shown',
  ],
  type: [
    `SELECT schema_name, type_name, logical_type || coalesce(' ' || CAST(labels AS VARCHAR), '') FROM duckdb_types() WHERE ${OWN} ORDER BY ALL`,
    'shown',
  ],
} as const

async function objectsOf(db: Database): Promise<Readonly<Record<string, Named>>> {
  const found: [string, Named][] = []
  for (const [kind, [query, how]] of Object.entries(OBJECTS)) {
    const rows = await db.rows(query)
    if (rows.length === 0) continue
    const text = how === 'shown' ? abridged : digestOf
    found.push([
      kind,
      named(rows.map(([schema, name, sql]) => [called({ schema: String(schema), name: String(name) }), text(String(sql))])),
    ])
  }
  return Object.fromEntries(found)
}

/** Those whose rows cannot be read are left out. */
export async function digestsOf(db: Database): Promise<Readonly<Record<string, string>>> {
  const found: [string, string][] = []
  for (const table of await tablesOf(db)) {
    try {
      found.push([called(table), await digestOfRows(db, table)])
    } catch {
      // a generated column may need what only its application has
    }
  }
  return Object.fromEntries(found)
}

/** The sum of a digest of every row, which is made of its text: DuckDB's own hash is another one in another version. */
export async function digestOfRows(db: Database, table: Table): Promise<string> {
  const module = await duckdb()
  const result = await db.stream(`SELECT * FROM ${nameOf(table)} LIMIT 0`)
  const types = result.columnTypes()
  const texts = result.columnNames().map((name, at) => {
    const type = types[at]
    const literal = type === undefined ? undefined : literalOf(module, quoted(name), type)
    return literal ?? `coalesce(CAST(${quoted(name)} AS VARCHAR), 'NULL')`
  })
  const [row] = await db.rows(
    `SELECT CAST(coalesce(sum(md5_number_lower(concat_ws(', ', ${texts.join(', ')}))), 0) AS VARCHAR) FROM ${nameOf(table)}`,
  )
  return String(row?.[0])
}
