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

export interface AuditRequest {
  /** Only what concerns it. */
  readonly database?: string
  /** `7d`, `12h`: not what was over before. */
  readonly since?: string
}

/** One act: what somebody did, or a schedule. */
export interface AuditEntry {
  /** When it began, and when it had ended; null when it has no end. UTC. */
  readonly at: string
  readonly ended: string | null
  /** The account, and whose it was before `sudo`; null without that. */
  readonly by: string
  readonly sudo: string | null
  /** null in lines of older versions. */
  readonly host: string | null
  readonly pid: number | null
  readonly via: 'command' | 'schedule'
  readonly verb: string
  readonly databases: readonly string[]
  /** What else was named: a snapshot, a backup, a recipient. */
  readonly of: string | null
  /** `running`: it is at work. `unfinished`: it began, and has no end. */
  readonly outcome: 'done' | 'failed' | 'running' | 'unfinished'
  readonly error: { readonly code: string; readonly message: string } | null
  /** What was done, one by one, as the log has it. */
  readonly facts: readonly (Readonly<Record<string, unknown>> & { readonly verb: string; readonly database: string })[]
}

export interface AuditFlaw {
  readonly line: number
  readonly what: string
}

export interface AuditAnswer {
  /** The oldest first. */
  readonly entries: readonly AuditEntry[]
  /** The log is as it was written: nothing was changed, put in or taken out. */
  readonly whole: boolean
  readonly flaws: readonly AuditFlaw[]
  /** Numbers of lines that a crash or a full disk has cut; they are passed over. */
  readonly cut: readonly number[]
  /** Lines that could not be written, for want of room. */
  readonly missed: number
}

export interface MetricsRequest {
  /** The file that is replaced; none when not given. */
  readonly output?: string
  readonly dryRun?: boolean
}

export interface MetricsAnswer {
  /** In the text format of Prometheus. */
  readonly text: string
  /** Absolute; null when none was wanted. */
  readonly file: string | null
  readonly dryRun: boolean
}

export interface Overseeing {
  /** Copies and plans as numbers for Prometheus. */
  metrics(request?: MetricsRequest): Promise<MetricsAnswer>
  /** Who did what, and when, and whether the log of that is as it was written. Changes nothing. */
  audit(request?: AuditRequest): Promise<AuditAnswer>
  /** Whether each database has what it takes to lose nothing. Changes nothing. */
  health(request?: HealthRequest): Promise<HealthAnswer>
  /** How much room snapshots and backups take, by database and over time. Changes nothing. */
  report(): Promise<ReportAnswer>
}

export type { Finding, Growth }
