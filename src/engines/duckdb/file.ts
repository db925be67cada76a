// In the child: a database file as such: made, recognised, looked at, copied, examined.

import { closeSync, constants, copyFileSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { openersOf } from '../../base/openers.ts'
import { countAll, readAll } from './census.ts'
import { COMPANIONS, explained, headOf, isDamage, isLocked, openFile, openNew, patiently, type Database } from './connection.ts'
import { hasMagic } from './header.ts'
import { digestsOf, outlineOf } from './outline.ts'
import type { Answers, Counted, Happening, Requests, Surveyed } from './protocol.ts'

export async function create({ file }: Requests['create']): Promise<void> {
  const db = await openNew(file)
  try {
    await db.run('CHECKPOINT')
  } finally {
    db.close()
  }
  syncFile(file)
}

export async function recognise({ file }: Requests['recognise']): Promise<void> {
  if (!statSync(file).isFile() || !hasMagic(headOf(file))) {
    throw new HayaiError('CONFLICT', `${file} is there, and is no DuckDB database`, { hint: 'Name another file, or move this one away.' })
  }
  try {
    ;(await openFile(file)).close()
  } catch (error) {
    if (!isLocked(error)) throw error // its own application may have it open
  }
}

export async function look({ file }: Requests['look']): Promise<Answers['look']> {
  if (!isThere(file)) return { state: 'missing', users: [] }
  try {
    ;(await openFile(file)).close()
    return { state: 'sound', users: [] }
  } catch (error) {
    if (isLocked(error)) return { state: 'sound', users: [] }
    if (isDamage(error)) return { state: 'damaged', users: openersOf(file) }
    throw error
  }
}

export function isThere(file: string): boolean {
  try {
    if (statSync(file).isFile()) return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
  throw new HayaiError('CONFLICT', `${file} is no file`, { hint: 'Move away what is in its place.' })
}

export function inspect({ file, patience }: Requests['inspect']): Promise<Counted> {
  return whileOpen(file, patience, countAll)
}

export function survey({ file, patience, rows }: Requests['survey']): Promise<Surveyed> {
  return whileOpen(file, patience, async (db) => ({
    ...(await countAll(db)),
    outline: await outlineOf(db),
    digests: rows ? await digestsOf(db) : null,
  }))
}

/** Nobody writes to a file that is open to be read: all that is asked is of one instant. */
async function whileOpen<T>(file: string, patience: number, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await patiently(file, patience, () => openFile(file))
  try {
    return await work(db)
  } catch (error) {
    throw explained(error, file)
  } finally {
    db.close()
  }
}

/**
 * Opened to be read, a file is shut to whoever wants to write, and open to those who read. What its -wal holds is read with it,
 * and stays where it is: a snapshot changes nothing.
 */
export async function hold({ file, patience }: Requests['hold'], tell: (happening: Happening) => void, wait: () => void): Promise<void> {
  const db = await patiently(file, patience, () => openFile(file))
  try {
    const bytes = ['', ...COMPANIONS].reduce((sum, ending) => sum + (statSync(file + ending, { throwIfNoEntry: false })?.size ?? 0), 0)
    tell({ event: 'held', at: new Date().toISOString(), bytes })
    wait()
  } finally {
    db.close()
  }
}

/** Of a file whose writers are kept out by another process. */
export function copy({ file, to, durable }: Requests['copy'], tell: (happening: Happening) => void): void {
  for (const ending of [...COMPANIONS, '']) {
    try {
      if (statSync(file + ending, { throwIfNoEntry: false }) === undefined) continue
      copyBytes(file + ending, to + ending, tell)
      if (durable) syncFile(to + ending)
    } catch (error) {
      throw explained(error, to)
    }
  }
}

const PIECE = 16 * 1024 * 1024

function copyBytes(from: string, to: string, tell: (happening: Happening) => void): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
    return
  } catch {
    // the file system cannot share blocks: then byte by byte, with signs of life
  }
  const [source, target] = [openSync(from, 'r'), openSync(to, 'w', 0o600)]
  try {
    const buffer = Buffer.allocUnsafe(PIECE)
    for (let length = 1; length > 0;) {
      length = readSync(source, buffer, 0, PIECE, null)
      for (let at = 0; at < length;) at += writeSync(target, buffer, at, length - at)
      tell({ event: 'progress' })
    }
  } finally {
    closeSync(source)
    closeSync(target)
  }
}

/** The -wal goes into the file, all of it is read, and it is counted. */
export async function examine({ file, spill, hint }: Requests['examine']): Promise<Surveyed> {
  const opening = { write: COMPANIONS.some((ending) => statSync(file + ending, { throwIfNoEntry: false }) !== undefined), spill }
  const db = await openFile(file, opening).catch((error: unknown) => {
    throw error instanceof HayaiError && isDamage(error) ? new HayaiError('CORRUPT', error.message, { hint, cause: error }) : error
  })
  try {
    if (opening.write) await db.run('FORCE CHECKPOINT')
    const warnings = await readAll(db, file, hint)
    const counted = await countAll(db)
    return { ...counted, notes: [...warnings, ...counted.notes], outline: await outlineOf(db), digests: null }
  } catch (error) {
    throw explained(error, file)
  } finally {
    db.close()
    refuseLeftovers(file)
  }
}

/** What still stands beside a file at rest would not come along with it. */
export function refuseLeftovers(file: string): void {
  for (const ending of COMPANIONS) {
    const size = statSync(file + ending, { throwIfNoEntry: false })?.size ?? 0
    if (size > 0)
      throw new HayaiError('TOOL_FAILED', `DuckDB left ${basename(file)}${ending} behind, with ${size} bytes that are not in the file`)
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
