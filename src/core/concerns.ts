// What is amiss with the servers that run, besides the copies of their data: asked of each, and of its certificate.

import { HayaiError } from '../base/errors.ts'
import type { Finding } from '../snapshots/health.ts'
import { ageText } from '../snapshots/health.ts'
import { configOf, glance, isSecured, type Context, type Database } from './context.ts'

const PATIENCE = 10_000
const MONTH = 30 * 86_400_000

export interface ServerState {
  readonly findings: readonly Finding[]
  /** How long its certificate holds. */
  readonly until: Date | undefined
}

export async function serversOf(context: Context, now: Date): Promise<ReadonlyMap<string, ServerState>> {
  const encrypted = (await configOf(context))?.security?.enable_ssl === true
  const servers = (await glance(context)).filter(({ engine }) => engine.recipe.shape === 'server')
  return new Map(await Promise.all(servers.map(async (server) => [server.name, await stateOf(server, encrypted, now)] as const)))
}

async function stateOf(database: Database, encrypted: boolean, now: Date): Promise<ServerState> {
  const { name, site, engine, entry } = database
  if ((await site.status()) !== 'running') return { findings: [], until: undefined }
  const until = (await site.proof())?.until
  const should = encrypted && isSecured(engine, entry)
  const findings = [...certificateFindings(name, until, should, now), ...(await concernsIn(database))]
  return { findings, until }
}

/** A server renews its certificate when it is started. */
function certificateFindings(database: string, until: Date | undefined, should: boolean, now: Date): readonly Finding[] {
  const hint = `hayai stop ${database} && hayai start ${database}`
  if (until === undefined) {
    const message = `"${database}" takes plain connections, though \`enable_ssl\` is set: it was started before that.`
    return should ? [{ kind: 'certificate', database, message, hint }] : []
  }
  if (until.getTime() - now.getTime() > MONTH) return []
  const when = until > now ? `in ${ageText(now, until)}` : `${ageText(until, now)} ago`
  const message = `The certificate of "${database}" ends ${when}, on ${until.toISOString()}. Its next start renews one that Hayai made.`
  return [{ kind: 'certificate', database, message, hint }]
}

/** One that does not answer in time, or has ended meanwhile, says nothing. */
async function concernsIn({ name, site, engine }: Database): Promise<readonly Finding[]> {
  try {
    const target = await site.open()
    try {
      const concerns = await engine.concerns(target, AbortSignal.timeout(PATIENCE))
      return concerns.map(({ kind, says, hint }) => ({ kind, database: name, message: `"${name}" ${says}.`, hint }))
    } finally {
      await target.close()
    }
  } catch (error) {
    if (error instanceof HayaiError || (error instanceof Error && error.name === 'TimeoutError')) return []
    throw error
  }
}
