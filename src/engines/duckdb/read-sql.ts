// In the child: SQL text becomes a database. The first statement that fails ends it, unlike in the stock program.

import { readSync } from 'node:fs'
import { basename } from 'node:path'
import { TextDecoder } from 'node:util'
import { HayaiError, messageOf } from '../../base/errors.ts'
import { streamed } from '../../base/garbage.ts'
import { explained, openNew, type Database } from './connection.ts'
import { refuseLeftovers, syncFile } from './file.ts'
import { ownRows } from './own-rows.ts'
import type { Requests } from './protocol.ts'
import { FIRST_LINE } from './sql-ends.ts'
import { statements } from './statements.ts'

const PIECE = 1024 * 1024
const SIZES = 4 // the text is there as bytes, as what came, as statements and as what is made of them

/** `file` is not there, and nobody else knows of it. */
export async function readSql({ file, spill }: Requests['readSql']): Promise<void> {
  const text = pieces(file)
  const first = text.next()
  const db = await openNew(file, { spill, ...storageIn(first.value ?? '') })
  const cutter = statements()
  const runner = runnerOf(db, file, first.value?.startsWith(FIRST_LINE) === true)
  try {
    for (let piece = first; piece.done !== true; piece = text.next()) {
      streamed(PIECE * SIZES)
      for (const sql of cutter.push(piece.value)) await runner.run(sql)
    }
    const rest = cutter.push('\n').concat(cutter.rest())
    for (const sql of rest) if (hasStatement(sql)) await runner.run(sql)
    await runner.end()
    await endTransaction(db, file)
    await db.run('FORCE CHECKPOINT')
  } catch (error) {
    throw explained(error, file)
  } finally {
    await runner.end().catch(() => {}) // what failed first is told
    db.close()
  }
  refuseLeftovers(file)
  syncFile(file)
}

/** The text as it comes from standard input. */
function* pieces(file: string): Generator<string, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const buffer = Buffer.alloc(PIECE)
  for (let length = 1; length > 0;) {
    length = readSync(0, buffer, 0, PIECE, null)
    yield decode(decoder, buffer.subarray(0, length), length > 0, file)
  }
  return undefined
}

function decode(decoder: TextDecoder, bytes: Uint8Array, stream: boolean, file: string): string {
  try {
    return decoder.decode(bytes, { stream })
  } catch {
    throw refused(file, 'it is not UTF-8 text')
  }
}

/** The file shall be readable by the versions that could read the one before. */
function storageIn(text: string): { readonly storage?: string } {
  const version = /^-- DuckDB database[^\n]*\n-- storage version: (v[\d.]+)\n/.exec(text)?.[1]
  return version === undefined ? {} : { storage: version }
}

interface Runner {
  /** Begins with the statement when the one before has ended; throws what went wrong with that. */
  run(sql: string): Promise<void>
  end(): Promise<void>
}

/** While DuckDB works on the rows of a statement, those of the next one are read. */
function runnerOf(db: Database, file: string, ours: boolean): Runner {
  const rows = ours ? ownRows(db, end) : undefined
  let running: Promise<void> | undefined
  async function end(): Promise<void> {
    try {
      await running
    } catch (error) {
      const known = explained(error, file)
      if (known instanceof HayaiError && known.code === 'STORE_FAILED') throw known
      throw refused(file, messageOf(error).split('\n')[0] ?? '', error)
    } finally {
      running = undefined
    }
  }
  return {
    async run(sql) {
      const step = await rows?.step(sql)
      await end()
      running = step === undefined ? db.run(sql) : step()
      running.catch(() => {}) // told when it is waited for
    },
    end,
  }
}

async function endTransaction(db: Database, file: string): Promise<void> {
  try {
    await db.run('BEGIN TRANSACTION; ROLLBACK')
  } catch (error) {
    throw refused(file, 'it begins a transaction and does not end it', error)
  }
}

function hasStatement(sql: string): boolean {
  return sql.replaceAll(/--[^\n]*(\n|$)|\/\*[^]*?\*\//g, '').trim() !== ''
}

function refused(file: string, why: string, cause?: unknown): HayaiError {
  return new HayaiError('CORRUPT', `the SQL of ${basename(file)} cannot be read: ${why}`, { hint: 'Use another snapshot.', cause })
}
