// In the child: a live database gets the content of another, and its own is kept, by one rename.
//
// A program that has a DuckDB file open holds a lock on it, for reading or for writing. So the live file is opened here for writing:
// then nobody else has it open, its -wal is in it, and whoever tries to open it is turned away. The file before keeps its data under
// a second name; the one that comes in is open here, too, and is renamed to the live name while both are locked. A program finds
// the file before, or the file after, or is told that it is in use. (docs/decisions/0005-duckdb-is-renamed.md)

import { chmodSync, chownSync, closeSync, constants, copyFileSync, fsyncSync, linkSync, openSync, renameSync, statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError, messageOf, systemCode } from '../../base/errors.ts'
import { environment } from '../../base/exec.ts'
import { errorIn, parseLine } from '../../base/lines.ts'
import { openersOf } from '../../base/openers.ts'
import type { Look } from '../engine.ts'
import { COMPANIONS, isDamage, openFile, patiently, type Database } from './connection.ts'
import { isThere, refuseLeftovers, syncFile } from './file.ts'
import { markOf, unmark } from './marks.ts'
import type { Requests } from './protocol.ts'

/** Never leaves it to the caller to lay a file in the place of one that is missing or damaged: a rename does that as well. */
export async function exchange(order: Requests['exchange'], permitted: () => boolean): Promise<Look> {
  const { live, outgoing, mark } = order
  const { next } = markOf(live, mark)
  let [before, after]: (Database | undefined)[] = []
  let done = false
  try {
    await bringToRest(order.incoming)
    after = await layBeside(order)
    before = await takeLive(order)
    if (!permitted()) throw new HayaiError('INTERRUPTED', 'the exchange was given up; nothing was changed')
    for (const ending of COMPANIONS) moveIfThere(live + ending, outgoing + ending) // of a damaged file: a sound one has none left
    renameSync(next, live)
    done = true
    syncFolders(live)
    await letTheLateGo(outgoing)
    return { state: 'sound', users: [] }
  } catch (error) {
    throw readable(error, live)
  } finally {
    before?.close() // first, as long as nobody can have opened the new file and written a -wal beside it
    after?.close()
    if (!done) unmark(live, mark)
  }
}

/** A generation that was kept while it was damaged may have a -wal beside it. */
async function bringToRest(incoming: string): Promise<void> {
  try {
    const db = await openFile(incoming, { write: true })
    try {
      await db.run('FORCE CHECKPOINT')
    } finally {
      db.close()
    }
    refuseLeftovers(incoming)
  } catch (error) {
    if (!isDamage(error)) throw error
    throw new HayaiError('CORRUPT', `what shall be brought back is damaged: ${messageOf(error)}`, {
      hint: `It is kept as it is: ${incoming}. Restore a snapshot instead.`,
      cause: error,
    })
  }
  syncFile(incoming)
}

/** The incoming file gets two names beside the live one, and the rights of that; and is open from here on. */
async function layBeside({ live, incoming, mark }: Requests['exchange']): Promise<Database> {
  const paths = markOf(live, mark)
  try {
    linkSync(incoming, paths.next)
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error
    copyFileSync(incoming, paths.next, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    syncFile(paths.next)
  }
  const model = statSync(live, { throwIfNoEntry: false })
  if (model !== undefined) {
    const own = statSync(paths.next)
    if (own.uid !== model.uid || own.gid !== model.gid) chownSync(paths.next, model.uid, model.gid)
    chmodSync(paths.next, model.mode & 0o7777)
  }
  linkSync(paths.next, paths.mark)
  syncFolders(live)
  return openFile(paths.next, { write: true })
}

/** Keeps all others out of the live file, and keeps what it holds, whole and durable, under its second name. */
async function takeLive({ live, outgoing, patience }: Requests['exchange']): Promise<Database | undefined> {
  if (!isThere(live)) return undefined
  let db: Database | undefined
  try {
    db = await patiently(live, patience, () => openFile(live, { write: true }))
    await db.run('FORCE CHECKPOINT')
    refuseLeftovers(live)
  } catch (error) {
    db?.close()
    if (!isDamage(error)) throw error
    db = undefined
    refuseUsers(live) // no lock could be had on it
  }
  try {
    keep(live, outgoing)
    syncFolders(outgoing)
  } catch (error) {
    db?.close()
    throw error
  }
  return db
}

function refuseUsers(live: string): void {
  const users = openersOf(live)
  if (users.length === 0) return
  throw new HayaiError('LOCKED', `${live} is damaged, and ${users.join(', ')} still has it open`, {
    hint: 'Stop it and try again. Nothing was changed.',
    details: { file: live, users },
  })
}

function keep(live: string, outgoing: string): void {
  try {
    linkSync(live, outgoing)
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error
    keepElsewhere(live, outgoing)
  }
}

// On another disk it must be copied: by a process of its own, because this one would lose its lock by closing the file.
function keepElsewhere(live: string, outgoing: string): void {
  const request: Requests['copy'] = { file: live, to: outgoing, durable: true, waits: false }
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [String(process.argv[1]), 'copy', JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
    encoding: 'utf8',
  })
  if (error !== undefined) throw error
  const last = stdout.trim().split('\n').at(-1) ?? ''
  const failure = last === '' ? undefined : errorIn(parseLine(last))
  if (failure !== undefined) throw failure
  if (status !== 0) throw new HayaiError('TOOL_FAILED', `${basename(live)} could not be copied away: ${stderr.trim()}`)
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}

const LATE = 2000

/**
 * A program may have opened the file before by its name just before the rename, and be about to lock it. It is turned away by the
 * lock that is still held here, and lets go at once; until then the lock stays.
 */
async function letTheLateGo(outgoing: string): Promise<void> {
  const deadline = Date.now() + LATE
  while (Date.now() < deadline && openersOf(outgoing).length > 0) await sleep(5)
}

function syncFolders(...files: readonly string[]): void {
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function readable(error: unknown, live: string): unknown {
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HayaiError('STORE_FAILED', `the disk of ${live} has no room to switch`, {
      hint: 'Make room and try again. Nothing was changed.',
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'EBUSY') {
    return new HayaiError('ENVIRONMENT', `${basename(live)} cannot be exchanged: ${messageOf(error)}`, {
      hint: `The folder ${dirname(live)} must be writable, and the file must not be a mount of its own. Nothing was changed.`,
      cause: error,
    })
  }
  return error
}
