// What every verb stands on: the project that was found, the parts it may use, and one database of it with everything
// that belongs to it.

import { basename, resolve } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { exists } from '../base/files.ts'
import { withLock } from '../base/locks.ts'
import { checkName } from '../base/names.ts'
import { nearest } from '../base/nearest.ts'
import { Secret } from '../base/secret.ts'
import type { Engine, Format, Settings } from '../engines/engine.ts'
import { readCatalog, type DatabaseRecord } from '../project/catalog.ts'
import { readConfig, type Config } from '../project/config.ts'
import type { Paths } from '../project/paths.ts'
import { isReference } from '../project/references.ts'
import { readSecret } from '../project/secrets.ts'
import { withLiveLogin } from './other-login.ts'
import type { CertificateFolder } from '../project/tls/folder.ts'
import type { CertificateSource, Placement, Runtime, Site } from '../runtimes/runtime.ts'
import type { Keyring } from '../snapshots/age.ts'
import type { Aliases, Store } from '../stores/store.ts'

/** Every engine, runtime and store by name: filled in by parts.ts, the only file that imports them all. */
export interface Parts {
  readonly engines: Readonly<Record<string, Engine>>
  readonly runtimes: Readonly<Record<string, Runtime>>
  readonly openFolder: (path: string) => Store
  readonly openAliases: (path: string) => Aliases
}

export interface Context {
  readonly root: string
  /** The `.hayaidb` file; it may not exist yet. */
  readonly configFile: string
  readonly paths: Paths
  readonly parts: Parts
  readonly keyring: Keyring
}

/** One database of the project, with its place. */
export interface Database {
  readonly name: string
  readonly entry: DatabaseRecord
  readonly engine: Engine
  readonly runtime: Runtime
  readonly placement: Placement
  readonly site: Site
}

/** The database of that name; NOT_FOUND, with the nearest name, when the project has none. */
export async function databaseOf(context: Context, name: string): Promise<Database> {
  checkName(name)
  await settle(context)
  const catalog = await readCatalog(context.root)
  const entry = catalog.databases[name]
  if (entry === undefined) throw await unknownDatabase(context, name, Object.keys(catalog.databases))
  return assemble(context, name, entry)
}

export async function databasesOf(context: Context): Promise<readonly Database[]> {
  await settle(context)
  const catalog = await readCatalog(context.root)
  return Promise.all(Object.entries(catalog.databases).map(([name, entry]) => assemble(context, name, entry)))
}

/** Good for asking how they are, not for starting them: `.hayaidb` is not read, which is most of what `hayai list` would take. */
export async function glance(context: Context): Promise<readonly Database[]> {
  const catalog = await readCatalog(context.root)
  return Promise.all(Object.entries(catalog.databases).map(([name, entry]) => assemble(context, name, entry, async () => NOTHING)))
}

/** Does the work with the database's lock held, after whatever a killed command left there has been put right. */
export async function withDatabase<T>(
  context: Context,
  database: Database,
  options: { readonly purpose: string; readonly signal?: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  await settle(context)
  return withLock(context.paths.databaseLock(database.name), options, async () => {
    await database.site.recover()
    return work()
  })
}

/** A restore of several databases that a killed command left half done is finished, or taken back, before anything else. */
export async function settle(context: Context): Promise<void> {
  if (await exists(context.paths.journal)) await (await import('./backup/switch.ts')).settleLeft(context)
}

/** What `.hayaidb` declares; undefined where there is none. */
export function configOf(context: Context): Promise<Config | undefined> {
  const { engines, described } = vocabularyOf(context)
  return readConfig(context.configFile, engines, described)
}

/** The words that `.hayaidb` may use for engines and runtimes. */
export function vocabularyOf({ parts }: Context): { readonly engines: readonly string[]; readonly described: readonly string[] } {
  const described = Object.values(parts.engines).filter(isDescribed)
  return { engines: Object.keys(parts.engines), described: described.map(({ name }) => name) }
}

export async function assemble(
  context: Context,
  name: string,
  entry: DatabaseRecord,
  declarationOf = async (): Promise<Declared> => declaredIn(await configOf(context), name),
): Promise<Database> {
  const engine = engineOf(context, entry.engine)
  const runtime = runtimeOf(context, entry.runtime)
  const placement = await placementOf(context, name, entry, engine, await declarationOf())
  const site = runtime.site(placement, engine)
  const now = await withLiveLogin(context.root, placement, engine, site)
  return { name, entry, engine, runtime, placement: now, site: now === placement ? site : runtime.site(now, engine) }
}

/** Whether only `.hayaidb` can tell what it is. */
export function isDescribed({ recipe }: Engine): boolean {
  return recipe.shape === 'server' && recipe.container.image === ''
}

/** What `.hayaidb` says that a database's place depends on. */
export interface Declared {
  /** Where certificates are; undefined where connections are plain. */
  readonly certificates?: string | undefined
  readonly project: string | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly container: Omit<Placement['container'], 'environment'>
}

const NOTHING: Declared = {
  project: undefined,
  environment: {},
  container: { image: undefined, volumes: [], memory: undefined, restart: undefined, healthcheck: undefined },
}

export function declaredIn(config: Config | undefined, name: string): Declared {
  const declared = config?.databases[name]
  const certificates = config?.security?.enable_ssl === true ? (config.security.ssl_cert_path ?? './ssl') : undefined
  if (declared === undefined) return { ...NOTHING, project: config?.project, certificates }
  const { environment, image, data, listens, quiesce, volumes, memory, restart, healthcheck } = declared
  return {
    project: config?.project,
    certificates,
    environment,
    container: { image, data, listens, quiesce, volumes, memory, restart, healthcheck },
  }
}

export function engineOf(context: Context, name: string): Engine {
  const engine = context.parts.engines[name]
  if (engine !== undefined) return engine
  const known = Object.keys(context.parts.engines)
  throw new HayaiError('USAGE', `Hayai knows no engine called ${JSON.stringify(name)}`, {
    hint: `Did you mean "${nearest(name, known) ?? known[0]}"? There are: ${known.join(', ')}.`,
  })
}

export function runtimeOf(context: Context, name: string): Runtime {
  const runtime = context.parts.runtimes[name]
  if (runtime !== undefined) return runtime
  throw new HayaiError('USAGE', `Hayai knows no runtime called ${JSON.stringify(name)}`, {
    hint: `There are: ${Object.keys(context.parts.runtimes).join(', ')}.`,
  })
}

/** The runtime that was asked for, or the first that can host the engine. */
export function runtimeFor(
  context: Context,
  engine: Engine,
  asked: string | undefined,
): { readonly name: string; readonly runtime: Runtime } {
  const able = runtimesOf(context.parts, engine)
  if (asked === undefined) {
    const [first] = able
    if (first === undefined) throw new Error(`no runtime hosts ${engine.name}`)
    return { name: first, runtime: runtimeOf(context, first) }
  }
  const runtime = runtimeOf(context, asked)
  if (hosts(runtime, engine)) return { name: asked, runtime }
  throw new HayaiError('USAGE', `${engine.title} cannot live in the runtime "${asked}"`, {
    hint: `It can live in: ${able.join(', ')}.`,
  })
}

/** Where it can live, the usual place first. */
export function runtimesOf({ runtimes }: Pick<Parts, 'runtimes'>, engine: Engine): readonly string[] {
  return Object.entries(runtimes).flatMap(([name, runtime]) => (hosts(runtime, engine) ? [name] : []))
}

function hosts({ shape, containers }: Runtime, { recipe }: Engine): boolean {
  return shape === recipe.shape && (containers || recipe.shape === 'file' || recipe.containersOnly !== true)
}

export function formatOf(engine: Engine, asked: string | undefined): Format {
  const format = asked === undefined ? engine.formats[0] : engine.formats.find(({ name }) => name === asked)
  if (format !== undefined) return format
  throw new HayaiError('USAGE', `${engine.title} has no format called ${JSON.stringify(asked)}`, {
    hint: `It has: ${engine.formats.map(({ name }) => name).join(', ')}.`,
  })
}

/** What is taken of it when nobody names another. */
export function usualFormat({ engine, placement }: Pick<Database, 'engine' | 'placement'>): Format {
  return formatOf(engine, placement.settings.format)
}

async function placementOf(
  context: Context,
  name: string,
  entry: DatabaseRecord,
  engine: Engine,
  { project, environment: declared, container, certificates }: Declared,
): Promise<Placement> {
  const { paths } = context
  const { settings, environment } = await settingsOf(context, name, engine, declared)
  return {
    id: entry.id,
    name,
    version: entry.version ?? undefined,
    port: entry.port ?? 0,
    file: entry.file ?? undefined,
    settings,
    dataDir: paths.dataDir(name),
    runDir: paths.runDir(name),
    logFile: paths.logFile(name),
    project: { root: context.root, name: project, folder: paths.compose },
    container: { ...container, environment, adopted: entry.container },
    certificates: certificates === undefined || !isSecured(engine, entry) ? undefined : sourceOf(context, name, project, certificates),
  }
}

/** How a container that others made lets its clients in is their affair. */
export function isSecured({ recipe }: Engine, { container }: Pick<DatabaseRecord, 'container'>): boolean {
  return recipe.shape === 'server' && recipe.secures && container === undefined
}

function sourceOf(context: Context, name: string, project: string | undefined, path: string): CertificateSource {
  const folder = certificateFolder(context, project, path)
  return { ensure: async () => (await import('../project/tls/folder.ts')).certificatesFor(folder, name) }
}

export function certificateFolder({ paths, root }: Context, project: string | undefined, path: string): CertificateFolder {
  return { path: resolve(root, path), lock: paths.certificatesLock, project: project ?? basename(root), root }
}

// The login is what the server was made with; a later edit of `environment:` does not change what a server accepts.
async function settingsOf(
  context: Context,
  name: string,
  engine: Engine,
  raw: Readonly<Record<string, string>>,
): Promise<{ readonly settings: Settings; readonly environment: Readonly<Record<string, string>> }> {
  const made = await readSecret(context.root, name)
  const environment = await meant(context, name, { engine, environment: raw, made: made !== undefined })
  const declared = engine.settings(environment, made?.password ?? new Secret(''))
  if (made === undefined) return { settings: declared, environment }
  const login = { password: made.password, user: made.user ?? declared.user, database: made.database ?? declared.database }
  return { settings: { ...declared, ...login }, environment }
}

/** What `environment:` says, with what its references stand for. */
export async function meant(
  context: Context,
  name: string,
  wanted: { readonly engine: Engine; readonly environment: Readonly<Record<string, string>>; readonly made: boolean },
): Promise<Readonly<Record<string, string>>> {
  if (!Object.values(wanted.environment).some(isReference)) return wanted.environment
  return (await import('./secrets/resolve.ts')).resolved(context, name, wanted)
}

async function unknownDatabase(context: Context, name: string, known: readonly string[]): Promise<HayaiError> {
  const config = await configOf(context)
  if (config?.databases[name] !== undefined) {
    return new HayaiError('NOT_FOUND', `"${name}" is declared in .hayaidb, but has not been created yet`, {
      hint: 'hayai init --config .hayaidb',
    })
  }
  const near = nearest(name, known)
  return new HayaiError('NOT_FOUND', `no database is called "${name}"`, {
    hint:
      near === undefined ? 'Run `hayai list` to see the ones there are.' : `Did you mean "${near}"? Run \`hayai list\` to see them all.`,
  })
}

/** Why there is nothing to work on: nothing is declared, or nothing of it has been created on this machine. */
export async function noDatabase(context: Context): Promise<HayaiError> {
  const declared = Object.keys((await configOf(context))?.databases ?? {})
  if (declared.length === 0)
    return new HayaiError('NOT_FOUND', 'this project has no database yet', { hint: 'hayai init -n mydb -e sqlite' })
  const message = `.hayaidb declares ${declared.join(', ')}; none of it has been created yet`
  return new HayaiError('NOT_FOUND', message, { hint: 'hayai init --config .hayaidb', details: { declared } })
}

/** In a fresh clone nothing can be done with what is only declared; to do nothing, and say that all is well, would be no answer. */
export async function refuseUncreated(context: Context): Promise<void> {
  if (Object.keys((await readCatalog(context.root)).databases).length > 0) return
  const none = await noDatabase(context)
  if (none.details !== undefined) throw none
}
