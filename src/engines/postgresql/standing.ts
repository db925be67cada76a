// Two looks at a server, and whether anything was written between them.

import { HayaiError } from '../../base/errors.ts'
import type { Endpoint } from '../engine.ts'
import { listTables, readPositions } from './catalog.ts'
import { eachDatabase } from './inspect.ts'
import type { Session } from './session.ts'
import { shown } from './sql.ts'

export interface Standing {
  /** As the server writes a snapshot of its transactions: the same text, the same things committed. */
  readonly transactions: string
  /** A transaction was under way that had written something: whether its commit is in a copy is not to be seen from outside. */
  readonly writing: boolean
  /** By the name of the census. */
  readonly tables: ReadonlyMap<string, { readonly oid: string; readonly estimate: number }>
  /** Where all sequences stand, which move without a transaction; undefined when one could not be asked. */
  readonly positions: string | undefined
}

export async function standing(endpoint: Endpoint, main: Session, signal: AbortSignal): Promise<Standing> {
  const tables = new Map<string, { readonly oid: string; readonly estimate: number }>()
  let positions: string | undefined = ''
  const now = await activity(main)
  await eachDatabase(endpoint, main, signal, async (session, prefix) => {
    await session.query(`SET lock_timeout = '5s'`)
    for (const { schema, name, oid, estimate } of await listTables(session))
      tables.set(`${prefix}${shown(schema)}.${shown(name)}`, { oid, estimate })
    try {
      if (positions !== undefined)
        positions += [...(await readPositions(session))]
          .map(([key, value]) => `${key}=${value}\n`)
          .toSorted()
          .join('')
    } catch (error) {
      if (!(error instanceof HayaiError) || error.code !== 'TOOL_FAILED') throw error
      positions = undefined
    }
  })
  return { ...now, tables, positions }
}

async function activity(main: Session): Promise<Pick<Standing, 'transactions' | 'writing'>> {
  const [row] = await main.query<{ transactions: string; writing: boolean }>(`
    WITH now AS (SELECT pg_current_snapshot() AS taken)
    SELECT taken::text AS transactions, EXISTS (
      SELECT FROM pg_snapshot_xip(taken) AS x (id)
      WHERE NOT EXISTS (SELECT FROM pg_prepared_xacts p WHERE p.transaction::text::bigint = x.id::text::bigint % 4294967296)) AS writing
    FROM now`)
  if (row === undefined) throw new Error('the server does not tell of its transactions')
  return row
}

/** `before` was looked at from its transactions on, and nothing that `after` found can have been written since. */
export function sameMoment(before: Standing, after: Standing): boolean {
  return (
    before.transactions === after.transactions &&
    !before.writing &&
    !after.writing &&
    before.positions !== undefined &&
    before.positions === after.positions
  )
}
