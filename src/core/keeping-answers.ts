// What the verbs of living with snapshots are asked and what they answer: the part of the facade that keeps, names, hands on and
// throws away. answers.ts has the others.

import type { Retention } from '../snapshots/retention.ts'
import type { SnapshotView, Watch } from './answers.ts'

export interface SnapshotReference {
  /** A path, a file name, an id or the start of one; `NAME@latest`; or, with `latest`, a database's name. */
  readonly reference: string
  readonly latest?: boolean
  /** Look in this folder alone; in all that the project knows when not given. */
  readonly folder?: string
}

export interface RenameRequest extends SnapshotReference {
  readonly name: string
  readonly dryRun?: boolean
}

export interface RenameAnswer {
  readonly snapshot: SnapshotView
  /** The data file as it was called before; absolute. */
  readonly from: string
  readonly to: string
  readonly dryRun: boolean
}

export interface AnnotateRequest extends SnapshotReference {
  readonly pinned?: boolean
  readonly addTags?: readonly string[]
  readonly removeTags?: readonly string[]
  readonly dryRun?: boolean
}

export interface AnnotateAnswer {
  /** As it is now; on a dry run as it would be. */
  readonly snapshot: SnapshotView
  readonly changed: boolean
  readonly dryRun: boolean
}

export interface DeleteRequest {
  readonly references: readonly string[]
  readonly latest?: boolean
  readonly folder?: string
  readonly dryRun?: boolean
}

export interface DeleteAnswer {
  readonly deleted: readonly SnapshotView[]
  readonly bytes: number
  /** Databases of which no whole snapshot is left. */
  readonly bare: readonly string[]
  /** The line that brings them back, and until when it can; null on a dry run. */
  readonly undo: string | null
  readonly until: string | null
  readonly dryRun: boolean
}

export interface UndeleteRequest {
  /** What a `delete` or `prune` printed; or the id, its start, or the name of a deleted snapshot. */
  readonly references: readonly string[]
  readonly folder?: string
  readonly dryRun?: boolean
}

export interface UndeleteAnswer {
  readonly returned: readonly SnapshotView[]
  readonly dryRun: boolean
}

/** A snapshot that waits for its grace period to end. */
export interface DeletedView {
  readonly id: string
  readonly database: string
  readonly name: string
  readonly created: string
  readonly deletedAt: string
  readonly until: string
  readonly folder: string
  /** The line that brings it back. */
  readonly undo: string
}

export interface PruneRequest {
  /** All that have snapshots there when none is given. */
  readonly databases?: readonly string[]
  readonly policy: Retention
  readonly folder?: string
  readonly dryRun?: boolean
}

export interface PruneVerdict {
  readonly snapshot: SnapshotView
  readonly keep: boolean
  /** Each a phrase: why it is kept, or why it goes. */
  readonly reasons: readonly string[]
}

export interface PruneAnswer {
  /** By database, the newest first. */
  readonly verdicts: readonly PruneVerdict[]
  readonly deleted: readonly SnapshotView[]
  readonly bytes: number
  readonly undo: string | null
  readonly until: string | null
  readonly dryRun: boolean
}

export interface ExportRequest extends SnapshotReference {
  /** The file to be made; it must not be there yet. */
  readonly file: string
  readonly dryRun?: boolean
}

export interface ExportAnswer {
  readonly snapshot: SnapshotView
  /** Absolute. */
  readonly file: string
  readonly bytes: number
  readonly dryRun: boolean
}

export interface ImportRequest {
  readonly file: string
  readonly folder?: string
  readonly dryRun?: boolean
}

export interface ImportAnswer {
  readonly snapshot: SnapshotView
  /** False when this very snapshot was there already: then nothing was done. */
  readonly imported: boolean
  readonly dryRun: boolean
}

export interface SnapshotKeeping {
  /** One snapshot with everything that its manifest says; of a foreign file what can be seen. */
  showSnapshot(request: SnapshotReference): Promise<SnapshotView>
  renameSnapshot(request: RenameRequest): Promise<RenameAnswer>
  /** Pins, unpins and tags. */
  annotateSnapshot(request: AnnotateRequest): Promise<AnnotateAnswer>
  deleteSnapshots(request: DeleteRequest): Promise<DeleteAnswer>
  deletedSnapshots(options?: { readonly folder?: string }): Promise<readonly DeletedView[]>
  undeleteSnapshots(request: UndeleteRequest): Promise<UndeleteAnswer>
  prune(request: PruneRequest): Promise<PruneAnswer>
  exportSnapshot(request: ExportRequest, watch?: Watch): Promise<ExportAnswer>
  importSnapshot(request: ImportRequest, watch?: Watch): Promise<ImportAnswer>
}
