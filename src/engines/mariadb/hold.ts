// Holding still what no transaction holds: the structure of the whole server, and tables of engines without transactions.
// People may go on writing to all others.

import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError } from '../../base/errors.ts'
import type { Table } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { errorNumber, type Session } from './session.ts'
import { name } from './sql.ts'

const LOCK_WAIT_TIMEOUT = 1205

/** How long others may take to let us in. */
export interface Patience {
  /** For a change of the structure, or a LOCK TABLES, that was under way; seconds. */
  readonly change: number
  /** For a statement that writes to a table without transactions; seconds. */
  readonly lock: number
}

export const PATIENCE: Patience = { change: 60, lock: 20 }

/** Lets no change of the structure begin, until guardEnds() or the end of the session. Throws LOCKED when one does not end in time. */
export async function guard(session: Session, dialect: Dialect, { change }: Patience, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + change * 1000
  await session.query(`SET SESSION lock_wait_timeout = ${change}`)
  for (;;) {
    for (const step of dialect.guard)
      await locked(
        session,
        step,
        'somebody has been changing the structure of the database, or holding tables locked for writing, for too long',
      )
    const running = await changeUnderWay(session)
    if (running === undefined) return
    // It began before us, and would in the end wait for us with its table locked, for which the dump would wait: nobody would go on.
    await session.query(dialect.guardEnds)
    if (Date.now() > deadline) {
      throw new HayaiError(
        'LOCKED',
        `a statement has been changing the structure of the database for ${running} s: no snapshot can be taken meanwhile`,
        {
          hint: 'Try again when it has ended; SHOW PROCESSLIST shows it.',
        },
      )
    }
    await sleep(100, undefined, { signal })
  }
}

async function changeUnderWay(session: Session): Promise<number | undefined> {
  const [row] = await session.query<{ seconds: number }>(`
    SELECT TIME AS seconds FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND COMMAND = 'Query'
      AND INFO RLIKE '^[[:space:]]*(ALTER|OPTIMIZE|REPAIR|(CREATE|DROP)[[:space:]]+(UNIQUE |FULLTEXT |SPATIAL |OR REPLACE )*INDEX)' ORDER BY TIME DESC LIMIT 1`)
  return row?.seconds
}

/** Nobody can write to these tables from now on. False: somebody has for too long not let go of one of them. */
export async function lockTables(session: Session, tables: readonly Table[], { lock }: Patience): Promise<boolean> {
  if (tables.length === 0) return true
  try {
    await session.query(`SET SESSION lock_wait_timeout = ${lock}`)
    await session.query(`LOCK TABLES ${tables.map((table) => `${name(table.database)}.${name(table.name)} READ`).join(', ')}`)
    return true
  } catch (error) {
    if (errorNumber(error) === LOCK_WAIT_TIMEOUT) return false
    throw error
  }
}

/** How long others may keep a stop of all writers waiting, with all who come after them waiting too; seconds. */
const STOP_WAIT = 1

export interface Stop {
  /** Lets them write again, and tells for how many milliseconds they could not. */
  end(): Promise<number>
}

/** Nobody writes from now on, for as short as it takes another to begin its transaction. undefined: a statement that writes does not end. */
export async function stopWriters(session: Session): Promise<Stop | undefined> {
  const asked = Date.now()
  try {
    await session.query(`SET SESSION lock_wait_timeout = ${STOP_WAIT}`)
    await session.query('FLUSH TABLES WITH READ LOCK')
  } catch (error) {
    if (errorNumber(error) !== LOCK_WAIT_TIMEOUT) throw error
    return undefined
  }
  return {
    async end() {
      await session.query('UNLOCK TABLES')
      return Date.now() - asked
    },
  }
}

async function locked(session: Session, statement: string, otherwise: string): Promise<void> {
  try {
    await session.query(statement)
  } catch (error) {
    if (errorNumber(error) !== LOCK_WAIT_TIMEOUT) throw error
    throw new HayaiError('LOCKED', otherwise, { hint: 'Try again when it has; SHOW PROCESSLIST shows what runs.', cause: error })
  }
}

/**
 * Lets go when a change waits for the guard while somebody waits for its table: that might be the dump. If the change is one to
 * a table that is still to be dumped, the dump fails, and says so.
 */
export async function giveWay(session: Session, dialect: Dialect): Promise<boolean> {
  const [row] = await session.query<{ stuck: number }>(`
    SELECT COUNT(DISTINCT STATE) AS stuck FROM information_schema.PROCESSLIST
    WHERE STATE IN ('${dialect.waitsForGuard}', 'Waiting for table metadata lock') AND TIME >= 1`)
  if ((row?.stuck ?? 0) < 2) return false
  await session.query(dialect.guardEnds)
  return true
}

const SILENCE = 1000

/** Waits, and asks after each second of silence whether somebody waits for us. */
export async function attended<T>(awaited: Promise<T>, ask: () => Promise<boolean>): Promise<T> {
  const come = awaited.then((value) => ({ value }))
  for (let gaveWay = false; ;) {
    const silence = new AbortController()
    const result = await Promise.race([come, sleep(SILENCE, undefined, { signal: silence.signal }).catch(() => undefined)])
    silence.abort()
    if (result !== undefined) return result.value
    if (!gaveWay) gaveWay = await ask()
  }
}
