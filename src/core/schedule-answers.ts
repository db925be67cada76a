// What the verbs of plans are asked and what they answer: what is taken by itself, when, by whom, and how it went.

import type { Watch } from './answers.ts'
import type { Delivery } from './news-answers.ts'

/** How a run of a plan went. A run that is `interrupted` took nothing, and its time is made up for; a `failed` one waits for its next. */
export type Outcome = 'done' | 'failed' | 'interrupted'

export interface RunFailure {
  readonly code: string
  readonly message: string
}

/** What became of one command of a plan. */
export interface HookRecord {
  readonly hook: 'before' | 'after' | 'on_failure'
  readonly command: string
  /** null when a signal ended it, or it could not be started. */
  readonly exit: number | null
  /** `timeout`: it was ended because it took too long. `lost`: it could not be started. */
  readonly how: 'exited' | 'killed' | 'timeout' | 'interrupted' | 'lost'
  /** The last of what it printed. */
  readonly output: string
  readonly seconds: number
}

/** What a run made of one database. */
export interface RunPart {
  readonly database: string
  /** The snapshot's id; null when there is none. */
  readonly snapshot: string | null
  readonly bytes: number
  readonly error: RunFailure | null
}

/** What a run brought to one destination. */
export interface RunCopy {
  /** Absolute; the plan's own folder below the destination. */
  readonly folder: string
  /** Ids of what was copied now; what was there already is not copied again. */
  readonly copied: readonly string[]
  readonly error: RunFailure | null
}

/** A run that is over, as `.hayai/runs.jsonl` keeps it. Times are UTC. */
export interface RunRecord {
  readonly run: string
  readonly plan: string
  /** The time of the schedule that it was for; null for one that nobody's clock asked for. */
  readonly slot: string | null
  readonly began: string
  readonly ended: string
  readonly outcome: Outcome
  readonly take: 'backup' | 'snapshot'
  /** The backup's id; null when there is none, or when snapshots were taken. */
  readonly backup: string | null
  readonly databases: readonly RunPart[]
  /** Of all that was taken. */
  readonly bytes: number
  /** How it was checked; null when it was not. */
  readonly verified: 'digest' | 'restore' | null
  readonly copies: readonly RunCopy[]
  /** Ids of what retention has deleted, in whatever folders. */
  readonly deleted: readonly string[]
  /** The commands that ran. */
  readonly hooks: readonly HookRecord[]
  /** What went wrong first; null when nothing did. */
  readonly error: RunFailure | null
}

export interface RunRequest {
  readonly plan: string
  /** Only when a time of its schedule has come that was not served yet: for programs that call at their own times. */
  readonly due?: boolean
  readonly dryRun?: boolean
}

export interface RunAnswer {
  /** What became of telling how it went. */
  readonly told: readonly Delivery[]
  readonly plan: string
  /** null on a dry run, and when nothing was due. */
  readonly record: RunRecord | null
  /** What it does, step by step; each a phrase. */
  readonly steps: readonly string[]
  /** The next time of its schedule; null for a plan that does not run by itself. */
  readonly next: string | null
  readonly seconds: number
  readonly dryRun: boolean
}

export type CallerName = 'systemd' | 'cron' | 'launchd'

export interface CallerView {
  readonly with: CallerName
  /** The plans that it calls. */
  readonly plans: readonly string[]
  /** Whether it is told what `.hayaidb` says now. */
  readonly current: boolean
}

export interface ScheduleView {
  readonly plans: readonly PlanView[]
  /** Who was told to call them. */
  readonly callers: readonly CallerView[]
  /** Whether the project's daemon runs now. */
  readonly daemon: boolean
}

export interface InstallRequest {
  /** The first that this machine has, when not given. */
  readonly with?: CallerName
  /** How Hayai is called, by absolute paths: `[node, hayai.js]`. */
  readonly program: readonly string[]
  readonly dryRun?: boolean
}

export interface InstallAnswer {
  readonly with: CallerName
  /** What it is told for each plan, as it is written there. */
  readonly jobs: readonly { readonly plan: string; readonly text: string }[]
  /** False when it was told the same before. */
  readonly changed: boolean
  /** Each a whole sentence. */
  readonly notes: readonly string[]
  readonly dryRun: boolean
}

export interface RemoveScheduleAnswer {
  readonly removed: readonly { readonly with: CallerName; readonly plan: string }[]
  readonly dryRun: boolean
}

export interface Scheduling {
  /** The plans, and who calls them. `program`: how Hayai is called, as for an installation. Changes nothing. */
  schedule(program: readonly string[]): Promise<ScheduleView>
  /** Tells systemd, cron or launchd to call the plans. */
  installSchedule(request: InstallRequest): Promise<InstallAnswer>
  removeSchedule(options?: { readonly dryRun?: boolean }): Promise<RemoveScheduleAnswer>
  /** Runs the plans at their times until the signal; one for each project, LOCKED when there is one. */
  daemon(watch?: Watch): AsyncIterable<DaemonEvent>
  /** The plans that `.hayaidb` declares, explained. Changes nothing. */
  plans(): Promise<readonly PlanView[]>
  /** One run of a plan, now: take, check, copy, let go, and write down how it went. */
  runPlan(request: RunRequest, watch?: Watch): Promise<RunAnswer>
}

/** A plan as `.hayaidb` declares it, explained, with what the record says of it. */
export interface PlanView {
  readonly name: string
  readonly enabled: boolean
  readonly take: 'backup' | 'snapshot'
  /** All of the project when it is empty. */
  readonly databases: readonly string[]
  /** The cron line; null for a plan that runs only when it is called. */
  readonly schedule: string | null
  readonly timezone: string
  /** When its schedule comes next; null when it does not run by itself. */
  readonly next: string | null
  /** The same by the clock of its time zone. */
  readonly nextLocal: string | null
  /** Absolute. */
  readonly destinations: readonly string[]
  /** What it does and what it keeps, as sentences. */
  readonly words: readonly string[]
  readonly last: RunRecord | null
  /** Of a run that is at work now, or was killed: when it began. */
  readonly running: string | null
  readonly killed: string | null
}

/** What the daemon tells, in the order in which it happens. */
export type DaemonEvent =
  /** It looks after the project from now on. */
  | { readonly event: 'started'; readonly at: string; readonly pid: number; readonly root: string }
  /** These are the plans that it runs now: at the start, and after `.hayaidb` has changed. */
  | { readonly event: 'plans'; readonly at: string; readonly plans: readonly { readonly plan: string; readonly next: string | null }[] }
  /** `.hayaidb` cannot be used as it is; the plans from before stay. */
  | { readonly event: 'config'; readonly at: string; readonly error: RunFailure }
  | { readonly event: 'run'; readonly at: string; readonly record: RunRecord }
  /** A run that could not begin; it is tried again. */
  | { readonly event: 'failed'; readonly at: string; readonly plan: string; readonly error: RunFailure }
  | { readonly event: 'stopped'; readonly at: string }
