// The backups of a plan, in the project's folder and in its destinations.

import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { meter, once } from '../../base/bytes.ts'
import { HayaiError, isCode, messageOf } from '../../base/errors.ts'
import { makeFolder, newFolder, sweepPartials, temporaryName } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import type { Plan } from '../../project/plans.ts'
import { BACKUP_MANIFEST, backupText, filesOf, type BackupManifest, type Paper } from '../../snapshots/backup-manifest.ts'
import { sweepBackups, throwAway, type KnownBackup } from '../backup/keep.ts'
import { freeName, giveName } from '../backup/make.ts'
import { backupsIn, refreshLatest } from '../backup/shelf.ts'
import { keepVerdict, paperChecks } from '../backup/verify.ts'
import type { Context } from '../context.ts'
import { changingSnapshots, shelfOf } from '../library.ts'
import { useOf } from '../prune.ts'
import type { Watching } from '../watching.ts'
import type { Held, Rack } from './rack.ts'

export interface HeldBackup extends Held {
  readonly found: KnownBackup
}

export function backupRack(context: Context, plan: Plan): Rack<HeldBackup> {
  const project = context.root.split('/').at(-1) ?? ''
  return {
    folder: context.paths.backups,
    async list(folder) {
      const known = (await backupsIn(folder)).filter((found): found is KnownBackup => found.manifest !== undefined)
      const own = known.filter(({ manifest }) => manifest.plan === plan.name && manifest.project === project)
      return Promise.all(own.map((found) => heldOf(context, found)))
    },
    checkDigest: (_, item, view) => checkDigest(context, item, view),
    copy: (_, item, to, view) => copy(context, item, to, view),
    discard: async (_, items) =>
      void (await throwAway(
        context,
        items.map(({ found }) => found),
        'schedule prune',
      )),
    sweep: (folder) => withLock(context.paths.snapshotsLock, { purpose: 'clearing deleted backups' }, () => sweepBackups(context, folder)),
  }
}

async function heldOf(context: Context, found: KnownBackup): Promise<HeldBackup> {
  const { view, manifest } = found
  return {
    id: manifest.id,
    database: 'backups',
    time: new Date(manifest.instant),
    pinned: false,
    good: view.flaws.length === 0 && view.verified?.ok !== false,
    proven: view.verified?.ok === true,
    use: await useOf(context, manifest.id),
    covers: manifest.snapshots.map(({ database }) => database),
    complete: manifest.missing.length === 0,
    bytes: view.bytes,
    path: view.path,
    found,
  }
}

async function checkDigest(context: Context, { path, found: { manifest } }: HeldBackup, view: Watching): Promise<void> {
  const { repository } = shelfOf(context, path)
  try {
    const [failed] = (await paperChecks(context, path, manifest, view)).filter(({ ok }) => !ok)
    if (failed !== undefined) throw damaged(path, `${failed.what}: ${failed.detail}`)
    for (const snapshot of manifest.snapshots) {
      await repository.verifyDigest(snapshot, (done, total) => view.bytes(done, total), view.signal)
    }
  } catch (error) {
    if (isCode(error, 'CORRUPT')) {
      const verification = { at: new Date().toISOString(), ok: false, detail: messageOf(error) }
      await keepVerdict(context, path, { ...manifest, verification })
    }
    throw error
  }
}

async function copy(context: Context, { id, path, found: { manifest } }: HeldBackup, to: string, view: Watching): Promise<void> {
  const purpose = `copying ${path} to ${to}`
  await withLock(context.paths.snapshotLock(id), { purpose, shared: true, signal: view.signal }, async () => {
    await makeFolder(to)
    await sweepPartials(to)
    const temporary = join(to, temporaryName('backup'))
    await newFolder(temporary)
    try {
      await copyFiles(context, path, temporary, manifest, view)
      await giveName(to, temporary, await freeName(to, basename(path)))
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
    await changingSnapshots(context, purpose, () => refreshLatest(to))
  })
}

/** Each file is durable when the next begins, and the manifest comes last; then all are read back. */
async function copyFiles(context: Context, from: string, to: string, manifest: BackupManifest, view: Watching): Promise<void> {
  const [source, target] = [context.parts.openFolder(from), context.parts.openFolder(to)]
  const files = filesOf(manifest)
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let before = 0
  for (const file of files) {
    const measured = meter(source.get(file.name), (done) => {
      view.signal.throwIfAborted()
      view.bytes(before + done, total)
    })
    await target.put(file.name, measured.bytes, { ifAbsent: true })
    compare(from, file, measured.digest())
    before += file.bytes
  }
  await target.put(BACKUP_MANIFEST, once(backupText(manifest)), { ifAbsent: true })
  for (const file of files) {
    const measured = meter(target.get(file.name))
    for await (const _ of measured.bytes) view.signal.throwIfAborted()
    compare(to, file, measured.digest())
  }
}

function compare(folder: string, { name, bytes, sha256 }: Paper, found: { readonly bytes: number; readonly sha256: string }): void {
  if (found.sha256 !== sha256) throw damaged(folder, `${name} has ${found.bytes} bytes, had ${bytes}, and is not the same`)
}

function damaged(folder: string, why: string): HayaiError {
  return new HayaiError('CORRUPT', `${folder} is not as it was written: ${why}`, {
    hint: 'Look at the disk, and take another backup: hayai backup',
  })
}
