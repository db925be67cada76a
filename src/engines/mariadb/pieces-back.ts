// Single tables that came out of a snapshot go again, and those that they replaced come back. From the moment at which the rows of
// those that go are looked at for the last time nobody can write to them.

import { readReceipt, tablesChanged, type Digests } from '../../base/receipt.ts'
import type { TakingBack, Target, Transplanted } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { digesting, digestOf } from './digests.ts'
import { carry, takeAway, type Leaving } from './pieces-carry.ts'
import { findAll, isTable, shownName, tablesOf, type Side } from './pieces-find.ts'
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
      await takeAway(dialect, live, await leavingOf(live, back, [receipt]))
      return { notes: [] }
    }
    return withSide(dialect, from, signal, async (twin) => {
      const wanted = back.replaced.map((name) => ({ name, as: undefined }))
      const meant = await findAll(twin, live, { wanted, replace: true, db: undefined })
      const former: [string, string][] = []
      for (const { source } of meant) former.push([shownName(source), await digestOf(twin, source)])
      const leaving = await leavingOf(live, back, [receipt, Object.fromEntries(former)])
      const { notes } = await carry(dialect, { from, to, signal, twin, live }, meant, leaving)
      return { notes }
    })
  })
}

function withSide<T>(dialect: Dialect, target: Target, signal: AbortSignal, work: (side: Side) => Promise<T>): Promise<T> {
  const endpoint = endpointOf(target)
  return withSession(dialect, endpoint, { signal }, (session) => work({ session, main: endpoint.database }))
}

/** Throws when rows were written since; looking at them for the last time throws likewise. */
async function leavingOf(live: Side, { added, replaced, anyway }: TakingBack, known: readonly Digests[]): Promise<Leaving> {
  const names = [...added, ...replaced]
  const tables = (await tablesOf(live)).filter((table) => isTable(table) && names.includes(shownName(table)))
  const seen: { readonly name: string; readonly digest: () => Promise<string>; readonly former: string }[] = []
  for (const table of tables) {
    const digest = await digesting(live, table)
    seen.push({ name: shownName(table), digest, former: await digest() })
  }
  const changed = seen.filter(({ name, former }) => known.every((digests) => digests[name] !== former))
  if (changed.length > 0 && !anyway) throw tablesChanged(changed.map(({ name }) => name))
  return {
    tables,
    async look() {
      for (const { name, digest, former } of seen) if (!anyway && (await digest()) !== former) throw tablesChanged([name])
    },
  }
}
