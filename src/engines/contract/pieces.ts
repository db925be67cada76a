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
  /**
   * What the words of a person mean in `from`, and what of it is in `to` already. Changes nothing in `to`. NOT_FOUND when there is no
   * such piece in `from`, CONFLICT when a word may mean several, or when a piece cannot be put into `to` as it is.
   */
  find(from: Target, to: Target, order: Transplant, signal: AbortSignal): Promise<readonly FoundPiece[]>
  /**
   * Puts them into `to`, counted, with all that belongs to them: all or nothing where the engine can. What is in the way is replaced
   * when the order says so; else CONFLICT, and nothing has changed. `from` is nobody else's, and may be changed on the way.
   */
  transplant(from: Target, to: Target, order: Transplant, signal: AbortSignal): Promise<Transplanted>
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
