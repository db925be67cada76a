// In the child: is a database sound? SQLite's own integrity_check, of every page, row and index.

import type { DatabaseSync } from 'node:sqlite'
import { HayaiError, messageOf } from '../../base/errors.ts'
import { tablesOf } from './census.ts'
import { isBusy, isDamage, quoted } from './connection.ts'

/** Throws CORRUPT when the database is damaged; else gives what deserves a warning. `name` and `hint` are for the message. */
export function checkIntegrity(db: DatabaseSync, name: string, hint: string): readonly string[] {
  const found = complaints(db, 'PRAGMA main.integrity_check(20)')
  if (typeof found !== 'string') return judge(found, name, hint)
  // Something that only the application has is missing here: what can be checked without it is checked, table by table.
  return tablesOf(db).flatMap((table) => {
    const each = complaints(db, `PRAGMA main.integrity_check(${quoted(table)})`)
    if (typeof each !== 'string') return judge(each, name, hint)
    return [`The table "${table}" was copied, but could not be checked: ${each}.`]
  })
}

/** A text instead of a list: the check itself could not be made, and why. Damage that stops the check is a complaint, too. */
function complaints(db: DatabaseSync, pragma: string): readonly string[] | string {
  try {
    return db
      .prepare(pragma)
      .all()
      .map((row) => String(Object.values(row)[0]))
  } catch (error) {
    if (isBusy(error)) throw error
    return isDamage(error) ? [messageOf(error)] : messageOf(error)
  }
}

// A row that breaks a rule of its table is the application's doing: it was let in, and must not keep the rest from being saved.
// (CHECK constraints do not come up: SQLite leaves them out of a schema that is read only.)
const RULES = /^(NULL|NUMERIC|TEXT|non-\w+) value in /

function judge(found: readonly string[], name: string, hint: string): readonly string[] {
  if (found.length === 1 && found[0] === 'ok') return []
  const damage = found.filter((line) => !RULES.test(line))
  if (damage.length === 0) return found.map((line) => `A row breaks a rule of its table: ${line}.`)
  throw new HayaiError('CORRUPT', `${name} is damaged: ${damage.slice(0, 3).join('; ')}`, { hint, details: { damage } })
}
