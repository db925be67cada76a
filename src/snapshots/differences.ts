// What is different between two moments of a database: its tables and what belongs to them, everything else by name, and rows by
// table. A table that is renamed is one that is gone and one that is new.

import type { Census, Column, Named, Outline, TableOutline } from '../engines/engine.ts'

export type How = 'added' | 'removed' | 'changed'

export interface ColumnChange {
  readonly name: string
  readonly how: How
  /** null where there is none. */
  readonly before: Column | null
  readonly after: Column | null
}

export interface Change {
  /** In the singular: `index`, `constraint`, `view`. */
  readonly kind: string
  readonly name: string
  readonly how: How
  /** Its definition, or a digest of it; null where there is none. */
  readonly before: string | null
  readonly after: string | null
}

export interface TableChange {
  readonly name: string
  readonly how: How
  /** null where the table is not there, or keeps no rows of its own. */
  readonly rows: { readonly before: number | null; readonly after: number | null }
  /** `unknown`: as many rows as before, and nobody has compared them. */
  readonly content: 'same' | 'different' | 'unknown'
  readonly columns: readonly ColumnChange[]
  readonly parts: readonly Change[]
}

/** A count of the census that has changed, besides rows, and besides what is told by name. */
export interface CountChange {
  readonly what: string
  readonly before: number
  readonly after: number
}

export interface Differences {
  /** Those that were added, removed or changed; a table of which only the number of rows is the same may be among the others. */
  readonly tables: readonly TableChange[]
  readonly objects: readonly Change[]
  readonly counts: readonly CountChange[]
  /** How many tables are as they were: rows and all where rows were compared; else with as many rows. */
  readonly sameTables: number
}

export interface Moment {
  readonly census: Census
  readonly outline: Outline
  /** Table → digest of its rows; null where nobody made them. */
  readonly digests: Readonly<Record<string, string>> | null
}

export function differences(before: Moment, after: Moment): Differences {
  const names = union(
    [before, after].flatMap(({ census, outline }) => [outline.tables, census.tables]),
    byName,
  )
  const tables = names.map((name) => tableChange(name, before, after))
  const changed = tables.filter((table) => table !== undefined)
  const objects = kinds(before.outline.objects, after.outline.objects)
  const named = objects.length > 0 || changed.some(({ how, columns, parts }) => how !== 'changed' || columns.length + parts.length > 0)
  return {
    tables: changed,
    objects,
    counts: counts(before.census.objects, after.census.objects).filter(({ what }) => !named || !isNamed(what)),
    sameTables: names.length - changed.length,
  }
}

// What outlines name, as a census calls it. Where names tell of a change, the number of them tells nothing more.
const NAMED = new Set(
  `tables indexes constraints triggers rules policies options views sequences types statistics schemas extensions publications functions
  routines events`.split(/\s+/),
)

function isNamed(what: string): boolean {
  return NAMED.has(what.split(/[/ ]/).at(-1) ?? '')
}

function tableChange(name: string, before: Moment, after: Moment): TableChange | undefined {
  const [was, is] = [partOf(before.outline.tables, name), partOf(after.outline.tables, name)]
  const rows = { before: partOf(before.census.tables, name) ?? null, after: partOf(after.census.tables, name) ?? null }
  const [there, still] = [was !== undefined || rows.before !== null, is !== undefined || rows.after !== null]
  const columns = columnChanges(was, is)
  const parts = kinds(was?.parts ?? {}, is?.parts ?? {})
  // Rows of other columns are other rows, which says nothing.
  const reshaped = columns.some(({ how }) => how !== 'changed')
  const content = reshaped && rows.before === rows.after ? 'unknown' : contentOf(name, rows, before, after)
  const how = !there ? 'added' : !still ? 'removed' : 'changed'
  if (how === 'changed' && rows.before === rows.after && content !== 'different' && columns.length === 0 && parts.length === 0)
    return undefined
  return { name, how, rows, content, columns, parts }
}

function contentOf(name: string, rows: TableChange['rows'], before: Moment, after: Moment): TableChange['content'] {
  if (rows.before !== rows.after) return 'different'
  const [was, is] = [partOf(before.digests ?? {}, name), partOf(after.digests ?? {}, name)]
  if (was === undefined || is === undefined) return 'unknown'
  return was === is ? 'same' : 'different'
}

function columnChanges(was: TableOutline | undefined, is: TableOutline | undefined): readonly ColumnChange[] {
  return union([was?.columns ?? {}, is?.columns ?? {}]).flatMap((name) => {
    const [before, after] = [partOf(was?.columns ?? {}, name) ?? null, partOf(is?.columns ?? {}, name) ?? null]
    const equal =
      before !== null &&
      after !== null &&
      before.type === after.type &&
      before.nullable === after.nullable &&
      before.default === after.default
    return equal ? [] : [{ name, how: howOf(before, after), before, after }]
  })
}

function kinds(was: Readonly<Record<string, Named>>, is: Readonly<Record<string, Named>>): readonly Change[] {
  return union([was, is]).flatMap((kind) => {
    const [from, to] = [partOf(was, kind) ?? {}, partOf(is, kind) ?? {}]
    return union([from, to], byName).flatMap((name) => {
      const [before, after] = [partOf(from, name) ?? null, partOf(to, name) ?? null]
      return before === after ? [] : [{ kind, name, how: howOf(before, after), before, after }]
    })
  })
}

function counts(was: Readonly<Record<string, number>>, is: Readonly<Record<string, number>>): readonly CountChange[] {
  return union([was, is]).flatMap((what) => {
    const [before, after] = [partOf(was, what) ?? 0, partOf(is, what) ?? 0]
    return before === after ? [] : [{ what, before, after }]
  })
}

function howOf(before: unknown, after: unknown): How {
  return before === null ? 'added' : after === null ? 'removed' : 'changed'
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Every name that is in one of them, in the order of the first, unless another one is wanted. */
function union(records: readonly Readonly<Record<string, unknown>>[], order?: (a: string, b: string) => number): readonly string[] {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))]
  return order === undefined ? names : names.toSorted(order)
}

// A table may well be called `constructor`.
function partOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
