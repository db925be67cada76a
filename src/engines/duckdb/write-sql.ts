// In the child: a database as one SQL text, which the stock program reads back: `duckdb new.duckdb < file`. It is read from a copy
// that nobody else uses.

import { basename } from 'node:path'
import { HayaiError, messageOf } from '../../base/errors.ts'
import { streamed } from '../../base/garbage.ts'
import { called, nameOf, numberIn, tablesOf, type Table } from './census.ts'
import { explained, openFile, quoted, type Database } from './connection.ts'
import { concat, literalOf, unwritable } from './literals.ts'
import { duckdb } from './package.ts'
import type { Requests } from './protocol.ts'
import { emptyLike, schemaOf, type Schema } from './schema.ts'
import { FIRST_LINE, LAST_LINE } from './sql-ends.ts'
import { keysToItself, tableTexts } from './tables.ts'

type Print = (text: string) => void

/** Throws when something could not be written exactly, before a byte is written. */
export async function trySchema(request: Requests['trySchema']): Promise<void> {
  await withPlan(request, () => Promise.resolve())
}

export async function writeSql(request: Requests['writeSql'], print: Print): Promise<void> {
  await withPlan(request, async (db, { schema, tables }) => {
    print(`${FIRST_LINE}\n-- storage version: ${await storageOf(db)}\nBEGIN TRANSACTION;\n`)
    for (const sql of schema.before) print(`${sql}\n`)
    for (const table of tables) await printRows(db, table, print)
    for (const sql of schema.after) print(`${sql}\n`)
    print(`COMMIT;\n${LAST_LINE}\n`)
  })
}

/** The rows of one table, named as in the census, into a table that is there. */
export async function writeRows({ table, ...request }: Requests['writeRows'], print: Print): Promise<void> {
  await withPlan(request, async (db, { tables }) => {
    const names = await tablesOf(db)
    const wanted = names.find((each) => called(each) === table)
    const rows = wanted === undefined ? undefined : tables.find((each) => each.table === nameOf(wanted))
    if (rows === undefined) throw new HayaiError('NOT_FOUND', `there is no table ${JSON.stringify(table)}`)
    print('BEGIN TRANSACTION;\n')
    await printRows(db, rows, print)
    print('COMMIT;\n')
  })
}

interface Plan {
  readonly schema: Schema
  readonly tables: readonly Rows[]
}

async function withPlan({ file, spill }: Requests['writeSql'], work: (db: Database, plan: Plan) => Promise<void>): Promise<void> {
  const db = await openFile(file, { write: true, spill }) // DuckDB lets nothing be made in memory beside a file that is opened to be read
  try {
    const name = String((await db.rows('SELECT current_database()'))[0]?.[0])
    const schema = await schemaOf(db, name, spill)
    const tables = await rowsOf(db, name, schema)
    await work(db, { schema, tables })
  } catch (error) {
    throw explained(error, basename(file))
  } finally {
    db.close()
  }
}

/** Which versions can read the file, as DuckDB says it: `v1.0.0`. */
async function storageOf(db: Database): Promise<string> {
  const [row] = await db.rows(`SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()`)
  return /v\d[\w.]*/.exec(String(row?.[0]))?.[0] ?? 'unknown'
}

interface Rows {
  readonly table: string
  /** Names as SQL wants them. */
  readonly columns: readonly string[]
  /** What makes a row's text. */
  readonly row: string
  /** A row refers to another one of its table: each goes by itself. */
  readonly single: boolean
}

async function rowsOf(db: Database, name: string, schema: Schema): Promise<readonly Rows[]> {
  const trial = await emptyLike(name)
  try {
    for (const sql of schema.before) await trial.run(sql)
    const made: Rows[] = []
    for (const table of await inOrderOf(db, schema)) made.push(await planOf(db, trial, table))
    return made
  } finally {
    trial.close()
  }
}

/** A table comes after those that its rows refer to: in the order in which the tables could be made. */
async function inOrderOf(db: Database, { before }: Schema): Promise<readonly Table[]> {
  const places = new Map((await tableTexts(db)).map(({ schema, name, sql }) => [`${schema}\0${name}`, before.indexOf(sql)]))
  const placeOf = ({ schema, name }: Table): number => places.get(`${schema}\0${name}`) ?? 0
  return [...(await tablesOf(db))].sort((a, b) => placeOf(a) - placeOf(b))
}

async function planOf(db: Database, trial: Database, table: Table): Promise<Rows> {
  const module = await duckdb()
  const full = nameOf(table)
  const result = await db.stream(`SELECT * FROM ${full} LIMIT 0`)
  const types = result.columnTypes()
  const columns: string[] = []
  const literals: string[] = []
  for (const [at, column] of result.columnNames().entries()) {
    const type = types[at]
    if (type === undefined || (await isGenerated(trial, full, column))) continue
    const literal = literalOf(module, quoted(column), type)
    if (literal === undefined) throw unwritable(`the column ${full}.${quoted(column)}`, `its type is ${String(type)}`)
    columns.push(quoted(column))
    literals.push(literal)
  }
  return { table: full, columns, row: concat(`'('`, literals.join(`, ', ', `), `')'`), single: await refersToItself(db, table) }
}

export async function isGenerated(trial: Database, table: string, column: string): Promise<boolean> {
  try {
    ;(await trial.prepare(`INSERT INTO ${table} (${quoted(column)}) VALUES (NULL)`)).close()
    return false
  } catch (error) {
    return /generated column/.test(messageOf(error))
  }
}

/** Rows come in the order in which they lie; where one refers to a later one, it could not be put back in that order. */
async function refersToItself(db: Database, { schema, name }: Table): Promise<boolean> {
  const keys = await keysToItself(db, schema, name)
  for (const { columns, referenced } of keys) {
    const same = columns.map((column, at) => `child.${quoted(column)} = parent.${quoted(referenced[at] ?? '')}`).join(' AND ')
    const table = nameOf({ schema, name })
    const early = await numberIn(db, `SELECT count(*) FROM ${table} child JOIN ${table} parent ON ${same} WHERE parent.rowid > child.rowid`)
    if (early > 0) throw unwritable(`the table ${table}`, `${early} of its rows refer to a row of the same table that comes after them`)
  }
  return keys.length > 0
}

const STATEMENT_ROWS = 500
const STATEMENT_LENGTH = 256 * 1024
const SIZES = 3 // a row is there as DuckDB's text, as ours and as a piece of a statement; of the first, V8 knows nothing

async function printRows(db: Database, { table, columns, row, single }: Rows, print: Print): Promise<void> {
  const head = `INSERT INTO ${table} (${columns.join(', ')}) VALUES\n`
  let [rows, length]: [string[], number] = [[], 0]
  const flush = (): void => {
    if (rows.length > 0) print(`${head}${rows.join(',\n')};\n`)
    streamed(length * SIZES)
    ;[rows, length] = [[], 0]
  }
  const result = await db.stream(`SELECT ${row} FROM ${table}`)
  for await (const chunk of result) {
    for (const text of chunk.getColumnValues(0)) {
      if (typeof text !== 'string') throw new Error(`a row of ${table} has no text`)
      rows.push(text)
      length += text.length
      if (single || rows.length >= STATEMENT_ROWS || length >= STATEMENT_LENGTH) flush()
    }
  }
  flush()
}
