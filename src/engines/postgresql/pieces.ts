// Single tables: out of a twin, into a live database, in one transaction, with everything that belongs to them.
//
// The twin is nobody else's. So whatever has to be called otherwise in the live database is renamed *there* (the server itself
// keeps defaults, indexes and constraints right), and pg_dump writes what is to be said.

import { writeReceipt } from '../../base/receipt.ts'
import type { Pieces, FoundPiece, Target, Transplant, Transplanted } from '../engine.ts'
import { digestsOf } from './digests.ts'
import { takeBack } from './pieces-back.ts'
import { findAll, relationShown, type Meant } from './pieces-find.ts'
import { dependents } from './pieces-live.ts'
import { execute, prepare, rowsOf } from './pieces-script.ts'
import { endpointOf, withSession, type Session } from './session.ts'
import { name } from './sql.ts'

export const pieces: Pieces = {
  noun: { one: 'table', many: 'tables' },
  unit: { one: 'row', many: 'rows' },
  renames: true,
  numbered: false,
  whole: true,
  find,
  transplant,
  takeBack,
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

async function transplant(from: Target, to: Target, order: Transplant, receipt: string, signal: AbortSignal): Promise<Transplanted> {
  return withBoth(from, to, signal, async (twin, live) => {
    const meant = await findAll(twin, live, order)
    const replaced = meant.flatMap(({ there }) => (there === undefined ? [] : [there]))
    const gone = await dependents(live, replaced)
    const prepared = await prepare({ from, to, signal, twin, live }, { meant, gone, leaving: replaced, first: '' })
    await writeReceipt(receipt, await digestsOf(twin, prepared.tables))
    await execute(to, prepared.script, signal)
    const notes = await prepared.settle()
    return { counts: await countsOf(live, meant), notes }
  })
}

async function withBoth<T>(from: Target, to: Target, signal: AbortSignal, work: (twin: Session, live: Session) => Promise<T>): Promise<T> {
  return withSession(endpointOf(from), { signal }, (twin) =>
    withSession(endpointOf(to), { signal }, async (live) => {
      for (const session of [twin, live]) await session.query(`SET search_path = ''`) // so that every name is told in full
      return work(twin, live)
    }),
  )
}

async function countsOf(live: Session, meant: readonly Meant[]): Promise<readonly number[]> {
  const counts: number[] = []
  for (const { goal } of meant) counts.push(await rowsOf(live, `${name(goal.schema)}.${name(goal.name)}`))
  return counts
}
