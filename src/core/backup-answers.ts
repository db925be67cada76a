// What the verbs of whole backups are asked and what they answer: the part of the facade that keeps all databases together.

import type { Moment, Missing } from '../snapshots/backup-manifest.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import type { Retention } from '../snapshots/retention.ts'
import type { Check, Watch } from './answers.ts'
import type { Encrypting } from './key-answers.ts'

export interface BackupRequest extends Encrypting {
  /** All databases of the project when none is named. */
  readonly databases?: readonly string[]
  readonly comment?: string
  /** The folder in which the backup gets a folder of its own; `backups` of the project when not given. */
  readonly output?: string
  /** A database that fails is left out, and the backup says that it is partial. */
  readonly keepGoing?: boolean
  readonly askedBy?: 'person' | 'schedule' | 'safety'
  /** The plan that takes it. */
  readonly plan?: string
  /** Of each database's content, as for a snapshot; none when not given, but for archives. */
  readonly compression?: string
  /** The language of backup_info.txt. */
  readonly language?: 'en' | 'pt'
  readonly dryRun?: boolean
}

export interface BackedUp {
  /** The snapshot's. */
  readonly id: string
  readonly database: string
  readonly engine: string
  readonly product: string
  readonly version: string
  readonly format: string
  /** Below the backup's folder. */
  readonly file: string
  readonly bytes: number
  readonly instant: string
  /** Milliseconds for which writers were kept waiting; null where nobody was. */
  readonly blocked: number | null
  readonly tables: number
  readonly rows: number
  readonly notes: readonly string[]
}

export interface BackupView {
  /** Of a folder without a readable manifest it is empty. */
  readonly id: string
  /** The name of its folder: when it was made, as the clock of that place had it. */
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly project: string
  /** No database in it is of an earlier moment; null of a folder without a readable manifest. */
  readonly created: string | null
  readonly bytes: number
  readonly comment: string | null
  readonly databases: readonly BackedUp[]
  /** Databases that should be in it and are not. */
  readonly missing: readonly Missing[]
  /** Milliseconds: no two databases in it are further apart. */
  readonly distance: number
  /** Nothing is missing, and every file is there with as many bytes as it had. */
  readonly whole: boolean
  /** Each a whole sentence: what is wrong with the folder, as far as a look at it tells. */
  readonly flaws: readonly string[]
  readonly verified: Manifest['verification']
}

export interface BackupAnswer {
  /** null on a dry run. */
  readonly backup: BackupView | null
  /** What deserves a warning; each a whole sentence. */
  readonly notes: readonly string[]
  readonly plan: readonly string[]
  readonly seconds: number
  readonly dryRun: boolean
}

export interface BackupReference {
  /** A folder, its name, an id or the start of one. The newest whole one when not given. */
  readonly reference?: string
  /** The folder in which backups are looked for; `backups` of the project when not given. */
  readonly folder?: string
}

export interface BackupRestoreRequest extends BackupReference {
  /** All that are in it when none is named. */
  readonly databases?: readonly string[]
  readonly dryRun?: boolean
  /** As of a restore: containers that others made are stopped and started again. */
  readonly stopContainer?: boolean
}

export interface Returned {
  readonly database: string
  readonly engine: string
  /** Whether it was not there before. */
  readonly made: boolean
  readonly generation: string | null
  readonly checks: readonly Check[]
  readonly tables: number
  readonly rows: number
}

export interface BackupRestoreAnswer {
  readonly backup: BackupView
  readonly databases: readonly Returned[]
  /** Whether `.hayaidb` was taken from the backup. */
  readonly declared: boolean
  /** Containers that others made, and that are stopped and started again for it. */
  readonly containers: readonly string[]
  readonly plan: readonly string[]
  readonly notes: readonly string[]
  readonly undo: string | null
  readonly seconds: number
  readonly dryRun: boolean
}

export interface BackupStatus {
  /** In which backups were looked for; absolute. */
  readonly folder: string
  /** That one, and the others in which there are some. */
  readonly folders: readonly string[]
  /** The newest whole one. */
  readonly newest: BackupView | null
  /** Databases of the project that are not in it. */
  readonly uncovered: readonly string[]
  /** How many whole ones there are. */
  readonly whole: number
  /** Partial and damaged ones, and folders that Hayai did not make. */
  readonly others: readonly BackupView[]
  /** Of all of them. */
  readonly bytes: number
}

export interface BackupVerifyAnswer {
  readonly backup: BackupView
  readonly ok: boolean
  /** One for all files, one for each of them that is not as it was, one for each database. */
  readonly checks: readonly Check[]
  /** What lies in the folder and does not belong to it. */
  readonly warnings: readonly string[]
  readonly seconds: number
}

export interface BackupDeleteRequest {
  readonly references: readonly string[]
  readonly folder?: string
  readonly dryRun?: boolean
}

export interface BackupDeleteAnswer {
  readonly deleted: readonly BackupView[]
  readonly bytes: number
  /** The line that brings them back, and until when it can; null on a dry run. */
  readonly undo: string | null
  readonly until: string | null
  readonly dryRun: boolean
}

export interface BackupUndeleteRequest {
  /** What a deletion printed; or the name of a deleted backup, its id or the start of that. */
  readonly references: readonly string[]
  readonly folder?: string
  readonly dryRun?: boolean
}

export interface BackupUndeleteAnswer {
  readonly returned: readonly BackupView[]
  readonly dryRun: boolean
}

export interface BackupPruneRequest {
  readonly policy: Retention
  readonly folder?: string
  readonly dryRun?: boolean
}

export interface BackupPruneAnswer extends BackupDeleteAnswer {
  /** The newest first; each with a phrase why it is kept, or why it goes. */
  readonly verdicts: readonly { readonly backup: BackupView; readonly keep: boolean; readonly reasons: readonly string[] }[]
}

export interface ScriptsAnswer {
  /** Absolute. */
  readonly installed: readonly string[]
  readonly present: readonly string[]
  readonly dryRun: boolean
}

export interface UndoneTogether {
  readonly database: string
  /** `removed`: the restore had made it. `returned`: an undo had removed it. */
  readonly what: 'switched' | 'removed' | 'returned'
  readonly from: string | null
  readonly to: string | null
}

export interface UndoAllAnswer {
  readonly databases: readonly UndoneTogether[]
  /** The line that takes this back again. */
  readonly again: string
  readonly dryRun: boolean
}

export interface Backups {
  /** All databases at one moment, with logs and configuration, in a folder of their own: whole, or not at all. */
  backup(request?: BackupRequest, watch?: Watch): Promise<BackupAnswer>
  /** The newest first. */
  backups(options?: { readonly folder?: string }): Promise<readonly BackupView[]>
  showBackup(request?: BackupReference): Promise<BackupView>
  backupStatus(options?: { readonly folder?: string }): Promise<BackupStatus>
  /** Reads every byte, and restores every database of it aside. */
  verifyBackup(request?: BackupReference, watch?: Watch): Promise<BackupVerifyAnswer>
  deleteBackups(request: BackupDeleteRequest): Promise<BackupDeleteAnswer>
  undeleteBackups(request: BackupUndeleteRequest): Promise<BackupUndeleteAnswer>
  pruneBackups(request: BackupPruneRequest): Promise<BackupPruneAnswer>
  /** Puts `scripts/db-lifecycle.sh` into the project. */
  installScripts(options?: { readonly dryRun?: boolean }): Promise<ScriptsAnswer>
  /** Every database of a backup, or none. Databases that are not there are made. */
  restoreBackup(request: BackupRestoreRequest, watch?: Watch): Promise<BackupRestoreAnswer>
  /** Takes the last restore of a backup back: every database of it, or none. */
  undoAll(options?: { readonly dryRun?: boolean }, watch?: Watch): Promise<UndoAllAnswer>
  redoAll(options?: { readonly dryRun?: boolean }, watch?: Watch): Promise<UndoAllAnswer>
}

export type { Moment, Missing }
