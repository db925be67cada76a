// In the child: a database file as such: made, recognised, looked at, marked.

import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { HayaiError, messageOf, systemCode } from '../../base/errors.ts'
import { openersOf } from '../../base/openers.ts'
import { explained, isBusy, isDamage, numberIn, openFrozen, openLive, patiently, quoted, valueOf } from './connection.ts'
import { giveHeader, syncFile } from './copy.ts'
import { flawOf, HEADER_BYTES, hasMagic } from './header.ts'
import { checkIntegrity } from './integrity.ts'
import type { Answers, Requests } from './protocol.ts'

export function create({ file }: Requests['create']): void {
  closeSync(openSync(file, 'wx', 0o600))
  giveHeader(file)
}

export function recognise({ file }: Requests['recognise']): void {
  const stat = statSync(file)
  if (stat.isFile() && (stat.size === 0 || hasMagic(headOf(file)))) return
  throw new HayaiError('CONFLICT', `${file} is there, and is no SQLite database`, { hint: 'Name another file, or move this one away.' })
}

/** Reads by plain calls: only in a process that has the file not open through SQLite. */
export function headOf(file: string): Buffer {
  const fd = openSync(file, 'r')
  try {
    const head = Buffer.alloc(HEADER_BYTES)
    return head.subarray(0, readSync(fd, head, 0, HEADER_BYTES, 0))
  } finally {
    closeSync(fd)
  }
}

/** Sound is what SQLite can lock for writing: more it need not be, to be exchanged by SQLite's own means. */
export function look({ file }: Requests['look']): Answers['look'] {
  if (!isThere(file)) return { state: 'missing', users: [] }
  const db = openLive(file)
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK')
    return { state: 'sound', users: [] }
  } catch (error) {
    if (isBusy(error)) return { state: 'sound', users: [] }
    if (isDamage(error)) return { state: 'damaged', users: openersOf(file, `${file}-wal`, `${file}-journal`) }
    throw explained(error, file)
  } finally {
    db.close()
  }
}

function isThere(file: string): boolean {
  try {
    if (statSync(file).isFile()) return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
  throw new HayaiError('CONFLICT', `${file} is no file`, { hint: 'Move away what is in its place.' })
}

const HINT = 'Use another snapshot.'

export function check({ file }: Requests['check']): readonly string[] {
  const flaw = flawOf(headOf(file), statSync(file).size)
  if (flaw !== undefined) throw new HayaiError('CORRUPT', `${basename(file)} is damaged: ${flaw}`, { hint: HINT })
  const db = openFrozen(file)
  try {
    return checkIntegrity(db, basename(file), HINT)
  } catch (error) {
    throw explained(error, file)
  } finally {
    db.close()
  }
}

// A mark is a view that nobody uses: it lives in the schema alone, and nothing is left of it when it is dropped. The file gets
// a second page, because an exchange needs two (exchange.ts).
export function markFile(file: string, mark: string): void {
  const db = openLive(file)
  try {
    const pages = numberIn(db, 'PRAGMA main.page_count')
    const filling = pages > 1 ? '' : ' '.repeat(numberIn(db, 'PRAGMA main.page_size'))
    db.exec(
      `CREATE VIEW IF NOT EXISTS ${quoted(mark)} AS SELECT 'Hayai is bringing this database back; this view goes away by itself.${filling}' AS note`,
    )
  } catch (error) {
    if (!isDamage(error)) throw explained(error, file)
    throw new HayaiError('CORRUPT', `what shall be brought back is damaged: ${messageOf(error)}`, {
      hint: `It is kept as it is: ${file}. Restore a snapshot instead.`,
      cause: error,
    })
  } finally {
    db.close()
  }
  syncFile(file)
}

/** Asks with the right to write: so what another process is writing is either finished or undone before the answer. */
export async function bears({ file, mark, patience }: Requests['bears']): Promise<boolean> {
  if (!isThere(file)) return false
  const db = openLive(file)
  try {
    return await patiently(file, patience, () => {
      try {
        db.exec('BEGIN IMMEDIATE')
        return valueOf(db, `SELECT 1 FROM main.sqlite_schema WHERE type = 'view' AND name = ?`, mark) === 1
      } catch (error) {
        if (!isDamage(error)) throw error
        return false
      } finally {
        if (db.isTransaction) db.exec('ROLLBACK')
      }
    })
  } finally {
    db.close()
  }
}

/** What is missing or damaged bears no mark. */
export async function unmark({ file, mark, patience }: Requests['unmark']): Promise<void> {
  if (!isThere(file)) return
  const db = openLive(file)
  try {
    await patiently(file, patience, () => {
      try {
        db.exec(`DROP VIEW IF EXISTS main.${quoted(mark)}`)
      } catch (error) {
        if (!isDamage(error)) throw error
      }
    })
    // What an exchange wrote is as large as the database: it need not wait in the -wal for the next program that tidies up.
    db.prepare('PRAGMA main.wal_checkpoint(TRUNCATE)').get()
  } finally {
    db.close()
  }
}
