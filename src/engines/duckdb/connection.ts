// In the child: a connection to a database file, waiting for others, and what DuckDB's errors mean. DuckDB gives errors no
// numbers; what they say is all there is.

import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBResult } from '@duckdb/node-api'
import { HayaiError, messageOf, systemCode } from '../../base/errors.ts'
import { openersOf } from '../../base/openers.ts'
import { flawOf, HEADER_BYTES, writtenBy } from './header.ts'
import { duckdb } from './package.ts'

/** Files that may stand beside a database file and are part of it; the last two while, or since, a checkpoint was cut short. */
export const COMPANIONS = ['.wal', '.wal.checkpoint', '.wal.recovery']

export type Row = readonly unknown[]

export interface Database {
  /** Rows as JSON has them: integers of more than 32 bits as text. */
  rows(sql: string): Promise<readonly Row[]>
  stream(sql: string): Promise<DuckDBResult>
  run(sql: string): Promise<void>
  /** Throws when the statement could not be run. */
  prepare(sql: string): Promise<Prepared>
  close(): void
}

/** A statement with a text in it, `$1`, or with none. */
export interface Prepared {
  run(text: string): Promise<void>
  close(): void
}

export interface Opening {
  readonly write?: boolean
  /** A folder for what does not fit into memory; without it nothing is written beside the database. */
  readonly spill?: string
  /** For a new file: the oldest version that shall be able to read it. */
  readonly storage?: string
  /** What is wanted of the file is told to no other. */
  readonly memory?: string
}

/** Opens a file that is there and throws what stands in the way, explained. Takes DuckDB's lock on it. */
export async function openFile(file: string, opening: Opening = {}): Promise<Database> {
  const flaw = flawIn(file)
  if (flaw !== undefined) throw damaged(file, flaw)
  return connect(file, opening)
}

/** Makes a file that is not there, or a database in memory (`:memory:`). */
export function openNew(file: string, opening: Opening = {}): Promise<Database> {
  return connect(file, { ...opening, write: true })
}

async function connect(file: string, { write = false, spill = '', storage, memory = '512MB' }: Opening): Promise<Database> {
  const { DuckDBInstance } = await duckdb()
  try {
    const instance = await DuckDBInstance.create(file, {
      access_mode: write ? 'READ_WRITE' : 'READ_ONLY',
      temp_directory: spill,
      memory_limit: memory,
      // What is inside the package is enough; nothing is ever fetched.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      ...(storage === undefined ? {} : { storage_compatibility_version: storage }),
    })
    const connection = await instance.connect()
    await connection.run("SET TimeZone = 'UTC'")
    return {
      rows: async (sql) => (await connection.runAndReadAll(sql)).getRowsJson(),
      stream: (sql) => connection.stream(sql),
      run: async (sql) => void (await connection.run(sql)),
      async prepare(sql) {
        const prepared = await connection.prepare(sql)
        return {
          async run(text) {
            prepared.bindVarchar(1, text)
            await prepared.run()
          },
          close: () => prepared.destroySync(),
        }
      },
      close() {
        connection.closeSync()
        instance.closeSync()
      },
    }
  } catch (error) {
    throw explained(error, file)
  }
}

/** Reads by plain calls: only in a process that has the file not open through DuckDB. */
function flawIn(file: string): string | undefined {
  try {
    return flawOf(headOf(file), statSync(file).size)
  } catch (error) {
    throw explained(error, file)
  }
}

export function headOf(file: string): Buffer {
  const fd = openSync(file, 'r')
  try {
    const head = Buffer.alloc(HEADER_BYTES)
    return head.subarray(0, readSync(fd, head, 0, HEADER_BYTES, 0))
  } finally {
    closeSync(fd)
  }
}

/** Repeats what others are in the way of, and throws LOCKED, with their names, when `patience` has run out. */
export async function patiently<T>(file: string, patience: number, attempt: () => Promise<T>): Promise<T> {
  const began = Date.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isLocked(error)) throw error
      const waited = Date.now() - began
      if (waited >= patience) throw locked(file, patience, error)
      // Somebody who opens it for each change is gone in milliseconds, and soon there again.
      await sleep(waited < 500 ? 1 : 2 + Math.random() * 10)
    }
  }
}

export function isLocked(error: unknown): boolean {
  return error instanceof HayaiError ? error.code === 'LOCKED' : /Could not set lock on file|Conflicting lock/.test(messageOf(error))
}

export function isDamage(error: unknown): boolean {
  return error instanceof HayaiError && error.code === 'CORRUPT'
}

function isFull(error: unknown): boolean {
  const system = systemCode(error)
  return system === 'ENOSPC' || system === 'EDQUOT' || /No space left|Disk quota exceeded/.test(messageOf(error))
}

const DAMAGE =
  /not a valid DuckDB database|Corrupt|checksum|Could not read enough bytes|Failed to read|Serialization Error|INTERNAL Error|FATAL|Failure while replaying WAL|database has been invalidated|Invalid Error|storage version 0/i

/** The same error for people; those that are not DuckDB's or the disk's are given back as they are. */
export function explained(error: unknown, file: string): unknown {
  if (error instanceof HayaiError || !(error instanceof Error)) return error
  const [name, said] = [basename(file), firstLine(error.message)]
  if (isLocked(error)) return locked(file, 0, error)
  if (isFull(error)) return new HayaiError('STORE_FAILED', `the disk of ${file} is full`, { hint: 'Make room and try again.' })
  if (systemCode(error) === 'ENOENT' || /No such file|database does not exist/.test(said)) {
    return new HayaiError('NOT_FOUND', `there is no file ${file}`, { hint: 'Restore a snapshot of it.' })
  }
  if (systemCode(error) === 'EACCES' || /Permission denied|Read-only file system/.test(said)) {
    return new HayaiError('ENVIRONMENT', `${name} cannot be opened`, { hint: `Look at the permissions of ${file} and of its folder.` })
  }
  if (/version number|newer (version of )?DuckDB|storage version greater|version of duckdb/i.test(said)) return newer(file, said)
  if (/encrypt/i.test(said)) {
    return new HayaiError('ENVIRONMENT', `${name} is encrypted, and Hayai has no key of it`, {
      hint: 'Encrypt the snapshots instead of the database, or leave this one to DuckDB alone.',
    })
  }
  if (DAMAGE.test(error.message)) return damaged(file, said)
  if (/^\w[\w ]* Error: /.test(said)) return new HayaiError('TOOL_FAILED', `DuckDB failed on ${name}: ${said}`, { cause: error })
  return error
}

function newer(file: string, said: string): HayaiError {
  const by = existsSync(file) ? writtenBy(headOf(file)) : ''
  const writer = by === '' ? 'a newer DuckDB' : `DuckDB ${by}`
  return new HayaiError('ENVIRONMENT', `${basename(file)} was written by ${writer}, which is too new for the one here: ${said}`, {
    hint: 'Type: npm install --global @duckdb/node-api@latest',
    details: { file, writtenBy: by },
  })
}

function damaged(file: string, why: string): HayaiError {
  return new HayaiError('CORRUPT', `${basename(file)} is damaged: ${why}`, { hint: 'Restore a snapshot of it.' })
}

function locked(file: string, patience: number, error: unknown): HayaiError {
  const seen = openersOf(file)
  const users = seen.length > 0 ? seen : toldIn(messageOf(error))
  const who = users.length === 0 ? 'another program' : users.join(', ')
  const seconds = Math.max(1, Math.round(patience / 1000))
  return new HayaiError('LOCKED', `${basename(file)} is in use: ${who} did not let go of it within ${seconds} s`, {
    hint: 'DuckDB lets one program write, or many read. Close the file there and try again; nothing was changed.',
    details: { file, users },
  })
}

/** DuckDB says itself who is in the way: `Conflicting lock is held in /usr/bin/node (PID 123)`. */
function toldIn(message: string): readonly string[] {
  const [, program, pid] = /lock is held in (\S+) \(PID (\d+)\)/.exec(message) ?? []
  return program === undefined ? [] : [`process ${pid} (${basename(program)})`]
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? ''
}

/** A name as SQL wants it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quotedText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
