// The library's door: `const project = await openProject()`, and every verb is a method of it.

import type { OpenOptions, Project } from './core/answers.ts'
import { openWith } from './core/open.ts'
import type { Entry } from './engines/catalogue.ts'
import { parts } from './parts.ts'

export type * from './core/answers.ts'
export type * from './core/backup-answers.ts'
export type * from './core/keeping-answers.ts'
export type * from './core/key-answers.ts'
export type * from './core/overseeing.ts'
export type * from './core/moving-answers.ts'
export type * from './core/news-answers.ts'
export type * from './core/schedule-answers.ts'
export type * from './core/secret-answers.ts'
export type { Latest } from './core/latest.ts'
export type * from './core/comparing.ts'
export type { Census, Column } from './engines/engine.ts'
export type { Generation, Status } from './runtimes/runtime.ts'
export type { Change, ColumnChange, CountChange, Differences, How, TableChange } from './snapshots/differences.ts'
export type { Manifest } from './snapshots/manifest.ts'
export { parseDuration, type Retention } from './snapshots/retention.ts'
export { CODES, HayaiError, type Code } from './base/errors.ts'
export { Secret } from './base/secret.ts'
export { asRefusal } from './project/refusals.ts'
export { nearest } from './base/nearest.ts'

/** Finds the project by walking up from the working folder, and gives its verbs. Throws HayaiError NOT_FOUND when there is none. */
export function openProject(options: OpenOptions = {}): Promise<Project> {
  return openWith(parts, options)
}

export interface EngineView {
  readonly name: string
  readonly title: string
  /** The first is the default. */
  readonly formats: readonly string[]
}

/** The kinds of database there are, for those who offer a choice. */
export function engines(): readonly EngineView[] {
  return Object.values(parts.engines).map(({ name, title, formats }) => ({ name, title, formats: formats.map((format) => format.name) }))
}

/** What the census of an engine counts, in the singular: `row` of `table`, `key` of `db`. */
export function countedBy(engine: string): { readonly what: string; readonly of: string } {
  return parts.engines[engine]?.counts ?? { what: 'row', of: 'table' }
}

/** A kind of database, as the catalogue has it. */
export interface KnownEngine extends Entry {
  /** Whether one can be made. */
  readonly runs: boolean
  /** Where it can live. */
  readonly runtimes: readonly string[]
  /** How a copy comes to be of one moment, in a few words. */
  readonly copied: string
  readonly formats: readonly string[]
}

/** Every kind of database that is known, also those that cannot be made yet. */
export async function catalogue(): Promise<readonly KnownEngine[]> {
  const { catalogue: entries, copied } = await import('./engines/catalogue.ts')
  const { runtimesOf } = await import('./core/context.ts')
  return entries.map((entry) => {
    const engine = parts.engines[entry.name]
    const formats = (engine?.formats ?? []).map(({ name }) => name)
    const runtimes = engine === undefined ? [] : runtimesOf(parts, engine)
    return { ...entry, runs: engine !== undefined, runtimes, copied: copied(entry), formats }
  })
}
