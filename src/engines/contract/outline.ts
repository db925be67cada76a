// The part of the contract of an engine that speaks of what a database is made of.

/** What a column is, in the engine's own words. `default` also says how a value is generated. */
export interface Column {
  readonly type: string
  readonly nullable: boolean
  readonly default: string | null
}

/** By name → its definition, as far as it is short and no program; else its beginning, or nothing of it, and a digest. */
export type Named = Readonly<Record<string, string>>

export interface TableOutline {
  /** In their order. */
  readonly columns: Readonly<Record<string, Column>>
  /** What else belongs to the table, by kind in the singular: `index`, `constraint`, `trigger`. */
  readonly parts: Readonly<Record<string, Named>>
}

/** What a database is made of besides its rows. Two copies of the same data have the same, but for `bytes`. */
export interface Outline {
  /** About how much room the data takes in the database, or undefined where the engine cannot tell. */
  readonly bytes?: number | undefined
  /** Named as in the census; also those that keep no rows of their own. */
  readonly tables: Readonly<Record<string, TableOutline>>
  /** What belongs to no table, by kind in the singular: `view`, `function`, `sequence`. */
  readonly objects: Readonly<Record<string, Named>>
}
