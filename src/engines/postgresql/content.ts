// The content of one database, in pg_dump's words, counted as it passes.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { words, type Landing } from '../../base/landing.ts'
import type { Target } from '../engine.ts'
import { announcement, END_OF_ROWS, keyOf, openBulk, type Bulk, type Table } from './bulk.ts'
import type { Contents } from './catalog.ts'
import { rowCounter } from './rows.ts'
import { innerOf, programEnvironment, type Session } from './session.ts'

export interface Wanted {
  readonly target: Target
  /** Holds the snapshot. */
  readonly session: Session
  readonly snapshot: string
  /** About how many bytes it is. */
  readonly size: number
  /** Those whose rows the server had better write itself. */
  readonly large: readonly Table[]
  readonly signal: AbortSignal
  readonly into: Landing | undefined
  /** Another connection to the same database. */
  readonly open: () => Promise<Session>
}

/** What the bytes that have passed hold. `bytes` throws TOOL_FAILED when they end without their end. */
export interface Counted {
  readonly bytes: Bytes
  contents(): Contents
}

export function content(wanted: Wanted): Counted {
  const rows = new Map<string, number>()
  const positions = new Map<string, bigint>()
  const take = (contents: Contents): void => {
    for (const [key, count] of contents.rows) rows.set(key, count)
    for (const [key, position] of contents.positions) positions.set(key, position)
  }
  return { bytes: write(wanted, take), contents: () => ({ rows, positions }) }
}

// This process keeps up with two. What is compressed or encrypted on its way waits for that, and a second one would take memory only.
const LANES = 2

type Take = (contents: Contents) => void

async function* write(wanted: Wanted, take: Take): Bytes {
  const { target, session, snapshot, large: tables, signal, open, into } = wanted
  session.holds()
  const lanes = into === undefined ? 1 : LANES
  const bulk =
    tables.length === 0 ? undefined : await openBulk({ target, database: session.database, tables, snapshot, lanes, signal, open })
  if (bulk === undefined) {
    yield* whole(pgDump(wanted), session.database, take)
    return
  }
  try {
    yield* whole(bulk.before(into), session.database, take)
    for (const table of tables) yield* rowsOf(bulk, table, into, take)
    yield* whole(bulk.after(into), session.database, take)
  } finally {
    await bulk.close()
  }
}

async function* rowsOf(bulk: Bulk, table: Table, into: Landing | undefined, take: Take): Bytes {
  yield* words(announcement(table), into)
  const count = yield* bulk.rows(table, into)
  take({ rows: new Map([[keyOf(table), count]]), positions: new Map() })
  yield* words(END_OF_ROWS, into)
}

async function* whole(bytes: Bytes, database: string, take: Take): Bytes {
  const counter = rowCounter()
  for await (const chunk of bytes) {
    counter.feed(chunk)
    yield chunk
  }
  const { complete, ...contents } = counter.passed()
  if (!complete) throw new HayaiError('TOOL_FAILED', `pg_dump of ${JSON.stringify(database)} claims success, but its output has no end`)
  take(contents)
}

function pgDump({ target, session, snapshot, size, signal, into }: Wanted): Bytes {
  return target.run({
    program: 'pg_dump',
    args: ['--no-password', '--no-tablespaces', `--snapshot=${snapshot}`],
    env: programEnvironment(innerOf(target), session.database),
    signal,
    into,
    expects: size,
  })
}
