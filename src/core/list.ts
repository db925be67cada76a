// list, connect and logs: what there is, how it is reached, and what its server says. Nothing is changed here.

import { join, resolve } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { Secret } from '../base/secret.ts'
import type { Trust } from '../engines/engine.ts'
import type { Status } from '../runtimes/runtime.ts'
import type { Connection, DatabaseView, Watch } from './answers.ts'
import { configOf, databaseOf, glance, isSecured, type Context, type Database } from './context.ts'

export async function list(context: Context, runningOnly: boolean): Promise<readonly DatabaseView[]> {
  const views = await Promise.all((await glance(context)).map((each) => viewOf(each)))
  // A file is always at hand, so "all that run" means it too: `hayai list --running | xargs -I {} hayai snapshot {}`.
  return runningOnly ? views.filter(({ status }) => status === 'running' || status === 'file') : views
}

/** Its status is asked for where it is not known. */
export async function viewOf(database: Database, known?: Status): Promise<DatabaseView> {
  const { name, entry, site } = database
  const [status, generations] = await Promise.all([known ?? site.status(), site.generations()])
  return {
    name,
    engine: entry.engine,
    runtime: entry.runtime,
    version: entry.version ?? '',
    status,
    port: entry.port,
    file: database.engine.recipe.shape === 'file' ? site.path : null,
    generation: generations.find(({ live }) => live)?.name ?? null,
  }
}

export async function connect(context: Context, name: string): Promise<Connection> {
  const found = await databaseOf(context, name)
  const { engine, entry, placement, site } = found
  const { user, password, database } = placement.settings
  if (engine.recipe.shape === 'file') {
    const none = { host: null, port: null, user: null, password: null, database: null, tls: null }
    return { name, engine: entry.engine, ...none, file: site.path, uri: new Secret(engine.uri(undefined, site.path)) }
  }
  const tls = await trustNow(context, found)
  const endpoint = { host: '127.0.0.1', port: entry.port ?? 0, user, password, database }
  const uri = new Secret(engine.uri({ ...endpoint, tls }, site.path))
  return { name, engine: entry.engine, ...endpoint, tls: tls === undefined ? null : { authority: tls.file }, file: null, uri }
}

/** As the server that runs has it; of one that does not run, as the next start will. The file is the project's own, which stays. */
async function trustNow(context: Context, { site, engine, placement, entry }: Database): Promise<Trust | undefined> {
  if (!isSecured(engine, entry)) return undefined
  const proof = await site.proof()
  const declared = placement.certificates !== undefined
  const secured = (await site.status()) === 'running' ? proof !== undefined : declared
  if (!secured) return undefined
  const security = (await configOf(context))?.security
  const file = declared ? join(resolve(context.root, security?.ssl_cert_path ?? './ssl'), 'ca.crt') : (proof?.file ?? '')
  return { authority: proof?.authority ?? '', file }
}

/** The last lines of the server's log; with `follow` also what comes, until the signal. */
export async function logs(context: Context, name: string, options: { follow: boolean; lines: number }, watch: Watch = {}): Promise<Bytes> {
  const database = await databaseOf(context, name)
  return database.site.logs(options, watch.signal)
}
