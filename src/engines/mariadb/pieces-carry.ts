// Carries tables from a twin into a live server: filled there under names that nobody knows, and counted, they get their own in one
// statement, and those that had these names go. The server does that to its end, also when Hayai is killed meanwhile.

import { randomBytes } from 'node:crypto'
import { concatenate, once } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import type { Target, Transplanted } from '../engine.ts'
import { countingTransactions, isNewEnough, readServer } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { run } from './load.ts'
import { key } from './passage.ts'
import { hasHistory, isTable, qualified, rowsOf, shownName, tablesOf, type Meant, type Named, type Side } from './pieces-find.ts'
import { addForeignKeys, addTriggers, takeOff, type Belongings } from './pieces-parts.ts'
import { literal } from './sql.ts'
import { errorNumber, innerOf, programArguments, programEnvironment } from './session.ts'

export interface Between {
  readonly from: Target
  readonly to: Target
  readonly twin: Side
  readonly live: Side
  readonly signal: AbortSignal
}

/** A table on its way. */
interface Moving extends Meant {
  /** Its name until everything is there, and that of the one in its way until that is gone. */
  readonly staging: string
  readonly aside: string
  readonly belongings: Belongings
  readonly withHistory: boolean
  /** What does not come along, in sentences. */
  readonly leaves: readonly string[]
}

const TABLE_EXISTS = 1050

export interface Leaving {
  /** Those that go, whether others come in their place or not. */
  readonly tables: readonly Named[]
  /** Asked when nobody can write to them any more, who ever could: when it throws, nothing has changed. */
  readonly look: () => Promise<void>
}

/**
 * When it throws, nothing has changed, but for errors with the detail `begun`. `leaving`: what has to be looked at before it goes; else
 * what is in the way goes.
 */
export async function carry(dialect: Dialect, between: Between, meant: readonly Meant[], leaving?: Leaving): Promise<Transplanted> {
  const { twin, live } = between
  await sweepLeft(live)
  const moving: Moving[] = []
  for (const each of meant) {
    const history = await historyOf(dialect, twin, each)
    moving.push({ ...each, ...history, staging: nobodys(), aside: nobodys(), belongings: await takeOff(twin, each, live, meant) })
  }
  for (const { source, staging } of moving) {
    await twin.session.query(`RENAME TABLE ${qualified(twin, source)} TO ${qualified(twin, { ...source, name: staging })}`)
  }
  try {
    for (const each of moving) await fill(dialect, between, each)
    await unchecked(live, () => (leaving === undefined ? giveNames(dialect, live, moving) : exchange(dialect, live, moving, leaving)))
  } catch (error) {
    for (const { goal, staging } of moving) await live.session.query(`DROP TABLE IF EXISTS ${qualified(live, { ...goal, name: staging })}`)
    throw error
  }
  const notes = moving.flatMap(({ belongings, leaves }) => [...belongings.notes, ...leaves])
  for (const each of moving) notes.push(...(await addForeignKeys(live, each.goal, each.belongings)))
  for (const each of moving) notes.push(...(await addTriggers(live, each.goal, each.belongings)))
  const counts: number[] = []
  for (const { goal } of moving) {
    await live.session.query(`ANALYZE NO_WRITE_TO_BINLOG TABLE ${qualified(live, goal)}`)
    counts.push(await rowsOf(live.session, qualified(live, goal)))
  }
  return { counts, notes }
}

/** Nothing comes in their place. */
export async function takeAway(dialect: Dialect, live: Side, leaving: Leaving): Promise<void> {
  await sweepLeft(live)
  await unchecked(live, () => exchange(dialect, live, [], leaving))
}

const nobodys = (): string => `hayai_${randomBytes(6).toString('hex')}`

/** What killed commands have left under such names: what it should have become is in a snapshot. */
async function sweepLeft(live: Side): Promise<void> {
  const left = (await tablesOf(live)).filter((table) => isTable(table) && /^hayai_[0-9a-f]{12}$/.test(table.name))
  if (left.length > 0)
    await unchecked(live, () => live.session.query(`DROP TABLE ${left.map((table) => qualified(live, table)).join(', ')}`))
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

/** The dump program refuses to write the numbers of transactions, which mean nothing to another server. */
async function historyOf(dialect: Dialect, twin: Side, { source }: Meant): Promise<Pick<Moving, 'withHistory' | 'leaves'>> {
  const { session, main } = twin
  if (source.kind !== 'versioned') return { withHistory: false, leaves: [] }
  const numbered = (await countingTransactions(session)).has(key(source.database ?? main, source.name))
  const withHistory = !numbered && isNewEnough(await readServer(session, dialect), '10.11')
  const lost = !withHistory && (await hasHistory(twin, source))
  return { withHistory, leaves: lost ? [`The history of ${shownName(source)} is not carried, only the rows of the moment.`] : [] }
}

async function fill(
  dialect: Dialect,
  { from, to, signal, twin, live }: Between,
  { source, goal, staging, withHistory }: Moving,
): Promise<void> {
  const endpoint = innerOf(from)
  const bytes = from.run({
    program: dialect.programs.dump,
    args: [
      ...programArguments(dialect, endpoint),
      ...ALONE,
      ...dialect.dumpArguments,
      ...(withHistory ? ['--dump-history'] : []),
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

/** Keys of other tables are not checked: the table that they lead to may be another afterwards. */
async function unchecked({ session }: Side, work: () => Promise<unknown>): Promise<void> {
  await session.query('SET SESSION foreign_key_checks = 0')
  try {
    await work()
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

async function giveNames(dialect: Dialect, live: Side, moving: readonly Moving[]): Promise<void> {
  const replaced = moving.filter(({ there }) => there)
  for (const { goal } of replaced) {
    if (!(await isReferredTo(live, goal))) continue
    const tables = replaced.map((each) => each.goal)
    return exchange(dialect, live, moving, { tables, look: () => Promise.resolve() })
  }
  const called = (word: 'staging' | 'aside', { goal, ...each }: Moving): string => qualified(live, { ...goal, name: each[word] })
  const away = replaced.map((each) => `${qualified(live, each.goal)} TO ${called('aside', each)}`)
  const names = moving.map((each) => `${called('staging', each)} TO ${qualified(live, each.goal)}`)
  const drop = replaced.length === 0 ? [] : [`DROP TABLE ${replaced.map((each) => called('aside', each)).join(', ')}`]
  for (const sql of dialect.together([`RENAME TABLE ${[...away, ...names].join(', ')}`, ...drop])) await live.session.query(sql)
}

/** Then it cannot be called otherwise until it goes: keys of other tables would go along with it, and lead nowhere afterwards. */
async function isReferredTo({ session, main }: Side, { database = main, name: table }: Named): Promise<boolean> {
  const [schema, word] = [literal(database), literal(table)]
  const keys = await session.query(`
    SELECT 1 FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA = ${schema} AND REFERENCED_TABLE_NAME = ${word}
      AND NOT (CONSTRAINT_SCHEMA = ${schema} AND TABLE_NAME = ${word}) LIMIT 1`)
  return keys.length > 0
}

/** While nobody can write. What goes is in a snapshot, as it was when it was looked at for the last time. */
async function exchange(dialect: Dialect, live: Side, moving: readonly Moving[], { tables, look }: Leaving): Promise<void> {
  const { session } = live
  const gone = tables.map((table) => qualified(live, table))
  const staged = moving.map(({ goal, staging }) => qualified(live, { ...goal, name: staging }))
  if (gone.length + staged.length === 0) return
  await session.query(`LOCK TABLES ${[...gone, ...staged].map((table) => `${table} WRITE`).join(', ')}`)
  try {
    await look()
    const drop = gone.length === 0 ? [] : [`DROP TABLE ${gone.join(', ')}`]
    const names = moving.map(({ goal }, at) => `ALTER TABLE ${staged[at]} RENAME TO ${qualified(live, goal)}`)
    for (const sql of dialect.together([...drop, ...names])) await session.query(sql)
  } catch (error) {
    if (errorNumber(error) !== TABLE_EXISTS || gone.length === 0) throw error
    throw new HayaiError('CONFLICT', 'somebody has made a table of that name as soon as the one that was there had gone', {
      hint: 'What was there is in a snapshot: `hayai snapshot list`.',
      cause: error,
      details: { begun: true },
    })
  } finally {
    await session.query('UNLOCK TABLES')
  }
}
