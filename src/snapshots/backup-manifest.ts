// The record of a backup: a folder with one snapshot of each database, of one moment, and with logs and configuration. Written last:
// where there is no manifest, there is no backup. docs/FORMAT.md describes it for people who have to read one without Hayai.

import { z } from 'zod'
import { HayaiError } from '../base/errors.ts'
import type { Manifest } from './manifest.ts'
import { manifestSchema } from './schema.ts'

export const BACKUP_VERSION = 1
export const BACKUP_MANIFEST = 'manifest.json'

/** When the data of one database is of. */
export interface Moment {
  readonly database: string
  readonly instant: string
  /** Milliseconds for which writers were kept waiting; null where nobody was. */
  readonly blocked: number | null
}

/** A file of the backup that is no snapshot: a log, a setting, the rows of a table. */
export interface Paper {
  /** Below the folder: `logs_backup/postgresql.log`. */
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

export interface Missing {
  readonly database: string
  readonly code: string
  readonly message: string
}

export interface BackupManifest {
  readonly kind: 'backup'
  readonly backupVersion: typeof BACKUP_VERSION
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly project: string
  /** Times are UTC. */
  readonly started: string
  /** When all databases were ready to be held: none is of an earlier moment. */
  readonly instant: string
  readonly finished: string
  readonly comment: string | null
  readonly askedBy: Manifest['askedBy']
  readonly plan?: Manifest['plan']
  readonly git: Manifest['git']
  /** Milliseconds from `instant` to the latest moment in it: no two databases are further apart. */
  readonly distance: number
  readonly moments: readonly Moment[]
  /** The record of each snapshot, as it would lie beside it. */
  readonly snapshots: readonly Manifest[]
  readonly papers: readonly Paper[]
  /** Databases that should be in it and are not: empty in a whole backup. */
  readonly missing: readonly Missing[]
  readonly verification: Manifest['verification']
}

const moment = z.object({ database: z.string(), instant: z.iso.datetime(), blocked: z.number().nonnegative().nullable() })
const paper = z.object({ name: z.string(), bytes: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
const git = z.object({ branch: z.string().nullable(), commit: z.string() })
const verification = z.object({ at: z.iso.datetime(), ok: z.boolean(), detail: z.string() })

const schema: z.ZodType<BackupManifest> = z.object({
  kind: z.literal('backup'),
  backupVersion: z.literal(BACKUP_VERSION),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  project: z.string(),
  started: z.iso.datetime(),
  instant: z.iso.datetime(),
  finished: z.iso.datetime(),
  comment: z.string().nullable(),
  askedBy: z.enum(['person', 'schedule', 'safety']),
  plan: z.string().optional(),
  git: git.nullable(),
  distance: z.number().nonnegative(),
  moments: z.array(moment),
  snapshots: z.array(manifestSchema),
  papers: z.array(paper),
  missing: z.array(z.object({ database: z.string(), code: z.string(), message: z.string() })),
  verification: verification.nullable(),
})

/** As text; what would be refused when it is read is never written. */
export function backupText(manifest: BackupManifest): string {
  return `${JSON.stringify(schema.parse(manifest), null, 2)}\n`
}

/** Throws CORRUPT when it is damaged, ENVIRONMENT when a newer Hayai made it. */
export function parseBackup(content: string, file: string): BackupManifest {
  const damaged = (why: string, cause?: unknown): HayaiError =>
    new HayaiError('CORRUPT', `${file} is damaged: ${why}`, {
      hint: 'The snapshots in the folder may be whole: `hayai restore FILE --engine ENGINE --to NAME`.',
      cause,
    })
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    throw damaged(content === '' ? 'it is empty' : 'it is not JSON', error)
  }
  if (typeof value === 'object' && value !== null && 'backupVersion' in value) {
    const { backupVersion } = value
    if (typeof backupVersion === 'number' && backupVersion > BACKUP_VERSION) {
      throw new HayaiError('ENVIRONMENT', `${file} was made by a newer Hayai (format ${backupVersion})`, { hint: 'Update Hayai.' })
    }
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    throw damaged(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'all of it'}: ${message}`).join('; '))
  }
  const names = [
    ...parsed.data.papers.map(({ name }) => name),
    ...parsed.data.snapshots.flatMap(({ files }) => files.map(({ name }) => name)),
  ]
  const crooked = names.find(
    (name) => name.split('/').some((part) => part === '' || (part.startsWith('.') && part !== '.hayaidb')) || /[\\\0]/.test(name),
  )
  if (crooked !== undefined) throw damaged(`${JSON.stringify(crooked)} is not the name of a file in it`)
  return parsed.data
}

/** Everything that belongs to the folder, by name, and what it was when it was written. */
export function filesOf({ snapshots, papers }: BackupManifest): readonly Paper[] {
  const contents = snapshots.flatMap(({ files }) => files.map(({ name, stored }) => ({ name, ...stored })))
  return [...contents, ...papers]
}
