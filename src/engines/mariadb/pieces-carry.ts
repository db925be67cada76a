// Carries tables from a twin into a live server: filled there under names that nobody knows, and counted, they get their own in one
// statement, when those that had these names have made room.

import { randomBytes } from 'node:crypto'
import { concatenate, once } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import type { Target, Transplanted } from '../engine.ts'
import { isNewEnough, readServer } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { run } from './load.ts'
import { qualified, shownName, type Meant, type Side } from './pieces-find.ts'
import { addForeignKeys, addTriggers, takeOff, type Belongings } from './pieces-parts.ts'
import { errorNumber, innerOf, programArguments, programEnvironment, type Session } from './session.ts'

export interface Between {
  readonly from: Target
  readonly to: Target
  readonly twin: Side
  readonly live: Side
  readonly signal: AbortSignal
}

/** A table on its way. */
interface Moving extends Meant {
  /** Its name until everything is there. */
  readonly staging: string
  readonly belongings: Belongings
}

const TABLE_EXISTS = 1050

/** When `room` throws, or anything before it, nothing has changed. */
export async function carry(dialect: Dialect, between: Between, meant: readonly Meant[], room: () => Promise<void>): Promise<Transplanted> {
  const { twin, live } = between
  const moving: Moving[] = []
  for (const each of meant) {
    const staging = `hayai_${randomBytes(6).toString('hex')}`
    moving.push({ ...each, staging, belongings: await takeOff(twin, each, live, meant) })
  }
  for (const { source, staging } of moving) {
    await twin.session.query(`RENAME TABLE ${qualified(twin, source)} TO ${qualified(twin, { ...source, name: staging })}`)
  }
  try {
    for (const each of moving) await fill(dialect, between, each)
    await giveNames(live, moving, room)
  } catch (error) {
    for (const { goal, staging } of moving) await live.session.query(`DROP TABLE IF EXISTS ${qualified(live, { ...goal, name: staging })}`)
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
}

export async function rowsOf(session: Session, table: string): Promise<number> {
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

async function fill(dialect: Dialect, { from, to, signal, twin, live }: Between, { source, goal, staging }: Moving): Promise<void> {
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
async function giveNames({ session, main }: Side, moving: readonly Moving[], room: () => Promise<void>): Promise<void> {
  const names = moving.map(({ goal, staging }) => `${qualified({ main }, { ...goal, name: staging })} TO ${qualified({ main }, goal)}`)
  await session.query('SET SESSION foreign_key_checks = 0')
  try {
    await room()
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
