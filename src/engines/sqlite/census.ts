// In the child: what is in a database, counted in one transaction.

import type { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../base/errors.ts'
import { isBusy, isDamage, numberIn, quoted, valueOf } from './connection.ts'
import type { Counted } from './protocol.ts'

/** Tables of people: not SQLite's own, and not the shadow tables in which a virtual table keeps its content. */
export function tablesOf(db: DatabaseSync): readonly string[] {
  const rows = db.prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') ORDER BY name`).all()
  return rows.map(({ name }) => String(name)).filter((name) => !/^sqlite_/i.test(name))
}

export function countAll(db: DatabaseSync): Counted {
  const tables: Record<string, number> = {}
  const notes: string[] = []
  for (const name of tablesOf(db)) {
    const rows = rowsOf(db, name)
    if (typeof rows === 'number') tables[name] = rows
    else notes.push(`The rows of "${name}" could not be counted (${rows}); they are in the copy all the same.`)
  }
  const objects = { indexes: objectsOf(db, 'index'), triggers: objectsOf(db, 'trigger'), views: objectsOf(db, 'view') }
  return { version: String(valueOf(db, 'SELECT sqlite_version()')), census: { tables, objects }, notes }
}

// An index may need a collation that only its application has: then the table itself is counted. Where the module of a virtual
// table is missing, or the table itself is kept in such an order, nobody but the application can count.
function rowsOf(db: DatabaseSync, name: string): number | string {
  let reason = ''
  for (const how of ['', ' NOT INDEXED']) {
    try {
      return numberIn(db, `SELECT count(*) FROM main.${quoted(name)}${how}`)
    } catch (error) {
      if (isBusy(error) || isDamage(error)) throw error
      reason ||= messageOf(error)
    }
  }
  return reason
}

function objectsOf(db: DatabaseSync, type: string): number {
  return numberIn(db, `SELECT count(*) FROM main.sqlite_schema WHERE type = ? AND sql IS NOT NULL`, type)
}
