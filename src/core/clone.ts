// clone: a new database with the content of another, or of a snapshot. A twin is filled and counted as for a restore, and becomes
// the first generation of the new database. With `force` it becomes the next generation of one that is there.

import { HayaiError } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import { readCatalog } from '../project/catalog.ts'
import { addToConfig, type DatabaseDeclaration } from '../project/config.ts'
import type { Generation } from '../runtimes/runtime.ts'
import type { Check, Watch } from './answers.ts'
import type { CloneAnswer, CloneRequest } from './moving-answers.ts'
import { audit } from './audit.ts'
import { assemble, configOf, databaseOf, declaredIn, formatOf, isDescribed, withDatabase, type Context, type Database } from './context.ts'
import { twinFrom } from './fill.ts'
import { sweepGrace } from './grace.ts'
import { wishOf } from './init.ts'
import { findSource, whileRead, type Source } from './library.ts'
import { viewOf } from './list.ts'
import { streamedTwin } from './live.ts'
import { followLogin, loginWith, type Coming } from './logins.ts'
import { knowing, probe } from './probe.ts'
import { keptData, release, reserve, sharedWith, type Wish } from './reserve.ts'
import { digestPassed, noteRestored, refuseUnasked, refuseFailed, versionCheck } from './restore.ts'
import { wrongEngine } from './snapshot.ts'
import { sweepTrials } from './trial.ts'
import { discard } from './unmake.ts'
import { majorOf } from './versions.ts'
import { watching, type Watching } from './watching.ts'

export async function clone(context: Context, request: CloneRequest, watch: Watch = {}): Promise<CloneAnswer> {
  const { snapshot } = request
  if (snapshot === undefined) return cloneNow(context, request, watch)
  const { engine } = await databaseOf(context, request.from)
  const source = await findSource(context, { reference: snapshot, engine: engine.name })
  return whileRead(context, source, `cloning ${source.view.path}`, () => cloneNow(context, request, watch))
}

async function cloneNow(context: Context, request: CloneRequest, watch: Watch): Promise<CloneAnswer> {
  const began = performance.now()
  const view = watching(watch)
  const name = checkName(request.to)
  const model = await databaseOf(context, request.from)
  if (name === model.name) throw new HayaiError('USAGE', `"${name}" cannot be a clone of itself`, { hint: 'Choose another name.' })
  const source = request.snapshot === undefined ? undefined : await sourceOf(context, model, name, request.snapshot)
  if (source === undefined) await (await model.site.open()).close() // one that does not answer is told of before anything is reserved
  const there = await present(context, model, request)
  const checks = source === undefined ? [] : [await fits(there ?? model, source, view)]
  refuseFailed(checks)
  const container = (await there?.site.interrupts())?.container ?? null
  if (request.dryRun !== true) refuseUnasked(name, container, request.stopContainer)
  const base = {
    from: model.name,
    to: name,
    container,
    snapshot: source?.view ?? null,
    plan: planOf(model, name, source, there !== undefined),
    replaced: there !== undefined,
    undo: there === undefined ? `hayai remove ${name}` : `hayai undo ${name}`,
  }
  const seconds = (): number => (performance.now() - began) / 1000
  if (request.dryRun === true) {
    await reserve(context, await cloneWish(context, model, source, request), true) // whether name and port can be had
    return { ...base, instant: null, checks, census: null, notes: [], database: null, seconds: seconds(), dryRun: true }
  }
  await sweepTrials(context)
  const order: Order = { context, model, source, checks, view }
  const { database, content } =
    there === undefined
      ? await made(order, request)
      : { database: there, content: await withBoth(order, there, () => fillAndSwap(order, there)) }
  if (there !== undefined) await noteRestored(context, name)
  await audit(context, 'clone', name, { from: model.name, snapshot: source?.view.id ?? null, generation: content.generation.name })
  await sweepGrace(context)
  const { instant, census, notes } = content
  return { ...base, instant, checks, census, notes, database: await viewOf(database), seconds: seconds(), dryRun: false }
}

interface Order {
  readonly context: Context
  readonly model: Database
  readonly source: Source | undefined
  readonly checks: Check[]
  readonly view: Watching
}

type Content = Pick<CloneAnswer, 'instant' | 'census' | 'notes'> & { readonly generation: Generation }

async function sourceOf(context: Context, model: Database, to: string, reference: string): Promise<Source> {
  const source = await findSource(context, { reference, engine: model.engine.name })
  if (source.engine.name === model.engine.name) return source
  throw new HayaiError('CONFLICT', `the snapshot is of ${source.engine.title}, and "${model.name}" is ${model.engine.title}`, {
    hint: `A new database out of it: hayai restore ${source.view.id.slice(0, 8) || source.view.path} --to ${to}`,
  })
}

/** The database of that name that has data, which only `force` may replace. */
async function present(context: Context, model: Database, { to, force, port }: CloneRequest): Promise<Database | undefined> {
  const entry = (await readCatalog(context.root)).databases[to]
  if (entry === undefined) return undefined
  const there = await assemble(context, to, entry)
  if ((await there.site.generations()).length === 0) return undefined // a command that made it was killed
  if (there.engine.name !== model.engine.name) throw wrongEngine(model.engine.name, to, there.engine.name)
  if (force !== true) {
    throw new HayaiError('CONFLICT', `"${to}" exists already`, {
      hint: `Choose another name, or add --force to give it this content; \`hayai undo ${to}\` would take that back.`,
    })
  }
  if (port === undefined || port === entry.port) return there
  throw new HayaiError('CONFLICT', `"${to}" has the port ${entry.port}, not ${port}`, { hint: 'Leave --port out.' })
}

async function fits(goal: Database, source: Source, view: Watching): Promise<Check> {
  if (source.made === null) return { what: 'version', ok: true, detail: 'no manifest: the engine will see' }
  const { version } = await probe(goal, await majorOf(goal), view)
  return versionCheck(source, version)
}

function planOf(model: Database, name: string, source: Source | undefined, replaces: boolean): readonly string[] {
  const content = source === undefined ? `what "${model.name}" holds at one instant` : source.view.path
  return [
    ...(source === undefined ? [] : [`check ${source.view.path}`]),
    ...(replaces ? [] : [`take a port and a login for "${name}", with the settings of "${model.name}"`]),
    `fill an empty twin of "${name}" with ${content}, and count it`,
    replaces
      ? `make the twin the live data of "${name}"; the data before is kept for \`hayai undo ${name}\``
      : `make the twin the data of "${name}", start it, and declare it in .hayaidb`,
  ]
}

/** Its settings are those that `.hayaidb` declares for its name, else the source's. */
async function cloneWish(context: Context, model: Database, source: Source | undefined, { to, port }: CloneRequest): Promise<Wish> {
  const wish = await wishOf(context, { name: to, engine: model.engine.name, ...(port === undefined ? {} : { port }) })
  if (wish.declared !== undefined) return wish
  const { settings } = model.placement
  const login = await loginWith(context, comingFrom(model, source))
  return {
    ...wish,
    runtime: model.entry.runtime,
    version: model.entry.version ?? undefined,
    environment: (await configOf(context))?.databases[model.name]?.environment ?? {},
    login: { user: settings.user, database: settings.database, ...login },
  }
}

/** A new database. When it comes to nothing, nothing is left of it. */
async function made(order: Order, request: CloneRequest): Promise<{ readonly database: Database; readonly content: Content }> {
  const { context, model, source, view } = order
  const wish = await cloneWish(context, model, source, request)
  const { entry, reserved } = await reserve(context, wish, false)
  const version = entry.version ?? (await majorOf(model))
  const known = source === undefined ? await model.site.image() : source.manifest?.image
  const database = await assemble(context, wish.name, { ...entry, version }, async () => {
    const declared = declaredIn(await configOf(context), wish.declared === undefined ? model.name : wish.name)
    // Volumes are the source's own.
    const volumes = wish.declared === undefined ? [] : declared.container.volumes
    return knowing({ ...declared, environment: wish.environment, container: { ...declared.container, volumes } }, known)
  })
  let began = false
  try {
    const content = await withBoth(order, database, async () => {
      if ((await database.site.generations()).length > 0) throw keptData(wish.name)
      began = true
      const filled = await fillAndSwap(order, database)
      if (wish.declared === undefined)
        await addToConfig(context.root, context.configFile, wish.name, await declaration(context, wish, model.name))
      view.stage(`starting ${database.name}`)
      await database.site.start(view.signal, view.stage)
      return filled
    })
    return { database: { ...database, entry }, content }
  } catch (error) {
    if (began) await discard(context, database)
    if (reserved) await release(context, wish.name, entry)
    throw error
  }
}

/** As the source's, but for what only one database can have. */
async function declaration(context: Context, wish: Wish, model: string): Promise<DatabaseDeclaration> {
  const shared = await sharedWith(context, model)
  const listens = isDescribed(wish.engine) ? (await configOf(context))?.databases[model]?.listens : undefined
  return {
    ...shared,
    ...(listens === undefined ? {} : { port: `:${listens}` }),
    engine: wish.engine.name,
    ...(wish.version === undefined ? {} : { version: wish.version }),
    ...(wish.port === undefined ? {} : { port: listens === undefined ? wish.port : `${wish.port}:${listens}` }),
  }
}

/** With the locks of both databases where both are touched, always in the same order. */
async function withBoth<T>({ context, model, source, view }: Order, goal: Database, work: () => Promise<T>): Promise<T> {
  const options = { purpose: `a clone of "${model.name}" to "${goal.name}"`, signal: view.signal }
  const touched = source === undefined ? [model, goal].toSorted((a, b) => (a.name < b.name ? -1 : 1)) : [goal]
  return touched.reduceRight<() => Promise<T>>((inner, database) => () => withDatabase(context, database, options, inner), work)()
}

/** Which login comes with it. */
function comingFrom(model: Database, source: Source | undefined): Coming {
  const { engine } = model
  if (source === undefined) return { engine, format: formatOf(engine, undefined), from: model.name, instant: null }
  return { engine, format: source.format, from: source.view.database, instant: source.manifest?.instant ?? null }
}

async function fillAndSwap({ context, model, source, checks, view }: Order, goal: Database): Promise<Content> {
  view.stage('making a twin')
  const filled = source === undefined ? await fromLive(model, goal, view) : await fromSnapshot(source, goal, checks, view)
  const { twin, facts, instant, notes } = filled
  try {
    checks.push({
      what: 'census',
      ok: true,
      detail: source?.manifest === null ? 'counted; there is no manifest' : 'every count as at the instant',
    })
    view.stage('switching')
    view.signal.throwIfAborted() // from here on it is finished, whoever interrupts
    const said = await followLogin(context, goal, twin.name, comingFrom(model, source))
    const generation = await twin.swap(
      source === undefined ? `cloned from ${model.name}` : `cloned from ${source.view.id || source.view.path}`,
      facts.census,
    )
    return { generation, instant, census: facts.census, notes: [...notes, ...said] }
  } finally {
    await twin.close()
  }
}

async function fromLive(model: Database, goal: Database, watch: Watching) {
  const { instant, ...rest } = await streamedTwin({ from: model, into: goal.site, format: formatOf(model.engine, undefined), watch })
  return { ...rest, instant: instant.toISOString() }
}

async function fromSnapshot(source: Source, goal: Database, checks: Check[], view: Watching) {
  const filled = await twinFrom(goal.site, source, view)
  checks.push(digestPassed(source))
  return { ...filled, instant: source.manifest?.instant ?? null, notes: source.manifest?.notes ?? [] }
}
