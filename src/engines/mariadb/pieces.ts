// Single tables: out of a twin, into a live server. There every table is filled under a name that nobody knows, and counted; then
// all get their names in one statement. Foreign keys and triggers come last, for their names belong to the whole database.

import { randomBytes } from 'node:crypto'
import { concatenate, once } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import type { Pieces, FoundPiece, Target, Transplant, Transplanted } from '../engine.ts'
import { isNewEnough, readServer } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { run } from './load.ts'
import { findAll, qualified, shownName, type Meant, type Side } from './pieces-find.ts'
import { addForeignKeys, addTriggers, takeOff, type Belongings } from './pieces-parts.ts'
import { endpointOf, errorNumber, innerOf, programArguments, programEnvironment, withSession, type Session } from './session.ts'

export function pieces(dialect: Dialect): Pieces {
  return {
    noun: { one: 'table', many: 'tables' },
    unit: { one: 'row', many: 'rows' },
    renames: true,
    numbered: false,
    find: (from, to, order, signal) => find(dialect, { from, to, order, signal }),
    transplant: (from, to, order, signal) => transplant(dialect, { from, to, order, signal }),
  }
}

interface Asked {
  readonly from: Target
  readonly to: Target
  readonly order: Transplant
  readonly signal: AbortSignal
}

async function find(dialect: Dialect, asked: Asked): Promise<readonly FoundPiece[]> {
  return withBoth(dialect, asked, async (twin, live) => {
    const found: FoundPiece[] = []
    for (const { source, goal, there } of await findAll(twin, live, asked.order)) {
      found.push({
        name: shownName(source),
        as: shownName(goal),
        count: await rowsOf(twin.session, qualified(twin, source)),
        there: there ? 1 : 0,
      })
    }
    return found
  })
}

/** A table on its way. */
interface Moving extends Meant {
  /** Its name until everything is there. */
  readonly staging: string
  readonly belongings: Belongings
}

const TABLE_EXISTS = 1050

async function transplant(dialect: Dialect, asked: Asked): Promise<Transplanted> {
  return withBoth(dialect, asked, async (twin, live) => {
    const meant = await findAll(twin, live, asked.order)
    const moving: Moving[] = []
    for (const each of meant) {
      const staging = `hayai_${randomBytes(6).toString('hex')}`
      moving.push({ ...each, staging, belongings: await takeOff(twin, each, live, meant) })
    }
    for (const { source, staging } of moving) {
      await twin.session.query(`RENAME TABLE ${qualified(twin, source)} TO ${qualified(twin, { ...source, name: staging })}`)
    }
    try {
      for (const each of moving) await fill(dialect, asked, { twin, live }, each)
      await giveNames(live, moving)
    } catch (error) {
      for (const { goal, staging } of moving)
        await live.session.query(`DROP TABLE IF EXISTS ${qualified(live, { ...goal, name: staging })}`)
      throw error
    }
    const notes = moving.flatMap(({ belongings }) => belongings.notes)
    for (const each of moving) notes.push(...(await addForeignKeys(live, each.goal, each.belongings)))
    for (const each of moving) notes.push(...(await addTriggers(live, each.goal, each.belongings)))
    const counts: number[] = []
    for (const { goal } of moving) {
      await live.session.query(`ANALYZE NO_WRITE_TO_BINLOG TABLE ${qualified(live, goal)}`)
      counts.push(await rowsOf(live.session, qualified(live, goal)))
    }
    return { counts, notes }
  })
}

async function withBoth<T>(dialect: Dialect, { from, to, signal }: Asked, work: (twin: Side, live: Side) => Promise<T>): Promise<T> {
  const [ours, theirs] = [endpointOf(from), endpointOf(to)]
  return withSession(dialect, ours, { signal }, (twin) =>
    withSession(dialect, theirs, { signal }, (live) =>
      work({ session: twin, main: ours.database }, { session: live, main: theirs.database }),
    ),
  )
}

async function rowsOf(session: Session, table: string): Promise<number> {
  const [row] = await session.query<{ number: number }>(`SELECT COUNT(*) AS number FROM ${table}`)
  return row?.number ?? 0
}

const ALONE = [
  '--single-transaction',
  '--quick',
  '--hex-blob',
  '--skip-triggers',
  '--skip-add-drop-table',
  '--skip-add-locks',
  '--skip-dump-date',
]

async function fill(
  dialect: Dialect,
  { from, to, signal }: Asked,
  { twin, live }: { twin: Side; live: Side },
  each: Moving,
): Promise<void> {
  const { source, goal, staging } = each
  const endpoint = innerOf(from)
  const withHistory = source.kind === 'versioned' && isNewEnough(await readServer(twin.session, dialect), '10.11') ? ['--dump-history'] : []
  const bytes = from.run({
    program: dialect.programs.dump,
    args: [
      ...programArguments(dialect, endpoint),
      ...ALONE,
      ...dialect.dumpArguments,
      ...withHistory,
      '--',
      source.database ?? twin.main,
      staging,
    ],
    env: programEnvironment(endpoint),
    signal,
  })
  await run(dialect, to, concatenate(once(dialect.lenient), bytes), signal, goal.database ?? live.main)
  const [wanted, got] = [
    await rowsOf(twin.session, qualified(twin, { ...source, name: staging })),
    await rowsOf(live.session, qualified(live, { ...goal, name: staging })),
  ]
  if (wanted !== got) {
    throw new HayaiError('TOOL_FAILED', `${shownName(goal)} would have ${got} rows instead of ${wanted}`, { hint: 'Nothing was changed.' })
  }
}

/** Keys of other tables lead to a name: while they are not checked, the table that bears it may be another. */
async function giveNames({ session, main }: Side, moving: readonly Moving[]): Promise<void> {
  const replaced = moving.filter(({ there }) => there).map(({ goal }) => qualified({ main }, goal))
  const names = moving.map(({ goal, staging }) => `${qualified({ main }, { ...goal, name: staging })} TO ${qualified({ main }, goal)}`)
  await session.query('SET SESSION foreign_key_checks = 0')
  try {
    if (replaced.length > 0) await session.query(`DROP TABLE ${replaced.join(', ')}`)
    await session.query(`RENAME TABLE ${names.join(', ')}`)
  } catch (error) {
    if (errorNumber(error) !== TABLE_EXISTS) throw error
    throw new HayaiError('CONFLICT', 'somebody has made a table of that name in the meantime', {
      hint: 'Nothing was changed. Choose another name: --as.',
      cause: error,
    })
  } finally {
    await session.query('SET SESSION foreign_key_checks = 1')
  }
}
