// In the child: tables of one file go into another, in one transaction. DuckDB cannot rename a table that has an index or a key, so
// the statements are written for the new names. What it cannot take back is never begun: a transaction that fails is gone.

import { HayaiError } from '../../base/errors.ts'
import { partsOf } from '../../base/identifiers.ts'
import { nearest } from '../../base/nearest.ts'
import { writeReceipt } from '../../base/receipt.ts'
import type { FoundPiece, Transplanted } from '../engine.ts'
import { called, nameOf, numberIn, tablesOf, type Table } from './census.ts'
import { explained, openFile, patiently, quotedText, type Database } from './connection.ts'
import { readTables, type Text } from './moving.ts'
import { digestOfRows } from './outline.ts'
import type { Requests } from './protocol.ts'

type Order = Requests['findTables']

interface Meant {
  readonly source: Table
  readonly goal: Table
  readonly there: boolean
}

export async function findTables(order: Order): Promise<readonly FoundPiece[]> {
  return withTwin(order, async (from) => {
    const meant = await withLive(order, (to) => meantBy(order, from, to))
    const found: FoundPiece[] = []
    for (const { source, goal, there } of meant) {
      const count = await numberIn(from, `SELECT count(*) FROM ${nameOf(source)}`)
      found.push({ name: called(source), as: called(goal), count, there: there ? 1 : 0 })
    }
    return found
  })
}

export async function transplant(order: Requests['transplant'], permitted: () => void): Promise<Transplanted> {
  const texts = await withTwin(order, async (from) => {
    const meant = await withLive(order, (to) => meantBy(order, from, to))
    const digests: [string, string][] = []
    for (const { source, goal } of meant) digests.push([called(goal), await digestOfRows(from, source)])
    await writeReceipt(order.receipt, Object.fromEntries(digests))
    return readTables(from, meant)
  })
  return withLive(order, async (to) => {
    await to.run(`ATTACH ${quotedText(order.from)} AS hayai_from (READ_ONLY)`)
    return withOrWithoutKeys(to, texts, { room: () => makeRoom(to, order, texts), permitted })
  })
}

interface Around {
  readonly room: () => Promise<void>
  /** Throws when nobody wants it any more. */
  readonly permitted: () => void
}

export async function withOrWithoutKeys(to: Database, texts: readonly Text[], around: Around): Promise<Transplanted> {
  try {
    return { counts: await inOneStep(to, texts, 'with keys', around), notes: [] }
  } catch (error) {
    // Whatever it was: when it was not the keys, it is the same without them.
    if (error instanceof HayaiError || texts.every(({ keys }) => keys.length === 0)) throw error
    const counts = await inOneStep(to, texts, 'without keys', around)
    return { counts, notes: texts.flatMap(lostKeys) }
  }
}

function lostKeys({ goal, keys }: Text): readonly string[] {
  return keys.map(
    (key) => `The foreign key of ${called(goal)} was not carried, for what it leads to is not there, or not for every row: ${key}.`,
  )
}

export async function withTwin<T>({ from, spill }: Pick<Order, 'from' | 'spill'>, work: (from: Database) => Promise<T>): Promise<T> {
  const db = await openFile(from, { write: true, spill }) // nobody else knows it, and nothing is written
  try {
    return await work(db)
  } finally {
    db.close()
  }
}

export async function withLive<T>(
  { to, spill, patience }: Pick<Order, 'to' | 'spill' | 'patience'>,
  work: (to: Database) => Promise<T>,
): Promise<T> {
  const db = await patiently(to, patience, () => openFile(to, { write: true, spill }))
  try {
    return await work(db)
  } catch (error) {
    throw explained(error, to)
  } finally {
    db.close()
  }
}

async function meantBy({ wanted }: Order, from: Database, to: Database): Promise<readonly Meant[]> {
  const [ours, theirs] = [await tablesOf(from), await tablesOf(to)]
  const views = await to.rows('SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal AND database_name = current_database()')
  const meant: Meant[] = []
  for (const { name: word, as } of wanted) {
    const source = find(ours, word)
    const goal = as === null ? source : goalOf(as, source)
    if (meant.some((each) => same(each.goal, goal)))
      throw new HayaiError('USAGE', `two tables would be called ${called(goal)}`, { hint: 'Give each another name: --as.' })
    if (views.some(([schema, name]) => same({ schema: String(schema), name: String(name) }, goal))) {
      throw new HayaiError('CONFLICT', `${called(goal)} is there already, and is a view`, {
        hint: `Put the table beside it: --as ${goal.name}_old.`,
      })
    }
    meant.push({ source, goal, there: theirs.some((each) => same(each, goal)) })
  }
  return meant
}

const same = (a: Table, b: Table): boolean =>
  a.schema.toLowerCase() === b.schema.toLowerCase() && a.name.toLowerCase() === b.name.toLowerCase()

function find(all: readonly Table[], word: string): Table {
  const parts = partsOf(word, '"') ?? []
  const [first = '', second] = parts
  const [only, another] = all.filter((each) =>
    second === undefined ? same(each, { ...each, name: first }) : same(each, { schema: first, name: second }),
  )
  const found = only ?? all.find((each) => each.name === word)
  if (found !== undefined && another === undefined) return found
  if (found !== undefined && another !== undefined) {
    throw new HayaiError('CONFLICT', `${JSON.stringify(word)} may mean ${nameOf(found)} or ${nameOf(another)}`, {
      hint: `Write --table ${found.schema}.${found.name}.`,
    })
  }
  const near = nearest(word, all.map(called))
  throw new HayaiError('NOT_FOUND', `there is no table ${word} in the snapshot`, {
    hint: near === undefined ? 'Write it as schema.table; quote a part that holds a dot: \'"odd.name"\'.' : `Did you mean ${near}?`,
  })
}

function goalOf(as: string, { schema }: Table): Table {
  const parts = partsOf(as, '"') ?? []
  const [first = '', second] = parts
  if (parts.length === 1) return { schema, name: first }
  if (parts.length === 2 && second !== undefined) return { schema: first, name: second }
  throw new HayaiError('USAGE', `${JSON.stringify(as)} is no name of a table`, { hint: 'Write --as users_old, or --as old.users.' })
}

async function makeRoom(to: Database, { replace }: Order, texts: readonly Text[]): Promise<void> {
  const there = await tablesOf(to)
  for (const { goal } of texts) {
    if (!there.some((each) => same(each, goal))) continue
    if (!replace) throw appeared(goal)
    await to.run(`DROP TABLE ${nameOf(goal)}`)
  }
}

/** All of it or nothing; how many rows each table has. */
async function inOneStep(
  to: Database,
  texts: readonly Text[],
  how: 'with keys' | 'without keys',
  { room, permitted }: Around,
): Promise<readonly number[]> {
  await to.run('BEGIN TRANSACTION')
  try {
    await room()
    const counts: number[] = []
    for (const text of texts) counts.push(await bring(to, text, how))
    permitted()
    await to.run('COMMIT')
    return counts
  } catch (error) {
    await to.run('ROLLBACK').catch(() => {}) // where it has ended already
    throw error
  }
}

function appeared(goal: Table): HayaiError {
  return new HayaiError('CONFLICT', `another program has made ${called(goal)} in the meantime`, {
    hint: 'Nothing was changed. Choose another name: --as.',
  })
}

async function bring(to: Database, text: Text, how: 'with keys' | 'without keys'): Promise<number> {
  const { goal, source, columns } = text
  for (const sql of await text.needs(to)) await to.run(sql)
  await to.run(how === 'with keys' ? text.sql : text.sqlWithoutKeys)
  const list = columns.join(', ')
  await to.run(`INSERT INTO ${nameOf(goal)} (${list}) SELECT ${list} FROM hayai_from.${nameOf(source)}`)
  const [wanted, got] = [
    await numberIn(to, `SELECT count(*) FROM hayai_from.${nameOf(source)}`),
    await numberIn(to, `SELECT count(*) FROM ${nameOf(goal)}`),
  ]
  if (wanted !== got)
    throw new HayaiError('TOOL_FAILED', `${called(goal)} has ${got} rows instead of ${wanted}`, { hint: 'Nothing was changed.' })
  for (const sql of await text.after(to)) await to.run(sql)
  return got
}
