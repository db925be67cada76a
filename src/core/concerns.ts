// What databases that run have to complain of, asked of each; one that does not answer in time is no matter of this.

import { HayaiError } from '../base/errors.ts'
import type { Finding } from '../snapshots/health.ts'
import { glance, type Context, type Database } from './context.ts'

const PATIENCE = 10_000

export async function concernsOf(context: Context): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const servers = (await glance(context)).filter(({ engine }) => engine.recipe.shape === 'server')
  const found = await Promise.all(servers.map(async (database) => [database.name, await concernsIn(database)] as const))
  return new Map(found)
}

async function concernsIn({ name, site, engine }: Database): Promise<readonly Finding[]> {
  if ((await site.status()) !== 'running') return []
  try {
    const target = await site.open()
    try {
      const concerns = await engine.concerns(target, AbortSignal.timeout(PATIENCE))
      return concerns.map(({ kind, says, hint }) => ({ kind, database: name, message: `"${name}" ${says}.`, hint }))
    } finally {
      await target.close()
    }
  } catch (error) {
    if (error instanceof HayaiError || (error instanceof Error && error.name === 'TimeoutError')) return [] // it ended meanwhile, or is busy
    throw error
  }
}
