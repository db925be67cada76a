// What a running server holds, counted by itself, in one transaction.

import type { Facts, Survey, Target } from '../engine.ts'
import { censusOf, countContents, readOutline as readCatalogued, readServer, type Outline as Catalogued, type Server } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { readDigests } from './digests.ts'
import { readOutline } from './outline.ts'
import { endpointOf, withSession, type Session } from './session.ts'

export async function inspect(dialect: Dialect, target: Target): Promise<Facts> {
  const { facts } = await held(dialect, target, undefined, () => Promise.resolve())
  return facts
}

export async function survey(dialect: Dialect, target: Target, depth: 'outline' | 'rows', signal: AbortSignal): Promise<Survey> {
  const { facts, more } = await held(dialect, target, signal, async (session, server, catalogued) => ({
    outline: await readOutline(session, server, catalogued),
    digests: depth === 'rows' ? await readDigests(session, catalogued) : null,
  }))
  return { ...facts, ...more }
}

async function held<T>(
  dialect: Dialect,
  target: Target,
  signal: AbortSignal | undefined,
  work: (session: Session, server: Server, catalogued: Catalogued) => Promise<T>,
): Promise<{ readonly facts: Facts; readonly more: T }> {
  const endpoint = endpointOf(target)
  return withSession(dialect, endpoint, signal === undefined ? {} : { signal }, async (session) => {
    const server = await readServer(session, dialect)
    const catalogued = await readCatalogued(session, server, endpoint.database)
    await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
    const contents = await countContents(session, catalogued)
    const more = await work(session, server, catalogued)
    await session.query('COMMIT')
    const census = censusOf(catalogued, contents)
    return { facts: { product: dialect.product, version: server.version, census, notes: [], tools: {} }, more }
  })
}
