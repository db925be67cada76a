// Single tables: out of a twin, into a live database, in one transaction, with everything that belongs to them.
//
// The twin is nobody else's. So whatever has to be called otherwise in the live database is renamed *there* (the server itself
// keeps defaults, indexes and constraints right), and pg_dump writes what is to be said.

import { randomUUID } from 'node:crypto'
import { concatenate, once, text, type Bytes } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import type { Pieces, FoundPiece, Target, Transplant, Transplanted } from '../engine.ts'
import { findAll, relationShown, type Meant } from './pieces-find.ts'
import { dependents, dropping, returning } from './pieces-live.ts'
import { needsOf } from './pieces-needs.ts'
import { fitInto, foreignKeyNotes, foreignKeys, type Fitted } from './pieces-twin.ts'
import { endpointOf, innerOf, programEnvironment, withSession, type Session } from './session.ts'
import { block, literal, name } from './sql.ts'

export const pieces: Pieces = {
  noun: { one: 'table', many: 'tables' },
  unit: { one: 'row', many: 'rows' },
  renames: true,
  numbered: false,
  find,
  transplant,
}

async function find(from: Target, to: Target, order: Transplant, signal: AbortSignal): Promise<readonly FoundPiece[]> {
  return withBoth(from, to, signal, async (twin, live) => {
    const meant = await findAll(twin, live, order)
    const found: FoundPiece[] = []
    for (const { source, goal, there } of meant) {
      found.push({
        name: relationShown(source),
        as: relationShown(goal),
        count: await rowsOf(twin, `${name(source.schema)}.${name(source.name)}`),
        there: there === undefined ? 0 : 1,
      })
    }
    return found
  })
}

async function transplant(from: Target, to: Target, order: Transplant, signal: AbortSignal): Promise<Transplanted> {
  return withBoth(from, to, signal, async (twin, live) => {
    const meant = await findAll(twin, live, order)
    const replaced = meant.flatMap(({ there }) => (there === undefined ? [] : [there]))
    const gone = await dependents(live, replaced)
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
    const counts: string[] = []
    for (const table of fitted.tables) counts.push(checkCount(table, await rowsOf(twin, `ONLY ${table}`)))
    const script = concatenate(
      once(`BEGIN;\n${QUIET}SET LOCAL lock_timeout = '60s';\n${dropping(gone, replaced)}${needs.before}`),
      dumped(from, [...fitted.tables, ...needs.sequences], signal),
      once(`\n${QUIET}${keys.adding}${returning(gone)}`),
      once(
        views === ''
          ? ''
          : `${views}\n${QUIET}${gone.views.flatMap((view) => (view.kind === 'm' ? [`REFRESH MATERIALIZED VIEW ${view.qualified};\n`] : [])).join('')}`,
      ),
      once(`${counts.join('')}COMMIT;\n`),
    )
    await execute(to, script, signal)
    for (const table of fitted.tables) await live.query(`ANALYZE ${table}`)
    const notes = [...fitted.notes, ...needs.notes, ...gone.notes, ...(await foreignKeyNotes(live, [...keys.all, ...gone.incoming]))]
    return { counts: await countsOf(live, meant), notes }
  })
}

const QUIET = `SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET client_min_messages = warning;\nSET check_function_bodies = off;\n`

async function withBoth<T>(from: Target, to: Target, signal: AbortSignal, work: (twin: Session, live: Session) => Promise<T>): Promise<T> {
  return withSession(endpointOf(from), { signal }, (twin) =>
    withSession(endpointOf(to), { signal }, async (live) => {
      for (const session of [twin, live]) await session.query(`SET search_path = ''`) // so that every name is told in full
      return work(twin, live)
    }),
  )
}

async function rowsOf(session: Session, table: string): Promise<number> {
  const [row] = await session.query<{ rows: number }>(`SELECT count(*)::float8 AS rows FROM ${table}`)
  return row?.rows ?? 0
}

async function countsOf(live: Session, meant: readonly Meant[]): Promise<readonly number[]> {
  const counts: number[] = []
  for (const { goal } of meant) counts.push(await rowsOf(live, `${name(goal.schema)}.${name(goal.name)}`))
  return counts
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

function checkCount(table: Fitted['tables'][number], rows: number): string {
  return block(
    `IF (SELECT pg_catalog.count(*) FROM ONLY ${table}) <> ${rows} THEN`,
    `  RAISE EXCEPTION '%', ${literal(`${table} does not have the ${rows} rows that it has in the snapshot`)};`,
    'END IF;',
  )
}

async function execute(to: Target, script: Bytes, signal: AbortSignal): Promise<void> {
  const token = `end of input ${randomUUID()}` // a psql that leaves early exits 0 as well
  const said = to.run(
    {
      program: 'psql',
      args: ['--no-psqlrc', '--quiet', '--no-password', '--set=ON_ERROR_STOP=1', '--output=/dev/null', '--file=-'],
      env: programEnvironment(innerOf(to)),
      signal,
    },
    concatenate(script, once(`\\echo ${token}\n`)),
  )
  let last = ''
  try {
    for await (const chunk of said) last = (last + Buffer.from(chunk).toString('latin1')).slice(-200)
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
