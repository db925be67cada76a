// One database's part of a backup: its snapshot, as `hayai snapshot` would take it, under the name that it has in the backup.

import { randomBytes } from 'node:crypto'
import type { Dump, Format, Ready } from '../../engines/engine.ts'
import { parseCompression } from '../../snapshots/codecs.ts'
import type { Manifest } from '../../snapshots/manifest.ts'
import { type Draft, saveContent } from '../../snapshots/saving.ts'
import type { Store } from '../../stores/store.ts'
import type { BackupRequest } from '../backup-answers.ts'
import { usualFormat, type Context, type Database } from '../context.ts'
import type { GitState } from '../git.ts'
import { stallGuard, type StallGuard } from '../stall.ts'

export interface Part {
  readonly snapshot: Manifest
  /** Milliseconds for which writers were kept waiting; null where nobody was. */
  readonly blocked: number | null
  /** The settings in force, where the dump tells them. */
  readonly settings: Readonly<Record<string, string>> | undefined
}

interface Saving {
  readonly context: Context
  readonly database: Database
  readonly store: Store
  readonly signal: AbortSignal
  readonly git: GitState | null
  readonly recipients: readonly string[]
  readonly request: BackupRequest
  readonly ready: Ready
  /** Returns when all are held. */
  readonly held: () => Promise<void>
  readonly tell: (name: string, done: number, total: number | undefined) => void
}

export async function savePart(saving: Saving): Promise<Part> {
  const { database, signal, ready, held } = saving
  const started = new Date()
  const image = database.site.image() // asked meanwhile
  image.catch(() => {})
  const target = await database.site.open()
  const guard = stallGuard(signal, database.name)
  // Who waits for the others is not at fault.
  const pausing = async (wait: () => Promise<void>): Promise<void> => {
    guard.done()
    await wait()
    guard.alive()
  }
  try {
    const format = usualFormat(database)
    const dump = await database.engine.dump(target, format, guard.signal, (step) => pausing(() => ready(step)))
    try {
      await pausing(held)
      return await keep(saving, dump, guard, { started, image: await image })
    } finally {
      guard.done()
      await dump.close()
    }
  } finally {
    guard.done()
    await target.close()
  }
}

async function keep(saving: Saving, dump: Dump, guard: StallGuard, known: Pick<Draft, 'started' | 'image'>): Promise<Part> {
  const { context, database, store, git, recipients, request, tell } = saving
  const { name, engine, entry } = database
  const format = usualFormat(database)
  const draft = {
    id: randomBytes(16).toString('hex'),
    project: context.root.split('/').at(-1) ?? '',
    database: name,
    engine: engine.name,
    runtime: entry.runtime,
    comment: request.comment ?? null,
    tags: [],
    askedBy: request.askedBy ?? ('person' as const),
    plan: request.plan,
    git,
    ...known,
  }
  const snapshot = await saveContent(store, `${name}_backup`, draft, dump, {
    format,
    compression: parseCompression(compressionFor(format, request)),
    recipients,
    check: (bytes) => engine.check(format, bytes),
    signal: guard.signal,
    onProgress: (done) => {
      guard.alive()
      tell(name, done, dump.expectedBytes)
    },
  })
  const { blocked = null, settings } = await dump.facts()
  return { snapshot, blocked, settings }
}

/** An archive is known by the name of .tar.gz. */
function compressionFor({ extension }: Format, { compression }: BackupRequest): string {
  return extension === '.tar' && (compression === undefined || compression === 'none') ? 'gzip' : (compression ?? 'none')
}
