// The part of the contract of an engine that speaks of pieces: single tables, or keys.

import type { Target } from '../engine.ts'

export interface Noun {
  readonly one: string
  readonly many: string
}

/** What can be taken out of one database and put into another of the same engine, beside what is there. */
export interface Pieces {
  /** What one is called, and many: `table`, `tables`. */
  readonly noun: Noun
  /** What is counted of one: `row`; pieces themselves where they have no parts. */
  readonly unit: Noun
  /** Whether a piece can be put in under another name. */
  readonly renames: boolean
  /** Whether pieces live in numbered dbs, of which one may be meant. */
  readonly numbered: boolean
  /** Whether a transplant that throws has changed nothing, but for errors with the detail `begun`. */
  readonly whole: boolean
  /**
   * What the words of a person mean in `from`, and what of it is in `to` already. Changes nothing in `to`. NOT_FOUND when there is no
   * such piece in `from`, CONFLICT when a word may mean several, or when a piece cannot be put into `to` as it is.
   */
  find(from: Target, to: Target, order: Transplant, signal: AbortSignal): Promise<readonly FoundPiece[]>
  /**
   * Puts them into `to`, counted, with all that belongs to them: all or nothing where the engine can. What is in the way is replaced
   * when the order says so; else CONFLICT, and nothing has changed. `from` is nobody else's, and may be changed on the way. The
   * receipt is a file that is not there yet: it is written before anything is changed, for takeBack().
   */
  transplant(from: Target, to: Target, order: Transplant, receipt: string, signal: AbortSignal): Promise<Transplanted>
  /**
   * The opposite: what was put in is gone, and what it replaced is there again, out of `from`, which is as `to` was before; null when
   * nothing was replaced. What is as before already stays. CONFLICT, and nothing has changed, when what was put in has been written to.
   */
  takeBack(from: Target | null, to: Target, back: TakingBack, signal: AbortSignal): Promise<Pick<Transplanted, 'notes'>>
}

export interface TakingBack {
  /** Of that transplant. */
  readonly receipt: string
  /** Those that were put beside what was there, and those that replaced something, as they are called in `to`. */
  readonly added: readonly string[]
  readonly replaced: readonly string[]
  /** Also what has been written to since: it is in a snapshot. */
  readonly anyway: boolean
}

export interface Transplant {
  readonly wanted: readonly { readonly name: string; readonly as: string | undefined }[]
  readonly replace: boolean
  /** Of numbered dbs only this one. */
  readonly db: number | undefined
}

/** One piece, or as many as one word stands for. */
export interface FoundPiece {
  /** As the census calls it in `from`, and as it will be called in `to`. */
  readonly name: string
  readonly as: string
  /** Rows of a table; how many pieces the word stands for, where they have no rows. */
  readonly count: number
  /** How many are in the way in `to`. */
  readonly there: number
}

export interface Transplanted {
  /** What `to` holds of each now, in the order in which they were found. */
  readonly counts: readonly number[]
  /** What was not carried, or deserves a warning; each a whole sentence. */
  readonly notes: readonly string[]
}
