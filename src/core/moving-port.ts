// A port that `.hayaidb` has got since the database was made: it has it from its next start on.

import { changeCatalog } from '../project/catalog.ts'
import { checkPort, promisedPorts } from '../project/ports.ts'
import { configOf, databaseOf, type Context, type Database } from './context.ts'

/** The same database, at the port that it shall have. One that runs stays where its clients know it. */
export async function atDeclaredPort(context: Context, database: Database): Promise<Database> {
  const { name, entry } = database
  const declared = (await configOf(context))?.databases
  const port = declared?.[name]?.port
  if (port === undefined || entry.port === null || port === entry.port || entry.container !== undefined) return database
  if ((await database.site.status()) !== 'stopped') return database
  await changeCatalog(context.root, `moving "${name}" to port ${port}`, async (catalog) => {
    const there = catalog.databases[name]
    if (there?.id !== entry.id) return catalog
    await checkPort(port, name, promisedPorts(catalog, declared, name), await database.runtime.lowestPort())
    return { ...catalog, databases: { ...catalog.databases, [name]: { ...there, port } } }
  })
  return databaseOf(context, name)
}
