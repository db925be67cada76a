// In the child: what a database is made of, by its schema; and a digest of each table's rows, whatever their order.

import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { abridged, digestOf } from '../../base/digest.ts'
import type { Column, Named, Outline, TableOutline } from '../engine.ts'
import { tablesOf } from './census.ts'
import { checksIn } from './checks.ts'
import { isBusy, isDamage, numberIn, quoted, valueOf } from './connection.ts'
import { readable } from './literals.ts'

export function outlineOf(db: DatabaseSync): Outline {
  const objects = schemaOf(db)
  const views = objects.filter(({ type }) => type === 'view').map(({ name, sql }) => [name, digestOf(sql)] as const)
  const onViews = objects.filter(({ type, table }) => type === 'trigger' && views.some(([view]) => view === table))
  return {
    bytes: (numberIn(db, 'PRAGMA main.page_count') - numberIn(db, 'PRAGMA main.freelist_count')) * numberIn(db, 'PRAGMA main.page_size'),
    tables: Object.fromEntries(tablesOf(db).map((table) => [table, tableOutline(db, table, objects)])),
    objects: {
      ...(views.length > 0 && { view: Object.fromEntries(views) }),
      ...(onViews.length > 0 && { trigger: Object.fromEntries(onViews.map(({ name, sql }) => [name, digestOf(sql)])) }),
    },
  }
}

interface SchemaRow {
  readonly type: string
  readonly name: string
  readonly table: string
  readonly sql: string
}

function schemaOf(db: DatabaseSync): readonly SchemaRow[] {
  const rows = db.prepare('SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name').all()
  return rows.map(({ type, name, tbl_name, sql }) => ({
    type: String(type),
    name: String(name),
    table: String(tbl_name),
    sql: String(sql),
  }))
}

function tableOutline(db: DatabaseSync, table: string, objects: readonly SchemaRow[]): TableOutline {
  const sql = objects.find(({ type, name }) => type === 'table' && name === table)?.sql ?? ''
  const of = (kind: string): Named =>
    Object.fromEntries(
      objects
        .filter((each) => each.type === kind && each.table.toLowerCase() === table.toLowerCase())
        .map((each) => [each.name, kind === 'index' ? abridged(indexed(each.sql)) : digestOf(each.sql)]),
    )
  const parts = { option: optionsOf(db, table, sql), constraint: constraintsOf(db, table, sql), index: of('index'), trigger: of('trigger') }
  return {
    columns: columnsOf(db, table),
    parts: Object.fromEntries(Object.entries(parts).filter(([, named]) => Object.keys(named).length > 0)),
  }
}

/** `CREATE UNIQUE INDEX i ON t (a)` → `UNIQUE (a)` */
function indexed(sql: string): string {
  const rest = sql.slice(sql.indexOf('('))
  return /^\s*create\s+unique\b/i.test(sql) ? `UNIQUE ${rest}` : rest
}

function columnsOf(db: DatabaseSync, table: string): Readonly<Record<string, Column>> {
  const columns = askOr([], () =>
    db.prepare(`SELECT name, type, "notnull" AS strict, dflt_value AS value, hidden FROM pragma_table_xinfo(?, 'main')`).all(table),
  )
  return Object.fromEntries(
    columns.map(({ name, type, strict, value, hidden }) => {
      const generated = hidden === 2 || hidden === 3 ? 'generated' : null
      return [
        String(name),
        { type: String(type), nullable: strict === 0, default: typeof value === 'string' ? abridged(value) : generated },
      ]
    }),
  )
}

function constraintsOf(db: DatabaseSync, table: string, sql: string): Named {
  const keys = askOr([], () => db.prepare(`SELECT name FROM pragma_table_xinfo(?, 'main') WHERE pk > 0 ORDER BY pk`).all(table))
  const found: [string, string][] = keys.length === 0 ? [] : [['primary key', `(${keys.map(({ name }) => String(name)).join(', ')})`]]
  for (const { name, columns } of uniquesOf(db, table)) found.push([name, columns])
  const foreign = askOr([], () =>
    db
      .prepare(`SELECT id, "from", "table", "to", on_update, on_delete FROM pragma_foreign_key_list(?, 'main') ORDER BY id, seq`)
      .all(table),
  )
  for (const id of new Set(foreign.map((row) => row['id']))) {
    const columns = foreign.filter((row) => row['id'] === id)
    const [first] = columns
    if (first === undefined) continue
    const from = columns.map((row) => String(row['from'])).join(', ')
    const to = columns.map((row) => String(row['to'] ?? 'its key')).join(', ')
    found.push([
      `foreign key (${from})`,
      `references ${String(first['table'])} (${to}) on update ${String(first['on_update'])} on delete ${String(first['on_delete'])}`,
    ])
  }
  for (const check of checksIn(sql)) found.push([abridged(check), ''])
  return Object.fromEntries(found)
}

/** UNIQUE in the definition of a table: an index without a statement of its own. */
function uniquesOf(db: DatabaseSync, table: string): readonly { readonly name: string; readonly columns: string }[] {
  const unique = askOr([], () => db.prepare(`SELECT name FROM pragma_index_list(?, 'main') WHERE origin = 'u' ORDER BY name`).all(table))
  return unique.map(({ name }) => {
    const columns = db.prepare(`SELECT name FROM pragma_index_info(?, 'main') ORDER BY seqno`).all(String(name))
    return { name: `unique (${columns.map((column) => String(column['name'])).join(', ')})`, columns: '' }
  })
}

function optionsOf(db: DatabaseSync, table: string, sql: string): Named {
  const row = db.prepare(`SELECT type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?`).get(table)
  return {
    ...(row?.['wr'] === 1 && { 'without rowid': '' }),
    ...(row?.['strict'] === 1 && { strict: '' }),
    ...(row?.['type'] === 'virtual' && { virtual: abridged(sql.slice(sql.search(/\busing\b/i))) }),
  }
}

/** A table of a module that only its application has cannot be asked about. */
function askOr<T>(otherwise: T, question: () => T): T {
  try {
    return question()
  } catch (error) {
    if (isBusy(error) || isDamage(error)) throw error
    return otherwise
  }
}

/** Those whose rows cannot be read are left out. */
export function digestsOf(db: DatabaseSync): Readonly<Record<string, string>> {
  const found: [string, string][] = []
  for (const table of tablesOf(db)) {
    const digest = askOr(undefined, () => digestOfRows(db, table))
    if (digest !== undefined) found.push([table, digest])
  }
  return Object.fromEntries(found)
}

const WITHIN = (1n << 64n) - 1n

/** The sum of a hash of every row: of the kind and the bytes of each value, by the names of their columns. */
export function digestOfRows(db: DatabaseSync, table: string): string {
  const columns = db.prepare(`SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1`).all(table)
  const names = columns.map(({ name }) => quoted(String(name)))
  const rows = db.prepare(`SELECT ${names.map(readable).join(', ')} FROM main.${quoted(table)} NOT INDEXED`)
  rows.setReadBigInts(true)
  rows.setReturnArrays(true)
  const encoding = String(valueOf(db, 'PRAGMA main.encoding'))
  let sum = 0n
  for (const row of rows.iterate() as Iterable<unknown> as Iterable<readonly unknown[]>) {
    sum += BigInt(`0x${hash('md5', row.map((value) => kindAndBytes(value, encoding)).join('\n')).slice(0, 16)}`)
  }
  return String(sum & WITHIN)
}

function kindAndBytes(value: unknown, encoding: string): string {
  if (value === null) return '-'
  if (typeof value === 'bigint') return `i${value}`
  if (typeof value === 'number') return `r${value}`
  if (typeof value === 'string') return `b${value}`
  const bytes = Buffer.from(value as Uint8Array)
  return `t${(encoding === 'UTF-16be' ? bytes.swap16() : bytes).toString(encoding === 'UTF-8' ? 'base64' : 'hex')}`
}
