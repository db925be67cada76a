// A trial is a place of its own, under `.hayai/trials`, in which a snapshot is restored only to see whether it can be. Its lock
// says that somebody is at work there; a trial whose lock can be had was left by a killed command.

import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isCode, systemCode } from '../base/errors.ts'
import { withLock } from '../base/locks.ts'
import { generatePassword } from '../base/secret.ts'
import type { Engine } from '../engines/engine.ts'
import { readCatalog } from '../project/catalog.ts'
import type { Site } from '../runtimes/runtime.ts'
import { runtimeFor, type Context } from './context.ts'

interface Wanted {
  readonly engine: Engine
  /** The database whose runtime and version the trial takes, where it exists. */
  readonly like: string
  /** The version that it must have, whatever that database has. */
  readonly version: string | undefined
}

/** Does the work on a site of its own, of which nothing is left afterwards. */
export async function inTrial<T>(context: Context, { engine, like, version }: Wanted, work: (site: Site) => Promise<T>): Promise<T> {
  const id = `${engine.name}.${randomUUID()}`
  const record = (await readCatalog(context.root)).databases[like]
  const model = record?.engine === engine.name ? record : undefined
  const site = siteOf(context, id, engine, model?.runtime, version ?? model?.version ?? undefined)
  const result = await withLock(lockOf(context, id), { purpose: 'verifying' }, async () => {
    try {
      return await work(site)
    } finally {
      await rm(folderOf(context, id), { recursive: true, force: true })
    }
  })
  await rm(lockOf(context, id), { force: true })
  return result
}

/** Stops and deletes what killed commands left of their trials. */
export async function sweepTrials(context: Context): Promise<void> {
  for (const id of await trialsOf(context)) {
    const engine = context.parts.engines[id.slice(0, id.indexOf('.'))]
    if (engine === undefined) continue // of an engine that this Hayai does not know: not its to end
    try {
      await withLock(lockOf(context, id), { purpose: 'clearing up', patience: 0 }, async () => {
        await siteOf(context, id, engine, undefined, undefined).recover()
        await rm(folderOf(context, id), { recursive: true, force: true })
      })
      await rm(lockOf(context, id), { force: true })
    } catch (error) {
      if (!isCode(error, 'LOCKED')) throw error // somebody is at work there
    }
  }
}

function siteOf(context: Context, id: string, engine: Engine, runtime: string | undefined, version: string | undefined): Site {
  const folder = folderOf(context, id)
  const placement = {
    id,
    name: 'trial',
    version,
    port: 0,
    file: undefined,
    settings: engine.settings({}, generatePassword()),
    dataDir: join(folder, 'data'),
    runDir: join(folder, 'run'),
    logFile: join(folder, 'log'),
  }
  return runtimeFor(context, engine, runtime).runtime.site(placement, engine)
}

async function trialsOf(context: Context): Promise<readonly string[]> {
  try {
    return (await readdir(join(context.paths.own, 'trials'))).filter((name) => /^[a-z0-9_-]+\.[0-9a-f-]{36}$/.test(name))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

function folderOf(context: Context, id: string): string {
  return join(context.paths.own, 'trials', id)
}

function lockOf(context: Context, id: string): string {
  return join(context.paths.own, 'trials', `${id}.lock`)
}
