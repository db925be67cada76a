// Which version a database is of. The ledger knows of each generation which server made it; the catalog and `.hayaidb` say what is
// asked for, and follow when another generation becomes the live one: else the next restore would be made for the wrong server.

import { isCode } from '../base/errors.ts'
import { changeCatalog, readCatalog } from '../project/catalog.ts'
import { setVersionInConfig } from '../project/config.ts'
import type { Context, Database } from './context.ts'

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
