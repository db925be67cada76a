// In the child: what a database is made of besides its rows, as SQL text, in an order in which it can be made.
//
// DuckDB's own EXPORT DATABASE leaves out comments and writes some names and values in a way that cannot be read back. So the text is
// put together here and then tried: in an empty database every statement is made, those that need others after them, and what has
// come of it is compared with what there was. What cannot be written exactly is refused, and never written almost.

import { messageOf } from '../../base/errors.ts'
import { OWN } from './census.ts'
import { openNew, quoted, quotedText, type Database, type Row } from './connection.ts'
import { unwritable } from './literals.ts'
import { macrosOf } from './macros.ts'
import { tableTexts } from './tables.ts'

export interface Schema {
  /** Before the rows, in order. */
  readonly before: readonly string[]
  /** After them. */
  readonly after: readonly string[]
}

const HERE = 'database_name = current_database()'

export async function schemaOf(db: Database, name: string, spill: string): Promise<Schema> {
  const wanted = [
    ...(await texts(db, `SELECT schema_name FROM duckdb_schemas() WHERE ${OWN} AND schema_name <> 'main' ORDER BY oid`)).map(
      (schema) => `CREATE SCHEMA ${quoted(schema)};`,
    ),
    ...(await typesOf(db)),
    ...(await sequencesOf(db)),
    ...(await tableTexts(db)).map(({ sql }) => sql),
    ...(await macrosOf(db, name, spill)),
    ...(await texts(db, `SELECT sql FROM duckdb_views() WHERE ${OWN} AND NOT temporary ORDER BY view_oid`)),
  ]
  const after = [
    ...(await texts(db, `SELECT sql FROM duckdb_indexes() WHERE ${HERE} AND sql IS NOT NULL ORDER BY index_oid`)),
    ...(await commentsOf(db)),
  ]
  const trial = await emptyLike(name)
  try {
    const before = await inOrder(trial, wanted)
    await inOrder(trial, after)
    for (const [what, print] of Object.entries(PRINTS)) {
      const [there, made] = [await print(db), await print(trial)]
      const at = there.findIndex((row, at) => JSON.stringify(row) !== JSON.stringify(made[at]))
      if (at === -1 && there.length === made.length) continue
      throw unwritable(`${what} ${(there[at] ?? made[there.length] ?? []).slice(0, 2).join('.')}`, 'it would not be the same afterwards')
    }
    return { before, after }
  } finally {
    trial.close()
  }
}

/** An empty database in memory that is called like the other one, for what calls things by the name of their database. */
export async function emptyLike(name: string): Promise<Database> {
  const db = await openNew(':memory:')
  try {
    await db.run(`ATTACH ':memory:' AS ${quoted(name)} (STORAGE_VERSION 'latest')`)
  } catch (error) {
    if (!/already exists/.test(messageOf(error))) throw error
  }
  await db.run(`USE ${quoted(name)}`)
  return db
}

/** What fails may need something that comes later; when nothing succeeds any more, it cannot be made. */
async function inOrder(trial: Database, wanted: readonly string[]): Promise<readonly string[]> {
  const done: string[] = []
  let left = wanted
  while (left.length > 0) {
    const failed: string[] = []
    let reason: unknown
    for (const sql of left) {
      try {
        await trial.run(sql)
        done.push(sql)
      } catch (error) {
        reason ??= error
        failed.push(sql)
      }
    }
    if (failed.length === left.length) throw unwritable((failed[0] ?? '').slice(0, 80), messageOf(reason).split('\n')[0] ?? '', reason)
    left = failed
  }
  return done
}

async function texts(db: Database, query: string): Promise<readonly string[]> {
  return (await db.rows(query)).map(([text]) => String(text))
}

export async function typesOf(db: Database): Promise<readonly string[]> {
  const rows = await db.rows(`SELECT schema_name, type_name FROM duckdb_types() WHERE ${OWN} ORDER BY type_oid`)
  const made: string[] = []
  for (const [schema, name] of rows) {
    const full = `${quoted(String(schema))}.${quoted(String(name))}`
    const [what] = await texts(db, `SELECT typeof(CAST(NULL AS ${full}))`)
    made.push(`CREATE TYPE ${full} AS ${what};`)
  }
  return made
}

const NEXT = `CAST(regexp_extract(sql, ' START (-?[0-9]+) ', 1) AS HUGEINT)`
const SEQUENCES = `FROM duckdb_sequences() WHERE ${HERE} AND NOT temporary`

/**
 * The value that comes next is told by DuckDB's own statement alone: `start_value` and `last_value` are others once the file was
 * opened again. One that is used up is made at its end, and gives its last value.
 */
export async function sequencesOf(db: Database): Promise<readonly string[]> {
  const rows = await db.rows(
    `SELECT schema_name, sequence_name, increment_by, min_value, max_value, cycle, ${NEXT} BETWEEN min_value AND max_value,
       CAST(${NEXT} AS VARCHAR), if(increment_by > 0, max_value, min_value) ${SEQUENCES} ORDER BY sequence_oid`,
  )
  return rows.flatMap(([schema, name, step, least, most, cycle, within, next, end]) => {
    const full = `${quoted(String(schema))}.${quoted(String(name))}`
    const [from, turn] = [String(within === true ? next : end), cycle === true ? 'CYCLE' : 'NO CYCLE']
    const make = `CREATE SEQUENCE ${full} INCREMENT BY ${String(step)} MINVALUE ${String(least)} MAXVALUE ${String(most)} START ${from} ${turn};`
    return within === true ? [make] : [make, `SELECT nextval(${quotedText(full)});`]
  })
}

const COMMENTED = {
  TABLE: `SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE ${OWN} AND NOT temporary`,
  VIEW: `SELECT schema_name, view_name, comment FROM duckdb_views() WHERE ${OWN} AND NOT temporary`,
  INDEX: `SELECT schema_name, index_name, comment FROM duckdb_indexes() WHERE ${HERE}`,
  SEQUENCE: `SELECT schema_name, sequence_name, comment FROM duckdb_sequences() WHERE ${HERE} AND NOT temporary`,
  TYPE: `SELECT schema_name, type_name, comment FROM duckdb_types() WHERE ${OWN}`,
  MACRO: `SELECT DISTINCT schema_name, function_name, comment FROM duckdb_functions() WHERE ${OWN} AND function_type = 'macro'`,
  'MACRO TABLE': `SELECT DISTINCT schema_name, function_name, comment FROM duckdb_functions() WHERE ${OWN} AND function_type = 'table_macro'`,
} as const

async function commentsOf(db: Database): Promise<readonly string[]> {
  const made: string[] = []
  for (const [kind, query] of Object.entries(COMMENTED)) {
    for (const [schema, name, comment] of await db.rows(`FROM (${query}) WHERE comment IS NOT NULL ORDER BY ALL`)) {
      made.push(`COMMENT ON ${kind} ${quoted(String(schema))}.${quoted(String(name))} IS ${commentText(comment)};`)
    }
  }
  const columns = `SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE ${OWN} AND comment IS NOT NULL ORDER BY ALL`
  for (const [schema, table, column, comment] of await db.rows(columns)) {
    const full = [schema, table, column].map((name) => quoted(String(name))).join('.')
    made.push(`COMMENT ON COLUMN ${full} IS ${commentText(comment)};`)
  }
  return made
}

export function commentText(comment: unknown): string {
  const text = String(comment)
  if (!/[\r\n]/.test(text)) return quotedText(text)
  return `E${quotedText(text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r'))}`
}

type Print = (db: Database) => Promise<readonly Row[]>

const asked =
  (query: string): Print =>
  (db) =>
    db.rows(query)

async function printTables(db: Database): Promise<readonly Row[]> {
  const rows = (await tableTexts(db)).map(({ schema, name, sql }) => [schema, name, sql])
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** What has to be the same before and after. */
const PRINTS: Readonly<Record<string, Print>> = {
  'the schema': asked(`SELECT schema_name FROM duckdb_schemas() WHERE ${OWN} ORDER BY ALL`),
  'the type': asked(`SELECT schema_name, type_name, logical_type, labels, comment FROM duckdb_types() WHERE ${OWN} ORDER BY ALL`),
  'the table': printTables,
  'the comment on the table': asked(
    `SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE ${OWN} AND NOT temporary ORDER BY ALL`,
  ),
  'a constraint of the table': asked(
    `SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table, referenced_column_names FROM duckdb_constraints() WHERE ${HERE} ORDER BY ALL`,
  ),
  'the column': asked(
    `SELECT schema_name, table_name, column_name, data_type, column_default, is_nullable, comment FROM duckdb_columns() WHERE ${OWN} ORDER BY ALL`,
  ),
  'the view': asked(`SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE ${OWN} AND NOT temporary ORDER BY ALL`),
  'the index': asked(
    `SELECT schema_name, index_name, table_name, is_unique, sql, comment FROM duckdb_indexes() WHERE ${HERE} ORDER BY ALL`,
  ),
  'the sequence': asked(
    `SELECT schema_name, sequence_name, min_value, max_value, increment_by, cycle, comment,
       if(${NEXT} BETWEEN min_value AND max_value, CAST(${NEXT} AS VARCHAR), 'used up') ${SEQUENCES} ORDER BY ALL`,
  ),
  'the macro': asked(
    `SELECT schema_name, function_name, function_type, parameters, macro_definition, comment FROM duckdb_functions() WHERE ${OWN} AND function_type IN ('macro', 'table_macro') ORDER BY ALL`,
  ),
}
