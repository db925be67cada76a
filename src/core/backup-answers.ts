// What the verbs of whole backups are asked and what they answer: the part of the facade that keeps all databases together.

import type { Moment, Missing } from '../snapshots/backup-manifest.ts'
import type { Manifest } from '../snapshots/manifest.ts'
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
  readonly askedBy?: 'person' | 'safety'
  /** The language of backup_info.txt. */
  readonly language?: 'en' | 'pt'
  readonly dryRun?: boolean
}

export interface BackedUp {
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
  /** Why `latest` does not stand for it, if it does not. */
  readonly latest: string | null
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
  readonly plan: readonly string[]
  readonly notes: readonly string[]
  readonly undo: string | null
  readonly seconds: number
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
  /** Every database of a backup, or none. Databases that are not there are made. */
  restoreBackup(request: BackupRestoreRequest, watch?: Watch): Promise<BackupRestoreAnswer>
  /** Takes the last restore of a backup back: every database of it, or none. */
  undoAll(options?: { readonly dryRun?: boolean }, watch?: Watch): Promise<UndoAllAnswer>
  redoAll(options?: { readonly dryRun?: boolean }, watch?: Watch): Promise<UndoAllAnswer>
}

export type { Moment, Missing }
