// backup restore: every database of a backup, or none. Look at all before anything moves; fill a twin of each, count each; then
// switch all. Databases that are not there are made; where there is no project, the backup's own declaration begins one.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { text } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import { exists, freeBytes, writeDurably } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import type { Engine, Format } from '../../engines/engine.ts'
import { makeOwnFolder, readCatalog } from '../../project/catalog.ts'
import { CONFIG_NAME } from '../../project/paths.ts'
import type { Twin } from '../../runtimes/runtime.ts'
import type { BackupManifest } from '../../snapshots/backup-manifest.ts'
import { agreement } from '../../snapshots/compare.ts'
import type { Manifest } from '../../snapshots/manifest.ts'
import { repository } from '../../snapshots/repository.ts'
import type { Check, Watch } from '../answers.ts'
import type { BackupRestoreAnswer, BackupRestoreRequest, BackupView, Returned } from '../backup-answers.ts'
import { assemble, configOf, declaredIn, engineOf, formatOf, settle, type Context, type Database } from '../context.ts'
import { filledTwin } from '../fill.ts'
import { sweepGrace } from '../grace.ts'
import { wishOf } from '../init.ts'
import { followLogin } from '../logins.ts'
import { knowing, probe } from '../probe.ts'
import { refuseKept, reserve } from '../reserve.ts'
import { mebibytes, refuseFailed, refuseUnasked, versionCheck } from '../restore.ts'
import { wrongEngine } from '../snapshot.ts'
import { sweepTrials } from '../trial.ts'
import { watching, type Watching } from '../watching.ts'
import { addedTo, findBackup } from './shelf.ts'
import { announce, giveUp, switchAll, together, type Announced, type Step } from './switch.ts'
import { inLanes, withAll } from './together.ts'

export async function restoreBackup(context: Context, request: BackupRestoreRequest, watch: Watch = {}): Promise<BackupRestoreAnswer> {
  const began = performance.now()
  const view = watching(watch)
  await settle(context)
  const { view: backup, manifest } = await findBackup(context, request)
  const chosen = chosenOf(manifest, request.databases ?? [])
  const order: Order = { context, backup, manifest, view, declares: await willDeclare(context, manifest) }
  const plan = async (goals: readonly Goal[]): Promise<BackupRestoreAnswer> => ({
    backup,
    databases: goals.map((goal) => returned(goal, null)),
    declared: order.declares,
    containers: goals.flatMap(({ database }) => database?.entry.container ?? []),
    plan: planOf(order, goals),
    notes: await notesOf(order, goals),
    undo: null,
    seconds: (performance.now() - began) / 1000,
    dryRun: true,
  })
  if (request.dryRun === true) {
    const goals = await goalsOf(order, chosen)
    await lookAtAll(order, goals)
    return plan(goals)
  }
  await makeOwnFolder(context.root)
  await sweepTrials(context)
  const purpose = `restoring ${backup.path}`
  const answer = await withLock(context.paths.snapshotLock(manifest.id), { purpose, shared: true, signal: view.signal }, () =>
    together(context, purpose, view.signal, () =>
      withAll(
        context,
        chosen.map(({ database }) => database),
        { purpose, signal: view.signal },
        async () => {
          const goals = await goalsOf(order, chosen)
          for (const { database } of goals) await database?.site.recover()
          for (const { database } of goals) {
            refuseUnasked(database?.name ?? '', (await database?.site.interrupts())?.container ?? null, request.stopContainer)
          }
          await lookAtAll(order, goals)
          const { databases, said } = await restoreAll(order, goals)
          const planned = await plan(goals)
          return { ...planned, notes: [...planned.notes, ...said], databases, undo: 'hayai undo --all' }
        },
      ),
    ),
  )
  await sweepGrace(context)
  return { ...answer, seconds: (performance.now() - began) / 1000, dryRun: false }
}

interface Order {
  readonly context: Context
  readonly backup: BackupView
  readonly manifest: BackupManifest
  readonly view: Watching
  /** There is no `.hayaidb` here, and the backup has one. */
  readonly declares: boolean
}

/** Where one snapshot shall go: a database that is there, or one that will be made. */
interface Goal {
  readonly snapshot: Manifest
  readonly engine: Engine
  readonly format: Format
  readonly database: Database | undefined
  readonly checks: Check[]
}

function chosenOf({ snapshots }: BackupManifest, names: readonly string[]): readonly Manifest[] {
  const unknown = names.find((name) => !snapshots.some(({ database }) => database === name))
  if (unknown === undefined) return names.length === 0 ? snapshots : snapshots.filter(({ database }) => names.includes(database))
  throw new HayaiError('NOT_FOUND', `"${unknown}" is not in this backup`, {
    hint: `It has: ${snapshots.map(({ database }) => database).join(', ')}.`,
  })
}

const DECLARATION = `config/${CONFIG_NAME}`

async function willDeclare(context: Context, { papers }: BackupManifest): Promise<boolean> {
  return papers.some(({ name }) => name === DECLARATION) && !(await exists(context.configFile))
}

async function goalsOf({ context }: Order, snapshots: readonly Manifest[]): Promise<readonly Goal[]> {
  const { databases } = await readCatalog(context.root)
  return Promise.all(
    snapshots.map(async (snapshot): Promise<Goal> => {
      const engine = engineOf(context, snapshot.engine)
      const entry = databases[snapshot.database]
      if (entry !== undefined && entry.engine !== engine.name) throw wrongEngine(engine.name, snapshot.database, entry.engine)
      const database = entry === undefined ? undefined : await assemble(context, snapshot.database, entry)
      return { snapshot, engine, format: formatOf(engine, snapshot.format), database, checks: [] }
    }),
  )
}

/** Nothing is touched before all of this has passed: digests, versions, room. */
async function lookAtAll(order: Order, goals: readonly Goal[]): Promise<void> {
  const { context, backup, view, declares } = order
  // As it will be declared.
  const looking = declares ? { ...order, context: { ...context, configFile: join(backup.path, DECLARATION) } } : order
  const needed = goals.flatMap(({ snapshot }) => snapshot.files).reduce((sum, { plain }) => sum + plain.bytes, 0)
  const free = await freeBytes(context.paths.own)
  const room: Check = { what: 'disk space', ok: free > needed, detail: `${mebibytes(needed)} MiB of content, ${mebibytes(free)} MiB free` }
  const shelf = repository(context.parts.openFolder(backup.path), context.keyring)
  view.stage('checking digests')
  for (const { snapshot, engine, database, checks, format } of goals) {
    checks.push({ what: 'engine', ok: true, detail: engine.title }, room)
    if (database === undefined) await refuseKept(context, snapshot.database)
    const probed = await probeFor(looking, snapshot, { engine, database })
    checks.push(versionCheck({ engine, made: snapshot.version, format }, probed.version))
    refuseFailed(checks)
    await shelf.checkReadable(snapshot)
    await shelf.verifyDigest(snapshot, (done, total) => view.bytes(done, total), view.signal)
    checks.push({ what: 'digest', ok: true, detail: 'SHA-256 as written' })
  }
}

/** The version that is there; for a new database the one that is declared, else the one of the snapshot, else any that is newer. */
async function probeFor({ context, view }: Order, snapshot: Manifest, { engine, database }: Pick<Goal, 'engine' | 'database'>) {
  if (database !== undefined) {
    const { version } = await probe(database, database.entry.version, view)
    return { version, major: database.entry.version ?? undefined }
  }
  const wish = await wishOf(context, { name: snapshot.database, engine: engine.name })
  const runtime = context.parts.runtimes[wish.runtime]
  if (runtime === undefined) throw new Error(`there is no runtime ${wish.runtime}`)
  const major = wish.version ?? (engine.recipe.shape === 'server' ? engine.recipe.majorOf(snapshot.version) : undefined)
  const circumstances = { image: wish.declared?.image, known: snapshot.image, watch: view }
  try {
    return { version: (await runtime.probe(engine, major, circumstances)).version, major }
  } catch (error) {
    if (!isCode(error, 'ENVIRONMENT') || wish.version !== undefined) throw error
    return { version: (await runtime.probe(engine, undefined, circumstances)).version, major: undefined }
  }
}

function planOf({ backup, declares, context }: Order, goals: readonly Goal[]): readonly string[] {
  const names = goals.map(({ snapshot }) => `"${snapshot.database}"`).join(', ')
  return [
    `check ${backup.path}`,
    ...(declares ? [`make ${context.configFile} as it was`] : []),
    ...goals
      .filter(({ database }) => database === undefined)
      .map(({ snapshot, engine }) => `make the ${engine.title} database "${snapshot.database}"`),
    `fill an empty twin of each of ${names}, beside the live data, and count it`,
    'make all twins the live data, or none; the data before is kept for `hayai undo --all`',
  ]
}

async function notesOf({ context, backup, manifest }: Order, goals: readonly Goal[]): Promise<readonly string[]> {
  const { databases } = await readCatalog(context.root)
  const others = Object.keys(databases).filter((name) => !goals.some(({ snapshot }) => snapshot.database === name))
  const added = await addedTo(backup.path, manifest)
  return [
    ...manifest.missing.map(({ database }) => `The backup is partial: "${database}" is not in it.`),
    ...backup.flaws.map((flaw) => `In the backup's folder: ${flaw}`),
    ...(added.length === 0 ? [] : [`In the backup's folder lies what does not belong to it: ${added.slice(0, 5).join(', ')}.`]),
    ...(others.length === 0 ? [] : [`Left as they are: ${others.join(', ')}.`]),
  ]
}

async function restoreAll(order: Order, goals: readonly Goal[]) {
  const { context, backup, manifest, view, declares } = order
  const made: string[] = []
  const announced: Announced = { id: randomBytes(4).toString('hex'), restores: true, made, declared: declares }
  const twins: Twin[] = []
  const close = async (): Promise<void> => {
    for (const twin of twins.splice(0)) await twin.close()
  }
  let switching = false
  if (declares) await declareAll(context, announced, await text(context.parts.openFolder(backup.path).get(DECLARATION)))
  try {
    const ready: (Goal & { readonly database: Database })[] = []
    for (const goal of goals) {
      const database = goal.database ?? (await reserved(order, goal))
      if (goal.database === undefined) {
        made.push(database.name)
        await announce(context, announced)
      }
      ready.push({ ...goal, database })
    }
    view.stage('loading')
    const filled = await inLanes(ready, async (goal) => {
      const { twin, facts } = await fill(order, goal)
      twins.push(twin)
      goal.checks.push({ what: 'census', ok: true, detail: agreement(goal.snapshot.census) })
      return { ...goal, twin, facts }
    })
    view.stage('switching')
    view.signal.throwIfAborted() // from here on it is finished, whoever interrupts
    const steps = await Promise.all(
      filled.map(async ({ database, twin, facts }): Promise<Step> => {
        const from = (await database.site.generations()).find(({ live }) => live)?.name ?? null
        const origin = `restored from backup ${manifest.id.slice(0, 12)} (${announced.id})`
        const take = async () => {
          const generation = await twin.swap(origin, facts.census)
          if (from === null) await database.site.start(new AbortController().signal)
          return generation
        }
        return { database, from, to: twin.name, fresh: true, take }
      }),
    )
    const said: string[] = []
    for (const { snapshot, engine, format, database, twin } of filled) {
      const { database: from, instant } = snapshot
      said.push(...(await followLogin(context, database, twin.name, { engine, format, from, instant })))
    }
    switching = true
    const generations = await switchAll(context, announced, steps, { stage: view.stage, abandon: close })
    await close()
    const databases = filled.map((goal, at) => returned(goal, generations[at]?.name ?? null, made.includes(goal.snapshot.database)))
    return { databases, said }
  } catch (error) {
    await close()
    if (!switching) await giveUp(context)
    throw error
  }
}

/** As it was; where somebody has begun another project here meanwhile, it is theirs. */
async function declareAll(context: Context, announced: Announced, declaration: string): Promise<void> {
  const { configFile, paths } = context
  await withLock(paths.configLock, { purpose: 'making .hayaidb' }, async () => {
    if (await exists(configFile))
      throw new HayaiError('CONFLICT', `${configFile} has been made by another command meanwhile`, { hint: 'Look at it, and try again.' })
    await announce(context, announced)
    await writeDurably(configFile, declaration, 0o644)
  })
}

/** A name, a port and a login for a database that is not there yet. */
async function reserved(order: Order, { snapshot, engine }: Goal): Promise<Database> {
  const { context } = order
  const wish = await wishOf(context, { name: snapshot.database, engine: engine.name })
  const { major } = await probeFor(order, snapshot, { engine, database: undefined })
  const { entry, reserved: mine } = await reserve(context, wish, false)
  const declared = async () => knowing(declaredIn(await configOf(context), wish.name), snapshot.image)
  if (mine) return assemble(context, wish.name, { ...entry, version: entry.version ?? major ?? null }, declared)
  throw new HayaiError('CONFLICT', `another command is making "${wish.name}" at this moment`, { hint: 'Try again when it is done.' })
}

function fill({ context, backup, view }: Order, { snapshot, engine, format, database }: Goal & { readonly database: Database }) {
  const shelf = repository(context.parts.openFolder(backup.path), context.keyring)
  return filledTwin(database.site, {
    engine,
    format,
    bytes: () => shelf.open(snapshot),
    expected: snapshot.census,
    watch: view,
  })
}

function returned({ snapshot, checks, database }: Goal, generation: string | null, made = database === undefined): Returned {
  return {
    database: snapshot.database,
    engine: snapshot.engine,
    made,
    generation,
    checks,
    tables: Object.keys(snapshot.census.tables).length,
    rows: Object.values(snapshot.census.tables).reduce((sum, rows) => sum + rows, 0),
  }
}
