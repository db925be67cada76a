// What is asked of the child process in which SQLite runs, and what it answers. Requests go as one argument, JSON; answers come
// as lines of JSON on standard output, and the last one is the answer or the error.
//
// Why a child: a native call may take minutes, and a child's can be ended; and a program that uses Hayai as a library may have the
// same database open, whose locks the kernel would drop as soon as this process opened and closed that file by itself (POSIX).

import type { Census, FoundPiece, Look, Outline, TakingBack, Transplanted } from '../engine.ts'

/** What was counted in a database, and what had to be left out, each in a whole sentence. */
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
  readonly create: { readonly file: string }
  readonly recognise: { readonly file: string }
  readonly look: { readonly file: string }
  readonly inspect: { readonly file: string; readonly patience: number }
  readonly survey: { readonly file: string; readonly patience: number; readonly rows: boolean }
  /** A consistent copy of a live database, checked and counted. Says `ready` and waits like `exchange`; tells of the `instant`, of `progress`, of `checking`. */
  readonly copy: { readonly file: string; readonly to: string; readonly patience: number }
  /** Throws CORRUPT unless the file, which nobody else uses, is a whole and sound database. */
  readonly check: { readonly file: string }
  readonly bears: { readonly file: string; readonly mark: string; readonly patience: number }
  readonly unmark: { readonly file: string; readonly mark: string; readonly patience: number }
  /** Says `ready` and then reads one byte: `g` is the permission to go on, the end of the input is the order to give up. */
  readonly exchange: {
    readonly live: string
    readonly incoming: string
    readonly outgoing: string
    readonly mark: string
    readonly patience: number
  }
  /** Which tables are meant, and which of them are in `to`. Of `from` nobody else knows. */
  readonly findTables: {
    readonly from: string
    readonly to: string
    readonly wanted: readonly { readonly name: string; readonly as: string | null }[]
    readonly replace: boolean
    readonly patience: number
  }
  /** Writes the receipt before it changes anything. Says `ready` before each COMMIT, and makes it when it is permitted. */
  readonly transplant: Requests['findTables'] & { readonly receipt: string }
  /** `from` is as `to` was before, and nobody else's. Says `ready` likewise. */
  readonly takeBack: Omit<TakingBack, 'receipt'> & {
    readonly from: string | null
    readonly to: string
    readonly digests: Readonly<Record<string, string>>
    readonly patience: number
  }
  /** Asked by `exchange` of a child of its own, while it keeps all others out of the live file. */
  readonly keep: { readonly live: string; readonly outgoing: string }
  /** Throws when SQL text of the schema could not be read back. */
  readonly trySchema: { readonly file: string }
  /** Standard output is the text itself, and the exit status tells how it went. */
  readonly writeSql: { readonly file: string }
  /** The rows of one table, in the same way. */
  readonly writeRows: { readonly file: string; readonly table: string }
  /** The text comes on standard input. */
  readonly readSql: { readonly file: string }
}

export interface Answers {
  readonly version: string
  readonly create: null
  readonly recognise: null
  readonly look: Look
  readonly inspect: Counted
  readonly survey: Surveyed
  readonly copy: Surveyed
  readonly check: readonly string[]
  readonly bears: boolean
  readonly unmark: null
  readonly exchange: Look
  readonly findTables: readonly FoundPiece[]
  readonly transplant: Transplanted
  readonly takeBack: Pick<Transplanted, 'notes'>
  readonly keep: null
  readonly trySchema: null
  readonly writeSql: null
  readonly writeRows: null
  readonly readSql: null
}

export type Verb = keyof Requests

/** What the child tells while it works. */
export type Happening =
  | { readonly event: 'instant'; readonly at: string; readonly bytes: number }
  | { readonly event: 'progress' }
  | { readonly event: 'checking' }
  | { readonly event: 'ready' }
