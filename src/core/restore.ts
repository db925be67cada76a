// restore: look before anything moves, fill a twin, count it, swap it in. The generation before is kept for undo.

import { HayaiError } from '../base/errors.ts'
import { freeBytes } from '../base/files.ts'
import { checkName } from '../base/names.ts'
import { compareVersions } from '../base/versions.ts'
import { changeCatalog, readCatalog, withEvent } from '../project/catalog.ts'
import { declarationIn, removeFromConfig } from '../project/config.ts'
import { agreement } from '../snapshots/compare.ts'
import type { Check, RestoreAnswer, RestoreRequest, Watch } from './answers.ts'
import { audit } from './audit.ts'
import { configOf, databaseOf, runtimeFor, withDatabase, type Context, type Database } from './context.ts'
import { twinFrom } from './fill.ts'
import { sweepGrace } from './grace.ts'
import { init } from './init.ts'
import { followLogin, loginWith, type Coming } from './logins.ts'
import { probe } from './probe.ts'
import { remove } from './remove.ts'
import { declareLike } from './reserve.ts'
import { findSource, whileRead, type Source } from './library.ts'
import { start } from './run.ts'
import { wrongEngine } from './snapshot.ts'
import { sweepTrials } from './trial.ts'
import { unmake } from './unmake.ts'
import { majorFor, majorOf, versionFor } from './versions.ts'
import { watching, type Watching } from './watching.ts'

export async function restore(context: Context, request: RestoreRequest, watch: Watch = {}): Promise<RestoreAnswer> {
  const source = await findSource(context, request)
  return whileRead(context, source, `restoring ${source.view.path}`, () => restoreFrom(context, source, request, watch))
}

async function restoreFrom(context: Context, source: Source, request: RestoreRequest, watch: Watch): Promise<RestoreAnswer> {
  const began = performance.now()
  const view = watching(watch)
  const name = checkName(request.to ?? source.view.database)
  const goal = await goalOf(context, name, source, request)
  await source.checkReadable()
  await sweepTrials(context)
  const place = goal.database === undefined ? await placeFor(context, name, source, view) : undefined
  const checks = [...(await cheapChecks(context, goal, source, { view, probed: place?.probed }))]
  refuseFailed(checks)
  const stops = (await goal.database?.site.interrupts())?.container ?? null
  if (request.dryRun !== true) refuseUnasked(name, stops, request.stopContainer)
  const base = {
    database: name,
    container: stops,
    snapshot: source.view,
    census: source.manifest?.census ?? null,
    notes: place?.free === true ? notesOn(source, place.probed) : [],
  }
  if (request.dryRun === true) {
    if (request.unread !== true) {
      view.stage('checking digests')
      checks.push(await digestCheck(source, view))
      refuseFailed(checks)
    }
    const seconds = (performance.now() - began) / 1000
    return { ...base, plan: planOf(goal, source, stops), checks, generation: null, undo: null, seconds, dryRun: true }
  }
  const made = goal.database === undefined ? await makeGoal(context, name, source, watch) : undefined
  const database = goal.database ?? made?.database
  if (database === undefined) throw new Error('a restore has no goal')
  try {
    if (made !== undefined) refuseUnasked(name, (await database.site.interrupts())?.container ?? null, request.stopContainer)
    const { generation, said } = await withDatabase(context, database, { purpose: `a restore of "${name}"`, signal: view.signal }, () =>
      fillAndSwap(context, database, source, { checks, view }),
    )
    await noteRestored(context, name)
    await audit(context, 'restore', name, { snapshot: source.view.id, file: source.view.path, generation: generation.name })
    await sweepGrace(context)
    const seconds = (performance.now() - began) / 1000
    const undo = made?.adopted === false ? null : `hayai undo ${name}`
    return { ...base, notes: [...base.notes, ...said], plan: planOf(goal, source, stops), checks, generation, undo, seconds, dryRun: false }
  } catch (error) {
    if (made !== undefined) await unmakeGoal(context, made)
    throw error
  }
}

/** Where the snapshot shall go: a database that is there, or one that will be made for it. */
interface Goal {
  readonly name: string
  readonly database: Database | undefined
}

async function goalOf(context: Context, name: string, source: Source, request: RestoreRequest): Promise<Goal> {
  try {
    const database = await databaseOf(context, name)
    if (database.engine.name !== source.engine.name) throw wrongEngine(source.engine.name, name, database.engine.name)
    return { name, database }
  } catch (error) {
    if (!(error instanceof HayaiError) || error.code !== 'NOT_FOUND') throw error
    if (request.to !== undefined) return { name, database: undefined }
    throw new HayaiError('NOT_FOUND', `the snapshot is of "${name}", and there is no such database`, {
      hint: `Make one for it: hayai restore ${source.view.id.slice(0, 8) || source.view.path} --to ${name}`,
      cause: error,
    })
  }
}

/** Nobody asked for a newer server. */
function notesOn({ engine, made: by }: Source, version: string | undefined): readonly string[] {
  const { recipe, title } = engine
  if (by === null || version === undefined || recipe.shape === 'file') return []
  const [made, major] = [recipe.majorOf(by), recipe.majorOf(version)]
  return made === major ? [] : [`The snapshot is of ${title} ${made}, which is not on this machine: it goes into ${version}.`]
}

interface Seen {
  readonly view: Watching
  /** Of a database that will be made. */
  readonly probed: string | undefined
}

async function cheapChecks(context: Context, goal: Goal, source: Source, seen: Seen): Promise<readonly Check[]> {
  const { view, probed } = seen

  const checks: Check[] = [{ what: 'engine', ok: true, detail: source.engine.title }]
  if (goal.database !== undefined && source.made !== null) {
    const { version } = await probe(goal.database, await majorOf(goal.database), view)
    checks.push(versionCheck(source, version))
  }
  if (probed !== undefined) checks.push(versionCheck(source, probed))
  const needed = source.manifest?.files.reduce((sum, file) => sum + file.plain.bytes, 0) ?? source.view.bytes
  const free = await freeBytes(goal.database?.placement.dataDir ?? context.paths.own)
  checks.push({ what: 'disk space', ok: free > needed, detail: `${mebibytes(needed)} MiB of content, ${mebibytes(free)} MiB free` })
  return checks
}

export function versionCheck(source: Pick<Source, 'engine' | 'made' | 'format'>, version: string): Check {
  const { recipe } = source.engine
  const made = source.made ?? ''
  if (recipe.shape === 'file') return { what: 'version', ok: true, detail: `made by ${made}, read by ${version}` }
  const difference = compareVersions(recipe.majorOf(made), recipe.majorOf(version))
  const ok = source.format.kind === 'physical' ? difference === 0 : difference <= 0
  const why = ok || source.format.kind !== 'physical' ? '' : `; as ${source.format.name} it fits the same major version only`
  return { what: 'version', ok, detail: `made by ${made}, restored into ${version}${why}` }
}

/** Whole as it was written? */
export async function digestCheck(source: Source, view: Watching): Promise<Check> {
  await source.checkReadable()
  await source.verifyDigest((done, total) => view.bytes(done, total), view.signal)
  return digestPassed(source)
}

/** A file without a manifest has nothing to be compared with; its end marker is looked at when it is read. */
export function digestPassed({ manifest }: Source): Check {
  return { what: 'digest', ok: true, detail: manifest === null ? 'no manifest: only the end marker is checked' : 'SHA-256 as written' }
}

export function refuseFailed(checks: readonly Check[]): void {
  const failed = checks.find(({ ok }) => !ok)
  if (failed === undefined) return
  const [code, hint] = REFUSALS[failed.what] ?? (['CONFLICT', 'Nothing was changed.'] as const)
  throw new HayaiError(code, `${failed.what} does not fit: ${failed.detail}`, { hint, details: { checks } })
}

const REFUSALS: Readonly<Record<string, readonly ['CONFLICT' | 'STORE_FAILED', string]>> = {
  version: ['CONFLICT', 'Restore into a database of a version that fits: `--to NAME`, which is made if there is none.'],
  'disk space': ['STORE_FAILED', 'Free some disk space; `hayai list` shows the databases.'],
}

function planOf(goal: Goal, source: Source, stops: string | null): readonly string[] {
  return [
    `check ${source.view.path}`,
    ...(goal.database === undefined ? [`create the ${source.engine.title} database "${goal.name}"`] : []),
    `fill an empty twin of "${goal.name}" from it, beside the live data`,
    source.manifest === null ? 'ask the twin what it holds' : 'count the twin against what was counted when the snapshot was taken',
    stops === null
      ? `make the twin the live data of "${goal.name}"; the data before is kept for \`hayai undo ${goal.name}\``
      : `stop the container ${stops}, exchange what is in its volume for the twin's data, and start it again; the data before is kept for \`hayai undo ${goal.name}\``,
  ]
}

interface Made {
  readonly database: Database
  /** A file or container that others made, and that was here before. It is nobody's to delete. */
  readonly adopted: boolean
  /** What people had declared stays declared, whatever comes of it. */
  readonly declared: boolean
}

async function makeGoal(context: Context, name: string, source: Source, watch: Watch): Promise<Made> {
  const place = await placeFor(context, name, source, watching(watch))
  const { runtime, version } = place
  const declared = (await declarationIn(context.configFile, name)) !== null
  const declaredNow = await declareLike(context, name, { name: source.view.database, engine: source.engine, version })
  try {
    const order = { name, engine: source.engine.name, runtime, ...(version === undefined ? {} : { version }) }
    await init(context, order, watch, { image: source.manifest?.image, login: await loginWith(context, comingFrom(source)) })
  } catch (error) {
    if (declaredNow) await removeFromConfig(context.root, context.configFile, name)
    throw error
  }
  const database = await databaseOf(context, name)
  const adopted = (await database.site.generations()).some(({ origin }) => origin === 'adopted')
  const made: Made = { database, declared, adopted }
  try {
    await start(context, [name], watch)
  } catch (error) {
    await unmakeGoal(context, made)
    throw error
  }
  return made
}

/** Where one that is made for a snapshot lives, and of which version it is: as the one whose snapshot it is. */
async function placeFor(context: Context, name: string, source: Source, watch: Watching) {
  const { engine } = source
  const model = (await readCatalog(context.root)).databases[source.view.database]
  const like = model?.engine === engine.name ? model : undefined
  const config = await configOf(context)
  const [declared, modelled] = [config?.databases[name], like === undefined ? undefined : config?.databases[source.view.database]]
  const { name: runtime, runtime: host } = runtimeFor(context, engine, declared?.runtime ?? like?.runtime)
  const said = { version: declared?.version ?? like?.version ?? undefined, image: (declared ?? modelled)?.image }
  const had = { known: source.manifest?.image, watch }
  const version = await versionFor({ engine, runtime: host, said, needed: majorFor(source), had })
  const free = said.version === undefined && said.image === undefined
  if (source.made === null || engine.recipe.shape === 'file') return { runtime, version, probed: undefined, free }
  const probed = await host.probe(engine, version, { ...had, image: said.image })
  const made = engine.recipe.majorOf(source.made)
  if (free && compareVersions(engine.recipe.majorOf(probed.version), made) < 0) await host.probe(engine, made, had) // says what to install
  return { runtime, version, probed: probed.version, free }
}

async function unmakeGoal(context: Context, { database, declared, adopted }: Made): Promise<void> {
  const { name, entry } = database
  if ((await readCatalog(context.root)).databases[name]?.id !== entry.id) return
  if (adopted) {
    await remove(context, name, { keepData: false, missingOk: true, dryRun: false, keepDeclaration: declared })
    return
  }
  await withDatabase(context, database, { purpose: `taking "${name}" back` }, () => unmake(context, database))
  if (!declared) await removeFromConfig(context.root, context.configFile, name)
}

/** Which login comes with it. */
function comingFrom({ engine, format, view, manifest }: Source): Coming {
  return { engine, format, from: view.database, instant: manifest?.instant ?? null }
}

async function fillAndSwap(context: Context, database: Database, source: Source, { checks, view }: { checks: Check[]; view: Watching }) {
  const { twin, facts } = await twinFrom(database.site, source, view)
  try {
    checks.push(digestPassed(source))
    if (source.manifest !== null) checks.push({ what: 'census', ok: true, detail: agreement(source.manifest.census) })
    view.stage('switching')
    view.signal.throwIfAborted() // from here on it is finished, whoever interrupts
    const said = await followLogin(context, database, twin.name, comingFrom(source))
    return { generation: await twin.swap(`restored from ${source.view.id || source.view.path}`, facts.census), said }
  } finally {
    await twin.close()
  }
}

/** What others made is not stopped by the way. */
export function refuseUnasked(name: string, container: string | null, agreed: boolean | undefined): void {
  if (container === null || agreed === true) return
  throw new HayaiError(
    'USAGE',
    `"${name}" is in the container ${container}, which Hayai did not make, and which this would stop and start again`,
    { hint: 'Say so with -y (in the library: stopContainer), or restore into a database beside it with --to NAME.' },
  )
}

export async function noteRestored(context: Context, name: string): Promise<void> {
  await changeCatalog(context.root, `noting a restore of "${name}"`, (catalog) => withEvent(catalog, 'restored', name))
}

export function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}
