// What a running server holds, counted by itself: in each database in one transaction.

import type { Endpoint, Facts, Outline, Outlined, Survey, Target } from '../engine.ts'
import { asCopied, countContents, countRoles, databaseCensus, isTouched, joined, listDatabases, outline, readServer } from './catalog.ts'
import { readDigests } from './digests.ts'
import { joinedOutlines, readOutline } from './outline.ts'
import { endpointOf, withSession, type Session } from './session.ts'
import { shown } from './sql.ts'

export async function inspect(target: Target): Promise<Facts> {
  return inTransactions(endpointOf(target), undefined, (session, prefix) => counted(session, prefix))
}

export async function survey(target: Target, depth: 'outline' | 'rows', signal: AbortSignal): Promise<Survey> {
  const outlines: Outline[] = []
  const digests: (readonly [string, string])[] = []
  const facts = await inTransactions(endpointOf(target), signal, async (session, prefix) => {
    const found = await counted(session, prefix)
    outlines.push(await readOutline(session, prefix))
    if (depth === 'rows') digests.push(...(await readDigests(session, prefix, found.catalogued)))
    return found
  })
  return { ...facts, outline: joinedOutlines(outlines), digests: depth === 'rows' ? Object.fromEntries(digests) : null }
}

/** What a physical copy of it would hold. Others use the server: no lock is waited for long. */
export async function surveyForCopy(endpoint: Endpoint, signal: AbortSignal): Promise<Outlined> {
  const outlines: Outline[] = []
  const facts = await inTransactions(endpoint, signal, async (session, prefix) => {
    await session.query(`SET LOCAL lock_timeout = '5s'`)
    const found = await counted(session, prefix, asCopied)
    outlines.push(await readOutline(session, prefix))
    return found
  })
  return { ...facts, outline: joinedOutlines(outlines) }
}

type Counted = Awaited<ReturnType<typeof counted>>

async function inTransactions(
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
  work: (session: Session, prefix: string) => Promise<Counted>,
): Promise<Facts> {
  return withSession(endpoint, signal === undefined ? {} : { signal }, async (main) => {
    const { version } = await readServer(main)
    const found: Counted[] = []
    await eachDatabase(endpoint, main, signal, async (session, prefix) => {
      await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      found.push(await work(session, prefix))
      await session.query('COMMIT')
    })
    const census = joined(
      found.map((each) => each.census),
      await countRoles(main),
    )
    return { product: 'PostgreSQL', version, census, notes: [], tools: {} }
  })
}

/** Every database that a snapshot would hold, the main one first: each with a session of its own, and the prefix of its names. */
export async function eachDatabase(
  endpoint: Endpoint,
  main: Session,
  signal: AbortSignal | undefined,
  work: (session: Session, prefix: string) => Promise<void>,
): Promise<void> {
  await work(main, '')
  for (const { name: database, template, connectable } of await listDatabases(main)) {
    if (database === endpoint.database || template || !connectable) continue
    await withSession(endpoint, { database, ...(signal === undefined ? {} : { signal }) }, async (session) => {
      if (database !== 'postgres' || (await isTouched(session))) await work(session, `${shown(database)}/`)
    })
  }
}

async function counted(session: Session, prefix: string, adjusted: typeof asCopied = (_, contents) => contents) {
  const catalogued = await outline(session)
  return { catalogued, census: databaseCensus(prefix, catalogued, adjusted(catalogued, await countContents(session, catalogued))) }
}
