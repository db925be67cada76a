// A user's own program on a DuckDB file, by the package alone: `node duckdb-program.ts [-readonly] FILE` runs the statements of its
// standard input and prints rows as `a|b`; a line `.dump` prints all that is in the file. The first error ends it, with status 1.

import { readFileSync } from 'node:fs'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'

export async function ask(connection: DuckDBConnection, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await connection.runAndReadAll(sql)).getRowsJson()
}

const q = (name: unknown): string => `"${String(name).replaceAll('"', '""')}"`
const OWN = 'database_name = current_database() AND NOT internal'

/** Every statement of the catalog, and every value, each with its type, as text and as the hash that DuckDB makes of it. */
export async function everything(connection: DuckDBConnection): Promise<string> {
  const lines: string[] = []
  const rows = async (sql: string) => {
    for (const row of await ask(connection, sql)) lines.push(JSON.stringify(row))
  }
  await rows(`SELECT schema_name FROM duckdb_schemas() WHERE ${OWN} ORDER BY ALL`)
  await rows(`SELECT schema_name, type_name, logical_type, labels, comment FROM duckdb_types() WHERE ${OWN} ORDER BY ALL`)
  await rows(
    `SELECT schema_name, sequence_name, min_value, max_value, increment_by, cycle, last_value, comment FROM duckdb_sequences() ORDER BY ALL`,
  )
  await rows(`SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE ${OWN} ORDER BY ALL`)
  await rows(
    `SELECT schema_name, table_name, constraint_type, constraint_column_names, expression, referenced_table, referenced_column_names FROM duckdb_constraints() ORDER BY ALL`,
  )
  await rows(
    `SELECT schema_name, table_name, column_name, data_type, column_default, is_nullable, comment FROM duckdb_columns() WHERE ${OWN} ORDER BY ALL`,
  )
  await rows(`SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE ${OWN} ORDER BY ALL`)
  await rows(`SELECT schema_name, index_name, sql, comment FROM duckdb_indexes() ORDER BY ALL`)
  await rows(
    `SELECT schema_name, function_name, parameters, macro_definition, comment FROM duckdb_functions() WHERE ${OWN} AND function_type LIKE '%macro' ORDER BY ALL`,
  )
  for (const [schema, table] of await ask(connection, `SELECT schema_name, table_name FROM duckdb_tables() WHERE ${OWN} ORDER BY ALL`)) {
    lines.push(`${String(schema)}.${String(table)}`)
    const full = `${q(schema)}.${q(table)}`
    await rows(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ${full} ORDER BY rowid`)
    await rows(`SELECT bit_xor(hash(COLUMNS(*), rowid)) FROM ${full}`)
  }
  return lines.join('\n')
}

/** Runs statements, or `.dump`, on the file, and gives what a program would print. */
export async function onFile(file: string, input: string, readonly = false): Promise<string> {
  const instance = await DuckDBInstance.create(file, { access_mode: readonly ? 'READ_ONLY' : 'READ_WRITE' })
  const connection = await instance.connect()
  const lines: string[] = []
  try {
    await connection.run(`SET TimeZone = 'UTC'`)
    if (input.trim() === '.dump') return await everything(connection)
    const statements = await connection.extractStatements(input)
    for (let at = 0; at < statements.count; at++) {
      const prepared = await statements.prepare(at)
      for (const row of (await prepared.runAndReadAll()).getRowsJson()) lines.push(row.map(textOf).join('|'))
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
  return lines.join('\n')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

if (process.argv[1] === import.meta.filename) {
  const [file = '', ...options] = process.argv.slice(2).toReversed()
  console.log(await onFile(file, readFileSync(0, 'utf8'), options.includes('-readonly')))
}
