// snapshot: one consistent moment of one database, kept as a file that the stock tools can restore, and its manifest.

import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import type { Format } from '../engines/engine.ts'
import { parseCompression } from '../snapshots/codecs.ts'
import { repository } from '../snapshots/repository.ts'
import type { SnapshotAnswer, SnapshotRequest, SnapshotView, Watch } from './answers.ts'
import { audit } from './audit.ts'
import { databaseOf, formatOf, usualFormat, withDatabase, type Context, type Database } from './context.ts'
import { gitState } from './git.ts'
import { encryptedFor, recipientsFor } from './recipients.ts'
import { checkTag } from './keeping.ts'
import { renewLatest } from './latest.ts'
import { remember, viewOfManifest } from './library.ts'
import { stallGuard } from './stall.ts'
import { sweepDeleted } from './discard.ts'
import { sweepTrials } from './trial.ts'
import { watching, type Watching } from './watching.ts'

export async function snapshot(context: Context, request: SnapshotRequest, watch: Watch = {}): Promise<SnapshotAnswer> {
  const began = performance.now()
  const database = await databaseOf(context, request.database)
  const format = request.format === undefined ? usualFormat(database) : formatOf(database.engine, request.format)
  const compression = parseCompression(request.compression ?? format.compressed ?? 'none')
  for (const tag of request.tags ?? []) checkTag(tag)
  const recipients = await recipientsFor(context, request)
  const folder = request.output === undefined ? context.paths.snapshots : resolve(request.output)
  const plan = [
    ...(format.atRest === true ? [atRestPlan(database)] : []),
    `dump "${database.name}" (${database.engine.title}) as ${format.name}${compression.codec === 'none' ? '' : `, compressed with ${compression.codec}`}${encryptedFor(recipients)}`,
    `write it and its manifest to ${folder}`,
  ]
  if (request.dryRun === true) return { snapshot: null, latest: null, plan, seconds: 0, dryRun: true }
  await sweepTrials(context)
  const view = watching(watch)
  const manifest = await withDatabase(context, database, { purpose: `a snapshot of "${database.name}"`, signal: view.signal }, () =>
    take(context, database, { format, compression, recipients, folder, request }, view),
  )
  await remember(context, folder)
  await audit(context, 'snapshot', database.name, { id: manifest.id, file: manifest.files[0]?.name })
  const latest = await renewLatest(context, folder, database.name)
  await sweepDeleted(context)
  return { snapshot: viewOfManifest(folder, manifest), latest, plan, seconds: (performance.now() - began) / 1000, dryRun: false }
}

function atRestPlan({ name, placement }: Database): string {
  const { quiesce = 'stop' } = placement.container
  if (quiesce === 'stop') return `stop "${name}", copy its data folder, and start it again`
  const first = quiesce === 'pause' ? '' : `run \`${quiesce}\` in the container of "${name}", then `
  return `${first}hold "${name}" still, copy its data folder, and let it go on`
}

/** What is there, before something of it is replaced. Called with the database's lock held. */
export async function takeSafety(context: Context, database: Database, comment: string, view: Watching): Promise<SnapshotView> {
  const folder = context.paths.snapshots
  const taking = {
    format: usualFormat(database),
    compression: parseCompression('none'),
    recipients: await recipientsFor(context, {}),
    folder,
    request: { database: database.name, comment, askedBy: 'safety' as const },
  }
  const manifest = await take(context, database, taking, view)
  await audit(context, 'snapshot', database.name, { id: manifest.id, file: manifest.files[0]?.name, askedBy: 'safety' })
  return viewOfManifest(folder, manifest)
}

interface Taking {
  readonly format: Format
  readonly compression: ReturnType<typeof parseCompression>
  readonly recipients: readonly string[]
  readonly folder: string
  readonly request: SnapshotRequest
}

async function take(context: Context, database: Database, { format, compression, recipients, folder, request }: Taking, view: Watching) {
  const started = new Date()
  view.stage('connecting')
  const image = database.site.image() // asked meanwhile
  image.catch(() => {})
  const target = await database.site.open()
  try {
    const guard = stallGuard(view.signal, database.name)
    const dump = await database.engine.dump(target, format, guard.signal)
    try {
      view.stage('dumping')
      const draft = {
        id: randomBytes(16).toString('hex'),
        project: context.root.split('/').at(-1) ?? '',
        database: database.name,
        engine: database.engine.name,
        runtime: database.entry.runtime,
        image: await image,
        comment: request.comment ?? null,
        tags: [...(request.tags ?? [])],
        askedBy: request.askedBy ?? ('person' as const),
        plan: request.plan,
        git: await gitState(context.root),
        started,
      }
      return await repository(context.parts.openFolder(folder)).save(draft, dump, {
        format,
        compression,
        recipients,
        check: (bytes) => database.engine.check(format, bytes),
        signal: guard.signal,
        onProgress: (done) => {
          guard.alive()
          view.bytes(done, dump.expectedBytes)
        },
      })
    } finally {
      guard.done()
      await dump.close()
    }
  } finally {
    await target.close()
  }
}

export function wrongEngine(snapshotEngine: string, name: string, engine: string): HayaiError {
  return new HayaiError('CONFLICT', `the snapshot is of ${snapshotEngine}, and "${name}" is ${engine}`, {
    hint: `Name a ${snapshotEngine} database with --to.`,
  })
}
