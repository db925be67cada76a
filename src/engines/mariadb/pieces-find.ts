// Which tables a person means, and what is in their way. The main databases of two servers may have different names.

import { HayaiError } from '../../base/errors.ts'
import { partsOf } from '../../base/identifiers.ts'
import { nearest } from '../../base/nearest.ts'
import type { Transplant } from '../engine.ts'
import { listDatabases, listHistories, listTables, readServer, type Table } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { key } from './passage.ts'
import type { Session } from './session.ts'
import { name } from './sql.ts'

export interface Named {
  /** undefined: the main one, whatever it is called. */
  readonly database: string | undefined
  readonly name: string
}

export interface Meant {
  readonly source: Named & Pick<Table, 'kind'>
  readonly goal: Named
  /** Whether a table of that name is in the live server. */
  readonly there: boolean
}

export interface Side {
  readonly session: Session
  readonly main: string
}

export const qualified = ({ main }: Pick<Side, 'main'>, table: Named): string => `${name(table.database ?? main)}.${name(table.name)}`

/** As a person would type it. */
export function shownName({ database, name: table }: Named): string {
  const word = (each: string): string => (/^[\p{L}\p{N}_$ -]+$/u.test(each) ? each : name(each))
  return database === undefined ? word(table) : `${word(database)}.${word(table)}`
}

export async function findAll(twin: Side, live: Side, { wanted }: Transplant): Promise<readonly Meant[]> {
  const [ours, theirs] = [await tablesOf(twin), await tablesOf(live)]
  const databases = await listDatabases(live.session, live.main)
  const meant: Meant[] = []
  for (const { name: word, as } of wanted) {
    const source = find(ours, word)
    const goal = as === undefined ? { database: source.database, name: source.name } : goalOf(as, source, live)
    if (goal.database !== undefined && !databases.includes(goal.database)) {
      throw new HayaiError('NOT_FOUND', `there is no database ${goal.database} on this server`, {
        hint: `Make it first: CREATE DATABASE ${name(goal.database)}.`,
      })
    }
    if (meant.some((each) => same(each.goal, goal)))
      throw new HayaiError('USAGE', `two tables would be called ${shownName(goal)}`, { hint: 'Give each another name: --as.' })
    const there = theirs.find((each) => same(each, goal))
    if (there !== undefined && !isTable(there)) {
      throw new HayaiError('CONFLICT', `${shownName(goal)} is there already, and is a ${there.kind}`, {
        hint: `Put the table beside it: --as ${goal.name}_old.`,
      })
    }
    meant.push({ source, goal, there: there !== undefined })
  }
  return meant
}

type Found = Meant['source']

const same = (a: Named, b: Named): boolean => a.database === b.database && a.name === b.name
export const isTable = ({ kind }: Found): boolean => kind === 'table' || kind === 'versioned'

export async function tablesOf({ session, main }: Side): Promise<readonly Found[]> {
  const tables = await listTables(session, await listDatabases(session, main))
  return tables.map((table) => ({ database: table.database === main ? undefined : table.database, name: table.name, kind: table.kind }))
}

function find(all: readonly Found[], word: string): Found {
  const parts = partsOf(word, '`') ?? []
  const wanted: Named = parts.length === 2 ? { database: parts[0], name: parts[1] ?? '' } : { database: undefined, name: parts[0] ?? word }
  const found = all.find((each) => same(each, wanted)) ?? all.find((each) => same(each, { database: undefined, name: word }))
  if (found !== undefined && isTable(found)) return found
  if (found !== undefined) {
    throw new HayaiError('NOT_FOUND', `${shownName(found)} is a ${found.kind} in the snapshot, and no table`, {
      hint: 'Restore the whole into another database, and take it from there: --to NAME.',
    })
  }
  const near = nearest(word, all.filter(isTable).map(shownName))
  throw new HayaiError('NOT_FOUND', `there is no table ${word} in the snapshot`, {
    hint:
      near === undefined
        ? 'Write a table of another database as database.table; quote a part that holds a dot with backticks.'
        : `Did you mean ${near}?`,
  })
}

function goalOf(as: string, source: Named, { main }: Side): Named {
  const parts = partsOf(as, '`') ?? []
  const [first = '', second] = parts
  if (parts.length === 1) return { database: source.database, name: first }
  if (parts.length === 2 && second !== undefined) return { database: first === main ? undefined : first, name: second }
  throw new HayaiError('USAGE', `${JSON.stringify(as)} is no name of a table`, { hint: 'Write --as users_old, or --as archive.users.' })
}

export async function rowsOf(session: Session, table: string): Promise<number> {
  const [row] = await session.query<{ number: number }>(`SELECT COUNT(*) AS number FROM ${table}`)
  return row?.number ?? 0
}

/** Of a versioned table: whether it remembers rows that are there no more. */
export async function hasHistory(side: Side, table: Named): Promise<boolean> {
  const of = qualified(side, table)
  return (await rowsOf(side.session, `${of} FOR SYSTEM_TIME ALL`)) > (await rowsOf(side.session, of))
}

/** What is replaced is in a snapshot, which has no history of a server on which a table counts it in transactions. */
export async function refuseToForget(dialect: Dialect, live: Side, meant: readonly Meant[]): Promise<void> {
  const { session, main } = live
  const replaced = meant.filter(({ there }) => there).map(({ goal }) => goal)
  if (replaced.length === 0) return
  const tables = await listTables(session, await listDatabases(session, main))
  const kept = await listHistories(session, await readServer(session, dialect), tables)
  for (const { database, name: table } of tables.filter(({ kind }) => kind === 'versioned')) {
    const goal = replaced.find((each) => each.name === table && (each.database ?? main) === database)
    if (goal === undefined || kept.has(key(database, table)) || !(await hasHistory(live, goal))) continue
    throw new HayaiError(
      'CONFLICT',
      `the history of ${shownName(goal)} would be lost: no snapshot of single tables can hold it, so undo could not bring it back`,
      {
        hint: `Put the table beside it, and exchange the two when you are sure: --as ${goal.name}_old.`,
      },
    )
  }
}
