// What the verbs are asked and what they answer: plain, readonly, ready for JSON (but for secrets, which print as dots).

import type { Bytes } from '../base/bytes.ts'
import type { Secrets } from './secret-answers.ts'
import type { Secret } from '../base/secret.ts'
import type { Census, Noun } from '../engines/engine.ts'
import type { Generation, Status } from '../runtimes/runtime.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import type { Backups } from './backup-answers.ts'
import type { Encrypting, Keys } from './key-answers.ts'
import type { SnapshotKeeping } from './keeping-answers.ts'
import type { Notifying } from './news-answers.ts'
import type { Overseeing } from './overseeing.ts'
import type { PlanView, Scheduling } from './schedule-answers.ts'
import type { Latest } from './latest.ts'
import type { DiffAnswer, DiffRequest, GuardAnswer, GuardRequest } from './comparing.ts'
import type { Moving } from './moving-answers.ts'

export interface Progress {
  /** What is being done now, as a short phrase in the present: `dumping`, `checking digests`, `loading`. */
  readonly stage: string
  readonly bytes?: number
  /** How many bytes there will be, where that is known. */
  readonly total?: number
}

/** What every long verb takes besides its request. */
export interface Watch {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface DatabaseView {
  readonly name: string
  readonly engine: string
  readonly runtime: string
  readonly version: string
  readonly status: Status
  /** null for a database that is a file. */
  readonly port: number | null
  /** The database file of an embedded database, else null. */
  readonly file: string | null
  /** The live generation. */
  readonly generation: string | null
}

export interface InitRequest {
  readonly name: string
  readonly engine: string
  readonly port?: number
  readonly version?: string
  readonly file?: string
  readonly runtime?: string
  /** A container that others made, and in which the database is. */
  readonly container?: string
  /** A database of this name and engine that is there already is an answer, not an error. */
  readonly existsOk?: boolean
  readonly dryRun?: boolean
}

export interface InitAnswer {
  readonly created: readonly DatabaseView[]
  readonly present: readonly DatabaseView[]
  readonly dryRun: boolean
}

export interface ValidateAnswer {
  readonly file: string
  readonly project: string
  readonly databases: readonly { readonly name: string; readonly engine: string; readonly exists: boolean }[]
  /** What is taken by itself, each explained. */
  readonly plans: readonly PlanView[]
  /** With `enable_ssl`: of each server, until when its certificate holds; null where the next start makes one. */
  readonly certificates: readonly { readonly database: string; readonly until: string | null }[]
  /** What is allowed but has no effect, or probably not the one meant; each a whole sentence with its line. */
  readonly warnings: readonly string[]
}

export interface Connection {
  readonly name: string
  readonly engine: string
  readonly host: string | null
  readonly port: number | null
  readonly user: string | null
  readonly password: Secret | null
  readonly database: string | null
  /** The file by which the server's certificate is checked; null where connections are plain. */
  readonly tls: { readonly authority: string } | null
  readonly file: string | null
  /** Holds the password. */
  readonly uri: Secret
}

export interface RemoveAnswer {
  /** null when there was nothing, and that was fine. */
  readonly removed: string | null
  readonly dataKept: boolean
  /** The line that brings it back, and until when it can. */
  readonly undo: string | null
  readonly until: string | null
  readonly dryRun: boolean
}

export interface SnapshotRequest extends Encrypting {
  readonly database: string
  readonly output?: string
  /** `none`, `gzip`, `zstd`, each but the first with an optional `:level`. */
  readonly compression?: string
  readonly format?: string
  readonly comment?: string
  readonly tags?: readonly string[]
  /** `safety`: taken before something dangerous, and nobody asked for it by itself. A person when not given. */
  readonly askedBy?: 'person' | 'schedule' | 'safety'
  /** The plan that takes it. */
  readonly plan?: string
  readonly dryRun?: boolean
}

export interface SnapshotView {
  readonly id: string
  readonly database: string
  readonly engine: string
  readonly format: string
  /** Absolute. */
  readonly path: string
  readonly bytes: number
  readonly created: string
  readonly comment: string | null
  readonly tags: readonly string[]
  readonly verified: { readonly at: string; readonly ok: boolean } | null
  /** A file that has no manifest: its id is empty, its database and engine are guesses for show or ''. */
  readonly foreign: boolean
  readonly manifest: Manifest | null
}

export interface SnapshotAnswer {
  /** null on a dry run. */
  readonly snapshot: SnapshotView | null
  /** The name that always stands for the newest one, beside it; null on a dry run. */
  readonly latest: Latest | null
  readonly plan: readonly string[]
  readonly seconds: number
  readonly dryRun: boolean
}

export interface RestoreRequest {
  /** A path, a file name, an id or the start of one; `NAME@latest`; or, with `latest`, a database's name. */
  readonly reference: string
  readonly latest?: boolean
  /** Another database than the one the snapshot was taken of. It is made when it is not there. */
  readonly to?: string
  /** Names the engine of a foreign file. */
  readonly engine?: string
  readonly dryRun?: boolean
  /** With `dryRun`: the snapshot is not read through, which the restore itself does before anything else. */
  readonly unread?: boolean
  /** Agrees that a container that others made, and in which the database is, is stopped and started again. */
  readonly stopContainer?: boolean
}

export interface Check {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
}

export interface RestoreAnswer {
  /** What a person should know. */
  readonly notes: readonly string[]
  readonly database: string
  /** The container that others made, and that is stopped and started again for it; null where all is Hayai's own. */
  readonly container: string | null
  readonly snapshot: SnapshotView
  readonly plan: readonly string[]
  readonly checks: readonly Check[]
  readonly census: Census | null
  /** null on a dry run. */
  readonly generation: Generation | null
  readonly undo: string | null
  readonly seconds: number
  readonly dryRun: boolean
}

export interface VerifyAnswer {
  readonly snapshot: SnapshotView
  readonly ok: boolean
  readonly checks: readonly Check[]
  readonly seconds: number
}

export interface UndonePieces {
  readonly noun: Noun
  /** They were put beside what is there, and are gone; on `redo` they are there again. */
  readonly added: readonly string[]
  /** What a restore had put in their place is gone, and they are as before; on `redo` the other way round. */
  readonly replaced: readonly string[]
  /** The snapshot of how it was right before, where it was asked for. */
  readonly safety: SnapshotView | null
}

export interface UndoOptions {
  readonly dryRun?: boolean
  /** Takes pieces back that have been written to since, too; a snapshot is taken before. */
  readonly force?: boolean
}

export interface UndoAnswer {
  readonly database: string
  /**
   * `switched`: another generation is live now. `returned`: a removed database is back. `undeleted`: deleted snapshots are.
   * `pieces`: tables or keys that a restore had put in, and nothing else.
   */
  readonly what: 'switched' | 'returned' | 'undeleted' | 'pieces'
  /** As in `RestoreAnswer`. */
  readonly container: string | null
  readonly from: string | null
  readonly to: string
  /** Of `pieces`: those that went, and those that came. */
  readonly pieces?: UndonePieces
  /** The line that takes this back again, where there is one. */
  readonly again: string | null
  readonly notes: readonly string[]
  readonly dryRun: boolean
}

/** For start and stop; on a dry run the databases are told as they are. */
export interface Power extends Watch {
  readonly dryRun?: boolean
}

/** The facade: every verb of Hayai on one project. The command line, the library and the studio use this and nothing else. */
export interface Project extends SnapshotKeeping, Backups, Overseeing, Moving, Keys, Scheduling, Secrets, Notifying {
  readonly root: string
  readonly name: string
  init(request: InitRequest, watch?: Watch): Promise<InitAnswer>
  /** Creates everything that `.hayaidb` declares and that is not there yet. */
  initDeclared(options?: { readonly dryRun?: boolean }, watch?: Watch): Promise<InitAnswer>
  validate(): Promise<ValidateAnswer>
  /** All of them when no name is given. */
  start(names: readonly string[], options?: Power): Promise<readonly DatabaseView[]>
  stop(names: readonly string[], options?: Power): Promise<readonly DatabaseView[]>
  list(options?: { readonly running?: boolean }): Promise<readonly DatabaseView[]>
  connect(name: string): Promise<Connection>
  /** The end of the server's log; with `follow` it goes on until the signal. */
  logs(name: string, options?: { readonly follow?: boolean; readonly lines?: number }, watch?: Watch): Promise<Bytes>
  remove(
    name: string,
    options?: { readonly keepData?: boolean; readonly missingOk?: boolean; readonly dryRun?: boolean },
  ): Promise<RemoveAnswer>
  snapshot(request: SnapshotRequest, watch?: Watch): Promise<SnapshotAnswer>
  snapshots(options?: { readonly folder?: string }): Promise<readonly SnapshotView[]>
  restore(request: RestoreRequest, watch?: Watch): Promise<RestoreAnswer>
  verify(request: { readonly reference: string; readonly latest?: boolean; readonly engine?: string }, watch?: Watch): Promise<VerifyAnswer>
  /** What is different between two snapshots, or a snapshot and a database. Changes nothing. */
  diff(request: DiffRequest, watch?: Watch): Promise<DiffAnswer>
  /** Snapshots, then a command of the caller's, then what it has changed; and all of it taken back, where that is wanted. */
  guard(request: GuardRequest, watch?: Watch): Promise<GuardAnswer>
  /** Without a name: of the database whose data was last restored or removed. */
  undo(name?: string, options?: UndoOptions, watch?: Watch): Promise<UndoAnswer>
  redo(name?: string, options?: { readonly dryRun?: boolean }, watch?: Watch): Promise<UndoAnswer>
}

export interface OpenOptions {
  /** Where to begin the walk up to the project; the working folder when not given. */
  readonly cwd?: string
  /** A `.hayaidb` file by path; its folder is the project. */
  readonly config?: string
  /** `init` may begin a project where there is none: then the folder itself is the project. */
  readonly create?: boolean
  /** Asks a person for the passphrase of an identity, when one is needed; `about` says which. */
  readonly askPassphrase?: (about: string) => Promise<Secret>
}
