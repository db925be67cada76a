// backup verify: every byte is read and compared, and every database is restored in a place of its own, counted, and thrown away.

import { join } from 'node:path'
import { meter } from '../../base/bytes.ts'
import { HayaiError, isCode, messageOf, systemCode } from '../../base/errors.ts'
import { freeBytes, writeDurably } from '../../base/files.ts'
import { withLock } from '../../base/locks.ts'
import { makeOwnFolder } from '../../project/catalog.ts'
import { BACKUP_MANIFEST, backupText, type BackupManifest } from '../../snapshots/backup-manifest.ts'
import { agreement } from '../../snapshots/compare.ts'
import type { Manifest } from '../../snapshots/manifest.ts'
import { repository } from '../../snapshots/repository.ts'
import type { Check, Watch } from '../answers.ts'
import { audit } from '../audit.ts'
import type { BackupReference, BackupVerifyAnswer } from '../backup-answers.ts'
import { engineOf, formatOf, type Context } from '../context.ts'
import { filledTwin } from '../fill.ts'
import { changingSnapshots } from '../library.ts'
import { inTrial, sweepTrials } from '../trial.ts'
import { majorFor } from '../versions.ts'
import { watching, type Watching } from '../watching.ts'
import { addedTo, findBackup, viewOf } from './shelf.ts'

/** A backup that fails is an answer with `ok: false`, and its manifest says so from then on; what hinders the trial is thrown. */
export async function verifyBackup(context: Context, request: BackupReference, watch: Watch = {}): Promise<BackupVerifyAnswer> {
  const began = performance.now()
  const view = watching(watch)
  const { view: found, manifest } = await findBackup(context, request)
  await makeOwnFolder(context.root)
  await sweepTrials(context)
  const purpose = `verifying ${found.path}`
  return withLock(context.paths.snapshotLock(manifest.id), { purpose, shared: true, signal: view.signal }, async () => {
    const checks = [...(await paperChecks(context, found.path, manifest, view))]
    for (const snapshot of manifest.snapshots) checks.push(await trial(context, found.path, snapshot, view))
    const failed = checks.filter(({ ok }) => !ok)
    const [first] = failed
    const detail = first === undefined ? `${manifest.snapshots.length} databases restored and counted` : `${first.what}: ${first.detail}`
    const verification = { at: new Date().toISOString(), ok: failed.length === 0, detail }
    const next = { ...manifest, verification }
    const kept = await keepVerdict(context, found.path, next)
    for (const { database } of manifest.snapshots) await audit(context, 'backup verify', database, { id: manifest.id, ok: verification.ok })
    return {
      backup: viewOf(found.path, next, found.flaws),
      ok: verification.ok,
      checks,
      warnings: [
        ...(await addedTo(found.path, manifest)).map((name) => `${name} does not belong to it.`),
        ...(kept ? [] : ['The verdict could not be written into it: the folder cannot be written to.']),
      ],
      seconds: (performance.now() - began) / 1000,
    }
  })
}

export async function keepVerdict(context: Context, path: string, manifest: BackupManifest): Promise<boolean> {
  try {
    await changingSnapshots(context, 'noting a verdict', () => writeDurably(join(path, BACKUP_MANIFEST), backupText(manifest)))
    return true
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) throw error
    return false
  }
}

/** Logs, configuration, rows of tables: one check for all that are as they were, and one for each that is not. */
export async function paperChecks(context: Context, path: string, { papers }: BackupManifest, view: Watching): Promise<readonly Check[]> {
  view.stage('checking digests')
  const store = context.parts.openFolder(path)
  const failed: Check[] = []
  for (const { name, sha256, bytes } of papers) {
    const measured = meter(store.get(name))
    try {
      for await (const _ of measured.bytes) view.signal.throwIfAborted()
    } catch (error) {
      if (!isCode(error, 'NOT_FOUND')) throw error
      failed.push({ what: name, ok: false, detail: 'it is gone' })
      continue
    }
    const found = measured.digest()
    if (found.sha256 !== sha256)
      failed.push({ what: name, ok: false, detail: `it has ${found.bytes} bytes, had ${bytes}, and is not the same` })
  }
  return [{ what: 'files', ok: true, detail: `${papers.length - failed.length} of ${papers.length} as written` }, ...failed]
}

// With less than this the disk, and not the backup, is what a failed tool complains of.
const ROOM = 32 * 1024 * 1024

async function trial(context: Context, path: string, snapshot: Manifest, view: Watching): Promise<Check> {
  const shelf = repository(context.parts.openFolder(path), context.keyring)
  const engine = engineOf(context, snapshot.engine)
  const format = formatOf(engine, snapshot.format)
  try {
    view.stage('checking digests')
    await shelf.checkReadable(snapshot)
    await shelf.verifyDigest(snapshot, (done, total) => view.bytes(done, total), view.signal)
    const wanted = { engine, like: snapshot.database, version: majorFor({ engine, made: snapshot.version, format }), image: snapshot.image }
    await inTrial(context, wanted, async (site) => {
      const { twin } = await filledTwin(site, {
        engine,
        format,
        bytes: () => shelf.open(snapshot),
        expected: snapshot.census,
        watch: view,
      })
      await twin.close()
    })
    return { what: snapshot.database, ok: true, detail: `restored aside, ${agreement(snapshot.census)}` }
  } catch (error) {
    const refused = isCode(error, 'CORRUPT') || (isCode(error, 'TOOL_FAILED') && (await freeBytes(context.paths.own)) > ROOM)
    if (!refused || !(error instanceof HayaiError)) throw error
    return { what: snapshot.database, ok: false, detail: messageOf(error) }
  }
}
