// start and stop.

import type { Status } from '../runtimes/runtime.ts'
import type { DatabaseView, Power } from './answers.ts'
import { audit } from './audit.ts'
import { databaseOf, databasesOf, refuseUncreated, withDatabase, type Context, type Database } from './context.ts'
import { viewOf } from './list.ts'
import { atDeclaredPort } from './moving-port.ts'
import { sweepTrials } from './trial.ts'
import { watching } from './watching.ts'

/** Returns when every one of them answers a query. */
export async function start(context: Context, names: readonly string[], options: Power = {}): Promise<readonly DatabaseView[]> {
  const { signal, stage } = watching(options)
  if (names.length === 0) await refuseUncreated(context)
  return each(
    context,
    names,
    'start',
    async (database) => {
      stage(`starting ${database.name}`)
      const moved = await atDeclaredPort(context, database)
      await moved.site.start(signal, stage)
      return moved
    },
    { signal, dryRun: options.dryRun === true, shows: 'running' },
  )
}

export async function stop(context: Context, names: readonly string[], options: Power = {}): Promise<readonly DatabaseView[]> {
  const { signal, stage } = watching(options)
  return each(
    context,
    names,
    'stop',
    async (database) => {
      stage(`stopping ${database.name}`)
      await database.site.stop()
      return database
    },
    { signal, dryRun: options.dryRun === true },
  )
}

async function each(
  context: Context,
  names: readonly string[],
  verb: string,
  work: (database: Database) => Promise<Database>,
  { signal, dryRun, shows }: { readonly signal: AbortSignal; readonly dryRun: boolean; readonly shows?: Status },
): Promise<readonly DatabaseView[]> {
  const databases = names.length === 0 ? await databasesOf(context) : await Promise.all(names.map((name) => databaseOf(context, name)))
  if (dryRun) return Promise.all(databases.map((each) => viewOf(each)))
  await sweepTrials(context)
  const views: DatabaseView[] = []
  for (const each of databases) {
    const database = await withDatabase(context, each, { purpose: `${verb} of "${each.name}"`, signal }, () => work(each))
    const isServer = database.engine.recipe.shape === 'server'
    if (isServer) await audit(context, verb, database.name)
    views.push(await viewOf(database, isServer ? shows : undefined))
  }
  return views
}
