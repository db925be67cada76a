// `.hayai/audit.log`: who did what, and when. A verb that changes something is an act: a line before it begins, a line when it has ended,
// and between them one for each thing that was done. So what failed is there too, and what was killed has no end.

import { randomBytes } from 'node:crypto'
import { AsyncLocalStorage } from 'node:async_hooks'
import { hostname, userInfo } from 'node:os'
import { append } from '../base/chained-log.ts'
import { HayaiError, messageOf, systemCode } from '../base/errors.ts'
import { exists } from '../base/files.ts'
import { self } from '../base/processes.ts'
import type { Context } from './context.ts'
import { asFound } from './unmake.ts'

type Details = Readonly<Record<string, unknown>>

const current = new AsyncLocalStorage<{ readonly act: string }>()

/** One thing that was done. Never a secret: this is read by others, and copied into backups. */
export async function audit(context: Context, verb: string, database: string, details: Details = {}): Promise<void> {
  await write(context, { ...who(), ...current.getStore(), verb, database, ...details })
}

export interface Act {
  readonly verb: string
  /** Those that were named; none for the whole project. */
  readonly databases?: readonly string[]
  /** What else was named: a snapshot, a backup, a key. */
  readonly of?: string
  /** A schedule, where no person asked for it. */
  readonly via?: 'schedule'
}

export interface ActFailure {
  readonly code: string
  readonly message: string
}

/** Does the work, and writes down that it began and how it ended. `flawOf`: how a result tells of a failure, where it does. */
export async function acting<T>(
  context: Context,
  { verb, databases = [], of, via }: Act,
  work: () => Promise<T>,
  flawOf: (result: T) => ActFailure | null = () => null,
): Promise<T> {
  const act = randomBytes(6).toString('hex')
  const began = { ...who(), act, began: verb, databases, ...(of !== undefined && { of }), ...(via !== undefined && { via }) }
  // Where there is no project yet, the work has to make one first.
  if (await exists(context.paths.own)) await write(context, { ...began, started: self().started })
  const end = async (flaw: ActFailure | null): Promise<void> => {
    if (!(await exists(context.paths.own))) return
    await write(context, { ...began, at: now(), ended: flaw === null ? 'done' : 'failed', ...(flaw !== null && shortened(flaw)) })
  }
  const found = await asFound(context)
  return current.run({ act }, async () => {
    try {
      const result = await work()
      await end(flawOf(result))
      return result
    } catch (error) {
      await found?.forget(context)
      await end({ code: error instanceof HayaiError ? error.code : 'UNEXPECTED', message: messageOf(error) })
      throw error
    }
  })
}

const MESSAGE = 300

function shortened({ code, message }: ActFailure): Details {
  return { code, message: (message.split('\n')[0] ?? '').slice(0, MESSAGE) }
}

function who(): Details {
  const sudo = process.env['SUDO_USER'] // whom the system took for the person, before that became another
  return { at: now(), by: account(), ...(sudo ? { sudo } : {}), host: hostname(), pid: process.pid }
}

function now(): string {
  return new Date().toISOString()
}

/** Lines that could not be written since the last one that could. */
let missed = 0

// A full disk must not keep anybody from making room on it: the next line that can be written says how many are missing.
async function write({ paths }: Context, entry: Details): Promise<void> {
  try {
    await append({ log: paths.auditLog, head: paths.auditHead, lock: paths.auditLock }, missed === 0 ? entry : { ...entry, missed })
    missed = 0
  } catch (error) {
    if (!isNoRoom(error)) throw error
    missed++
  }
}

function isNoRoom(error: unknown): boolean {
  const cause = error instanceof HayaiError ? error.code === 'LOCKED' || error.code === 'ENVIRONMENT' : undefined
  return cause ?? ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO'].includes(systemCode(error) ?? '')
}

function account(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '') // an account without an entry in the system's list
  }
}
