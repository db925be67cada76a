// In the child: a live database gets the content of another, and its own is kept, as one transaction of SQLite itself.
//
// The backup API writes the pages of `incoming` into the live file: with its locks, its journal or WAL, its crash recovery. It
// has the right to write from its first step on. Between that step and the next one, the content before is copied away, and the
// parent gives its permission: nobody can have written in the meantime, and nothing of the new content is in the file yet.
//
// Renaming files instead would be faster, and wrong while any program has the file open: a connection to a renamed database
// takes the journal of its successor, found under the old name, for its own, plays it back into the old one and deletes it
// (https://www.sqlite.org/howtocorrupt.html, 1.4 and 2.4; test/engines/sqlite-exchange.test.ts shows the danger).

import { spawnSync } from 'node:child_process'
import { constants, copyFileSync, readSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { backup } from 'node:sqlite'
import { HayaiError } from '../../base/errors.ts'
import { environment } from '../../base/exec.ts'
import { temporaryName } from '../../base/files.ts'
import { errorIn, parseLine } from '../../base/lines.ts'
import type { Look } from '../engine.ts'
import { explained, isBusy, locked, numberIn, openLive, patiently, urlOf, valueOf } from './connection.ts'
import { copyOnline, syncFile } from './copy.ts'
import { headOf, look, markFile } from './file.ts'
import { isWal } from './header.ts'
import type { Requests } from './protocol.ts'

export async function exchange(order: Requests['exchange'], permitted: () => boolean): Promise<Look> {
  const { live, incoming, mark, patience } = order
  markFile(incoming, mark)
  const found = look({ file: live })
  if (found.state !== 'sound') return found
  const source = openLive(incoming)
  try {
    const [pages, size] = [numberIn(source, 'PRAGMA main.page_count'), numberIn(source, 'PRAGMA main.page_size')]
    if (pages < 2) throw new Error('what comes in has a single page: nothing could happen between its first and its last')
    refuseWithoutRoom(order)
    await allowPagesOf(size, live, patience)
    // At least one page is left for after the first step, and that step stays in the cache: the file itself is still as it was.
    const rate = Math.max(1, Math.min(Math.floor(FIRST_STEP_BYTES / size), pages - 1))
    let held = false
    const progress = (): void => {
      if (held) return
      held = true
      keepInChild(order)
      if (!permitted()) throw new HayaiError('INTERRUPTED', 'the exchange was given up; nothing was changed')
    }
    const deadline = Date.now() + patience
    for (let pause = 20; ; pause = Math.min(pause * 2, 320)) {
      try {
        await inTurn(live, patience, pause, () => backup(source, urlOf(live), { rate, progress }))
        return found
      } catch (error) {
        if (held || !wasTooLate(error)) throw explained(error, live)
        if (Date.now() >= deadline) throw locked(live, patience)
      }
    }
  } finally {
    source.close()
  }
}

const FIRST_STEP_BYTES = 512 * 1024

// The backup API neither waits nor takes a lock over, so the wait is made here. Others who wait look again after pauses that grow:
// writers are held up until they sleep longer than it takes to begin; then readers are let out, where they are in the way.
async function inTurn<T>(live: string, patience: number, pause: number, begin: () => Promise<T>): Promise<T> {
  const db = openLive(live)
  try {
    await patiently(live, patience, () => db.exec('BEGIN IMMEDIATE'))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
    db.exec('ROLLBACK; PRAGMA busy_timeout = 250; BEGIN EXCLUSIVE; ROLLBACK')
    return await begin()
  } finally {
    db.close()
  }
}

// When the first step finds the file locked, Node says "not an error" (0).
function wasTooLate(error: unknown): boolean {
  return isBusy(error) || (error instanceof Error && 'errcode' in error && error.errcode === 0)
}

// Pages of another size cannot be written into a database in WAL mode; it can leave that mode when nobody else has it open.
async function allowPagesOf(size: number, live: string, patience: number): Promise<void> {
  const db = openLive(live)
  try {
    await patiently(live, patience, () => {
      if (numberIn(db, 'PRAGMA main.page_size') === size || valueOf(db, 'PRAGMA main.journal_mode') !== 'wal') return
      db.exec('PRAGMA main.journal_mode = DELETE')
    })
  } finally {
    db.close()
  }
}

/** Looks before anything is written: the content before is copied, and SQLite keeps it once more in its journal until it is done. */
function refuseWithoutRoom({ live, incoming, outgoing }: Requests['exchange']): void {
  const [before, after] = [statSync(live).size, statSync(incoming).size]
  const needed = new Map<string, { readonly folder: string; readonly bytes: number }>()
  for (const { folder, bytes } of [
    { folder: dirname(outgoing), bytes: before },
    { folder: dirname(live), bytes: Math.max(before, after) + Math.max(0, after - before) },
  ]) {
    const disk = String(statSync(folder).dev)
    needed.set(disk, { folder, bytes: bytes + (needed.get(disk)?.bytes ?? 0) })
  }
  for (const { folder, bytes } of needed.values()) {
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize >= bytes) continue
    throw new HayaiError('STORE_FAILED', `the disk of ${folder} has no room to switch: ${mebibytes(bytes)} MiB are needed for the moment`, {
      hint: `Make room for ${mebibytes(bytes - bavail * bsize)} MiB more and try again. Nothing was changed.`,
    })
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}

// In a process of its own, which has no connection to the file: it reads by plain calls where SQLite lets nobody in, and closing
// the file afterwards would drop this process's locks.
function keepInChild({ live, outgoing }: Requests['exchange']): void {
  const request: Requests['keep'] = { live, outgoing }
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [String(process.argv[1]), 'keep', JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
    encoding: 'utf8',
  })
  if (error !== undefined) throw error
  const last = stdout.trim().split('\n').at(-1) ?? ''
  const message = last === '' ? undefined : parseLine(last)
  const failure = message === undefined ? undefined : errorIn(message)
  if (failure !== undefined) throw failure
  if (status !== 0 || message === undefined)
    throw new HayaiError('TOOL_FAILED', `${basename(live)} could not be copied away: ${stderr.trim()}`)
}

/** The content of a live file whose writers are all kept out, whole and durable under its new name or not there at all. */
export async function keep({ live, outgoing }: Requests['keep']): Promise<void> {
  const partial = join(dirname(outgoing), temporaryName(basename(outgoing)))
  try {
    // In WAL mode readers are let in, and the file alone does not hold everything. Otherwise nobody is let in, and it does.
    if (isWal(headOf(live))) await copyOnline(live, partial, 5000, () => {})
    else copyFileSync(live, partial, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    syncFile(partial)
    renameSync(partial, outgoing)
    syncFile(dirname(outgoing))
  } catch (error) {
    rmSync(partial, { force: true })
    throw explained(error, outgoing)
  }
}

/** Says that all is ready, and waits for the permission; false when there will be none. Nothing else happens meanwhile. */
export function permission(say: () => void): boolean {
  say()
  const byte = Buffer.alloc(1)
  return readSync(0, byte, 0, 1, null) === 1 && byte.toString() === 'g'
}
