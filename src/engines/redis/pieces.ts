// Single keys: out of a twin, into a live server, as DUMP and RESTORE carry them, with the very moment at which they expire.
//
// A server has no transaction that could be taken back: so all that could stand in the way is looked at before the first key goes,
// and where clients make keys of the same names meanwhile, those that were put in are taken out again.

import { HayaiError } from '../../base/errors.ts'
import type { Pieces, FoundPiece, Target, Transplant, Transplanted } from '../engine.ts'
import { askCounts } from './census.ts'
import { digestsOf } from './content.ts'
import { answers, matching } from './keys.ts'
import { takeBack } from './pieces-back.ts'
import { dumps, inDb, present, restoring, type Dumped } from './pieces-dumps.ts'
import { batchesIn, makeReceipt, type Receipt } from './pieces-receipt.ts'
import { endpointOf, withSession, type Session } from './session.ts'

export const pieces: Pieces = {
  noun: { one: 'key', many: 'keys' },
  unit: { one: 'key', many: 'keys' },
  renames: false,
  numbered: true,
  whole: false,
  find,
  transplant,
  takeBack,
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

async function transplant(from: Target, to: Target, order: Transplant, receipt: string, signal: AbortSignal): Promise<Transplanted> {
  return withBoth(from, to, signal, async (twin, live) => {
    const dbs = await dbsOf(twin, order)
    const counts: number[] = []
    for (const { name } of order.wanted) counts.push(await countOf(twin, dbs, name)) // before anything leaves the twin
    const refusals = new Set<string>()
    let placed = 0
    try {
      const book = await makeReceipt(receipt)
      try {
        const bringing = { dbs, replace: order.replace, book, refusals }
        for (const { name } of order.wanted) placed += await bring(twin, live, name, bringing)
      } finally {
        await book.close()
      }
    } catch (error) {
      // What was replaced is gone, and is in the snapshot that was taken before; what was only put in is taken out.
      if (!order.replace) await takeOut(to, receipt, refusals)
      throw error
    }
    const lost = placed - (await stillThere(live, receipt))
    return { counts, notes: lost === 0 ? [] : [`${lost} of the keys have expired since, or were deleted by clients.`] }
  })
}

async function countOf(twin: Session, dbs: readonly number[], pattern: string): Promise<number> {
  let count = 0
  for (const db of dbs) {
    await inDb(db, twin)
    for await (const keys of matching(twin, pattern)) count += keys.length
  }
  return count
}

interface Bringing {
  readonly dbs: readonly number[]
  readonly replace: boolean
  readonly book: Receipt
  /** Keys of the last batch that were not put in: a client was quicker. */
  readonly refusals: Set<string>
}

/** A key that is on its way is gone from the twin: a scan may tell of it twice, and another pattern may mean it too. */
async function bring(twin: Session, live: Session, pattern: string, { dbs, replace, book, refusals }: Bringing): Promise<number> {
  let count = 0
  for (const db of dbs) {
    await inDb(db, twin, live)
    for await (const keys of matching(twin, pattern)) {
      for await (const some of dumps(twin, keys)) {
        const names = some.map(({ key }) => key)
        const digests = await digestsOf(twin, names)
        await book.add(some.map(({ key }, at) => ({ db, key, digest: digests[at] ?? '' })))
        await putIn(live, some, { db, replace, refusals })
        count += some.length
        if (names.length > 0) await answers(twin, [['UNLINK', ...names]])
      }
    }
  }
  return count
}

type Placing = Pick<Bringing, 'replace' | 'refusals'> & { readonly db: number }

async function putIn(live: Session, some: readonly Dumped[], { db, replace, refusals }: Placing): Promise<void> {
  const replies = await answers(
    live,
    some.map((each) => restoring(each, replace)),
  )
  const bad = some.flatMap(({ key }, at) => {
    const reply = replies[at]
    return reply instanceof HayaiError ? [{ key, reply }] : []
  })
  for (const { key } of bad) refusals.add(`${db} ${key.toString('base64')}`)
  const [first] = bad
  if (first !== undefined) throw refused(first.reply, first.key)
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

async function stillThere(live: Session, receipt: string): Promise<number> {
  let count = 0
  for await (const batch of batchesIn(receipt)) {
    await inDb(batch[0]?.db ?? 0, live)
    const keys = batch.map(({ key }) => key)
    count += (await present(live, keys)).length
  }
  return count
}

async function takeOut(to: Target, receipt: string, refusals: ReadonlySet<string>): Promise<void> {
  await withSession(endpointOf(to), undefined, async (live) => {
    for await (const batch of batchesIn(receipt)) {
      await inDb(batch[0]?.db ?? 0, live)
      const ours = batch.filter(({ db, key }) => !refusals.has(`${db} ${key.toString('base64')}`))
      if (ours.length > 0) await answers(live, [['UNLINK', ...ours.map(({ key }) => key)]])
    }
  })
}

async function dbsOf(twin: Session, { db }: Transplant): Promise<readonly number[]> {
  if (db !== undefined) return [db]
  const { dbs } = await askCounts(twin)
  return [...dbs.keys()].toSorted((a, b) => a - b)
}

async function withBoth<T>(from: Target, to: Target, signal: AbortSignal, work: (twin: Session, live: Session) => Promise<T>): Promise<T> {
  return withSession(endpointOf(from), signal, (twin) => withSession(endpointOf(to), signal, (live) => work(twin, live)))
}
