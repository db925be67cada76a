// Which version a database is of. The ledger knows of each generation which server made it; the catalog and `.hayaidb` say what is
// asked for, and follow when another generation becomes the live one: else the next restore would be made for the wrong server.

import { compareVersions } from '../base/versions.ts'
import { isCode } from '../base/errors.ts'
import { changeCatalog, readCatalog } from '../project/catalog.ts'
import { setVersionInConfig } from '../project/config.ts'
import type { Engine } from '../engines/engine.ts'
import type { Circumstances, Runtime } from '../runtimes/runtime.ts'
import type { Context, Database } from './context.ts'
import type { Source } from './library.ts'

/** What could not be followed comes back as notes. `asked`: the version that a person has just asked for. */
export async function followVersion(context: Context, database: Database, asked?: string): Promise<readonly string[]> {
  const { name, engine, site } = database
  const live = (await site.generations()).find((generation) => generation.live)
  if (engine.recipe.shape !== 'server' || typeof live?.version !== 'string') return []
  const { majorOf } = engine.recipe
  const said = (await readCatalog(context.root)).databases[name]?.version ?? null
  if (asked === undefined && (said === null || majorOf(said) === majorOf(live.version))) return []
  const version = asked ?? majorOf(live.version)
  await changeCatalog(context.root, `setting the version of "${name}"`, (catalog) => {
    const entry = catalog.databases[name]
    return entry === undefined ? catalog : { ...catalog, databases: { ...catalog.databases, [name]: { ...entry, version } } }
  })
  try {
    await setVersionInConfig(context.root, context.configFile, name, version)
    return []
  } catch (error) {
    // The data is what it is: that the file cannot be edited for it is to be said, and takes nothing back.
    if (!isCode(error, 'CONFLICT') && !isCode(error, 'CONFIG_INVALID')) throw error
    return [`.hayaidb could not be changed to say so (${error.message}): write version: "${version}" for "${name}" by hand.`]
  }
}

/** The version asked for, else the major that its data is of: a clone is no upgrade. */
export async function majorOf({ entry, engine, site }: Database): Promise<string | null> {
  if (entry.version !== null) return entry.version
  const live = (await site.generations()).find((generation) => generation.live)
  const { recipe } = engine
  return recipe.shape === 'server' && typeof live?.version === 'string' ? recipe.majorOf(live.version) : null
}

export interface Needed {
  readonly major: string
  /** Not a newer one either. */
  readonly exactly: boolean
}

/** The version that a place for this snapshot must have: a physical one the same major, another one that or a newer one. */
export function majorFor({ engine, format, made }: Pick<Source, 'engine' | 'made' | 'format'>): Needed | undefined {
  const { recipe } = engine
  if (recipe.shape !== 'server' || made === null) return undefined
  return { major: recipe.majorOf(made), exactly: format.kind === 'physical' }
}

interface Choice {
  readonly engine: Engine
  readonly runtime: Runtime
  readonly needed: Needed | undefined
  /** What its model says. */
  readonly said: { readonly version: string | undefined; readonly image: string | undefined }
  /** Which one would be the next best. */
  readonly other?: () => Promise<string | null>
  readonly had?: Circumstances
}

/** Of a place that is made for a snapshot: what is said, where that will do; else the snapshot's own; undefined: the newest that is there. */
export async function versionFor({ engine, runtime, needed, said, other, had }: Choice): Promise<string | undefined> {
  const { recipe } = engine
  if (needed === undefined || recipe.shape === 'file') return said.version
  const fits = (version: string): boolean => {
    const difference = compareVersions(recipe.majorOf(version), needed.major)
    return difference === 0 || (difference > 0 && !needed.exactly)
  }
  if (needed.exactly || said.version !== undefined) return said.version !== undefined && fits(said.version) ? said.version : needed.major
  if (said.image !== undefined) return undefined
  for (const version of [needed.major, (await other?.()) ?? needed.major]) {
    if (fits(version) && (await isThere(engine, runtime, version, had))) return version
  }
  return undefined
}

async function isThere(engine: Engine, runtime: Runtime, version: string, had?: Circumstances): Promise<boolean> {
  try {
    await runtime.probe(engine, version, had)
    return true
  } catch (error) {
    if (isCode(error, 'ENVIRONMENT')) return false
    throw error
  }
}
