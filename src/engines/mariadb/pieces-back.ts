// Single tables that came out of a snapshot go again, and those that they replaced come back. From the moment at which the rows of
// those that go are looked at for the last time nobody can write to them.

import { readReceipt, tablesChanged, type Digests } from '../../base/receipt.ts'
import type { TakingBack, Target, Transplanted } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { digesting, digestOf } from './digests.ts'
import { carry } from './pieces-carry.ts'
import { findAll, isTable, qualified, shownName, tablesOf, type Named, type Side } from './pieces-find.ts'
import { endpointOf, withSession } from './session.ts'

type Told = Pick<Transplanted, 'notes'>

interface Asked {
  readonly from: Target | null
  readonly to: Target
  readonly back: TakingBack
  readonly signal: AbortSignal
}

export async function takeBack(dialect: Dialect, { from, to, back, signal }: Asked): Promise<Told> {
  const receipt = await readReceipt(back.receipt)
  if (receipt === undefined) return { notes: [] }
  return withSide(dialect, to, signal, async (live) => {
    if (from === null) {
      await (
        await roomFor(live, back, [receipt])
      )()
      return { notes: [] }
    }
    return withSide(dialect, from, signal, async (twin) => {
      const wanted = back.replaced.map((name) => ({ name, as: undefined }))
      const meant = await findAll(twin, live, { wanted, replace: true, db: undefined })
      const former: [string, string][] = []
      for (const { source } of meant) former.push([shownName(source), await digestOf(twin, source)])
      const room = await roomFor(live, back, [receipt, Object.fromEntries(former)])
      const { notes } = await carry(dialect, { from, to, signal, twin, live }, meant, room)
      return { notes }
    })
  })
}

function withSide<T>(dialect: Dialect, target: Target, signal: AbortSignal, work: (side: Side) => Promise<T>): Promise<T> {
  const endpoint = endpointOf(target)
  return withSession(dialect, endpoint, { signal }, (session) => work({ session, main: endpoint.database }))
}

interface Leaving {
  readonly table: Named
  readonly digest: () => Promise<string>
  readonly former: string
}

/** Throws when rows were written since; what it gives takes the tables away, and throws likewise. */
async function roomFor(live: Side, { added, replaced, anyway }: TakingBack, known: readonly Digests[]): Promise<() => Promise<void>> {
  const { session } = live
  const names = [...added, ...replaced]
  const tables = (await tablesOf(live)).filter((table) => isTable(table) && names.includes(shownName(table)))
  const leaving: Leaving[] = []
  for (const table of tables) {
    const digest = await digesting(live, table)
    leaving.push({ table, digest, former: await digest() })
  }
  const changed = leaving.filter(({ table, former }) => known.every((digests) => digests[shownName(table)] !== former))
  if (changed.length > 0 && !anyway) throw tablesChanged(changed.map(({ table }) => shownName(table)))
  return async () => {
    if (leaving.length === 0) return
    await session.query(`LOCK TABLES ${leaving.map(({ table }) => `${qualified(live, table)} WRITE`).join(', ')}`)
    try {
      for (const { table, digest, former } of leaving) if (!anyway && (await digest()) !== former) throw tablesChanged([shownName(table)])
      await session.query(`DROP TABLE ${leaving.map(({ table }) => qualified(live, table)).join(', ')}`)
    } finally {
      await session.query('UNLOCK TABLES')
    }
  }
}
