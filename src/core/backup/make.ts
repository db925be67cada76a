// backup: every database at one moment, each as a snapshot of its own, with logs and configuration, in a folder that gets its name
// when all of it is there. A database that fails takes the whole backup with it, unless it may be left out.

import { randomBytes } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from '../../base/bytes.ts'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { makeFolder, newFolder, sweepPartials, syncTree, syncFolder, temporaryName, exists } from '../../base/files.ts'
import { STEPS } from '../../engines/engine.ts'
import { makeOwnFolder } from '../../project/catalog.ts'
import { BACKUP_MANIFEST, BACKUP_VERSION, backupText, type BackupManifest, type Missing } from '../../snapshots/backup-manifest.ts'
import { parseCompression } from '../../snapshots/codecs.ts'
import type { Store } from '../../stores/store.ts'
import type { Watch } from '../answers.ts'
import { audit } from '../audit.ts'
import type { BackupAnswer, BackupRequest } from '../backup-answers.ts'
import { databaseOf, databasesOf, noDatabase, type Context, type Database } from '../context.ts'
import { gitState } from '../git.ts'
import { encryptedFor, recipientsFor } from '../recipients.ts'
import { sweepTrials } from '../trial.ts'
import { watching, type Watching } from '../watching.ts'
import { barrier, course, type Barrier, type Ticket } from './barrier.ts'
import { composeVersion, folderNameOf, putConfiguration, putInfo, putLogs, putPaper, secretsOf } from './papers.ts'
import { sweepBackups } from './keep.ts'
import { savePart, type Part } from './part.ts'
import { putTables } from './tables.ts'
import { folderOf, refreshLatest, rememberFolder, viewOf } from './shelf.ts'
import { withAll } from './together.ts'

export async function backup(context: Context, request: BackupRequest, watch: Watch = {}): Promise<BackupAnswer> {
  const began = performance.now()
  const databases = await chosen(context, request.databases ?? [])
  const recipients = await recipientsFor(context, request)
  parseCompression(request.compression ?? 'none') // what is no compression is told before anything is held
  const folder = folderOf(context, request.output)
  const plan = [
    ...databases.map(
      ({ name, engine }) =>
        `hold "${name}" (${engine.title})${databases.length > 1 ? ' at the same moment' : ''}, and save it${encryptedFor(recipients)}`,
    ),
    'add logs and configuration, without secrets',
    `write all of it to ${folder}/<time>, or nothing`,
  ]
  if (request.dryRun === true) return { backup: null, notes: [], plan, seconds: 0, dryRun: true }
  const view = watching(watch)
  await makeOwnFolder(context.root)
  await sweepTrials(context)
  await makeFolder(folder)
  await sweepPartials(folder)
  const names = databases.map(({ name }) => name)
  const { path, manifest, notes } = await withAll(context, names, { purpose: 'a backup', signal: view.signal }, async () => {
    for (const { site } of databases) await site.recover()
    const temporary = join(folder, temporaryName('backup'))
    await newFolder(temporary)
    try {
      return await makeIn({ context, databases, recipients, request, view, folder, temporary })
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  })
  const latest = await refreshLatest(folder)
  await rememberFolder(context, folder)
  await sweepBackups(context, folder)
  for (const { database } of manifest.snapshots) await audit(context, 'backup', database, { id: manifest.id, folder: path })
  const all = latest === null ? notes : [...notes, latest]
  return { backup: viewOf(path, manifest, []), notes: all, plan, seconds: (performance.now() - began) / 1000, dryRun: false }
}

async function chosen(context: Context, names: readonly string[]): Promise<readonly Database[]> {
  const found =
    names.length === 0 ? await databasesOf(context) : await Promise.all([...new Set(names)].map((name) => databaseOf(context, name)))
  if (found.length > 0) return found
  throw await noDatabase(context)
}

interface Making {
  readonly context: Context
  readonly databases: readonly Database[]
  readonly recipients: readonly string[]
  readonly request: BackupRequest
  readonly view: Watching
  readonly folder: string
  readonly temporary: string
}

interface Made {
  readonly path: string
  readonly manifest: BackupManifest
  readonly notes: readonly string[]
}

async function makeIn(making: Making): Promise<Made> {
  const { context, databases, request, view, folder, temporary } = making
  const started = new Date()
  const store = context.parts.openFolder(temporary)
  // Of no concern where nothing runs in it; and the older Compose takes the better part of a second to say it.
  const compose = databases.some(({ entry }) => entry.runtime === 'compose') ? composeVersion() : null
  const saved = await saveAll(making, store)
  view.stage('adding logs and configuration')
  const tables = await putTables(
    context,
    store,
    temporary,
    saved.parts.map(({ snapshot }) => snapshot),
    view.signal,
  )
  const name = await freeName(folder, folderNameOf(saved.instant))
  const inForce = new Map(
    saved.parts.flatMap(({ snapshot, settings }) => (settings === undefined ? [] : [[snapshot.database, settings] as const])),
  )
  const secrets = await secretsOf(context, databases)
  const included = saved.parts.map(({ snapshot }) => snapshot.database)
  const page = {
    language: request.language ?? 'en',
    at: saved.instant,
    path: join(folder, name),
    included: await whereIn(databases, included),
    missing: saved.missing.map(({ database }) => database),
    compose: await compose,
  } as const
  const papers = [
    ...tables.papers,
    ...(await putLogs(context, store, databases, secrets, making.recipients)),
    ...(await putConfiguration(context, store, { databases, secrets, inForce })),
    await putInfo(context, store, page),
  ]
  const manifest: BackupManifest = {
    kind: 'backup',
    backupVersion: BACKUP_VERSION,
    id: randomBytes(16).toString('hex'),
    project: context.root.split('/').at(-1) ?? '',
    started: started.toISOString(),
    instant: saved.instant.toISOString(),
    finished: new Date().toISOString(),
    comment: request.comment ?? null,
    askedBy: request.askedBy ?? 'person',
    plan: request.plan,
    git: await gitState(context.root),
    distance: Math.max(0, ...saved.parts.map(({ snapshot }) => Date.parse(snapshot.instant) - saved.instant.getTime())),
    moments: saved.parts.map(({ snapshot, blocked }) => ({ database: snapshot.database, instant: snapshot.instant, blocked })),
    snapshots: saved.parts.map(({ snapshot }) => snapshot),
    papers,
    missing: saved.missing,
    verification: null,
  }
  view.signal.throwIfAborted()
  await putPaper(store, BACKUP_MANIFEST, once(backupText(manifest)))
  return { path: await giveName(folder, temporary, name), manifest, notes: tables.notes }
}

/** As the specification has it: containers. What is in none is told by its own name. */
async function whereIn(databases: readonly Database[], included: readonly string[]): Promise<readonly string[]> {
  return Promise.all(included.map(async (name) => (await databases.find((each) => each.name === name)?.site.container()) ?? name))
}

interface Saved {
  /** No database was held before. */
  readonly instant: Date
  readonly parts: readonly Part[]
  readonly missing: readonly Missing[]
}

/** All are made ready, held together, and then saved side by side. */
async function saveAll({ context, databases, recipients, request, view }: Making, store: Store): Promise<Saved> {
  const failing = new AbortController()
  const signal = AbortSignal.any([view.signal, failing.signal])
  const [ready, held] = [course(STEPS, signal), barrier(signal)]
  const git = await gitState(context.root)
  const progress = new Map<string, { readonly done: number; readonly total: number | undefined }>()
  const tell = (name: string, done: number, total: number | undefined): void => {
    progress.set(name, { done, total })
    view.bytes(...sumOf([...progress.values()], databases.length))
  }
  view.stage('holding all databases')
  const tickets = databases.map(() => ({ ready: ready.ticket(), held: held.ticket() }))
  const outcomes = await Promise.all(
    databases
      .map(async (database, at): Promise<Part | Missing> => {
        const { ready: first, held: second } = tickets[at] ?? thrown()
        try {
          return await savePart({
            context,
            database,
            store,
            signal,
            git,
            recipients,
            request,
            ready: (step) => first.arrive(step),
            held: heldBy(second, held, view),
            tell,
          })
        } catch (error) {
          if (request.keepGoing !== true || !(error instanceof HayaiError) || signal.aborted) {
            const told = signal.aborted ? error : nothingMade(database.name, error)
            failing.abort(told)
            throw told
          }
          return { database: database.name, code: error.code, message: error.message }
        } finally {
          first.leave()
          second.leave()
        }
      })
      .map(async (work) =>
        work.then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        ),
      ),
  )
  const failed = outcomes.find((outcome) => 'error' in outcome)
  if (failed !== undefined) throw firstReason(failed.error, failing.signal)
  const values = outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : []))
  const parts = values.filter((value): value is Part => 'snapshot' in value)
  const missing = values.filter((value): value is Missing => 'code' in value)
  const instant = ready.finished()
  if (parts.length === 0 || instant === undefined) throw noneLeft(missing)
  return { instant, parts, missing }
}

function thrown(): never {
  throw new Error('a database without a ticket')
}

/** Nobody writes a byte before the last one is held. */
function heldBy(ticket: Ticket, held: Barrier, view: Watching): () => Promise<void> {
  return async () => {
    await ticket.arrive()
    if (held.opened() !== undefined) view.stage('saving')
  }
}

function sumOf(each: readonly { readonly done: number; readonly total: number | undefined }[], of: number): [number, number | undefined] {
  const done = each.reduce((sum, one) => sum + one.done, 0)
  const known = each.length === of && each.every(({ total }) => total !== undefined)
  return [done, known ? each.reduce((sum, { total }) => sum + (total ?? 0), 0) : undefined]
}

function nothingMade(name: string, error: unknown): unknown {
  if (!(error instanceof HayaiError)) return error
  const hint = error.code === 'INTERRUPTED' ? error.hint : [error.hint, WITHOUT_IT].filter((line) => line !== undefined).join('\n')
  return new HayaiError(error.code, `no backup was made, because "${name}" failed: ${error.message}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { ...error.details, database: name },
    cause: error,
  })
}

const WITHOUT_IT = 'hayai backup --keep-going   # makes one without it'

/** The others failed because they were ended. */
function firstReason(error: unknown, failing: AbortSignal): unknown {
  return failing.aborted ? failing.reason : error
}

function noneLeft(missing: readonly Missing[]): HayaiError {
  const [first] = missing
  return new HayaiError('TOOL_FAILED', `no backup was made: not one database could be saved. ${first?.database}: ${first?.message}`, {
    hint: 'Look at `hayai list`.',
    details: { missing },
  })
}

/** The second backup of the same second ends with `-2`, and so on. */
export async function freeName(folder: string, name: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const candidate = attempt === 1 ? name : `${name}-${attempt}`
    if (!(await exists(join(folder, candidate)))) return candidate
  }
}

export async function giveName(folder: string, temporary: string, name: string): Promise<string> {
  await syncTree(temporary)
  const path = join(folder, name)
  try {
    await rename(temporary, path)
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY' && systemCode(error) !== 'EEXIST') throw error
    throw new HayaiError('CONFLICT', `another backup has taken the name ${path} at this moment`, { hint: 'Try again.', cause: error })
  }
  await syncFolder(folder)
  return path
}
