// In the child: tables of one file go into another, in one transaction. What has to be called otherwise there is renamed in the
// first file, which nobody else uses: SQLite then changes indexes, triggers and foreign keys by itself.

import type { DatabaseSync } from 'node:sqlite'
import { HayaiError } from '../../base/errors.ts'
import { partsOf } from '../../base/identifiers.ts'
import { nearest } from '../../base/nearest.ts'
import { writeReceipt } from '../../base/receipt.ts'
import type { FoundPiece, Transplanted } from '../engine.ts'
import { explained, numberIn, openLive, patiently, quoted, valueOf } from './connection.ts'
import { digestOfRows } from './outline.ts'
import type { Requests } from './protocol.ts'
import { columnsOf, isVirtual } from './write-sql.ts'

type Order = Requests['findTables']

interface Meant {
  readonly name: string
  readonly as: string
  readonly there: boolean
}

export async function findTables(order: Order): Promise<readonly FoundPiece[]> {
  return between(order, (from, to) =>
    patiently(order.to, order.patience, () =>
      meantBy(order, from, to).map(({ name, as, there }) => ({
        name,
        as,
        count: numberIn(from, `SELECT count(*) FROM main.${quoted(name)}`),
        there: there ? 1 : 0,
      })),
    ),
  )
}

export async function transplant(order: Requests['transplant'], permitted: () => void): Promise<Transplanted> {
  return between(order, async (from, to) => {
    const meant = await patiently(order.to, order.patience, () => meantBy(order, from, to))
    rename(from, meant)
    await writeReceipt(order.receipt, Object.fromEntries(meant.map(({ as }) => [as, digestOfRows(from, as)])))
    to.prepare('ATTACH DATABASE ? AS hayai_from').run(order.from)
    // Rows are as they were: nothing is done for them a second time, and nothing about them is asked that was not asked there.
    to.exec('PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON')
    await patiently(order.to, order.patience, () => to.exec('BEGIN IMMEDIATE'))
    try {
      if (meantBy(order, from, to, true).some(({ there }) => there) && !order.replace) throw appeared()
      for (const { as } of meant) to.exec(`DROP TABLE IF EXISTS main.${quoted(as)}`)
      const counts = meant.map(({ as }) => bring(to, from, as))
      const notes = meant.flatMap(({ as }) => notesOn(to, as))
      permitted()
      await patiently(order.to, order.patience, () => to.exec('COMMIT'))
      return { counts, notes }
    } catch (error) {
      if (to.isTransaction) to.exec('ROLLBACK')
      throw error
    }
  })
}

async function between<T>(order: Order, work: (from: DatabaseSync, to: DatabaseSync) => Promise<T>): Promise<T> {
  const from = openLive(order.from)
  try {
    const to = openLive(order.to)
    try {
      return await work(from, to)
    } catch (error) {
      throw explained(error, order.to)
    } finally {
      to.close()
    }
  } finally {
    from.close()
  }
}

function appeared(): HayaiError {
  return new HayaiError('CONFLICT', 'another program has made a table of that name in the meantime', {
    hint: 'Nothing was changed. Choose another name: --as.',
  })
}

interface Row {
  readonly type: string
  readonly name: string
  readonly sql: string | null
}

export function schemaOf(db: DatabaseSync): readonly Row[] {
  const rows = db.prepare('SELECT type, name, sql FROM main.sqlite_schema').all()
  return rows.map(({ type, name, sql }) => ({ type: String(type), name: String(name), sql: sql === null ? null : String(sql) }))
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** `renamed`: the first file has the new names already. */
function meantBy({ wanted }: Order, from: DatabaseSync, to: DatabaseSync, renamed = false): readonly Meant[] {
  const [ours, theirs] = [schemaOf(from), schemaOf(to)]
  const meant: Meant[] = []
  for (const each of wanted) {
    const name = renamed ? plain(each.as ?? each.name) : find(ours, each.name)
    const as = each.as === null ? name : plain(each.as)
    if (/^sqlite_/i.test(as)) throw new HayaiError('USAGE', `${as} is a name of SQLite's own`, { hint: 'Choose another name: --as.' })
    if (meant.some((other) => same(other.as, as)))
      throw new HayaiError('USAGE', `two tables would be called ${as}`, { hint: 'Give each another name: --as.' })
    const there = theirs.find((row) => same(row.name, as))
    if (there !== undefined && (there.type !== 'table' || isVirtual(there.sql ?? ''))) {
      throw new HayaiError('CONFLICT', `${as} is there already, and is ${there.type === 'table' ? 'a virtual table' : `a ${there.type}`}`, {
        hint: `Put the table beside it: --as ${as}_old.`,
      })
    }
    meant.push({ name, as, there: there !== undefined })
  }
  return meant
}

function find(schema: readonly Row[], word: string): string {
  const tables = schema.filter(({ type, name }) => type === 'table' && !/^sqlite_/i.test(name))
  const asked = [word, plain(word)]
  const found = tables.find(({ name }) => asked.includes(name)) ?? tables.find(({ name }) => asked.some((each) => same(each, name)))
  if (found === undefined) {
    const near = nearest(
      word,
      tables.map(({ name }) => name),
    )
    const view = schema.find(({ type, name }) => type === 'view' && same(name, word))
    throw new HayaiError('NOT_FOUND', `there is no table ${word} in the snapshot${view === undefined ? '' : ', only a view'}`, {
      hint: near === undefined ? 'Look at its tables: restore it into another database with --to NAME.' : `Did you mean ${near}?`,
    })
  }
  if (!isVirtual(found.sql ?? '')) return found.name
  throw new HayaiError('CONFLICT', `${found.name} is a virtual table: its module keeps its rows in tables of its own`, {
    hint: 'Restore the whole into another database, and take it from there: --to NAME.',
  })
}

/** `main.users`, `"users"` and `users` are the same. */
function plain(word: string): string {
  const parts = partsOf(word, '"') ?? []
  if (parts.length === 1) return parts[0] ?? word
  return parts.length === 2 && same(parts[0] ?? '', 'main') ? (parts[1] ?? word) : word
}

function rename(from: DatabaseSync, meant: readonly Meant[]): void {
  const moves = meant.filter(({ name, as }) => name !== as)
  if (moves.length === 0) return
  const alter = (name: string, to: string): void => from.exec(`ALTER TABLE main.${quoted(name)} RENAME TO ${quoted(to)}`)
  // By way of names that nobody has: a table may get the name of another that is renamed too, or that stays behind.
  for (const [at, { name }] of moves.entries()) alter(name, `hayai_moved_${at}`)
  for (const [at, { as }] of moves.entries()) {
    const blocking = schemaOf(from).find((row) => same(row.name, as))
    if (blocking?.type === 'table') alter(blocking.name, `hayai_aside_${at}`)
    else if (blocking !== undefined) from.exec(`DROP ${blocking.type} main.${quoted(blocking.name)}`)
    alter(`hayai_moved_${at}`, as)
  }
}

/** The table with its rows and all that belongs to it; the number of its rows. */
export function bring(to: DatabaseSync, from: DatabaseSync, table: string): number {
  const [own] = from.prepare(`SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?`).all(table)
  const sql = String(own?.['sql'])
  to.exec(sql)
  const columns = columnsOf(from, { name: table, sql }).join(', ')
  to.exec(`INSERT INTO main.${quoted(table)} (${columns}) SELECT ${columns} FROM hayai_from.${quoted(table)} NOT INDEXED`)
  const [wanted, got] = ['hayai_from', 'main'].map((schema) => numberIn(to, `SELECT count(*) FROM ${schema}.${quoted(table)}`))
  if (wanted === undefined || wanted !== got)
    throw new HayaiError('TOOL_FAILED', `${table} has ${got} rows instead of ${wanted}`, { hint: 'Nothing was changed.' })
  bringSequence(to, table)
  const parts = from
    .prepare(
      `SELECT type, name, sql FROM main.sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid`,
    )
    .all(table)
  for (const part of parts) to.exec(freed(to, table, { type: String(part['type']), name: String(part['name']), sql: String(part['sql']) }))
  return got
}

function bringSequence(to: DatabaseSync, table: string): void {
  if (valueOf(to, `SELECT 1 FROM hayai_from.sqlite_schema WHERE name = 'sqlite_sequence'`) === undefined) return
  const last = to.prepare('SELECT seq FROM hayai_from.sqlite_sequence WHERE name = ? COLLATE NOCASE').get(table)
  if (last === undefined) return
  to.prepare('DELETE FROM main.sqlite_sequence WHERE name = ? COLLATE NOCASE').run(table)
  to.prepare(
    'INSERT INTO main.sqlite_sequence (name, seq) SELECT ?, seq FROM hayai_from.sqlite_sequence WHERE name = ? COLLATE NOCASE',
  ).run(table, table)
}

const NAME = /"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s.("'`[]+/.source
const HEAD = new RegExp(
  `^(CREATE\\s+(?:UNIQUE\\s+)?(?:INDEX|TRIGGER)\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?)(?:(?:${NAME})\\s*\\.\\s*)?(?:${NAME})`,
  'i',
)

/** The statement with a name that is free where it goes. */
function freed(to: DatabaseSync, table: string, { name, sql }: Row): string {
  const taken = (word: string): boolean => valueOf(to, 'SELECT 1 FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE', word) !== undefined
  if (!taken(name)) return sql ?? ''
  const stem = `${table}_${name}`
  let next = stem
  for (let n = 1; taken(next); n += 1) next = `${stem}_${n}`
  const renamed = sql?.replace(HEAD, (_, head: string) => head + quoted(next))
  if (renamed === undefined || renamed === sql) throw new Error(`a statement that names nothing: ${sql}`)
  return renamed
}

/** Rows that refer to what is not there; SQLite itself holds only those programs to it that ask it to. */
export function notesOn(to: DatabaseSync, table: string): readonly string[] {
  const children = to
    .prepare(
      `SELECT DISTINCT s.name AS child FROM main.sqlite_schema s, pragma_foreign_key_list(s.name) f
       WHERE s.type = 'table' AND (s.name = ?1 COLLATE NOCASE OR f."table" = ?1 COLLATE NOCASE)`,
    )
    .all(table)
  return children.flatMap(({ child }) => {
    const name = String(child)
    try {
      const rows = to.prepare('SELECT parent, count(*) AS number FROM pragma_foreign_key_check(?) GROUP BY parent').all(name)
      return rows
        .filter(({ parent }) => same(name, table) || same(String(parent), table))
        .map(
          ({ parent, number }) =>
            `${String(number)} ${Number(number) === 1 ? 'row' : 'rows'} of ${name} refer to rows of ${String(parent)} that are not there.`,
        )
    } catch (error) {
      return [`Whether the rows of ${name} refer to rows that are there could not be found out: ${String(error)}.`]
    }
  })
}
