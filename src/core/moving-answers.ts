// What the verbs are asked and answer that carry content from one place to another: pieces of a snapshot into a live database, one
// database into another, a database to a newer server. answers.ts has the others.

import type { Census, Noun } from '../engines/engine.ts'
import type { Generation } from '../runtimes/runtime.ts'
import type { Check, DatabaseView, SnapshotView, Watch } from './answers.ts'

export interface PiecesRequest {
  /** As for a restore. */
  readonly reference: string
  readonly latest?: boolean
  readonly to?: string
  readonly engine?: string
  /** What the caller calls a piece: `table`, `key`. USAGE when it is not what the engine has. */
  readonly noun: string
  /** `as`: the name that it gets where it goes. */
  readonly pieces: readonly { readonly name: string; readonly as?: string }[]
  /** Those that are there already give way; a snapshot is taken before. */
  readonly replace?: boolean
  /** Of numbered dbs only this one. */
  readonly db?: number
  readonly dryRun?: boolean
}

export interface PieceView {
  readonly name: string
  readonly as: string
  /** Rows of a table; how many keys. */
  readonly count: number
  /** How many of that name were there. */
  readonly replaced: number
}

export interface PiecesAnswer {
  readonly database: string
  readonly snapshot: SnapshotView
  readonly noun: Noun
  /** What `count` counts: rows of a table, or the pieces themselves. */
  readonly unit: Noun
  readonly pieces: readonly PieceView[]
  readonly checks: readonly Check[]
  readonly notes: readonly string[]
  /** The snapshot of what was there, taken before anything was replaced. */
  readonly safety: SnapshotView | null
  /** The line that brings back what was replaced; null when nothing was. */
  readonly undo: string | null
  readonly seconds: number
  readonly dryRun: boolean
}

export interface CloneRequest {
  /** The database whose content and settings the new one gets. */
  readonly from: string
  readonly to: string
  /** Instead of what the database holds now: a snapshot of the same engine. */
  readonly snapshot?: string
  readonly port?: number
  /** A database of that name that is there already gets the content in place of its own, as by a restore. */
  readonly force?: boolean
  readonly dryRun?: boolean
  /** As of a restore: a container that others made is stopped and started again. */
  readonly stopContainer?: boolean
}

export interface CloneAnswer {
  readonly from: string
  readonly to: string
  /** As in `RestoreAnswer`. */
  readonly container: string | null
  /** null when the content came from the live database itself. */
  readonly snapshot: SnapshotView | null
  /** The moment that the content is of; null on a dry run, and for a file without a manifest. */
  readonly instant: string | null
  readonly plan: readonly string[]
  readonly checks: readonly Check[]
  readonly census: Census | null
  /** What could not be carried, or deserves a warning; each a whole sentence. */
  readonly notes: readonly string[]
  /** The new database; null on a dry run. */
  readonly database: DatabaseView | null
  /** Whether there was one of that name, which got the content. */
  readonly replaced: boolean
  readonly undo: string | null
  readonly seconds: number
  readonly dryRun: boolean
}

export interface UpgradeRequest {
  readonly database: string
  /** A newer version of the same server: `17`, or `17.2`. */
  readonly version: string
  readonly dryRun?: boolean
}

export interface UpgradeAnswer {
  readonly database: string
  readonly engine: string
  /** The exact version of the server that made the live data, and of the one that makes the new. */
  readonly from: string
  readonly to: string
  /** False when its data is of that version already. */
  readonly changed: boolean
  readonly plan: readonly string[]
  readonly census: Census | null
  readonly notes: readonly string[]
  /** null on a dry run, and when nothing was changed. */
  readonly generation: Generation | null
  readonly undo: string | null
  readonly seconds: number
  readonly dryRun: boolean
}

/** The part of the facade that carries. */
export interface Moving {
  /** Some tables or keys of a snapshot, put into the live database beside what is there. */
  restorePieces(request: PiecesRequest, watch?: Watch): Promise<PiecesAnswer>
  /** A new database with the content of another. */
  clone(request: CloneRequest, watch?: Watch): Promise<CloneAnswer>
  /** The same database on a newer version of its server. */
  upgrade(request: UpgradeRequest, watch?: Watch): Promise<UpgradeAnswer>
}
