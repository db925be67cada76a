// In the child: tables that came out of a snapshot go again, and those that they replaced come back, in one transaction.

import { tablesChanged } from '../../base/receipt.ts'
import type { Transplanted } from '../engine.ts'
import { called, nameOf, tablesOf, type Table } from './census.ts'
import { quotedText, type Database } from './connection.ts'
import { readTables, type Text } from './moving.ts'
import { digestOfRows } from './outline.ts'
import type { Requests } from './protocol.ts'
import { withLive, withOrWithoutKeys, withTwin } from './transplant.ts'

interface Former {
  readonly texts: readonly Text[]
  readonly digests: Readonly<Record<string, string>>
}

const NOTHING: Former = { texts: [], digests: {} }

export async function takeBack(back: Requests['takeBack'], permitted: () => void): Promise<Pick<Transplanted, 'notes'>> {
  const { from, added, replaced } = back
  const former = from === null ? NOTHING : await withTwin({ from, spill: back.spill }, (twin) => formerOf(twin, replaced))
  return withLive(back, async (to) => {
    if (from !== null) await to.run(`ATTACH ${quotedText(from)} AS hayai_from (READ_ONLY)`)
    const { notes } = await withOrWithoutKeys(to, former.texts, {
      permitted,
      room: async () => {
        const there = await named(to, [...added, ...replaced])
        if (!back.anyway) await refuseChanged(to, there, [back.digests, former.digests])
        for (const table of there) await to.run(`DROP TABLE ${nameOf(table)}`)
      },
    })
    return { notes }
  })
}

async function formerOf(twin: Database, replaced: readonly string[]): Promise<Former> {
  const tables = await named(twin, replaced)
  const texts = await readTables(
    twin,
    tables.map((table) => ({ source: table, goal: table })),
  )
  const digests: [string, string][] = []
  for (const table of tables) digests.push([called(table), await digestOfRows(twin, table)])
  return { texts, digests: Object.fromEntries(digests) }
}

async function refuseChanged(to: Database, tables: readonly Table[], known: readonly Former['digests'][]): Promise<void> {
  const changed: string[] = []
  for (const table of tables) {
    const name = called(table)
    const now = await digestOfRows(to, table)
    if (known.every((digests) => digests[name] !== now)) changed.push(name)
  }
  if (changed.length > 0) throw tablesChanged(changed)
}

async function named(db: Database, names: readonly string[]): Promise<readonly Table[]> {
  return (await tablesOf(db)).filter((table) => names.includes(called(table)))
}
