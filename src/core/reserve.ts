// A database that is about to be made: its name, port and login are taken in one locked step, given up again when it comes to
// nothing, and written into `.hayaidb` once it is there.

import { randomUUID } from 'node:crypto'
import { isAbsolute, relative } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { exists } from '../base/files.ts'
import { generatePassword } from '../base/secret.ts'
import type { Engine, Settings } from '../engines/engine.ts'
import { changeCatalog, readCatalog, type Catalog, type DatabaseRecord } from '../project/catalog.ts'
import { addToConfig, declarationIn, type DatabaseConfig } from '../project/config.ts'
import { checkPort, choosePort, promisedPorts } from '../project/ports.ts'
import { keepSecret, readSecret, removeSecret } from '../project/secrets.ts'
import { configOf, isDescribed, meant, runtimeFor, type Context } from './context.ts'

export interface Wish {
  readonly name: string
  readonly engine: Engine
  readonly runtime: string
  readonly version: string | undefined
  readonly port: number | undefined
  readonly file: string | undefined
  /** What `.hayaidb` says of it already. */
  readonly declared: DatabaseConfig | undefined
  readonly environment: Readonly<Record<string, string>>
  /** The container that others made, and the image that it is of. */
  readonly adopted: { readonly container: string; readonly image: string } | undefined
  /** The login of another database, which this one shall have too; without a password, that is its own. */
  readonly login: (Pick<Settings, 'user' | 'database'> & Partial<Pick<Settings, 'password'>>) | undefined
}

export interface Reservation {
  readonly entry: DatabaseRecord
  /** False when the name was there before. */
  readonly reserved: boolean
}

/** Takes the name and a port, in one locked step, so that forty at once get forty different ones. */
export async function reserve(context: Context, wish: Wish, dryRun: boolean): Promise<Reservation> {
  // Before anything is locked: a backend of secrets may take its time, or refuse.
  const known =
    (await readCatalog(context.root)).databases[wish.name] !== undefined || (await readSecret(context.root, wish.name)) !== undefined
  const environment = await meant(context, wish.name, { ...wish, made: known })
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
    if (!dryRun) await keepLogin(context, wish, environment)
    return { ...catalog, databases: { ...catalog.databases, [wish.name]: entry } }
  }
  if (dryRun) await take(await readCatalog(context.root))
  else await changeCatalog(context.root, `making "${wish.name}"`, take)
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
    ...(wish.adopted === undefined ? {} : { container: wish.adopted.container }),
    created: new Date().toISOString(),
  }
}

async function portOf(context: Context, wish: Wish, catalog: Catalog): Promise<number> {
  if (wish.adopted !== undefined && wish.port !== undefined) return wish.port // where it answers already
  const promised = promisedPorts(catalog, (await configOf(context))?.databases, wish.name)
  if (wish.port === undefined) return choosePort(catalog.project, wish.name, promised)
  await checkPort(wish.port, wish.name, promised, await runtimeFor(context, wish.engine, wish.runtime).runtime.lowestPort())
  return wish.port
}

async function keepLogin(context: Context, wish: Wish, environment: Wish['environment']): Promise<void> {
  if ((await readSecret(context.root, wish.name)) !== undefined) return // `remove --keep-data` leaves the login with the data
  const { user, database, password } = { ...wish.engine.settings(environment, generatePassword()), ...wish.login }
  if (user !== '') await keepSecret(context.root, wish.name, { user, password, database })
}

/** `remove --keep-data` leaves data behind, which is nobody's to overwrite. */
export async function refuseKept({ paths }: Context, name: string): Promise<void> {
  if (await exists(paths.dataDir(name))) throw keptData(name)
}

export function keptData(name: string): HayaiError {
  return new HayaiError('CONFLICT', `there is data of a removed database "${name}"`, {
    hint: `Bring it back (\`hayai undo ${name}\`), take it up again (\`hayai init -n ${name} --exists-ok\`), or choose another name.`,
  })
}

/** Gives back the name and the port, if they are still those of this entry. */
export async function release(context: Context, name: string, entry: DatabaseRecord): Promise<void> {
  await changeCatalog(context.root, `giving up "${name}"`, async (catalog) => {
    if (catalog.databases[name]?.id !== entry.id) return catalog
    const { [name]: _, ...databases } = catalog.databases
    await removeSecret(context.root, name)
    return { ...catalog, databases }
  })
}

export async function declare(context: Context, wish: Wish): Promise<void> {
  await addToConfig(context.root, context.configFile, wish.name, {
    engine: wish.engine.name,
    ...(isUsual(context, wish) ? {} : { runtime: wish.runtime }),
    ...(wish.version === undefined ? {} : { version: wish.version }),
    // A port that was found, not asked for, is this machine's affair: the file is for everyone.
    ...(wish.port === undefined || wish.adopted !== undefined ? {} : { port: wish.port }),
    ...wish.adopted,
    ...(wish.file === undefined ? {} : { file: shownFrom(context.root, wish.file) }),
  })
}

/** What lives in containers says so, though there is no choice: people read it. */
function isUsual(context: Context, { engine, runtime }: Wish): boolean {
  return runtime === runtimeFor(context, engine, undefined).name && !context.parts.runtimes[runtime]?.containers
}

/**
 * Of a database whose engine or image nothing else tells of, another is declared as it is itself, where that is not done yet. True when
 * that was done now.
 */
export async function declareLike(context: Context, name: string, model: Model): Promise<boolean> {
  if ((await declarationIn(context.configFile, name)) !== null) return false
  const declared = (await configOf(context))?.databases[model.name]
  const shared = await sharedWith(context, model.name)
  if (declared?.engine !== model.engine.name || (isDescribed(model.engine) ? declared.listens : declared.image) === undefined) return false // whoever makes it says what is missing
  // An image tells its version.
  const told = declared.version === undefined && declared.image !== undefined
  const version = model.version === undefined || told ? {} : { version: model.version }
  const port = declared.listens === undefined ? {} : { port: `:${declared.listens}` }
  await addToConfig(context.root, context.configFile, name, { ...shared, engine: model.engine.name, ...version, ...port })
  return true
}

/** What is declared of a database, but for what only one can have. */
export async function sharedWith(context: Context, name: string) {
  const {
    port: _port,
    file: _file,
    volumes: _volumes,
    container: _container,
    ...shared
  } = (await declarationIn(context.configFile, name)) ?? {}
  return shared
}

interface Model {
  readonly name: string
  readonly engine: Engine
  /** What the other one shall be of, where that matters. */
  readonly version: string | undefined
}

/** Relative where it lies in the project, so that the file serves every clone. */
function shownFrom(root: string, file: string): string {
  const path = relative(root, file)
  return path.startsWith('..') || isAbsolute(path) ? file : `./${path}`
}

function otherEngine(name: string, engine: string): HayaiError {
  return new HayaiError('CONFLICT', `"${name}" exists and is a ${engine} database`, {
    hint: `Choose another name, or \`hayai remove ${name}\` first.`,
  })
}
