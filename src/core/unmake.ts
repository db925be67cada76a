// What a command has made and what comes to nothing: it goes as if it had never been.

import { randomBytes } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { HayaiError } from '../base/errors.ts'
import { exists } from '../base/files.ts'
import { withLock } from '../base/locks.ts'
import { readCatalog } from '../project/catalog.ts'
import { configOf, type Context, type Database } from './context.ts'
import { release } from './reserve.ts'

/** All of the database was made by this very command. */
export async function unmake(context: Context, database: Database): Promise<void> {
  await discard(context, database)
  await release(context, database.name, database.entry)
}

/** Its data, but not its name. */
export async function discard({ paths }: Context, { name, engine, site, runtime }: Database): Promise<void> {
  await site.retire()
  const { recipe } = engine
  const generations = await site.generations()
  if (generations.some(({ origin }) => origin === 'adopted')) throw new Error(`${name} was there before, and is not to be deleted`)
  const outside = recipe.shape === 'file' && !site.path.startsWith(`${paths.own}/`) && generations.length > 0
  if (outside) for (const ending of ['', ...recipe.companions]) await rm(site.path + ending, { force: true })
  await runtime.discard(paths.dataDir(name))
  for (const path of [paths.dataDir(name), paths.runDir(name), paths.logFile(name)]) await rm(path, { recursive: true, force: true })
}

/** How a folder was found in which there was no project: `forget` makes it so again, unless somebody has begun one meanwhile. */
export async function asFound({
  paths,
  configFile,
}: Context): Promise<{ readonly forget: (context: Context) => Promise<void> } | undefined> {
  if (await exists(paths.own)) return undefined
  const declared = await exists(configFile)
  return { forget: (context) => forget(context, declared) }
}

async function forget(context: Context, declared: boolean): Promise<void> {
  const { paths, configFile, root } = context
  if (!(await exists(paths.own))) return
  try {
    await withLock(paths.lock, { purpose: 'leaving the folder as it was', patience: 0 }, async () => {
      const catalog = await readCatalog(root)
      const begun = [Object.keys(catalog.databases), catalog.removed, catalog.snapshotFolders, catalog.history]
      if (begun.some(({ length }) => length > 0) || (await othersAtWork(context))) return
      if (!declared && Object.keys((await configOf(context))?.databases ?? { none: true }).length === 0) await rm(configFile)
      const gone = `${paths.own}.${randomBytes(4).toString('hex')}`
      await rename(paths.own, gone)
      await rm(gone, { recursive: true, force: true })
    })
  } catch (error) {
    if (!(error instanceof HayaiError)) throw error // somebody is at work there, or it holds what nobody knows: then it stays
  }
}

async function othersAtWork({ paths }: Context): Promise<boolean> {
  const held = (await readdir(paths.own, { recursive: true })).filter((name) => name.endsWith('.owner'))
  return held.some((name) => `${paths.own}/${name}` !== `${paths.lock}.owner`)
}
