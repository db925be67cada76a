// In the child: SQL text becomes a database. The first statement that fails ends it, unlike in the stock program.

import { readSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TextDecoder } from 'node:util'
import { HayaiError, messageOf } from '../../base/errors.ts'
import { isFull } from './connection.ts'
import { giveHeader, syncFile } from './copy.ts'
import { statements } from './statements.ts'

/** `file` is empty or not there, and nobody else uses it. */
export function readSql(file: string): void {
  const db = new DatabaseSync(file, { enableDoubleQuotedStringLiterals: true, enableForeignKeyConstraints: false })
  try {
    db.enableDefensive(false) // a dump writes into the schema, and into the tables in which a virtual table keeps its content
    // Until it is done this is a file that nobody misses: speed comes first, and it is synced at the end.
    db.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA ignore_check_constraints = ON')
    feed(db, file)
    if (db.isTransaction) throw refused(file, 'it begins a transaction and does not end it')
  } finally {
    db.close()
  }
  giveHeader(file)
  syncFile(file)
}

function feed(db: DatabaseSync, file: string): void {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  const cutter = statements()
  const buffer = Buffer.alloc(1024 * 1024)
  for (;;) {
    const length = readSync(0, buffer, 0, buffer.byteLength, null)
    run(db, file, cutter.push(decode(decoder, buffer.subarray(0, length), length > 0, file)))
    if (length === 0) break
  }
  run(db, file, cutter.rest())
}

function decode(decoder: TextDecoder, bytes: Uint8Array, stream: boolean, file: string): string {
  try {
    return decoder.decode(bytes, { stream })
  } catch {
    throw refused(file, 'it is not UTF-8 text')
  }
}

function run(db: DatabaseSync, file: string, sql: string): void {
  if (sql === '') return
  try {
    db.exec(sql)
  } catch (error) {
    throw isFull(error) ? error : refused(file, messageOf(error))
  }
}

function refused(file: string, why: string): HayaiError {
  return new HayaiError('CORRUPT', `the SQL of ${basename(file)} cannot be read: ${why}`, { hint: 'Use another snapshot.' })
}
