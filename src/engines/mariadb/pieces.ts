// Single tables: out of a twin, into a live server. There every table is filled under a name that nobody knows, and counted; then
// all get their names in one statement. Foreign keys and triggers come last, for their names belong to the whole database.

import { writeReceipt } from '../../base/receipt.ts'
import type { Pieces, FoundPiece, Target, Transplant, Transplanted } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { digestOf } from './digests.ts'
import { takeBack } from './pieces-back.ts'
import { carry } from './pieces-carry.ts'
import { findAll, qualified, refuseToForget, rowsOf, shownName, type Side } from './pieces-find.ts'
import { endpointOf, withSession } from './session.ts'

export function pieces(dialect: Dialect): Pieces {
  return {
    noun: { one: 'table', many: 'tables' },
    unit: { one: 'row', many: 'rows' },
    renames: true,
    numbered: false,
    whole: true,
    find: (from, to, order, signal) => find(dialect, { from, to, order, signal }),
    transplant: (from, to, order, receipt, signal) => transplant(dialect, { from, to, order, signal }, receipt),
    takeBack: (from, to, back, signal) => takeBack(dialect, { from, to, back, signal }),
  }
}

interface Asked {
  readonly from: Target
  readonly to: Target
  readonly order: Transplant
  readonly signal: AbortSignal
}

async function find(dialect: Dialect, asked: Asked): Promise<readonly FoundPiece[]> {
  return withBoth(dialect, asked, async (twin, live) => {
    const found: FoundPiece[] = []
    const meant = await findAll(twin, live, asked.order)
    if (asked.order.replace) await refuseToForget(dialect, live, meant)
    for (const { source, goal, there } of meant) {
      found.push({
        name: shownName(source),
        as: shownName(goal),
        count: await rowsOf(twin.session, qualified(twin, source)),
        there: there ? 1 : 0,
      })
    }
    return found
  })
}

async function transplant(dialect: Dialect, asked: Asked, receipt: string): Promise<Transplanted> {
  return withBoth(dialect, asked, async (twin, live) => {
    const meant = await findAll(twin, live, asked.order)
    const digests: [string, string][] = []
    for (const { source, goal } of meant) digests.push([shownName(goal), await digestOf(twin, source)])
    await writeReceipt(receipt, Object.fromEntries(digests))
    return carry(dialect, { ...asked, twin, live }, meant)
  })
}

async function withBoth<T>(dialect: Dialect, { from, to, signal }: Asked, work: (twin: Side, live: Side) => Promise<T>): Promise<T> {
  const [ours, theirs] = [endpointOf(from), endpointOf(to)]
  return withSession(dialect, ours, { signal }, (twin) =>
    withSession(dialect, theirs, { signal }, (live) =>
      work({ session: twin, main: ours.database }, { session: live, main: theirs.database }),
    ),
  )
}
