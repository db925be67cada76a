// What is asked of the child process in which DuckDB runs, and what it answers (base/child.ts tells how).
//
// Why a child: a native call may take minutes, and a child's can be ended; what DuckDB takes of memory it gives back with its end;
// and DuckDB's lock on a file is the kernel's lock of a whole process (POSIX), which would vanish as soon as any other piece of that
// process had opened and closed the file. So the process that holds a file does not read it by itself, and another one copies it.

import type { Census, FoundPiece, Look, Outline, TakingBack, Transplanted } from '../engine.ts'

/** What was counted in a database, and what deserves a warning, each in a whole sentence. */
export interface Counted {
  readonly version: string
  readonly census: Census
  readonly notes: readonly string[]
}

/** Also what the database is made of; `digests` of the rows where they were asked for. */
export interface Surveyed extends Counted {
  readonly outline: Outline
  readonly digests: Readonly<Record<string, string>> | null
}

export interface Requests {
  readonly version: Readonly<Record<string, never>>
  readonly create: { readonly file: string }
  readonly recognise: { readonly file: string }
  readonly look: { readonly file: string }
  readonly inspect: { readonly file: string; readonly patience: number }
  readonly survey: { readonly file: string; readonly patience: number; readonly rows: boolean }
  /** Keeps writers out of a live file: says `ready`, goes on when it is permitted, says `held`, and lets go when its input ends. */
  readonly hold: { readonly file: string; readonly patience: number }
  /** Copies a file that is held, with what belongs to it. Tells of `progress`. Needs no DuckDB. One that `waits` says `ready` before. */
  readonly copy: { readonly file: string; readonly to: string; readonly durable: boolean; readonly waits: boolean }
  /** Makes a copy whole that nobody else uses, reads all of it, and counts. Throws CORRUPT when it is damaged. */
  readonly examine: { readonly file: string; readonly spill: string; readonly hint: string }
  /** Says `ready` when nobody else can open the live file, and goes on when it is permitted. */
  readonly exchange: {
    readonly live: string
    readonly incoming: string
    readonly outgoing: string
    readonly mark: string
    readonly patience: number
  }
  /** Standard output is the text itself, and the exit status tells how it went. */
  readonly writeSql: { readonly file: string; readonly spill: string }
  /** The rows of one table, in the same way. */
  readonly writeRows: { readonly file: string; readonly spill: string; readonly table: string }
  /** Throws when the schema could not be read back as it is. */
  readonly trySchema: { readonly file: string; readonly spill: string }
  /** Which tables are meant, and which of them are in `to`. Of `from` nobody else knows. */
  readonly findTables: {
    readonly from: string
    readonly to: string
    readonly wanted: readonly { readonly name: string; readonly as: string | null }[]
    readonly replace: boolean
    readonly patience: number
    readonly spill: string
  }
  /** Writes the receipt before it changes anything. Says `ready` before each COMMIT, and makes it when it is permitted. */
  readonly transplant: Requests['findTables'] & { readonly receipt: string }
  /** `from` is as `to` was before, and nobody else's. Says `ready` likewise. */
  readonly takeBack: Omit<TakingBack, 'receipt'> & {
    readonly from: string | null
    readonly to: string
    readonly digests: Readonly<Record<string, string>>
    readonly patience: number
    readonly spill: string
  }
  /** The text comes on standard input. */
  readonly readSql: { readonly file: string; readonly spill: string }
}

export interface Answers {
  readonly version: string
  readonly create: null
  readonly recognise: null
  readonly look: Look
  readonly inspect: Counted
  readonly survey: Surveyed
  readonly hold: null
  readonly copy: null
  readonly examine: Surveyed
  readonly exchange: Look
  readonly writeSql: null
  readonly writeRows: null
  readonly trySchema: null
  readonly findTables: readonly FoundPiece[]
  readonly transplant: Transplanted
  readonly takeBack: Pick<Transplanted, 'notes'>
  readonly readSql: null
}

export type Verb = keyof Requests

/** What the child tells while it works. */
export type Happening =
  | { readonly event: 'held'; readonly at: string; readonly bytes: number }
  | { readonly event: 'progress' }
  | { readonly event: 'ready' }
