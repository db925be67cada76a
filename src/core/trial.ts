// A trial is a place of its own, under `.hayai/trials`, in which a snapshot is restored only to see whether it can be. Its lock
// says that somebody is at work there; a trial whose lock can be had was left by a killed command.

import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isCode, systemCode } from '../base/errors.ts'
import { withLock } from '../base/locks.ts'
import { generatePassword, type Secret } from '../base/secret.ts'
import type { Engine } from '../engines/engine.ts'
import { readCatalog } from '../project/catalog.ts'
import { readSecret } from '../project/secrets.ts'
import type { ImageRecord, Site } from '../runtimes/runtime.ts'
import { assemble, configOf, declaredIn, meant, runtimeFor, type Context, type Declared } from './context.ts'
import { knowing } from './probe.ts'
import { majorOf, versionFor, type Needed } from './versions.ts'

interface Wanted {
  readonly engine: Engine
  /** The database whose runtime and version the trial takes, where it exists. */
  readonly like: string
  /** What it must have, whatever that database has. */
  readonly version: Needed | undefined
  /** What made its data, where that is known. */
  readonly image: ImageRecord | undefined
}

/** Does the work on a site of its own, of which nothing is left afterwards. */
export async function inTrial<T>(context: Context, { engine, like, version, image }: Wanted, work: (site: Site) => Promise<T>): Promise<T> {
  const record = (await readCatalog(context.root)).databases[like]
  const model = record?.engine === engine.name ? record : undefined
  const { name: runtime, runtime: host } = runtimeFor(context, engine, model?.runtime)
  const id = `${engine.name}.${runtime}.${randomUUID()}`
  const declared = knowing(declaredIn(model === undefined ? undefined : await configOf(context), like), image)
  const said = { version: model?.version ?? undefined, image: declared.container.image }
  // What comes out of the trial may have to go into that database: no newer server than it has, where that can be helped.
  const other = (): Promise<string | null> => (model === undefined ? Promise.resolve(null) : assemble(context, like, model).then(majorOf))
  const wanted = {
    engine,
    runtime,
    version: await versionFor({ engine, runtime: host, said, needed: version, other, had: { known: image } }),
    declared,
  }
  const site = siteOf(context, id, { ...wanted, ...(await loginOf(context, engine, like, declared)) })
  try {
    return await withLock(lockOf(context, id), { purpose: 'verifying' }, async () => {
      try {
        return await work(site)
      } finally {
        await rm(folderOf(context, id), { recursive: true, force: true })
      }
    })
  } finally {
    await rm(lockOf(context, id), { force: true })
  }
}

/** Stops and deletes what killed commands left of their trials. */
export async function sweepTrials(context: Context): Promise<void> {
  for (const id of await trialsOf(context)) {
    const [named = '', runtime = ''] = id.split('.')
    const engine = context.parts.engines[named]
    if (engine === undefined || context.parts.runtimes[runtime] === undefined) continue // this Hayai does not know them: not its to end
    try {
      await withLock(lockOf(context, id), { purpose: 'clearing up', patience: 0 }, async () => {
        await siteOf(context, id, { engine, runtime, version: undefined, declared: declaredIn(undefined, '') }).recover()
        await rm(folderOf(context, id), { recursive: true, force: true })
      })
      await rm(lockOf(context, id), { force: true })
    } catch (error) {
      // Somebody is at work there; or what it ran in cannot be reached now, and is no concern of a command that may not need it.
      if (!isCode(error, 'LOCKED') && !isCode(error, 'ENVIRONMENT')) throw error
    }
  }
}

interface Login {
  readonly environment: Readonly<Record<string, string>>
  readonly password: Secret
}

/** What its image is told; and what was told when the model was made, for that may be in the data. */
async function loginOf(context: Context, engine: Engine, like: string, { environment }: Declared): Promise<Login> {
  const { recipe } = engine
  if (recipe.shape === 'file' || recipe.container.environmentAsDeclared !== true) return { environment: {}, password: generatePassword() }
  const made = await readSecret(context.root, like)
  return {
    environment: await meant(context, like, { engine, environment, made: made !== undefined }),
    password: made?.password ?? generatePassword(),
  }
}

interface Trial extends Partial<Login> {
  readonly engine: Engine
  readonly runtime: string
  readonly version: string | undefined
  readonly declared: Declared
}

function siteOf(context: Context, id: string, { engine, runtime, version, declared, environment = {}, password }: Trial): Site {
  const folder = folderOf(context, id)
  const placement = {
    id,
    name: `trial-${id.slice(-8)}`, // its own, for what it has in Docker
    version,
    port: 0,
    file: undefined,
    settings: engine.settings(environment, password ?? generatePassword()),
    dataDir: join(folder, 'data'),
    runDir: join(folder, 'run'),
    logFile: join(folder, 'log'),
    project: { root: context.root, name: declared.project, folder: context.paths.compose },
    container: {
      image: declared.container.image,
      known: declared.container.known,
      data: declared.container.data,
      listens: declared.container.listens,
      volumes: [],
      memory: undefined,
      restart: undefined,
      healthcheck: undefined,
      environment,
    },
  }
  return runtimeFor(context, engine, runtime).runtime.site(placement, engine)
}

async function trialsOf(context: Context): Promise<readonly string[]> {
  try {
    const names = (await readdir(join(context.paths.own, 'trials'))).map((name) => basename(name, '.lock'))
    return [...new Set(names)].filter((name) => /^[a-z0-9_-]+\.[a-z]+\.[0-9a-f-]{36}$/.test(name))
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
