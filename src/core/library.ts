// Finding snapshots: by path, file name, id or database, in the project's folder and in those that snapshots were sent to.

import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError } from '../base/errors.ts'
import { exists } from '../base/files.ts'
import { withLock } from '../base/locks.ts'
import { checkName } from '../base/names.ts'
import type { Engine, Format } from '../engines/engine.ts'
import { changeCatalog, makeOwnFolder, readCatalog, withSnapshotFolder } from '../project/catalog.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import { isTakenOf, refuseUnread, repository, type Listed, type Repository } from '../snapshots/repository.ts'
import type { SnapshotView } from './answers.ts'
import { knownBySight } from './by-sight.ts'
import { databaseOf, engineOf, formatOf, type Context } from './context.ts'

/** Which snapshot is meant. */
export interface Reference {
  readonly reference: string
  readonly latest?: boolean
  /** Look in this folder alone. */
  readonly folder?: string
}

export interface SourceRequest extends Reference {
  readonly to?: string
  readonly engine?: string
}

/** A snapshot that was found, and all that is needed to read it. */
export interface Source {
  readonly view: SnapshotView
  /** null for a foreign file: one that has no manifest. */
  readonly manifest: Manifest | null
  /** The version of the server that it is of; null when nothing tells. */
  readonly made: string | null
  readonly engine: Engine
  readonly format: Format
  /** Its plain bytes; `onBytes` is told how many of them have passed. */
  open(onBytes: (done: number) => void): Bytes
  /** The same; and at their end what verifyDigest() throws. */
  openDigested(onBytes: (done: number) => void): Bytes
  /** Throws NOT_FOUND when it is encrypted for others than those whose identities are here. Reads nothing of it. */
  checkReadable(): Promise<void>
  /** Throws CORRUPT when it is not as it was written. For a foreign file there is nothing to compare with. */
  verifyDigest(onBytes: (done: number, total: number) => void, signal: AbortSignal): Promise<void>
  /** The view with the verdict; a foreign file has nowhere to keep one. */
  recordVerification(verdict: NonNullable<Manifest['verification']>): Promise<SnapshotView>
}

/** All snapshots of a folder (the project's own when none is named), the newest first. */
export async function snapshots(context: Context, folder?: string): Promise<readonly SnapshotView[]> {
  if (folder !== undefined && !(await exists(resolve(folder))))
    throw new HayaiError('NOT_FOUND', `there is no folder ${folder}`, { hint: 'Name one that snapshots were sent to with -o.' })
  const shelf = shelfOf(context, folder === undefined ? context.paths.snapshots : resolve(folder))
  return newestFirst((await shelf.repository.list()).map((listed) => viewOf(shelf.folder, listed)))
}

/** The one snapshot that is meant. NOT_FOUND when there is none, CONFLICT when there are several, CORRUPT when its manifest is damaged. */
export async function findSource(context: Context, request: SourceRequest): Promise<Source> {
  const { listed, ...shelf } = await find(context, request)
  return listed.kind === 'snapshot' ? ownSource(context, shelf, listed) : foreignSource(context, shelf, listed, request)
}

/** What lies in the folder, by whatever name it was called. Throws like findSource(). */
export async function find(context: Context, { reference, latest, folder }: Reference): Promise<Shelf & { readonly listed: Whole }> {
  const shelves = folder === undefined ? await shelvesOf(context) : [shelfOf(context, resolve(folder))]
  const newestOf = latest === true ? reference : /^([^/]+)@latest$/.exec(reference)?.[1]
  const { listed, ...shelf } =
    newestOf === undefined ? await findByReference(context, shelves, reference) : await findLatest(shelves, newestOf)
  if (listed.kind !== 'damaged') return { ...shelf, listed }
  throw new HayaiError('CORRUPT', listed.reason, { hint: 'The data file may be whole: restore it by its path with --engine.' })
}

/**
 * Does the work while nobody can take the snapshot away or give it another name; what is read is there until the end. Many may
 * do so at once.
 */
export async function whileRead<T>(context: Context, { view }: Source, purpose: string, work: () => Promise<T>): Promise<T> {
  if (view.id === '') return work()
  await makeOwnFolder(context.root)
  return withLock(context.paths.snapshotLock(view.id), { purpose, shared: true }, work)
}

/** One command at a time changes what is said of snapshots, or where they are. */
export async function changingSnapshots<T>(context: Context, purpose: string, work: () => Promise<T>): Promise<T> {
  const { snapshotsLock } = await makeOwnFolder(context.root)
  return withLock(snapshotsLock, { purpose }, work)
}

/** Snapshots in other folders than the project's own can be found by their ids too: the catalog knows the folders. */
export async function remember(context: Context, folder: string): Promise<void> {
  if (folder === context.paths.snapshots || (await readCatalog(context.root)).snapshotFolders.includes(folder)) return
  await changeCatalog(context.root, `remembering ${folder}`, (catalog) => withSnapshotFolder(catalog, folder))
}

type Whole = Exclude<Listed, { readonly kind: 'damaged' }>

export interface Shelf {
  readonly folder: string
  readonly repository: Repository
}

interface Found extends Shelf {
  readonly listed: Listed
}

export function shelfOf(context: Context, folder: string): Shelf {
  return { folder, repository: repository(context.parts.openFolder(folder), context.keyring) }
}

/** The project's folder, and the folders that snapshots were sent to. */
export async function shelvesOf(context: Context): Promise<readonly Shelf[]> {
  const { snapshotFolders } = await readCatalog(context.root)
  return [context.paths.snapshots, ...snapshotFolders].map((folder) => shelfOf(context, folder))
}

async function everythingOn(shelves: readonly Shelf[]): Promise<readonly Found[]> {
  const lists = await Promise.all(shelves.map(async (shelf) => (await shelf.repository.list()).map((listed) => ({ ...shelf, listed }))))
  return lists.flat()
}

async function findLatest(shelves: readonly Shelf[], name: string): Promise<Found> {
  checkName(name)
  const everything = await everythingOn(shelves)
  const own = everything.filter((each) => isTakenOf(each.listed, name))
  const [latest] = own.toSorted((a, b) => createdOf(b.listed).localeCompare(createdOf(a.listed)))
  const since = latest === undefined ? '' : createdOf(latest.listed)
  for (const { listed } of everything) refuseUnread(listed, name, since)
  if (latest !== undefined) return latest
  throw new HayaiError('NOT_FOUND', `there is no snapshot of "${name}" yet`, { hint: `hayai snapshot ${name}` })
}

async function findByReference(context: Context, shelves: readonly Shelf[], reference: string): Promise<Found> {
  const path = resolve(reference)
  if (await exists(path)) return findInFolder(context, dirname(path), basename(path), reference)
  if (reference.includes('/')) {
    // A manifest may still be there for a data file that is gone: then that is what is wrong with it.
    const found = await matching([shelfOf(context, dirname(path))], basename(path))
    if (found[0] !== undefined) return found[0]
    throw new HayaiError('NOT_FOUND', `there is no file ${reference}`, { hint: 'Run `hayai snapshot list` to see the snapshots.' })
  }
  const found = await matching(shelves, reference)
  const [only, another] = found
  if (only === undefined) {
    const [name = ''] = reference.split('@') // of NAME@latest, however that is spelled
    const isDatabase = (await readCatalog(context.root)).databases[name] !== undefined
    throw new HayaiError('NOT_FOUND', `no snapshot is called ${JSON.stringify(reference)}`, {
      hint: isDatabase ? `Did you mean \`${name} --latest\`?` : 'Run `hayai snapshot list` to see the snapshots.',
    })
  }
  if (another === undefined) return only
  const ids = found.map(({ folder, listed }) => viewOf(folder, listed)).map(({ id, path: file }) => id.slice(0, 12) || file)
  throw new HayaiError('CONFLICT', `${JSON.stringify(reference)} may mean ${found.length} snapshots`, {
    hint: `Give more of it: ${ids.slice(0, 5).join(', ')}.`,
    details: { matches: ids },
  })
}

async function findInFolder(context: Context, folder: string, name: string, reference: string): Promise<Found> {
  const shelf = shelfOf(context, folder)
  const [found] = await matching([shelf], name)
  if (found !== undefined) return found
  const goal = await realpath(join(folder, name))
  const [linked] = basename(goal) === name ? [] : await matching([shelfOf(context, dirname(goal))], basename(goal))
  if (linked !== undefined) return linked
  // Whatever its name: a person pointed at this very file.
  const entry = (await context.parts.openFolder(folder).list(name)).find(({ key }) => key === name)
  if (entry === undefined) throw new HayaiError('NOT_FOUND', `${reference} is not a file`, { hint: 'Name a file.' })
  return { ...shelf, listed: { kind: 'foreign', name, database: '', bytes: entry.bytes, modified: entry.modified } }
}

const SHORTEST_ID = 4

async function matching(shelves: readonly Shelf[], reference: string): Promise<readonly Found[]> {
  const all = await everythingOn(shelves)
  const byName = all.filter(({ listed }) => namesOf(listed).includes(reference))
  if (byName.length > 0 || reference.length < SHORTEST_ID) return byName
  return all.filter(({ listed }) => listed.kind === 'snapshot' && listed.manifest.id.startsWith(reference))
}

function namesOf(listed: Listed): readonly string[] {
  if (listed.kind !== 'snapshot') return [listed.name]
  return [listed.stem, `${listed.stem}.json`, ...listed.manifest.files.map(({ name }) => name), ...(listed.aliases ?? [])]
}

function ownSource(context: Context, { folder, repository: shelf }: Shelf, listed: Listed & { kind: 'snapshot' }): Source {
  const { manifest, stem } = listed
  const engine = engineOf(context, manifest.engine)
  return {
    view: viewOf(folder, listed),
    manifest,
    made: manifest.version,
    engine,
    format: formatOf(engine, manifest.format),
    open: (onBytes) => counted(shelf.open(manifest), onBytes),
    openDigested: (onBytes) => counted(shelf.openDigested(manifest), onBytes),
    checkReadable: () => shelf.checkReadable(manifest),
    verifyDigest: (onBytes, signal) => shelf.verifyDigest(manifest, onBytes, signal),
    recordVerification: async (verification) =>
      viewOf(folder, {
        kind: 'snapshot',
        stem,
        manifest: await changingSnapshots(context, 'noting a verdict', () => shelf.update(stem, { verification })),
      }),
  }
}

async function foreignSource(
  context: Context,
  { folder, repository: shelf }: Shelf,
  listed: Listed & { kind: 'foreign' },
  request: SourceRequest,
): Promise<Source> {
  const view = viewOf(folder, listed)
  const engine = request.engine === undefined ? await engineOfGoal(context, request, view) : engineOf(context, request.engine)
  const { format, made } = await knownBySight(engine, shelf, listed.name)
  const open: Source['open'] = (onBytes) => counted(shelf.openForeign(listed.name), onBytes)
  return {
    view: { ...view, engine: engine.name, database: request.to ?? view.database },
    manifest: null,
    made,
    engine,
    format,
    open,
    openDigested: open,
    checkReadable: () => Promise.resolve(), // its header will tell
    verifyDigest: () => Promise.resolve(),
    recordVerification: async ({ at, ok }) => ({ ...view, engine: engine.name, verified: { at, ok } }),
  }
}

// The database it shall go into tells the engine, when it is there.
async function engineOfGoal(context: Context, request: SourceRequest, view: SnapshotView): Promise<Engine> {
  const entry = request.to === undefined ? undefined : (await readCatalog(context.root)).databases[checkName(request.to)]
  if (entry !== undefined && request.to !== undefined) return (await databaseOf(context, request.to)).engine
  throw new HayaiError('USAGE', `${view.path} has no manifest: Hayai cannot know which engine made it`, {
    hint: `Name it: --engine ${Object.keys(context.parts.engines).join('|')}; or a database of that engine: --to NAME.`,
  })
}

async function* counted(bytes: Bytes, onBytes: (done: number) => void): Bytes {
  let done = 0
  for await (const chunk of bytes) {
    done += chunk.byteLength
    onBytes(done)
    yield chunk
  }
}

export function viewOf(folder: string, listed: Listed): SnapshotView {
  if (listed.kind === 'snapshot') {
    const view = viewOfManifest(folder, listed.manifest)
    return listed.flaw === undefined ? view : { ...view, comment: `damaged: ${listed.flaw}` }
  }
  const bytes = listed.kind === 'foreign' ? listed.bytes : 0
  return {
    id: '',
    database: listed.kind === 'foreign' ? listed.database : '',
    engine: '',
    format: '',
    path: join(folder, listed.name),
    bytes,
    created: listed.modified.toISOString(),
    comment: listed.kind === 'damaged' ? `damaged: ${listed.reason}` : null,
    tags: [],
    verified: null,
    foreign: true,
    manifest: null,
  }
}

export function viewOfManifest(folder: string, manifest: Manifest): SnapshotView {
  const { id, database, engine, format, comment, tags, verification, files, instant } = manifest
  const { outline: _, ...shown } = manifest // packed, and no reading for people
  return {
    id,
    database,
    engine,
    format,
    path: join(folder, files[0]?.name ?? ''),
    bytes: files.reduce((sum, file) => sum + file.stored.bytes, 0),
    created: instant,
    comment,
    tags,
    verified: verification === null ? null : { at: verification.at, ok: verification.ok },
    foreign: false,
    manifest: shown,
  }
}

function createdOf(listed: Listed): string {
  return listed.kind === 'snapshot' ? listed.manifest.instant : listed.modified.toISOString()
}

function newestFirst(views: readonly SnapshotView[]): readonly SnapshotView[] {
  return views.toSorted((a, b) => b.created.localeCompare(a.created))
}
