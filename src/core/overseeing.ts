// What the verbs that look after everything are asked and what they answer: is it safe, and how much is it.

import type { Finding } from '../snapshots/health.ts'
import type { Growth } from '../snapshots/growth.ts'

export interface HealthRequest {
  /** What is older is not recent: `26h`, `2d`. 26 hours when not given: a daily one that was late. */
  readonly maxAge?: string
}

/** A copy that was really restored, aside or in place. */
export interface Proof {
  readonly at: string
  readonly by: 'verify' | 'restore' | 'backup restore'
}

export interface DatabaseHealth {
  readonly database: string
  readonly healthy: boolean
  /** How many whole ones there are, and when the newest of them was taken. */
  readonly snapshots: number
  readonly newestSnapshot: string | null
  readonly newestBackup: string | null
  /** The last time that a copy of it was proven by a restore; null when that never was. */
  readonly proven: Proof | null
  /** Until when the certificate of its server holds; null where connections are plain. */
  readonly certificate: string | null
}

export interface HealthAnswer {
  readonly healthy: boolean
  readonly databases: readonly DatabaseHealth[]
  readonly findings: readonly Finding[]
  readonly maxAge: string
}

export interface LargeOrOld {
  readonly what: 'snapshot' | 'backup'
  /** null for a backup, which has many. */
  readonly database: string | null
  /** Absolute. */
  readonly path: string
  readonly created: string
  readonly bytes: number
}

export interface FolderReport {
  readonly what: 'snapshots' | 'backups'
  /** Absolute. */
  readonly folder: string
  readonly copies: number
  readonly bytes: number
}

export interface ReportAnswer {
  readonly folders: readonly FolderReport[]
  /** The largest first. */
  readonly databases: readonly DatabaseReport[]
  readonly growth: readonly Growth[]
  readonly growthBy: 'day' | 'week' | 'month'
  readonly largest: readonly LargeOrOld[]
  readonly oldest: readonly LargeOrOld[]
  /** All of it: as it lies there, and before compression. */
  readonly bytes: number
  readonly plain: number
}

export interface DatabaseReport {
  readonly database: string
  readonly snapshots: number
  readonly backups: number
  /** As they lie there. */
  readonly bytes: number
  /** Before compression. */
  readonly plain: number
  /** What each held before compression, the oldest first: how the database itself has grown. Of its usual format alone. */
  readonly sizes: readonly { readonly at: string; readonly bytes: number }[]
}

export interface Overseeing {
  /** Whether each database has what it takes to lose nothing. Changes nothing. */
  health(request?: HealthRequest): Promise<HealthAnswer>
  /** How much room snapshots and backups take, by database and over time. Changes nothing. */
  report(): Promise<ReportAnswer>
}

export type { Finding, Growth }
