// init: a database is declared, reserved (name, port, login), made, and only then written into `.hayaidb`.

import { resolve } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import type { ImageRecord } from '../runtimes/runtime.ts'
import type { DatabaseView, InitAnswer, InitRequest, Watch } from './answers.ts'
import { audit } from './audit.ts'
import {
  assemble,
  configOf,
  declaredIn,
  engineOf,
  isDescribed,
  runtimeFor,
  runtimeOf,
  settle,
  withDatabase,
  type Context,
  type Database,
} from './context.ts'
import { viewOf } from './list.ts'
import { knowing } from './probe.ts'
import { keptData, declare, release, reserve, type Wish } from './reserve.ts'
import { watching } from './watching.ts'

/** `origin`: of the data to come. */
export async function init(context: Context, request: InitRequest, watch: Watch = {}, origin: Origin = {}): Promise<InitAnswer> {
  await settle(context)
  const wish = { ...(await wishOf(context, request)), login: origin.login }
  if (isDescribed(wish.engine) && wish.declared === undefined) throw undescribed(wish.name, wish.engine.name)
  const { database, present } = await ensure(
    context,
    wish,
    { existsOk: request.existsOk === true, dryRun: request.dryRun === true, known: origin.image },
    watch,
  )
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
    const { database, present } = await ensure(context, wish, { existsOk: true, dryRun, known: undefined }, watch)
    done.push({ view: database, present })
  }
  return answer(done, dryRun)
}

/** What is wanted: the request, completed by what `.hayaidb` declares of that name; CONFLICT when the two disagree. */
export async function wishOf(context: Context, request: InitRequest): Promise<Wish> {
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
  const container = agreed('container', request.container, declared?.container)
  const asked = agreed('runtime', request.runtime, declared?.runtime) ?? (container === undefined ? undefined : 'compose')
  const { name: runtime } = runtimeFor(context, engine, asked)
  const file = agreed('file', absolute(request.file, process.cwd()), absolute(declared?.file, context.root))
  if (file !== undefined && engine.recipe.shape !== 'file')
    throw new HayaiError('USAGE', `--file does not fit ${engine.title}: it is a server`)
  const port = agreed('port', request.port, declared?.port)
  if (port !== undefined && engine.recipe.shape === 'file')
    throw new HayaiError('USAGE', `--port does not fit ${engine.title}: it is a file`)
  const version = agreed('version', request.version, declared?.version)
  const environment = declared?.environment ?? {}
  const wish = { name, engine, runtime, version, port, file, declared, environment, adopted: undefined, login: undefined }
  return container === undefined ? wish : adopting(context, wish, container)
}

function undescribed(name: string, engine: string): HayaiError {
  return new HayaiError('USAGE', `the engine "${engine}" is any that an image holds, and .hayaidb must say which`, {
    hint: `Declare it, then run \`hayai init --config .hayaidb\`: databases: { ${name}: { engine: ${engine}, image: "redis:7", data: /data, port: 6379 } }`,
  })
}

/** What is in the container is what is wanted; what `.hayaidb` says of the login weighs more than what its environment tells. */
async function adopting(context: Context, wish: Wish, container: string): Promise<Wish> {
  const { engine } = wish
  const { version, image, port, environment } = await runtimeOf(context, wish.runtime).examine(engine, container)
  if (engine.recipe.shape !== 'server') throw new HayaiError('USAGE', `--container does not fit ${engine.title}: it is a file`)
  return {
    ...wish,
    version: wish.version ?? engine.recipe.majorOf(version),
    port: wish.port ?? port,
    environment: { ...environment, ...wish.environment },
    adopted: { container, image },
  }
}

function absolute(file: string | undefined, base: string): string | undefined {
  return file === undefined ? undefined : resolve(base, file)
}

interface Origin {
  readonly image?: ImageRecord | undefined
  readonly login?: Wish['login']
}

interface Ensuring {
  readonly existsOk: boolean
  readonly dryRun: boolean
  readonly known: ImageRecord | undefined
}

interface Ensured {
  readonly database: DatabaseView
  readonly present: boolean
}

async function ensure(context: Context, wish: Wish, options: Ensuring, watch: Watch): Promise<Ensured> {
  const { runtime } = runtimeFor(context, wish.engine, wish.runtime)
  const { known } = options
  const circumstances = { image: wish.declared?.image, known, watch: watching(watch) }
  if (wish.adopted === undefined) await runtime.probe(wish.engine, wish.version, circumstances) // what is missing is told before anything is reserved
  const { entry, reserved } = await reserve(context, wish, options.dryRun)
  const declared = async () => knowing(declaredIn(await configOf(context), wish.name), known)
  const database = await assemble(context, wish.name, entry, declared)
  if (options.dryRun) return { database: await viewOf(database), present: !reserved }
  try {
    const made = await make(context, database, watch)
    if (!made && !options.existsOk) throw reserved ? keptData(wish.name) : exists(wish.name)
    if (made && wish.declared === undefined) await declare(context, wish)
    if (made) await audit(context, 'init', wish.name, { engine: wish.engine.name, port: entry.port })
    return { database: await viewOf(database), present: !made }
  } catch (error) {
    if (reserved) await release(context, wish.name, entry)
    throw error
  }
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
