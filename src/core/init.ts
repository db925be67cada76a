// init: a database is declared, reserved (name, port, login), made, and only then written into `.hayaidb`.

import { randomUUID } from 'node:crypto'
import { isAbsolute, relative, resolve } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import { generatePassword } from '../base/secret.ts'
import type { Engine } from '../engines/engine.ts'
import { changeCatalog, readCatalog, type Catalog, type DatabaseRecord } from '../project/catalog.ts'
import { addToConfig, type DatabaseConfig } from '../project/config.ts'
import { checkPort, choosePort, promisedPorts } from '../project/ports.ts'
import { keepSecret, readSecret, removeSecret } from '../project/secrets.ts'
import type { DatabaseView, InitAnswer, InitRequest, Watch } from './answers.ts'
import { audit } from './audit.ts'
import { assemble, configOf, engineOf, runtimeFor, withDatabase, type Context, type Database } from './context.ts'
import { viewOf } from './list.ts'

export async function init(context: Context, request: InitRequest, watch: Watch = {}): Promise<InitAnswer> {
  const wish = await wishOf(context, request)
  const { database, present } = await ensure(context, wish, { existsOk: request.existsOk === true, dryRun: request.dryRun === true }, watch)
  return answer([{ view: database, present }], request.dryRun === true)
}

/** Creates all that `.hayaidb` declares and that is not there yet, and changes nothing that is. */
export async function initDeclared(context: Context, dryRun: boolean, watch: Watch = {}): Promise<InitAnswer> {
  const config = await configOf(context)
  if (config === undefined) {
    throw new HayaiError('NOT_FOUND', `there is no ${context.configFile}`, { hint: 'hayai init -n mydb -e sqlite' })
  }
  const done: { view: DatabaseView; present: boolean }[] = []
  for (const [name, declared] of Object.entries(config.databases)) {
    const wish = await wishOf(context, { name, engine: declared.engine })
    const { database, present } = await ensure(context, wish, { existsOk: true, dryRun }, watch)
    done.push({ view: database, present })
  }
  return answer(done, dryRun)
}

interface Wish {
  readonly name: string
  readonly engine: Engine
  readonly runtime: string
  readonly version: string | undefined
  readonly port: number | undefined
  readonly file: string | undefined
  /** What `.hayaidb` says of it already. */
  readonly declared: DatabaseConfig | undefined
}

/** What is wanted: the request, completed by what `.hayaidb` declares of that name; CONFLICT when the two disagree. */
async function wishOf(context: Context, request: InitRequest): Promise<Wish> {
  const name = checkName(request.name)
  const engine = engineOf(context, request.engine)
  const config = await configOf(context)
  const declared = config?.databases[name]
  const agreed = <T>(what: string, asked: T | undefined, said: T | undefined): T | undefined => {
    if (asked === undefined || said === undefined || asked === said) return asked ?? said
    throw new HayaiError('CONFLICT', `.hayaidb declares "${name}" with ${what} ${String(said)}, not ${String(asked)}`, {
      hint: 'Leave the option out, or change .hayaidb.',
    })
  }
  agreed('engine', request.engine, declared?.engine)
  const { name: runtime } = runtimeFor(context, engine, agreed('runtime', request.runtime, declared?.runtime))
  const file = agreed('file', absolute(request.file, process.cwd()), absolute(declared?.file, context.root))
  if (file !== undefined && engine.recipe.shape !== 'file')
    throw new HayaiError('USAGE', `--file does not fit ${engine.title}: it is a server`)
  const port = agreed('port', request.port, declared?.port)
  if (port !== undefined && engine.recipe.shape === 'file')
    throw new HayaiError('USAGE', `--port does not fit ${engine.title}: it is a file`)
  return { name, engine, runtime, version: agreed('version', request.version, declared?.version), port, file, declared }
}

function absolute(file: string | undefined, base: string): string | undefined {
  return file === undefined ? undefined : resolve(base, file)
}

interface Ensured {
  readonly database: DatabaseView
  readonly present: boolean
}

async function ensure(context: Context, wish: Wish, options: { existsOk: boolean; dryRun: boolean }, watch: Watch): Promise<Ensured> {
  const { runtime } = runtimeFor(context, wish.engine, wish.runtime)
  await runtime.probe(wish.engine, wish.version) // what is missing is told before anything is reserved
  const { entry, reserved } = await reserve(context, wish, options.dryRun)
  const database = await assemble(context, wish.name, entry)
  if (options.dryRun) return { database: await viewOf(database), present: !reserved }
  try {
    const made = await make(context, database, watch)
    if (!made && !options.existsOk) throw exists(wish.name)
    if (made && wish.declared === undefined) await declare(context, wish)
    if (made) await audit(context, 'init', wish.name, { engine: wish.engine.name, port: entry.port })
    return { database: await viewOf(database), present: !made }
  } catch (error) {
    if (reserved) await release(context, wish.name, entry)
    throw error
  }
}

interface Reservation {
  readonly entry: DatabaseRecord
  /** False when the name was there before. */
  readonly reserved: boolean
}

/** Takes the name and a port, in one locked step, so that forty at once get forty different ones. */
async function reserve(context: Context, wish: Wish, dryRun: boolean): Promise<Reservation> {
  let reservation: Reservation | undefined
  const take = async (catalog: Catalog): Promise<Catalog> => {
    const there = catalog.databases[wish.name]
    if (there !== undefined) {
      if (there.engine !== wish.engine.name) throw otherEngine(wish.name, there.engine)
      reservation = { entry: there, reserved: false }
      return catalog
    }
    const entry = await recordOf(context, wish, catalog)
    reservation = { entry, reserved: true }
    if (!dryRun) await keepLogin(context, wish)
    return { ...catalog, databases: { ...catalog.databases, [wish.name]: entry } }
  }
  if (dryRun) await take(await readCatalog(context.root))
  else await changeCatalog(context.root, `init of "${wish.name}"`, take)
  if (reservation === undefined) throw new Error('the catalog was not asked')
  return reservation
}

async function recordOf(context: Context, wish: Wish, catalog: Catalog): Promise<DatabaseRecord> {
  return {
    id: randomUUID(),
    engine: wish.engine.name,
    runtime: wish.runtime,
    version: wish.version ?? null,
    port: wish.engine.recipe.shape === 'file' ? null : await portOf(context, wish, catalog),
    file: wish.file ?? null,
    created: new Date().toISOString(),
  }
}

async function portOf(context: Context, wish: Wish, catalog: Catalog): Promise<number> {
  const promised = promisedPorts(catalog, (await configOf(context))?.databases, wish.name)
  if (wish.port === undefined) return choosePort(catalog.project, wish.name, promised)
  await checkPort(wish.port, wish.name, promised)
  return wish.port
}

async function keepLogin(context: Context, wish: Wish): Promise<void> {
  if ((await readSecret(context.root, wish.name)) !== undefined) return // `remove --keep-data` leaves the login with the data
  const { user, password, database } = wish.engine.settings(wish.declared?.environment ?? {}, generatePassword())
  if (user !== '') await keepSecret(context.root, wish.name, { user, password, database })
}

/** False when its data is there already. */
async function make(context: Context, database: Database, watch: Watch): Promise<boolean> {
  const purpose = `creating "${database.name}"`
  return withDatabase(context, database, { purpose, ...(watch.signal === undefined ? {} : { signal: watch.signal }) }, async () => {
    if ((await database.site.generations()).length > 0) return false
    watch.onProgress?.({ stage: `creating ${database.name}` })
    await database.site.create()
    return true
  })
}

async function declare(context: Context, wish: Wish): Promise<void> {
  await addToConfig(context.root, context.configFile, wish.name, {
    engine: wish.engine.name,
    ...(wish.version === undefined ? {} : { version: wish.version }),
    // A port that was found, not asked for, is this machine's affair: the file is for everyone.
    ...(wish.port === undefined ? {} : { port: wish.port }),
    ...(wish.file === undefined ? {} : { file: shownFrom(context.root, wish.file) }),
  })
}

/** Relative where it lies in the project, so that the file serves every clone. */
function shownFrom(root: string, file: string): string {
  const path = relative(root, file)
  return path.startsWith('..') || isAbsolute(path) ? file : `./${path}`
}

async function release(context: Context, name: string, entry: DatabaseRecord): Promise<void> {
  await changeCatalog(context.root, `giving up "${name}"`, async (catalog) => {
    if (catalog.databases[name]?.id !== entry.id) return catalog
    const { [name]: _, ...databases } = catalog.databases
    await removeSecret(context.root, name)
    return { ...catalog, databases }
  })
}

function otherEngine(name: string, engine: string): HayaiError {
  return new HayaiError('CONFLICT', `"${name}" exists and is a ${engine} database`, {
    hint: `Choose another name, or \`hayai remove ${name}\` first.`,
  })
}

function exists(name: string): HayaiError {
  return new HayaiError('CONFLICT', `"${name}" exists already`, {
    hint: `Use it (\`hayai connect ${name}\`), add --exists-ok, or choose another name.`,
  })
}

function answer(done: readonly { view: DatabaseView; present: boolean }[], dryRun: boolean): InitAnswer {
  return {
    created: done.filter(({ present }) => !present).map(({ view }) => view),
    present: done.filter(({ present }) => present).map(({ view }) => view),
    dryRun,
  }
}
