// In the child: a database as SQL text, which the stock program reads back: `sqlite3 new.db < file`.
//
// Besides what `.dump` of that program writes, it keeps the rowids (an external-content index refers to them), the settings that
// live in the file's header, and texts that are not text. It is read from a copy that nobody else uses.

import { DatabaseSync } from 'node:sqlite'
import { HayaiError, messageOf } from '../../base/errors.ts'
import { numberIn, openFrozen, quoted, valueOf } from './connection.ts'
import { decoderFor, literal, quotedText, readable, type Value } from './literals.ts'
import { FIRST_LINE, LAST_LINE } from './sql-ends.ts'

export function writeSql(file: string, print: (text: string) => void): void {
  const db = openFrozen(file)
  try {
    for (const text of inChunks(linesOf(db))) print(text)
  } finally {
    db.close()
  }
}

/** The rows of one table, into a table that is there. */
export function writeRows(file: string, table: string, print: (text: string) => void): void {
  const db = openFrozen(file)
  try {
    const thing = objectsOf(db, 'table').find(({ name }) => name === table)
    if (thing === undefined) throw new HayaiError('NOT_FOUND', `there is no table ${JSON.stringify(table)}`)
    print('BEGIN TRANSACTION;\n')
    for (const text of inChunks(rowLines(db, thing))) print(text)
    print('COMMIT;\n')
  } finally {
    db.close()
  }
}

const CHUNK = 256 * 1024

function* inChunks(lines: Iterable<string>): Iterable<string> {
  let chunk = ''
  for (const line of lines) {
    chunk += `${line}\n`
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = ''
  }
  yield chunk
}

function* linesOf(db: DatabaseSync): Iterable<string> {
  yield FIRST_LINE
  // These three must come before anything is in the file.
  yield `PRAGMA page_size = ${numberIn(db, 'PRAGMA main.page_size')};`
  yield `PRAGMA encoding = ${quotedText(encodingOf(db))};`
  yield `PRAGMA auto_vacuum = ${numberIn(db, 'PRAGMA main.auto_vacuum')};`
  yield 'PRAGMA foreign_keys = OFF;'
  yield 'PRAGMA ignore_check_constraints = ON;'
  yield 'BEGIN TRANSACTION;'
  for (const object of objectsOf(db, 'table')) yield* tableLines(db, object)
  for (const type of ['index', 'view', 'trigger']) for (const { sql } of objectsOf(db, type)) yield ended(sql)
  yield `PRAGMA user_version = ${numberIn(db, 'PRAGMA main.user_version')};`
  yield `PRAGMA application_id = ${numberIn(db, 'PRAGMA main.application_id')};`
  yield 'COMMIT;'
  yield LAST_LINE
}

function encodingOf(db: DatabaseSync): string {
  return String(valueOf(db, 'PRAGMA main.encoding'))
}

interface Thing {
  readonly name: string
  readonly sql: string
}

function objectsOf(db: DatabaseSync, type: string): readonly Thing[] {
  // Tables of SQLite's own come after all others: they are made by the making of those.
  const order = `name LIKE 'sqlite\\_%' ESCAPE '\\', rowid`
  const rows = db.prepare(`SELECT name, sql FROM main.sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY ${order}`).all(type)
  return rows.map(({ name, sql }) => ({ name: String(name), sql: String(sql) }))
}

function* tableLines(db: DatabaseSync, thing: Thing): Iterable<string> {
  const { name, sql } = thing
  if (isVirtual(sql)) {
    // Its content is in tables of its own, which are written like all others: so only its name is made known, and nothing is run.
    yield 'PRAGMA writable_schema = ON;'
    yield `INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES ('table', ${quotedText(name)}, ${quotedText(name)}, 0, ${quotedText(sql)});`
    yield 'PRAGMA writable_schema = OFF;'
    return
  }
  if (name === 'sqlite_sequence') yield 'DELETE FROM sqlite_sequence;'
  else if (name === 'sqlite_stat1') yield 'ANALYZE sqlite_master;'
  else if (name.startsWith('sqlite_')) return
  else yield ended(sql)
  yield* rowLines(db, thing)
}

function* rowLines(db: DatabaseSync, thing: Thing): Iterable<string> {
  const { name } = thing
  const columns = columnsOf(db, thing)
  const rows = db.prepare(`SELECT ${columns.map(readable).join(', ')} FROM main.${quoted(name)} NOT INDEXED`)
  rows.setReadBigInts(true)
  rows.setReturnArrays(true)
  const decoder = decoderFor(encodingOf(db))
  const into = `INSERT INTO ${quoted(name)} (${columns.join(', ')}) VALUES (`
  // Arrays of values, as they were asked for: the types of node:sqlite know only records.
  for (const row of rows.iterate() as Iterable<unknown> as Iterable<readonly Value[]>) {
    yield `${into}${row.map((value) => literal(value, decoder)).join(', ')});`
  }
}

/** Names as SQL wants them: those that can be written, and the rowid where it is not one of them and can be asked for. */
export function columnsOf(db: DatabaseSync, { name: table, sql }: Thing): readonly string[] {
  const all = db.prepare('SELECT name, pk, upper(type) AS type, hidden FROM pragma_table_xinfo(?)').all(table)
  const names = all.filter(({ hidden }) => hidden === 0).map(({ name }) => quoted(String(name)))
  const keys = all.filter(({ pk }) => pk !== 0)
  const isRowid = keys.length === 1 && keys[0]?.['type'] === 'INTEGER' && !/\bprimary\s+key\s+desc\b/i.test(sql)
  if (isRowid || isWithoutRowid(db, table)) return names
  const taken = new Set(all.map(({ name }) => String(name).toLowerCase()))
  const rowid = ['rowid', '_rowid_', 'oid'].find((word) => !taken.has(word))
  return rowid === undefined ? names : [rowid, ...names]
}

function isWithoutRowid(db: DatabaseSync, table: string): boolean {
  return numberIn(db, `SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?`, table) === 1
}

/** Throws when the schema needs something that only its application has: then the text could be written, and not read. */
export function trySchema(file: string): void {
  const db = openFrozen(file)
  const trial = new DatabaseSync(':memory:', { enableDoubleQuotedStringLiterals: true })
  try {
    for (const type of ['table', 'index', 'view', 'trigger']) {
      for (const { name, sql } of objectsOf(db, type)) if (!name.startsWith('sqlite_') && !isVirtual(sql)) make(trial, name, sql)
    }
  } finally {
    trial.close()
    db.close()
  }
}

function make(trial: DatabaseSync, name: string, sql: string): void {
  try {
    trial.exec(sql)
  } catch (error) {
    throw new HayaiError('TOOL_FAILED', `"${name}" cannot be written as SQL that any program reads: ${messageOf(error)}`, {
      hint: 'Take the snapshot as a file: --format db',
      cause: error,
    })
  }
}

export function isVirtual(sql: string): boolean {
  return /^create\s+virtual\s+table/i.test(sql)
}

/** A line comment in it must not swallow the semicolon. */
function ended(sql: string): string {
  return sql.includes('--') ? `${sql}\n;` : `${sql};`
}
