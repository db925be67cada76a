// In the child: a copy of a live database, of one instant, while others go on using it.

import { closeSync, fsyncSync, openSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { countAll } from './census.ts'
import { explained, isFull, numberIn, openFrozen, openLive, patiently } from './connection.ts'
import { checkIntegrity } from './integrity.ts'
import { outlineOf } from './outline.ts'
import type { Happening, Requests, Surveyed } from './protocol.ts'

/** `wait` returns when the instant may be fixed; throws when it is not wanted any more. */
export async function copyAndCheck(
  { file, to, patience }: Requests['copy'],
  tell: (happening: Happening) => void,
  wait: () => void,
): Promise<Surveyed> {
  await copyOnline(file, to, patience, tell, wait)
  giveHeader(to)
  syncFile(to)
  tell({ event: 'checking' })
  const copy = openFrozen(to)
  try {
    const hint = `Save what can be saved: sqlite3 ${file} .recover | sqlite3 saved.db; or restore an earlier snapshot.`
    const warnings = checkIntegrity(copy, basename(file), hint)
    const counted = countAll(copy)
    return { ...counted, notes: [...warnings, ...counted.notes], outline: outlineOf(copy), digests: null }
  } catch (error) {
    throw explained(error, file)
  } finally {
    copy.close()
  }
}

const STEP_BYTES = 16 * 1024 * 1024

/**
 * Page by page by the backup API, inside one read transaction of the source: so a program that writes meanwhile cannot make the
 * copy begin anew. In WAL mode writers go on; with a rollback journal they wait until the copy is made.
 */
export async function copyOnline(
  file: string,
  to: string,
  patience: number,
  tell: (happening: Happening) => void,
  wait: () => void = () => {},
): Promise<void> {
  const source = openLive(file)
  try {
    wait()
    const size = await patiently(file, patience, () => {
      source.exec('BEGIN')
      try {
        return numberIn(source, 'PRAGMA main.page_count') * numberIn(source, 'PRAGMA main.page_size')
      } catch (error) {
        source.exec('ROLLBACK')
        throw error
      }
    })
    tell({ event: 'instant', at: new Date().toISOString(), bytes: size })
    const rate = Math.ceil(STEP_BYTES / numberIn(source, 'PRAGMA main.page_size'))
    await backup(source, to, { rate, progress: () => tell({ event: 'progress' }) })
    source.exec('ROLLBACK')
  } catch (error) {
    throw explained(error, isFull(error) ? to : file)
  } finally {
    source.close()
  }
}

/** A database in which nothing was ever made may be a file of no bytes; a copy always has its header. */
export function giveHeader(file: string): void {
  if (statSync(file).size > 0) return
  const db = new DatabaseSync(file)
  try {
    db.exec('CREATE TABLE made (by); DROP TABLE made; VACUUM')
  } finally {
    db.close()
  }
}

export function syncFile(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
