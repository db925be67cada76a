// In the child: a connection to a database file, waiting for others, and what SQLite's own errors mean.

import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { openersOf } from '../../base/openers.ts'

/** Opens a file that is there; never makes one. */
export function openLive(file: string): DatabaseSync {
  return connect(file, urlOf(file), false)
}

/** Opens a file that nobody else uses, without changing a byte of it or leaving anything beside it. */
export function openFrozen(file: string): DatabaseSync {
  const url = pathToFileURL(file)
  url.searchParams.set('immutable', '1')
  return connect(file, url, true)
}

/** Names a file that is there to the backup API, which else would make one. */
export function urlOf(file: string): URL {
  const url = pathToFileURL(file)
  url.searchParams.set('mode', 'rw')
  return url
}

function connect(file: string, url: URL, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(url, { readOnly, timeout: WAIT })
  } catch (error) {
    throw explained(error, file)
  }
}

// SQLite itself looks every 100 ms: a program that writes without a pause would hardly ever be caught between two transactions.
// So it gives up at once, and patiently() looks again, hundreds of times a second.
const WAIT = 5

/** Repeats what others are in the way of, and throws LOCKED, with their names, when `patience` has run out. */
export async function patiently<T>(file: string, patience: number, attempt: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + patience
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error)) throw explained(error, file)
      if (Date.now() >= deadline) throw locked(file, patience)
      await sleep(Math.random() * 3)
    }
  }
}

const [BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB] = [5, 6, 8, 10, 11, 13, 14, 26]

/** SQLite's own number of an error, without its extension; undefined when it is not SQLite's. */
function numberOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

export function isBusy(error: unknown): boolean {
  const number = numberOf(error)
  return number === BUSY || number === LOCKED
}

export function isDamage(error: unknown): boolean {
  const number = numberOf(error)
  return number === CORRUPT || number === NOTADB
}

export function isFull(error: unknown): boolean {
  const system = systemCode(error)
  return system === 'ENOSPC' || system === 'EDQUOT' || numberOf(error) === FULL
}

/** The same error for people; those that are not SQLite's or the disk's are given back as they are. */
export function explained(error: unknown, file: string): unknown {
  if (error instanceof HayaiError) return error
  const number = numberOf(error)
  if (!(error instanceof Error) || (number === undefined && !isFull(error))) return error
  const name = basename(file)
  if (isFull(error)) return new HayaiError('STORE_FAILED', `the disk of ${file} is full`, { hint: 'Make room and try again.' })
  switch (number) {
    case BUSY:
    case LOCKED:
      return locked(file, WAIT)
    case CORRUPT:
    case NOTADB:
      return new HayaiError('CORRUPT', `${name} is damaged: ${error.message}`, { hint: 'Restore a snapshot of it.' })
    case CANTOPEN:
      return existsSync(file)
        ? new HayaiError('ENVIRONMENT', `${name} cannot be opened`, { hint: `Look at the permissions of ${file} and of its folder.` })
        : new HayaiError('NOT_FOUND', `there is no file ${file}`, { hint: 'Restore a snapshot of it.' })
    case READONLY:
      return new HayaiError('ENVIRONMENT', `${name} cannot be written`, { hint: `Look at the permissions of ${file} and of its folder.` })
    case IOERR:
      return new HayaiError('TOOL_FAILED', `the disk failed while SQLite worked on ${file}: ${error.message}`)
    default:
      return new HayaiError('TOOL_FAILED', `SQLite failed on ${name}: ${error.message}`)
  }
}

export function locked(file: string, patience: number): HayaiError {
  const users = openersOf(file, `${file}-wal`, `${file}-journal`)
  const who = users.length === 0 ? 'another program' : users.join(', ')
  const seconds = Math.max(1, Math.round(patience / 1000))
  return new HayaiError('LOCKED', `${basename(file)} is in use: ${who} did not let go of it within ${seconds} s`, {
    hint: 'Wait until it is done, or stop it, and try again. Nothing was changed.',
    details: { file, users },
  })
}

/** The one value of the one row. */
export function valueOf(db: DatabaseSync, sql: string, ...parameters: readonly string[]): unknown {
  const row: unknown = db.prepare(sql).get(...parameters)
  return typeof row === 'object' && row !== null ? Object.values(row)[0] : undefined
}

export function numberIn(db: DatabaseSync, sql: string, ...parameters: readonly string[]): number {
  const value = valueOf(db, sql, ...parameters)
  if (typeof value !== 'number') throw new Error(`${sql} gave no number`)
  return value
}

/** A name as SQL wants it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
