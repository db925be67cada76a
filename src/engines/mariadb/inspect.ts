// What a running server holds, counted by itself, in one transaction.

import type { Facts, Target } from '../engine.ts'
import { censusOf, countContents, readOutline, readServer } from './catalog.ts'
import type { Dialect } from './dialect.ts'
import { endpointOf, withSession } from './session.ts'

export async function inspect(dialect: Dialect, target: Target): Promise<Facts> {
  const endpoint = endpointOf(target)
  return withSession(dialect, endpoint, {}, async (session) => {
    const server = await readServer(session, dialect)
    const outline = await readOutline(session, server, endpoint.database)
    await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
    const contents = await countContents(session, outline)
    await session.query('COMMIT')
    return { product: dialect.product, version: server.version, census: censusOf(outline, contents), notes: [], tools: {} }
  })
}
