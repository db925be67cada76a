// Single keys: out of a twin, into a live server, as DUMP and RESTORE carry them, with the very moment at which they expire.
//
// A server has no transaction that could be taken back: so all that could stand in the way is looked at before the first key goes,
// and where clients make keys of the same names meanwhile, those that were put in are taken out again.

import { HayaiError } from '../../base/errors.ts'
import type { Pieces, FoundPiece, Target, Transplant, Transplanted } from '../engine.ts'
import { askCounts } from './census.ts'
import { answers, asText, isList, matching, type Answer } from './keys.ts'
import { endpointOf, withSession, type Session } from './session.ts'

export const pieces: Pieces = {
  noun: { one: 'key', many: 'keys' },
  unit: { one: 'key', many: 'keys' },
  renames: false,
  numbered: true,
  find,
  transplant,
}

async function find(from: Target, to: Target, order: Transplant, signal: AbortSignal): Promise<readonly FoundPiece[]> {
  return withBoth(from, to, signal, async (twin, live) => {
    const dbs = await dbsOf(twin, order)
    const found: FoundPiece[] = []
    for (const { name } of order.wanted) {
      let [count, there] = [0, 0]
      for (const db of dbs) {
        await inDb(db, twin, live)
        for await (const keys of matching(twin, name)) {
          count += keys.length
          there += (await present(live, keys)).length
        }
      }
      if (count === 0) throw noSuchKey(name, order)
      found.push({ name, as: name, count, there })
    }
    return found
  })
}

function noSuchKey(pattern: string, { db }: Transplant): HayaiError {
  return new HayaiError('NOT_FOUND', `no key of the snapshot is called ${pattern}${db === undefined ? '' : ` in db ${db}`}`, {
    hint: `Patterns are Redis's own: * stands for anything, ? for one sign, [ab] for one of these; case counts.`,
  })
}

async function transplant(from: Target, to: Target, order: Transplant, signal: AbortSignal): Promise<Transplanted> {
  return withBoth(from, to, signal, async (twin, live) => {
    const placed = new Map<number, Map<string, Buffer>>()
    try {
      const counts: number[] = []
      for (const { name } of order.wanted) counts.push(await bring(twin, live, { pattern: name, order, placed }))
      const lost = [...placed.values()].reduce((sum, keys) => sum + keys.size, 0) - (await stillThere(live, placed))
      return { counts, notes: lost === 0 ? [] : [`${lost} of the keys have expired since, or were deleted by clients.`] }
    } catch (error) {
      // What was replaced is gone, and is in the snapshot that was taken before; what was only put in is taken out.
      if (!order.replace) await takeOut(to, placed)
      throw error
    }
  })
}

interface Bringing {
  readonly pattern: string
  readonly order: Transplant
  /** Number of the db → the keys that were put in. */
  readonly placed: Map<number, Map<string, Buffer>>
}

async function bring(twin: Session, live: Session, { pattern, order, placed }: Bringing): Promise<number> {
  let count = 0
  for (const db of await dbsOf(twin, order)) {
    await inDb(db, twin, live)
    const ours = placed.get(db) ?? new Map<string, Buffer>()
    placed.set(db, ours)
    for await (const keys of matching(twin, pattern)) {
      count += keys.length
      const fresh = keys.filter((key) => !ours.has(key.toString('latin1'))) // a scan may tell of a key twice
      for await (const some of dumps(twin, fresh)) await putIn(live, some, { replace: order.replace, ours })
    }
  }
  return count
}

interface Placing {
  readonly replace: boolean
  readonly ours: Map<string, Buffer>
}

async function putIn(live: Session, some: readonly Dumped[], { replace, ours }: Placing): Promise<void> {
  const questions = some.map(({ key, expires, dumped }) => {
    return ['RESTORE', key, expires < 0 ? '0' : String(expires), dumped, 'ABSTTL', ...(replace ? ['REPLACE'] : [])]
  })
  const replies = await answers(live, questions)
  for (const [at, { key }] of some.entries()) if (!(replies[at] instanceof HayaiError)) ours.set(key.toString('latin1'), key)
  for (const [at, { key }] of some.entries()) {
    const reply = replies[at]
    if (reply instanceof HayaiError) throw refused(reply, key)
  }
}

function refused(error: HayaiError, key: Buffer): HayaiError {
  const words = String(error.details?.['reply'])
  const called = JSON.stringify(key.toString('utf8'))
  if (!words.startsWith('BUSYKEY')) return new HayaiError('TOOL_FAILED', `the key ${called} was not put in: ${words}`, { cause: error })
  return new HayaiError('CONFLICT', `a client has made the key ${called} in the meantime`, {
    hint: 'Nothing was changed. Try again, or replace what is there: --replace.',
    cause: error,
  })
}

interface Dumped {
  readonly key: Buffer
  /** Milliseconds since 1970; less than 0: never. */
  readonly expires: number
  readonly dumped: Buffer
}

const AT_ONCE = { keys: 100, bytes: 4 * 1024 * 1024 }

/** In batches that are small where values are large. Those that have expired meanwhile are left out. */
async function* dumps(twin: Session, keys: readonly Buffer[]): AsyncIterable<readonly Dumped[]> {
  let size = 8
  for (let at = 0; at < keys.length;) {
    const some = keys.slice(at, at + size)
    at += some.length
    const replies = await answers(twin, [
      ['TIME'],
      ...some.flatMap((key) => [
        ['DUMP', key],
        ['PTTL', key],
      ]),
    ])
    const now = millisecondsOf(replies[0])
    const found: Dumped[] = []
    for (const [index, key] of some.entries()) {
      const [dumped, left] = [replies[1 + 2 * index], replies[2 + 2 * index]]
      if (dumped instanceof HayaiError) throw dumped
      if (Buffer.isBuffer(dumped)) found.push({ key, dumped, expires: typeof left === 'number' && left >= 0 ? now + left : -1 })
    }
    const bytes = found.reduce((sum, { dumped }) => sum + dumped.length, 0)
    size = Math.max(1, Math.min(AT_ONCE.keys, Math.floor((AT_ONCE.bytes * some.length) / Math.max(bytes, 1))))
    yield await exact(twin, found)
  }
}

// Version 7 tells the very millisecond; before it, the clock and what is left of the time give it but for one or two.
async function exact(twin: Session, found: readonly Dumped[]): Promise<readonly Dumped[]> {
  const expiring = found.filter(({ expires }) => expires >= 0)
  if (expiring.length === 0) return found
  const replies = await answers(
    twin,
    expiring.map(({ key }) => ['PEXPIRETIME', key]),
  )
  const known = new Map(expiring.map(({ key }, at) => [key, replies[at]]))
  return found.map((each) => {
    const moment = known.get(each.key)
    return typeof moment === 'number' && moment > 0 ? { ...each, expires: moment } : each
  })
}

function millisecondsOf(time: Answer | undefined): number {
  const [seconds, microseconds] = isList(time) ? time.map((part) => Number(asText(part))) : []
  if (seconds === undefined || microseconds === undefined) throw new HayaiError('TOOL_FAILED', 'the server does not tell the time')
  return seconds * 1000 + Math.floor(microseconds / 1000)
}

async function present(session: Session, keys: readonly Buffer[]): Promise<readonly Buffer[]> {
  const replies = await answers(
    session,
    keys.map((key) => ['EXISTS', key]),
  )
  return keys.filter((_, at) => replies[at] === 1)
}

async function stillThere(live: Session, placed: Bringing['placed']): Promise<number> {
  let count = 0
  for (const [db, keys] of placed) {
    await inDb(db, live)
    const all = [...keys.values()]
    for (let at = 0; at < all.length; at += 1000) count += (await present(live, all.slice(at, at + 1000))).length
  }
  return count
}

async function takeOut(to: Target, placed: Bringing['placed']): Promise<void> {
  await withSession(endpointOf(to), undefined, async (live) => {
    for (const [db, keys] of placed) {
      await inDb(db, live)
      for (const key of keys.values()) await answers(live, [['DEL', key]])
    }
  })
}

async function dbsOf(twin: Session, { db }: Transplant): Promise<readonly number[]> {
  if (db !== undefined) return [db]
  const { dbs } = await askCounts(twin)
  return [...dbs.keys()].toSorted((a, b) => a - b)
}

async function inDb(db: number, ...sessions: readonly Session[]): Promise<void> {
  for (const session of sessions) await session.ask('SELECT', String(db))
}

async function withBoth<T>(from: Target, to: Target, signal: AbortSignal, work: (twin: Session, live: Session) => Promise<T>): Promise<T> {
  return withSession(endpointOf(from), signal, (twin) => withSession(endpointOf(to), signal, (live) => work(twin, live)))
}
