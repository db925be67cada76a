// Two looks at a server, and whether anything was written between them.

import { setTimeout as sleep } from 'node:timers/promises'
import { countContents, keepsRows, readOutline, type Outline, type Server, type Table } from './catalog.ts'
import { key } from './passage.ts'
import type { Session } from './session.ts'

export interface Look {
  /** What the server has counted of statements and rows that change something. */
  readonly counters: string
  /** A transaction was under way that had written something: whether its end is in a copy is not to be seen from outside. */
  readonly writing: boolean
  readonly outline: Outline
  /** Where each sequence stands. */
  readonly positions: ReadonlyMap<string, bigint>
  /** When each table was made, as the server tells it; without those that were made just now, which may be made again at any time. */
  readonly made: ReadonlyMap<string, string>
}

export async function look(session: Session, server: Server, main: string): Promise<Look> {
  const counters = await readCounters(session)
  const writing = await isWriting(session)
  const outline = await readOutline(session, server, main)
  const sequences = outline.tables.filter(({ kind }) => kind === 'sequence')
  const { positions } = await countContents(session, { ...outline, tables: sequences })
  return { counters, writing, outline, positions, made: await readMade(session) }
}

// Statements that change nothing that is counted. What is not in here counts as a change, also if it was none.
const HARMLESS =
  /^Com_(?:select|show_.*|set_option|admin_commands|begin|commit|rollback|change_db|backup|backup_lock|flush|kill|stmt_.*|prepare_sql|execute_sql|execute_immediate|dealloc_sql|lock_tables|unlock_tables|check|checksum|help|empty_query|savepoint|release_savepoint|rollback_to_savepoint|analyze|preload_keys|assign_to_keycache|signal|resignal|get_diagnostics|purge.*|reset)$/

async function readCounters(session: Session): Promise<string> {
  const rows = await session.query<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%' OR Variable_name IN ('Handler_write', 'Handler_update', 'Handler_delete')`,
  )
  return rows
    .filter(({ Variable_name: name }) => !HARMLESS.test(name))
    .map(({ Variable_name: name, Value: value }) => `${name}=${value}\n`)
    .toSorted()
    .join('')
}

/** Asked after the counters: a transaction that has ended since is in whatever is read from now on. */
async function isWriting(session: Session): Promise<boolean> {
  await sleep(150) // the server answers from memory when somebody has asked within the last tenth of a second
  const [row] = await session.query<{ number: number }>(
    'SELECT COUNT(*) AS number FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0',
  )
  return (row?.number ?? 0) > 0
}

async function readMade(session: Session): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query<{ database: string; name: string; made: string }>(`
    SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS name, CAST(COALESCE(CREATE_TIME, '') AS CHAR) AS made FROM information_schema.TABLES
    WHERE COALESCE(CREATE_TIME < NOW() - INTERVAL 2 SECOND, TRUE)`)
  return new Map(rows.map((row) => [key(row.database, row.name), row.made]))
}

/** Nothing that `after` found can have been written since `before` was asked for. */
export function sameMoment(before: Look, after: Look): boolean {
  return !before.writing && before.counters === after.counters && written(before) === written(after)
}

function written({ outline, positions }: Look): string {
  const { databases, tables, objects, ofServer } = outline
  const named = tables.map(({ database, name, kind, engine }) => [database, name, kind, engine])
  return JSON.stringify([databases, named, [...objects], ofServer, [...positions].map(([at, value]) => [at, String(value)])])
}

/** Tables that were there all the while. */
export function standing(before: Look, after: Look): readonly Table[] {
  return before.outline.tables.filter((table) => {
    const at = key(table.database, table.name)
    const made = before.made.get(at)
    return keepsRows(table) && made !== undefined && after.made.get(at) === made
  })
}
