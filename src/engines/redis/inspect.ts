// What a running server holds, by its own count.

import type { Facts, Target } from '../engine.ts'
import { askCounts, census } from './census.ts'
import type { Dialect } from './dialect.ts'
import { endpointOf, information, withSession, type Session } from './session.ts'

export async function inspect(dialect: Dialect, target: Target): Promise<Facts> {
  return withSession(endpointOf(target), undefined, async (session) => ({
    product: dialect.title,
    version: await readVersion(dialect, session),
    census: census(await askCounts(session)),
    notes: [],
    tools: {},
  }))
}

export async function readVersion({ name }: Dialect, session: Session): Promise<string> {
  const version = (await information(session, 'server'))[`${name}_version`]
  if (version === undefined) throw new Error('the server does not tell its version')
  return version
}
