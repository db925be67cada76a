// What a running server holds, counted by itself: in each database in one transaction.

import type { Facts, Outline, Survey, Target } from '../engine.ts'
import { countContents, countRoles, databaseCensus, isTouched, joined, listDatabases, outline, readServer } from './catalog.ts'
import { readDigests } from './digests.ts'
import { joinedOutlines, readOutline } from './outline.ts'
import { endpointOf, withSession, type Session } from './session.ts'
import { shown } from './sql.ts'

export async function inspect(target: Target): Promise<Facts> {
  const { facts } = await inEach(target, undefined, (session, prefix) => counted(session, prefix))
  return facts
}

export async function survey(target: Target, depth: 'outline' | 'rows', signal: AbortSignal): Promise<Survey> {
  const outlines: Outline[] = []
  const digests: (readonly [string, string])[] = []
  const { facts } = await inEach(target, signal, async (session, prefix) => {
    const found = await counted(session, prefix)
    outlines.push(await readOutline(session, prefix))
    if (depth === 'rows') digests.push(...(await readDigests(session, prefix, found.catalogued)))
    return found
  })
  return { ...facts, outline: joinedOutlines(outlines), digests: depth === 'rows' ? Object.fromEntries(digests) : null }
}

type Counted = Awaited<ReturnType<typeof counted>>

/** Does the work in a transaction of each database that a snapshot would hold: the main one first. */
async function inEach(
  target: Target,
  signal: AbortSignal | undefined,
  work: (session: Session, prefix: string) => Promise<Counted>,
): Promise<{ readonly facts: Facts }> {
  const endpoint = endpointOf(target)
  const patient = signal === undefined ? {} : { signal }
  return withSession(endpoint, patient, async (main) => {
    const { version } = await readServer(main)
    const found = [await inTransaction(main, () => work(main, ''))]
    for (const { name: database, template, connectable } of await listDatabases(main)) {
      if (database === endpoint.database || template || !connectable) continue
      await withSession(endpoint, { ...patient, database }, async (session) => {
        if (database === 'postgres' && !(await isTouched(session))) return
        found.push(await inTransaction(session, () => work(session, `${shown(database)}/`)))
      })
    }
    const census = joined(
      found.map((each) => each.census),
      await countRoles(main),
    )
    return { facts: { product: 'PostgreSQL', version, census, notes: [], tools: {} } }
  })
}

async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const result = await work()
  await session.query('COMMIT')
  return result
}

async function counted(session: Session, prefix: string) {
  const catalogued = await outline(session)
  return { catalogued, census: databaseCensus(prefix, catalogued, await countContents(session, catalogued)) }
}
