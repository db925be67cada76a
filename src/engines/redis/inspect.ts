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

/** All of them, for the server does not tell which are as it comes; without its passwords. */
export async function settingsInForce(session: Session): Promise<Readonly<Record<string, string>>> {
  const reply = await session.askIfKnown('CONFIG', 'GET', '*')
  const words = Array.isArray(reply) ? reply.map(String) : []
  const pairs = words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ''] as const] : []))
  return Object.fromEntries(pairs.filter(([name]) => !/pass|auth|user/.test(name)).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

export async function readVersion({ name }: Dialect, session: Session): Promise<string> {
  const version = (await information(session, 'server'))[`${name}_version`]
  if (version === undefined) throw new Error('the server does not tell its version')
  return version
}
