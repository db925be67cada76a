// The one transaction in which tables leave a live database and others come, out of a twin: what pg_dump writes, and what goes before
// and after it.

import { randomUUID } from 'node:crypto'
import { concatenate, once, text, type Bytes } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import type { Target } from '../engine.ts'
import type { Meant, Relation } from './pieces-find.ts'
import { dropping, keysAfter, returning, type Dependents } from './pieces-live.ts'
import { needsOf } from './pieces-needs.ts'
import { statisticsOf } from './pieces-statistics.ts'
import { fitInto, foreignKeyNotes, foreignKeys } from './pieces-twin.ts'
import { endpointOf, innerOf, programEnvironment, type Session } from './session.ts'
import { block, literal } from './sql.ts'

export interface Between {
  readonly from: Target
  readonly to: Target
  readonly twin: Session
  readonly live: Session
  readonly signal: AbortSignal
}

export interface Change {
  readonly meant: readonly Meant[]
  /** What depends on tables that leave, and comes again. */
  readonly gone: Dependents
  readonly leaving: readonly Relation[]
  /** Statements at the beginning of the transaction. */
  readonly first: string
}

export interface Prepared {
  /** Those that come, by their full names in the live database; in the twin they are called so by now. */
  readonly tables: readonly string[]
  /** Without its COMMIT. */
  readonly script: Bytes
  /** What is to be done when the transaction has happened; what deserves a note. */
  settle(): Promise<readonly string[]>
}

export async function prepare({ from, to, twin, live, signal }: Between, { meant, gone, leaving, first }: Change): Promise<Prepared> {
  const replaced = meant.flatMap(({ there }) => (there === undefined ? [] : [there]))
  const views =
    gone.views.length === 0
      ? ''
      : await schemaOf(
          to,
          gone.views.map((view) => view.qualified),
          signal,
        )
  const fitted = await fitInto(twin, live, meant, { replaced, login: endpointOf(to).user })
  const needs = await needsOf(twin, live, fitted.tables)
  const keys = await foreignKeys(twin, fitted)
  const statistics = await statisticsOf(twin, fitted.tables)
  const counts: string[] = []
  for (const table of fitted.tables) counts.push(checkCount(table, await rowsOf(twin, `ONLY ${table}`)))
  const script = concatenate(
    once(`${beginning(first)}${dropping(gone, leaving)}${needs.before}`),
    dumped(from, [...fitted.tables, ...needs.sequences], signal),
    once(`\n${QUIET}${statistics}${keys.adding}${returning(gone)}`),
    once(
      views === ''
        ? ''
        : `${views}\n${QUIET}${gone.views.flatMap((view) => (view.kind === 'm' ? [`REFRESH MATERIALIZED VIEW ${view.qualified};\n`] : [])).join('')}`,
    ),
    once(counts.join('')),
  )
  return {
    tables: fitted.tables,
    script,
    async settle() {
      for (const table of fitted.tables) await live.query(`ANALYZE ${table}`)
      return [...fitted.notes, ...needs.notes, ...gone.notes, ...(await foreignKeyNotes(live, [...keys.all, ...keysAfter(gone)]))]
    },
  }
}

export function beginning(first: string): string {
  return `BEGIN;\n${QUIET}SET LOCAL lock_timeout = '60s';\n${first}`
}

const QUIET = `SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET client_min_messages = warning;\nSET check_function_bodies = off;\n`

export async function rowsOf(session: Session, table: string): Promise<number> {
  const [row] = await session.query<{ rows: number }>(`SELECT count(*)::float8 AS rows FROM ${table}`)
  return row?.rows ?? 0
}

function dumped(target: Target, relations: readonly string[], signal: AbortSignal): Bytes {
  return pgDump(target, relations, [], signal)
}

function schemaOf(target: Target, relations: readonly string[], signal: AbortSignal): Promise<string> {
  return text(pgDump(target, relations, ['--schema-only'], signal))
}

// In quotes a pattern of pg_dump stands for itself alone.
function pgDump(target: Target, relations: readonly string[], more: readonly string[], signal: AbortSignal): Bytes {
  return target.run({
    program: 'pg_dump',
    args: [
      '--no-password',
      '--no-tablespaces',
      '--no-publications',
      '--strict-names',
      ...more,
      ...relations.map((each) => `--table=${each}`),
    ],
    env: programEnvironment(innerOf(target)),
    signal,
  })
}

function checkCount(table: string, rows: number): string {
  return block(
    `IF (SELECT pg_catalog.count(*) FROM ONLY ${table}) <> ${rows} THEN`,
    `  RAISE EXCEPTION '%', ${literal(`${table} does not have the ${rows} rows that it has in the snapshot`)};`,
    'END IF;',
  )
}

/** It is committed when the server has done all the rest: a psql whose Hayai was killed before gets no COMMIT, however long it waits. */
export async function execute(to: Target, script: Bytes, signal: AbortSignal): Promise<void> {
  const [done, token] = [`all done ${randomUUID()}`, `end of input ${randomUUID()}`] // a psql that leaves early exits 0 as well
  const ready = Promise.withResolvers<void>()
  async function* commit(): Bytes {
    await ready.promise
    yield Buffer.from(`COMMIT;\n\\echo ${token}\n`)
  }
  const said = to.run(
    {
      program: 'psql',
      args: ['--no-psqlrc', '--quiet', '--no-password', '--set=ON_ERROR_STOP=1', '--output=/dev/null', '--file=-'],
      env: programEnvironment(innerOf(to)),
      signal,
    },
    concatenate(script, once(`\\echo ${done}\n`), commit()),
  )
  let last = ''
  try {
    for await (const chunk of said) {
      last = (last + Buffer.from(chunk).toString('latin1')).slice(-200)
      if (last.endsWith(`${done}\n`)) ready.resolve()
    }
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED')) throw error
    throw new HayaiError('TOOL_FAILED', error.message, {
      hint: 'It was one transaction, and nothing of it has happened. --as puts the table beside what is in the way.',
      cause: error,
      ...(error.details === undefined ? {} : { details: error.details }),
    })
  }
  if (!last.endsWith(`${token}\n`)) throw new HayaiError('TOOL_FAILED', 'psql stopped before the end, without an error')
}
