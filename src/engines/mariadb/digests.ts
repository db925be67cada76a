// A digest of each table's rows, made by the server: the sum of a hash of every row, so that their order does not matter.

import { keepsRows, type Outline as Catalogued } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { readColumns } from './outline.ts'
import { key } from './passage.ts'
import { qualified, type Named, type Side } from './pieces-find.ts'
import type { Session } from './session.ts'
import { name, shown } from './sql.ts'

/** To be asked in a transaction. */
export async function readDigests(session: Session, catalogued: Catalogued): Promise<Readonly<Record<string, string>>> {
  const { databases, tables, histories } = catalogued
  const [main] = databases
  const columns = await columnsOf(session)
  const found: [string, string][] = []
  for (const table of tables.filter(keepsRows)) {
    const at = key(table.database, table.name)
    const of = `${name(table.database)}.${name(table.name)}${histories.has(at) ? ' FOR SYSTEM_TIME ALL' : ''}`
    const [row] = await session.query<{ digest: string }>(question(session.dialect, columns.get(at) ?? [], of))
    found.push([(table.database === main ? '' : `${shown(table.database)}/`) + shown(table.name), row?.digest ?? ''])
  }
  return Object.fromEntries(found)
}

async function columnsOf(session: Session): Promise<ReadonlyMap<string, readonly string[]>> {
  const columns = new Map<string, string[]>()
  for (const { database, relation, name: column, generated } of await readColumns(session)) {
    if (generated === 'ROW START' || generated === 'ROW END') continue // the server's own times
    const at = key(database, relation)
    columns.set(at, [...(columns.get(at) ?? []), column])
  }
  return columns
}

function question({ hash }: Dialect, columns: readonly string[], of: string): string {
  // A hash of each value first: so no row is too long for one packet. A value that is not there has none.
  const hashes = columns.map((column) => `IFNULL(${hash(name(column))}, '-')`)
  const whole = hash(`CONCAT('', ${hashes.join(', ')})`)
  return `SELECT CAST(COALESCE(SUM(CAST(CONV(LEFT(${whole}, 16), 16, 10) AS UNSIGNED)), 0) AS CHAR) AS digest FROM ${of}`
}

/** What gives the digest of the rows that one table has now: it can be asked while the table is locked. */
export async function digesting({ session, main }: Side, table: Named): Promise<() => Promise<string>> {
  const columns = (await columnsOf(session)).get(key(table.database ?? main, table.name)) ?? []
  const sql = question(session.dialect, columns, qualified({ main }, table))
  return async () => (await session.query<{ digest: string }>(sql))[0]?.digest ?? ''
}

export async function digestOf(side: Side, table: Named): Promise<string> {
  return (await digesting(side, table))()
}
