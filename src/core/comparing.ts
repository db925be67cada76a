// What diff and guard are asked, and what they answer; the rest is in answers.ts.

import type { Differences } from '../snapshots/differences.ts'
import type { RestoreAnswer, SnapshotView } from './answers.ts'

export interface DiffRequest {
  /** A database as it is now, by its name; a snapshot, as for restore; or `NAME@latest`, the newest snapshot of a database. */
  readonly before: string
  /** Left out: what the database holds now, and `before` may be its name, for its newest snapshot. */
  readonly after?: string
  /** Also compares the rows of tables with as many as before. Snapshots are restored aside for it. */
  readonly data?: boolean
  /** Names the engine of a foreign file. */
  readonly engine?: string
}

export interface DiffSide {
  readonly database: string
  readonly instant: string
  /** null for the database itself. */
  readonly snapshot: SnapshotView | null
  /** About how much room the data takes in the database, where the engine tells. */
  readonly dataBytes: number | null
  /** Its manifest did not tell enough. */
  readonly restoredAside: boolean
}

export interface DiffAnswer extends Differences {
  readonly before: DiffSide
  readonly after: DiffSide
  readonly engine: string
  /** What is counted, in the singular: `row` of `table`, `key` of `db`. */
  readonly counted: { readonly what: string; readonly of: string }
  readonly rowsCompared: boolean
  readonly different: boolean
  readonly seconds: number
}

export interface GuardRequest {
  /** All that can be used now when none is named. */
  readonly databases: readonly string[]
  /** What is run, for people. Its first plain words become the comment of the snapshots; what may hold a secret does not. */
  readonly label: string
  /** Called when every snapshot is there, and not at all otherwise. Gives the exit status: 0 is success. */
  readonly command: (snapshots: readonly SnapshotView[]) => Promise<number>
  /** Whether to go back to the snapshots when the command fails; a function is asked then, and told what there is. */
  readonly undo: boolean | ((answer: GuardAnswer) => Promise<boolean>)
  /** Also compare rows of tables with as many as before. */
  readonly data?: boolean
  readonly dryRun?: boolean
}

export interface Guarded {
  readonly database: string
  /** null on a dry run. */
  readonly snapshot: SnapshotView | null
  /** What the command has changed; null where the database could not be asked. */
  readonly diff: DiffAnswer | null
  /** Why it could not be asked. */
  readonly problem: string | null
  /** The restore that took the changes back, where one did. */
  readonly restored: RestoreAnswer | null
  /** The line that goes back to the snapshot, or that takes the restore back. */
  readonly undo: string | null
}

export interface GuardAnswer {
  /** The exit status of the command; null on a dry run. */
  readonly status: number | null
  readonly databases: readonly Guarded[]
  readonly undone: boolean
  readonly plan: readonly string[]
  readonly dryRun: boolean
}
