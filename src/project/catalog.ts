// What exists on this machine: the databases of the project, the removed ones that can still come back, and where snapshots lie.
// It is read by every command and changed under a lock, as a whole. A damaged one is refused and left exactly as it is.

import { randomUUID } from 'node:crypto'
import { copyFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, systemCode } from '../base/errors.ts'
import { createDurably, exists, giveByName, makeFolder, readIfThere, sweepPartials, writeDurably } from '../base/files.ts'
import { withLock } from '../base/locks.ts'
import { NAME_PATTERN } from '../base/names.ts'
import { ID_PATTERN, pathsOf, type Paths } from './paths.ts'
import { onFile } from './refusals.ts'
import {
  anyObject,
  emptyRecord,
  Flaw,
  instant,
  list,
  matching,
  object,
  oneOf,
  orAbsent,
  orNull,
  record,
  syntaxFlaw,
  text,
  whole,
  type Shape,
} from './shape.ts'

export interface DatabaseRecord {
  /** Given once, at creation; a database made again under the same name has another. */
  readonly id: string
  readonly engine: string
  readonly runtime: string
  /** The version asked for; null when none was. */
  readonly version: string | null
  /** null for a database without a port. */
  readonly port: number | null
  /** The file of an embedded database, absolute; null when Hayai chose the place. */
  readonly file: string | null
  /** The container that others made, and in which it is. */
  readonly container?: string | undefined
  readonly created: string
}

/** What `.hayaidb` said of a database: the meaning, and the very lines with their comments. */
export interface KeptDeclaration {
  readonly entry: Readonly<Record<string, unknown>>
  readonly source: string | null
}

export interface RemovedDatabase {
  readonly name: string
  readonly record: DatabaseRecord
  readonly removedAt: string
  /** Until when it can be brought back. */
  readonly until: string
  /** The folder where it waits; absolute. null when its data was left in its place. */
  readonly trash: string | null
  readonly keptDeclaration: KeptDeclaration | null
}

export interface HistoryEvent {
  readonly at: string
  readonly what: 'restored' | 'removed' | 'deleted'
  readonly database: string
  /** Of `deleted`: which deletion of snapshots it was. */
  readonly deletion: string | undefined
  /** Of `restored`: which restore of several databases together it was. */
  readonly together?: string | undefined
}

export interface Catalog {
  readonly formatVersion: 1
  /** Made with the first change; empty before. */
  readonly project: string
  readonly databases: Readonly<Record<string, DatabaseRecord>>
  readonly removed: readonly RemovedDatabase[]
  /** Folders outside `snapshots/` that got snapshots; absolute. */
  readonly snapshotFolders: readonly string[]
  /** Folders outside `backups/` that got backups; absolute. */
  readonly backupFolders?: readonly string[] | undefined
  /** Oldest first. */
  readonly history: readonly HistoryEvent[]
}

export interface ChangeOptions {
  readonly signal?: AbortSignal
  readonly patience?: number
}

/** The catalog as it is now. One that is not there is empty, unless there are data folders that it ought to speak of. */
export async function readCatalog(root: string): Promise<Catalog> {
  const paths = pathsOf(root)
  const content = await onFile(paths.catalog, 'read', () => readIfThere(paths.catalog))
  if (content !== undefined) return parse(content, paths)
  const orphans = await databasesOnDisk(paths)
  if (orphans.length > 0) {
    throw await corrupt(paths, `${paths.catalog} is missing, but ${paths.data} holds the data of ${orphans.join(', ')}`)
  }
  return empty()
}

/**
 * Reads, changes and durably writes the catalog, alone. What `change` returns is the new catalog; to return what it was given
 * changes nothing. `purpose` is told to those who wait: `adding "mydb"`. Not to be called from within `change`.
 */
export async function changeCatalog(
  root: string,
  purpose: string,
  change: (catalog: Catalog) => Catalog | Promise<Catalog>,
  options: ChangeOptions = {},
): Promise<Catalog> {
  const paths = await makeOwnFolder(root)
  return withLock(paths.lock, { purpose, ...options }, async () => {
    await sweepPartials(paths.own)
    const before = await readCatalog(root)
    const isNew = before.project === ''
    const given = isNew ? { ...before, project: randomUUID() } : before
    const after = await change(given)
    if (after === given && !isNew) return before
    await write(paths, after)
    return readCatalog(root)
  })
}

/** Makes `.hayai`, for its owner alone and out of git's sight. */
export async function makeOwnFolder(root: string): Promise<Paths> {
  const paths = pathsOf(root)
  await makeFolder(paths.own)
  await onFile(paths.ignoreFile, 'written', async () => {
    if (!(await exists(paths.ignoreFile))) await createDurably(paths.ignoreFile, '*\n')
  })
  return paths
}

/** The history with one more event; the newest hundred are kept. */
export function withEvent(catalog: Catalog, what: HistoryEvent['what'], database: string, at = new Date(), deletion?: string): Catalog {
  return { ...catalog, history: [...catalog.history, { at: at.toISOString(), what, database, deletion }].slice(-100) }
}

/** The history with the restore of several databases together. Told twice, it is told once. */
export function withTogether(catalog: Catalog, databases: readonly string[], together: string, at = new Date()): Catalog {
  if (catalog.history.some((event) => event.together === together)) return catalog
  const events = databases.map((database) => ({ at: at.toISOString(), what: 'restored' as const, database, deletion: undefined, together }))
  return { ...catalog, history: [...catalog.history, ...events].slice(-100) }
}

export function withSnapshotFolder(catalog: Catalog, folder: string): Catalog {
  return catalog.snapshotFolders.includes(folder) ? catalog : { ...catalog, snapshotFolders: [...catalog.snapshotFolders, folder] }
}

export function withBackupFolder(catalog: Catalog, folder: string): Catalog {
  const { backupFolders: known = [] } = catalog
  return known.includes(folder) ? catalog : { ...catalog, backupFolders: [...known, folder] }
}

async function write(paths: Paths, catalog: Catalog): Promise<void> {
  const content = `${JSON.stringify(catalog, null, 2)}\n`
  shape(JSON.parse(content), '') // what would be refused when read is never written
  await onFile(paths.catalog, 'written', async () => {
    try {
      await copyFile(paths.catalog, paths.previousCatalog)
      await giveByName(paths.previousCatalog)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error // the first catalog has no predecessor
    }
    await writeDurably(paths.catalog, content)
  })
}

async function parse(content: string, paths: Paths): Promise<Catalog> {
  try {
    return understand(content)
  } catch (error) {
    if (error instanceof SyntaxError) throw await corrupt(paths, `${paths.catalog} is damaged: ${syntaxFlaw(error, content)}`)
    if (error instanceof Flaw) throw await corrupt(paths, `${paths.catalog} is damaged: ${error.message}`)
    throw error
  }
}

function understand(content: string): Catalog {
  const found = anyObject(JSON.parse(content), '')
  const version = whole(1, Number.MAX_SAFE_INTEGER)(found['formatVersion'], 'formatVersion')
  if (version > FORMAT_VERSION) {
    throw new HayaiError('ENVIRONMENT', `the catalog of this project was written by a newer Hayai (format ${version})`, {
      hint: 'Update Hayai: `npm install -g hayai`.',
    })
  }
  return shape(found, '')
}

async function corrupt(paths: Paths, message: string): Promise<HayaiError> {
  const hint = (await isGood(paths.previousCatalog))
    ? `Nothing was changed. The catalog as it was before its last change is whole: \`cp ${paths.previousCatalog} ${paths.catalog}\`.`
    : `Nothing was changed. Put a good copy back in its place; or move ${paths.own} aside, begin anew with \`hayai init\`, and restore from snapshots.`
  return new HayaiError('CORRUPT', message, { hint, details: { file: paths.catalog } })
}

async function isGood(file: string): Promise<boolean> {
  const content = await readIfThere(file)
  if (content === undefined) return false
  try {
    understand(content)
    return true
  } catch {
    return false // only asked whether it can be recommended
  }
}

async function databasesOnDisk(paths: Paths): Promise<readonly string[]> {
  return onFile(paths.data, 'read', async () => {
    const held = await Promise.all(
      (await names(paths.data))
        .filter((name) => NAME_PATTERN.test(name))
        .map(async (name) => ({ name, inside: await names(join(paths.data, name)) })),
    )
    return held.filter(({ inside }) => inside.length > 0).map(({ name }) => name)
  })
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

const FORMAT_VERSION = 1

function empty(): Catalog {
  return { formatVersion: FORMAT_VERSION, project: '', databases: emptyRecord(), removed: [], snapshotFolders: [], history: [] }
}

const name = matching(NAME_PATTERN, 'a name')
const id = matching(ID_PATTERN, 'an id')
const path = matching(/^\//, 'an absolute path')

const CONTAINER = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

const databaseRecord = object<DatabaseRecord>({
  id,
  engine: text,
  runtime: text,
  version: orNull(text),
  port: orNull(whole(1, 65_535)),
  file: orNull(path),
  container: (value, where) => (value === undefined ? undefined : matching(CONTAINER, 'the name of a container')(value, where)),
  created: instant,
})

const shape: Shape<Catalog> = object<Catalog>({
  formatVersion: oneOf(FORMAT_VERSION),
  project: matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'the id of a project'),
  databases: record(NAME_PATTERN, databaseRecord),
  removed: list(
    object<RemovedDatabase>({
      name,
      record: databaseRecord,
      removedAt: instant,
      until: instant,
      trash: orNull(path),
      keptDeclaration: orNull(object<KeptDeclaration>({ entry: anyObject, source: orNull(text) })),
    }),
  ),
  snapshotFolders: list(path),
  backupFolders: orAbsent(list(path)),
  history: list(
    object<HistoryEvent>({
      at: instant,
      what: oneOf('restored', 'removed', 'deleted'),
      database: name,
      deletion: orAbsent(text),
      together: orAbsent(text),
    }),
  ),
})
