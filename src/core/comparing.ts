// What diff and guard are asked, and what they answer; the rest is in answers.ts.

import type { Differences } from '../snapshots/differences.ts'
import type { SnapshotView } from './answers.ts'

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
