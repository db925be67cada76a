// One command at a time on one thing. A lock is the kernel's own lock on an empty file, taken through SQLite
// (docs/decisions/0001-kernel-locks.md): it vanishes with its owner, however that ends, and nobody can take a live one over.

import { closeSync, fchownSync, openSync, statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError, messageOf, systemCode } from './errors.ts'
import { makeFolder, readIfThere } from './files.ts'

export interface LockOptions {
  /** What the lock is held for, as it is told to those who wait: `restoring "mydb"`. */
  readonly purpose: string
  /** How long to wait for another owner, in milliseconds. */
  readonly patience?: number
  readonly signal?: AbortSignal
  /** Any number of owners may share it, while nobody has it alone. */
  readonly shared?: boolean
}

/** Does the work while holding the lock. Throws LOCKED, naming the owner, when another keeps it for longer than `patience`. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await makeFolder(dirname(path))
  const lock = await acquire(path, options)
  try {
    await writeFile(ownerFile(path), JSON.stringify({ pid: process.pid, purpose: options.purpose }), { mode: 0o600 })
    return await work()
  } finally {
    await rm(ownerFile(path), { force: true })
    lock.close()
  }
}

async function acquire(path: string, { purpose, patience = 60_000, signal, shared = false }: LockOptions): Promise<DatabaseSync> {
  const deadline = Date.now() + patience
  for (let pause = 2; ; pause = Math.min(pause * 1.5, 60)) {
    signal?.throwIfAborted()
    const lock = tryLock(path, shared)
    if (lock !== undefined) return lock
    if (Date.now() >= deadline) throw await locked(path, purpose)
    await sleep(pause * (0.5 + Math.random()))
  }
}

function tryLock(path: string, shared: boolean): DatabaseSync | undefined {
  let lock: DatabaseSync | undefined
  try {
    if (process.getuid?.() === 0) makeForOwner(path)
    lock = new DatabaseSync(path, { timeout: 0 })
    lock.exec(shared ? 'BEGIN; SELECT count(*) FROM sqlite_schema' : 'BEGIN EXCLUSIVE') // nothing is ever written: the file stays empty
    return lock
  } catch (error) {
    lock?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined
    throw new HayaiError('ENVIRONMENT', `${path} cannot be locked: ${messageOf(error)}`, {
      hint:
        Buffer.byteLength(path) > LONGEST
          ? `The path is longer than ${LONGEST} bytes: move the project to a folder with a shorter one.`
          : 'Make sure that you may write to this folder, and that there is room on its disk.',
      cause: error,
    })
  }
}

// As giveToOwner() of files.ts. Without a pause: a lock that another part of this process takes meanwhile would be lost with the handle.
function makeForOwner(path: string): void {
  const { uid, gid } = statSync(dirname(path))
  if (uid === 0) return
  let made: number
  try {
    made = openSync(path, 'wx', 0o600)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    throw error
  }
  try {
    fchownSync(made, uid, gid)
  } finally {
    closeSync(made)
  }
}

const SQLITE_BUSY = 5
const LONGEST = 511 // SQLite opens nothing behind a longer one

// Beside the lock, not in it: the kernel drops a process's locks on a file when that process closes any handle of it.
function ownerFile(path: string): string {
  return `${path}.owner`
}

async function locked(path: string, wanted: string): Promise<HayaiError> {
  const owner = (await readIfThere(ownerFile(path))) ?? ''
  let who = 'another command'
  let details: Record<string, unknown> = {}
  const known = /^\{"pid":(\d+),"purpose":(".*")\}$/.exec(owner)
  if (known?.[1] !== undefined && known[2] !== undefined) {
    details = { pid: Number(known[1]), purpose: JSON.parse(known[2]) }
    who = `process ${known[1]}, ${String(details['purpose'])}`
  }
  return new HayaiError('LOCKED', `${wanted}: ${who} is at work on it`, { hint: 'Wait until it is done, and try again.', details })
}
