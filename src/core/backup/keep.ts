// Living with backups: what there is, what of it can be relied on, and what is not needed any more.

import { randomBytes } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { HayaiError } from '../../base/errors.ts'
import { exists, makeFolder, readIfThere, syncFolder, writeDurably } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import { makeOwnFolder } from '../../project/catalog.ts'
import { hasRules, judge, type Item } from '../../snapshots/retention.ts'
import { audit } from '../audit.ts'
import type {
  BackupDeleteAnswer,
  BackupDeleteRequest,
  BackupPruneAnswer,
  BackupPruneRequest,
  BackupReference,
  BackupStatus,
  BackupUndeleteAnswer,
  BackupUndeleteRequest,
  BackupView,
} from '../backup-answers.ts'
import { databasesOf, type Context } from '../context.ts'
import { GRACE_DAYS } from '../grace.ts'
import { alone } from '../keeping.ts'
import { useOf } from '../prune.ts'
import { changingSnapshots } from '../library.ts'
import { addedTo, backupsIn, backupsOf, findBackup, folderOf, foldersIn, foldersOf, lookAt, refreshLatest, type Found } from './shelf.ts'

export async function backups(context: Context, folder: string | undefined): Promise<readonly BackupView[]> {
  return (await backupsOf(context, folder)).map(({ view }) => view)
}

export async function showBackup(context: Context, request: BackupReference): Promise<BackupView> {
  const { view, manifest } = await findBackup(context, request)
  const added = (await addedTo(view.path, manifest)).map((name) => `${name} does not belong to it.`)
  return { ...view, flaws: [...view.flaws, ...added] }
}

export async function backupStatus(context: Context, asked: string | undefined): Promise<BackupStatus> {
  const folder = folderOf(context, asked)
  const all = await backupsOf(context, asked)
  const newest = all.find(({ view }) => view.whole)?.view ?? null
  const names = (await databasesOf(context)).map(({ name }) => name)
  const covered = new Set(newest?.databases.map(({ database }) => database))
  return {
    folder,
    folders: [folder, ...new Set(all.map(({ view }) => dirname(view.path)).filter((each) => each !== folder))],
    newest,
    uncovered: names.filter((name) => !covered.has(name)),
    whole: all.filter(({ view }) => view.whole).length,
    others: all.filter(({ view }) => !view.whole).map(({ view }) => view),
    bytes: all.reduce((sum, { view }) => sum + view.bytes, 0),
  }
}

export type KnownBackup = Awaited<ReturnType<typeof findBackup>>

export async function deleteBackups(context: Context, request: BackupDeleteRequest): Promise<BackupDeleteAnswer> {
  const going = new Map<string, KnownBackup>()
  for (const reference of request.references) {
    const found = await findBackup(context, { reference, ...(request.folder !== undefined && { folder: request.folder }) })
    going.set(found.view.path, found)
  }
  const deleted = [...going.values()].map(({ view }) => view)
  const answer = { deleted, bytes: deleted.reduce((sum, { bytes }) => sum + bytes, 0), dryRun: request.dryRun === true }
  if (answer.dryRun) return { ...answer, undo: null, until: null }
  return { ...answer, ...(await throwAway(context, [...going.values()], 'backup delete')) }
}

const TRASH = '.trash'

const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  backup: z.string(),
  name: z.string().regex(/^[^./\\][^/\\]*$/),
  at: z.iso.datetime(),
  until: z.iso.datetime(),
})
type Record = z.infer<typeof recordSchema>

/** Each by one rename into the trash beside it; a record tells until when, and is there before. */
export async function throwAway(context: Context, going: readonly KnownBackup[], verb: string) {
  await makeOwnFolder(context.root)
  const until = new Date(Date.now() + GRACE_DAYS * 24 * 3600 * 1000).toISOString()
  const ids: string[] = []
  await changingSnapshots(context, `${verb} of ${going.length}`, async () => {
    for (const { manifest, view } of going) await alone(context, manifest.id, `deleting ${view.name}`, () => Promise.resolve())
    for (const { manifest, view } of going) {
      const folder = join(view.path, '..')
      const trash = join(folder, TRASH)
      const record: Record = {
        id: randomBytes(4).toString('hex'),
        backup: manifest.id,
        name: view.name,
        at: new Date().toISOString(),
        until,
      }
      await makeFolder(trash)
      await writeDurably(join(trash, `${record.id}.json`), `${JSON.stringify(record, null, 2)}\n`)
      await alone(context, manifest.id, `deleting ${view.name}`, () => rename(view.path, join(trash, record.id)))
      await syncFolder(trash)
      await syncFolder(folder)
      await refreshLatest(folder)
      await audit(context, verb, '', { id: manifest.id, folder: view.path, until })
      ids.push(record.id)
    }
  })
  return { undo: `hayai backup undelete ${ids.join(' ')}`, until }
}

async function recordsIn(folder: string): Promise<readonly Record[]> {
  const names = (await foldersIn(join(folder, TRASH))).filter((name) => /^[0-9a-f]{8}$/.test(name))
  const records = await Promise.all(
    names.map(async (name) => {
      const content = await readIfThere(join(folder, TRASH, `${name}.json`))
      return content === undefined ? undefined : recordSchema.safeParse(JSON.parse(content)).data
    }),
  )
  return records.filter((record) => record !== undefined)
}

export async function undeleteBackups(context: Context, request: BackupUndeleteRequest): Promise<BackupUndeleteAnswer> {
  const folders = await foldersOf(context, request.folder)
  const records = (await Promise.all(folders.map(async (folder) => (await recordsIn(folder)).map((each) => ({ ...each, folder }))))).flat()
  const chosen = request.references.map((reference) => {
    const found = records.find(
      ({ id, name, backup }) => id === reference || name === reference || (reference.length >= 4 && backup.startsWith(reference)),
    )
    if (found !== undefined) return found
    const waiting = records.map(({ id, name }) => `${name} (${id})`).join(', ')
    throw new HayaiError('NOT_FOUND', `no deleted backup is called ${JSON.stringify(reference)}`, {
      hint: waiting === '' ? `None is waiting in ${folders.join(', ')}.` : `There are: ${waiting}.`,
    })
  })
  const dryRun = request.dryRun === true
  if (dryRun) return { returned: await viewsOf(chosen.map(({ folder, id }) => join(folder, TRASH, id))), dryRun }
  await changingSnapshots(context, 'bringing backups back', async () => {
    for (const { folder, id, name, backup } of chosen) {
      if (await exists(join(folder, name)))
        throw new HayaiError('CONFLICT', `${join(folder, name)} is in the way`, { hint: 'Move it aside.' })
      await rename(join(folder, TRASH, id), join(folder, name))
      await syncFolder(folder)
      await rm(join(folder, TRASH, `${id}.json`), { force: true })
      await audit(context, 'backup undelete', '', { id: backup, folder: join(folder, name) })
    }
    for (const folder of new Set(chosen.map((each) => each.folder))) await refreshLatest(folder)
  })
  return { returned: await viewsOf(chosen.map(({ folder, name }) => join(folder, name))), dryRun }
}

async function viewsOf(paths: readonly string[]): Promise<readonly BackupView[]> {
  const found = await Promise.all(paths.map(lookAt))
  return found.filter((each) => each !== undefined).map(({ view }) => view)
}

/** Deletes for good what has waited for long enough. */
export async function sweepBackups(context: Context, folder: string, now = new Date()): Promise<void> {
  for (const { id, backup, until } of await recordsIn(folder)) {
    if (Date.parse(until) > now.getTime()) continue
    await rm(join(folder, TRASH, id), { recursive: true, force: true })
    await rm(join(folder, TRASH, `${id}.json`), { force: true })
    await rm(context.paths.snapshotLock(backup), { force: true })
    await audit(context, 'expire', '', { id: backup })
  }
}

/** By the same rules as snapshots; a partial or damaged one is kept by none of them. Folders of others are not looked at. */
export async function pruneBackups(context: Context, request: BackupPruneRequest): Promise<BackupPruneAnswer> {
  if (!hasRules(request.policy)) {
    throw new HayaiError('USAGE', 'hayai backup prune needs a rule by which to keep backups', {
      hint: 'For instance: --keep-last 3 --daily 7',
    })
  }
  await makeOwnFolder(context.root)
  const folder = folderOf(context, request.folder)
  const known = (await backupsIn(folder)).filter((found): found is KnownBackup => found.manifest !== undefined)
  const judged = judge(await Promise.all(known.map((found) => itemOf(context, found))), request.policy)
  const verdicts = judged.map(({ item, keep, reasons }) => ({ backup: item.found.view, keep, reasons }))
  const going = judged.filter(({ keep }) => !keep).map(({ item }) => item.found)
  const deleted = going.map(({ view }) => view)
  const answer = { verdicts, deleted, bytes: deleted.reduce((sum, { bytes }) => sum + bytes, 0), dryRun: request.dryRun === true }
  if (answer.dryRun) return { ...answer, undo: null, until: null }
  const done = going.length === 0 ? { undo: null, until: null } : await throwAway(context, going, 'backup prune')
  await withLock(context.paths.snapshotsLock, { purpose: 'clearing deleted backups' }, () => sweepBackups(context, folder))
  return { ...answer, ...done }
}

async function itemOf(context: Context, found: Found & { readonly manifest: NonNullable<Found['manifest']> }) {
  const { view, manifest } = found
  const item: Item = {
    id: manifest.id,
    database: 'backups',
    time: new Date(manifest.instant),
    pinned: false,
    good: view.whole,
    proven: view.verified?.ok === true,
    use: await useOf(context, manifest.id),
  }
  return { ...item, found }
}
