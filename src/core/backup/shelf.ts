// Finding backups: the folders in `backups/`, or in another folder, and what a look at each tells.

import { readdir, readFile, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { exists, syncFolder, temporaryName } from '../../base/files.ts'
import { changeCatalog, readCatalog, withBackupFolder } from '../../project/catalog.ts'
import { BACKUP_MANIFEST, filesOf, parseBackup, type BackupManifest } from '../../snapshots/backup-manifest.ts'
import type { Manifest } from '../../snapshots/manifest.ts'
import type { BackedUp, BackupReference, BackupView } from '../backup-answers.ts'
import type { Context } from '../context.ts'

export interface Found {
  readonly view: BackupView
  /** undefined for a folder that has none, or one that cannot be read. */
  readonly manifest: BackupManifest | undefined
}

export function folderOf(context: Context, folder: string | undefined): string {
  return folder === undefined ? context.paths.backups : resolve(folder)
}

/** `backups/`, and the folders that backups of this project were sent to; or the one that is named. */
export async function foldersOf({ paths, root }: Context, folder: string | undefined): Promise<readonly string[]> {
  if (folder !== undefined) return [resolve(folder)]
  return [paths.backups, ...((await readCatalog(root)).backupFolders ?? [])]
}

/** A backup that is sent elsewhere is found from then on, like one in `backups/`. */
export async function rememberFolder({ paths, root }: Context, folder: string): Promise<void> {
  if (folder === paths.backups || (await readCatalog(root)).backupFolders?.includes(folder) === true) return
  await changeCatalog(root, `remembering ${folder}`, (catalog) => withBackupFolder(catalog, folder))
}

/** Of all these folders, the newest first. Where others send theirs too, only those of this project are told. */
export async function backupsOf(context: Context, folder?: string): Promise<readonly Found[]> {
  const lists = await Promise.all((await foldersOf(context, folder)).map(backupsIn))
  const [first = [], ...others] = lists
  const own = others.flat().filter(({ view }) => view.project === basename(context.root))
  return others.length === 0 ? first : [...first, ...own].toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)))
}

/** The newest first. Whatever lies in the folder, a list never fails because of it. */
export async function backupsIn(folder: string): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const name of await foldersIn(folder)) {
    const each = await lookAt(join(folder, name))
    if (each !== undefined) found.push(each)
  }
  return found.toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)))
}

function timeOf({ view }: Found): string {
  return `${view.created ?? ''} ${view.name}`
}

/** The backup that is meant. NOT_FOUND when there is none, CONFLICT when there are several, CORRUPT when its manifest is damaged. */
export async function findBackup(context: Context, request: BackupReference): Promise<Found & { readonly manifest: BackupManifest }> {
  const found = await find(context, request)
  if (found.manifest !== undefined) return { ...found, manifest: found.manifest }
  throw new HayaiError('CORRUPT', `${found.view.path} is no whole backup: ${found.view.flaws.join(' ')}`, {
    hint: 'Use another one: `hayai backup list`. A file in it can still be restored by itself: `hayai restore FILE --engine ENGINE --to NAME`.',
  })
}

async function find(context: Context, { reference, folder }: BackupReference): Promise<Found> {
  const folders = await foldersOf(context, folder)
  const newestOf = reference === undefined || (reference === LATEST && folders.length > 1 && !(await exists(resolve(reference))))
  if (newestOf) {
    const newest = (await backupsOf(context, folder)).find(({ view }) => view.whole)
    if (newest !== undefined) return newest
    throw new HayaiError('NOT_FOUND', `there is no whole backup in ${folders.join(', ')} yet`, { hint: 'hayai backup' })
  }
  const [home = ''] = folders
  for (const path of [resolve(reference), ...(reference.includes('/') ? [] : [join(home, reference)])]) {
    if (!(await exists(path))) continue
    const found = await lookAt(await realpath(path))
    if (found !== undefined) return found
    throw new HayaiError('NOT_FOUND', `${reference} is no backup: there is no ${BACKUP_MANIFEST} in it`, { hint: 'hayai backup list' })
  }
  const all = await backupsOf(context, folder)
  const byName = all.filter(({ view }) => view.name === basename(reference))
  const matches = byName.length > 0 || reference.length < 4 ? byName : all.filter(({ view }) => view.id.startsWith(reference))
  const [only, another] = matches
  if (only === undefined) {
    throw new HayaiError('NOT_FOUND', `no backup is called ${JSON.stringify(reference)}`, { hint: 'Run `hayai backup list` to see them.' })
  }
  if (another === undefined) return only
  throw new HayaiError('CONFLICT', `${JSON.stringify(reference)} may mean ${matches.length} backups`, {
    hint: `Give more of it: ${matches.map(({ view }) => view.id.slice(0, 12)).join(', ')}.`,
  })
}

/** What was written into a backup by its own name: a folder has one only if it was made whole. */
export async function lookAt(path: string): Promise<Found | undefined> {
  const file = join(path, BACKUP_MANIFEST)
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (error) {
    const code = systemCode(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') throw error
    return (await exists(join(path, 'backup_info.txt')))
      ? { view: unknown(path, `It has no ${BACKUP_MANIFEST}: Hayai did not make it, or it was deleted.`), manifest: undefined }
      : undefined
  }
  try {
    const manifest = parseBackup(content, file)
    return { view: viewOf(path, manifest, await flawsOf(path, manifest)), manifest }
  } catch (error) {
    if (!(error instanceof HayaiError)) throw error
    return { view: unknown(path, `${error.message}.`), manifest: undefined }
  }
}

/** What a look tells: files that are gone, or not as long as they were. */
async function flawsOf(path: string, manifest: BackupManifest): Promise<readonly string[]> {
  const flaws = await Promise.all(
    filesOf(manifest).map(async ({ name, bytes }) => {
      const found = await sizeOf(join(path, name))
      if (found === undefined) return `${name} is gone.`
      return found === bytes ? undefined : `${name} has ${found} bytes instead of ${bytes}.`
    }),
  )
  return flaws.filter((flaw) => flaw !== undefined)
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const found = await stat(file)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** Files that are in the folder and that its manifest does not know. */
export async function addedTo(path: string, manifest: BackupManifest): Promise<readonly string[]> {
  const known = new Set([BACKUP_MANIFEST, ...filesOf(manifest).map(({ name }) => name)])
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .filter((name) => !known.has(name))
    .toSorted()
}

export function viewOf(path: string, manifest: BackupManifest, flaws: readonly string[]): BackupView {
  const { id, project, instant, comment, snapshots, missing, distance, verification } = manifest
  return {
    id,
    name: basename(path),
    path,
    project,
    created: instant,
    bytes: filesOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0),
    comment,
    databases: snapshots.map((each) => backedUp(each, manifest)),
    missing,
    distance,
    whole: missing.length === 0 && flaws.length === 0 && verification?.ok !== false,
    flaws,
    verified: verification,
  }
}

function backedUp(snapshot: Manifest, { moments }: BackupManifest): BackedUp {
  const { id, database, engine, product, version, format, files, census, notes, instant } = snapshot
  return {
    id,
    database,
    engine,
    product,
    version,
    format,
    file: files[0]?.name ?? '',
    bytes: files.reduce((sum, { stored }) => sum + stored.bytes, 0),
    instant,
    blocked: moments.find((each) => each.database === database)?.blocked ?? null,
    tables: Object.keys(census.tables).length,
    rows: Object.values(census.tables).reduce((sum, rows) => sum + rows, 0),
    notes,
  }
}

function unknown(path: string, flaw: string): BackupView {
  const nothing = { id: '', project: '', created: null, bytes: 0, comment: null, databases: [], missing: [], distance: 0, verified: null }
  return { ...nothing, name: basename(path), path, whole: false, flaws: [flaw] }
}

const LATEST = 'latest'

export async function foldersIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return []
    throw error
  }
}

/** Makes `latest` lead to the newest whole one. What else has that name stays, and why is told. */
export async function refreshLatest(folder: string): Promise<string | null> {
  const link = join(folder, LATEST)
  const newest = (await backupsIn(folder)).find(({ view }) => view.whole)?.view.name
  const goal = await goalOf(link)
  if (goal === 'other') return `${link} is not a link that Hayai made, and was left as it is.`
  if (goal?.name === newest) return null
  if (newest === undefined) await rm(link, { force: true })
  else {
    const temporary = join(folder, temporaryName(LATEST))
    await symlink(newest, temporary)
    await rename(temporary, link)
  }
  await syncFolder(folder)
  return null
}

async function goalOf(link: string): Promise<{ readonly name: string } | 'other' | undefined> {
  try {
    const name = await readlink(link)
    return name.includes('/') ? 'other' : { name }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    if (systemCode(error) === 'EINVAL') return 'other'
    throw error
  }
}
