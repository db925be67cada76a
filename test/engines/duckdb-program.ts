// A user's own program on a DuckDB file, by the package alone: `node duckdb-program.ts [-readonly] FILE` runs the statements of its
// standard input and prints rows as `a|b`; a line `.dump` prints all that is in the file. The first error ends it, with status 1.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
    `SELECT schema_name, sequence_name, min_value, max_value, increment_by, cycle, comment, if(sql LIKE '% START ' || (max_value::HUGEINT + 1) || ' %', 'used up', sql) FROM duckdb_sequences() ORDER BY ALL`,
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

export interface Holder {
  readonly pid: number
  kill(): Promise<void>
}

/**
 * Another process runs the statements, each by itself, without ever making a checkpoint, and then stays with the file open, or is
 * killed as by `kill -9`. Returns when it has.
 */
export async function killedWith(file: string, statements: readonly string[], then: 'stays' | 'dies', readonly = false): Promise<Holder> {
  const script = `
    const { DuckDBInstance } = await import(${JSON.stringify(import.meta.resolve('@duckdb/node-api'))})
    const instance = await DuckDBInstance.create(${JSON.stringify(file)}, { access_mode: '${readonly ? 'READ_ONLY' : 'READ_WRITE'}' })
    const connection = await instance.connect()
    await connection.run("PRAGMA disable_checkpoint_on_shutdown; SET checkpoint_threshold = '100GB'")
    for (const sql of ${JSON.stringify(statements)}) await connection.run(sql)
    process.stdout.write('done')
    setInterval(() => connection, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const [said] = (await Promise.race([once(child.stdout, 'data'), ended])) as [unknown]
  if (String(said) !== 'done') throw new Error('the other program failed')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  if (then === 'dies') await kill()
  return { pid: child.pid ?? 0, kill }
}

if (process.argv[1] === import.meta.filename) {
  const [file = '', ...options] = process.argv.slice(2).toReversed()
  console.log(await onFile(file, readFileSync(0, 'utf8'), options.includes('-readonly')))
}
