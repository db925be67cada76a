// What the verbs of plans are asked and what they answer: what is taken by itself, when, by whom, and how it went.

/** How a run of a plan went. A run that is `interrupted` took nothing, and its time is made up for; a `failed` one waits for its next. */
export type Outcome = 'done' | 'failed' | 'interrupted'

export interface RunFailure {
  readonly code: string
  readonly message: string
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
  /** What went wrong first; null when nothing did. */
  readonly error: RunFailure | null
}
