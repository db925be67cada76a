// What the trials ask of each engine's actor: to do what its own users do, with the engine's own stock programs.

import type { Project } from '../../src/index.ts'

export interface Actor {
  readonly engine: string
  /** Why it cannot play on this machine; undefined when it can. */
  readonly missing: string | undefined
  /** Puts in real rows: Chinook where it is at hand, else rows of its own. */
  fill(project: Project, name: string): Promise<void>
  /** What people do by mistake: drops a table, deletes rows, changes others. */
  damage(project: Project, name: string): Promise<void>
  /** Everything that is in it, as the stock tool dumps it, without random and dated lines. */
  dump(project: Project, name: string): Promise<string>
  run(project: Project, name: string, statements: string): Promise<string>
  /** How many servers a running database has. */
  readonly servers: 0 | 1
  /** A disk on which it can live with 20 MB of ballast and its copy, and so little room that it lives on but cannot be copied. */
  readonly disk: { readonly megabytes: number; readonly enough: number }
  /** Puts in so many megabytes that no program can make smaller, as a thousand rows each. */
  ballast(project: Project, name: string, megabytes: number): Promise<void>
  /** Deletes every other row of the ballast. */
  halve(project: Project, name: string): Promise<void>
  /** Rows of the ballast. */
  weight(project: Project, name: string): Promise<number>
  /**
   * Types the lines of a manifest in the snapshot's folder, and dumps what has come of them; `bare` makes an empty database that runs,
   * beside `shop`, whose snapshot it is. Every format of the engine comes here.
   */
  byHand(project: Project, bare: () => Promise<string>, lines: readonly string[], folder: string, format: string): Promise<string>
}
