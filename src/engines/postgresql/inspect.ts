// What a running server holds, counted by itself: in each database in one transaction.

import type { Census, Facts, Target } from '../engine.ts'
import { countContents, countRoles, databaseCensus, isTouched, joined, listDatabases, outline, readServer } from './catalog.ts'
import { endpointOf, withSession, type Session } from './session.ts'
import { shown } from './sql.ts'

export async function inspect(target: Target): Promise<Facts> {
  const endpoint = endpointOf(target)
  return withSession(endpoint, {}, async (main) => {
    const { version } = await readServer(main)
    const censuses = [await censusOf(main, '')]
    for (const { name: database, template, connectable } of await listDatabases(main)) {
      if (database === endpoint.database || template || !connectable) continue
      await withSession(endpoint, { database }, async (session) => {
        if (database !== 'postgres' || (await isTouched(session))) censuses.push(await censusOf(session, `${shown(database)}/`))
      })
    }
    return { product: 'PostgreSQL', version, census: joined(censuses, await countRoles(main)), notes: [], tools: {} }
  })
}

async function censusOf(session: Session, prefix: string): Promise<Census> {
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const found = await outline(session)
  const census = databaseCensus(prefix, found, await countContents(session, found))
  await session.query('COMMIT')
  return census
}
