// export and import: one snapshot as one file, for a colleague.

import { basename, dirname, resolve } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import { exists } from '../base/files.ts'
import { openParcel, pack, parcelSize } from '../snapshots/parcel.ts'
import { clearUp } from '../snapshots/unfinished.ts'
import type { Watch } from './answers.ts'
import { audit } from './audit.ts'
import type { Context } from './context.ts'
import { findOwn, viewNamed } from './keeping.ts'
import type { ExportAnswer, ExportRequest, ImportAnswer, ImportRequest } from './keeping-answers.ts'
import { renewLatest } from './latest.ts'
import { findSource, remember, shelfOf, whileRead } from './library.ts'
import { watching } from './watching.ts'

export async function exportSnapshot(context: Context, request: ExportRequest, watch: Watch = {}): Promise<ExportAnswer> {
  const found = await findOwn(context, request)
  const snapshot = viewNamed(found)
  const file = resolve(request.file)
  if (await exists(file))
    throw new HayaiError('CONFLICT', `${request.file} is already there`, { hint: 'Choose another name, or delete it.' })
  const answer = { snapshot, file, bytes: snapshot.bytes, dryRun: request.dryRun === true }
  if (answer.dryRun) return answer
  const view = watching(watch)
  const source = await findSource(context, { reference: snapshot.path, folder: found.folder })
  await whileRead(context, source, `exporting ${found.stem}`, async () => {
    view.stage('exporting')
    const bytes = pack(context.parts.openFolder(found.folder), found, (done) => {
      view.signal.throwIfAborted()
      view.bytes(done, parcelSize(found.manifest))
    })
    await context.parts.openFolder(dirname(file)).put(basename(file), bytes, { ifAbsent: true })
  })
  await audit(context, 'snapshot export', snapshot.database, { id: snapshot.id, file })
  return { ...answer, bytes: (await context.parts.openFolder(dirname(file)).stat(basename(file))).bytes }
}

export async function importSnapshot(context: Context, request: ImportRequest, watch: Watch = {}): Promise<ImportAnswer> {
  const file = resolve(request.file)
  if (!(await exists(file)))
    throw new HayaiError('NOT_FOUND', `there is no file ${request.file}`, { hint: 'Name one that `hayai snapshot export` made.' })
  const view = watching(watch)
  const folder = request.folder === undefined ? context.paths.snapshots : resolve(request.folder)
  const dryRun = request.dryRun === true
  const parcel = await openParcel(context.parts.openFolder(dirname(file)).get(basename(file)))
  try {
    const { repository } = shelfOf(context, folder)
    const twin = (await repository.list()).find((each) => each.kind === 'snapshot' && each.manifest.id === parcel.manifest.id)
    if (twin?.kind === 'snapshot') return { snapshot: viewNamed({ folder, ...twin }), imported: false, dryRun }
    if (dryRun) return { snapshot: viewNamed({ folder, ...parcel }), imported: true, dryRun }
    view.stage('importing')
    const store = context.parts.openFolder(folder)
    await clearUp(store)
    const named = await parcel.into(store, (bytes) => view.bytes(bytes, parcelSize(parcel.manifest)), view.signal)
    const { id, database } = named.manifest
    await renewLatest(context, folder, database)
    await remember(context, folder)
    await audit(context, 'snapshot import', database, { id, file, name: named.stem })
    return { snapshot: viewNamed({ folder, ...named }), imported: true, dryRun }
  } finally {
    await parcel.close()
  }
}
