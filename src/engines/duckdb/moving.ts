// In the child: what makes a table of one file in another, under another name: its statement, what it needs, its indexes and comments.

import { nameOf, type Table } from './census.ts'
import { quoted, quotedText, type Database } from './connection.ts'
import { commentText, sequencesOf, typesOf } from './schema.ts'
import { tableTexts } from './tables.ts'
import { isGenerated } from './write-sql.ts'

export interface Text {
  readonly source: Table
  readonly goal: Table
  readonly sql: string
  readonly sqlWithoutKeys: string
  /** Its foreign keys, as the statement has them. */
  readonly keys: readonly string[]
  /** Those that can be written, as SQL wants them. */
  readonly columns: readonly string[]
  /** Statements that have to come before it, for what is not in the database yet. */
  needs(to: Database): Promise<readonly string[]>
  /** Its indexes, under names that are free, and comments. */
  after(to: Database): Promise<readonly string[]>
}

interface Moving {
  readonly source: Table
  readonly goal: Table
}

export async function readTables(from: Database, moving: readonly Moving[]): Promise<readonly Text[]> {
  const statements = await tableTexts(from)
  const things = [...(await typesOf(from)), ...(await sequencesOf(from))]
  // A table comes after those that it leads to.
  const order = statements.flatMap((text) =>
    moving.filter(({ source }) => source.schema === text.schema && source.name === text.name).map((each) => ({ each, text })),
  )
  const texts = new Map<Moving, Text>()
  for (const { each, text } of order) texts.set(each, await textOf(from, each, renamed(text.sql, moving), things))
  return [...texts.values()]
}

const NAME = '(?:"(?:[^"]|"")*"|[\\w$]+)'
const PART = new RegExp(`'(?:[^']|'')*'|^CREATE TABLE (${NAME}(?:\\.${NAME})?)|\\bREFERENCES (${NAME}(?:\\.${NAME})?)|"(?:[^"]|"")*"`, 'g')

/** The statement with the new names of the table itself, and of those that its keys lead to. */
function renamed(sql: string, moving: readonly Moving[]): string {
  const goalOf = (written: string): string => {
    const [last = '', schema = 'main'] = (written.match(new RegExp(NAME, 'g')) ?? []).map(plain).toReversed()
    const found = moving.find(({ source }) => source.schema === schema && source.name === last)
    return nameOf(found?.goal ?? { schema, name: last })
  }
  return sql.replace(PART, (all, own?: string, key?: string) => {
    if (own !== undefined) return `CREATE TABLE ${goalOf(own)}`
    return key === undefined ? all : `REFERENCES ${goalOf(key)}`
  })
}

function plain(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

const KEY = new RegExp(
  `'(?:[^']|'')*'|, FOREIGN KEY \\((?:${NAME}(?:, )?)+\\) REFERENCES ${NAME}(?:\\.${NAME})?\\((?:${NAME}(?:, )?)+\\)|"(?:[^"]|"")*"`,
  'g',
)

async function textOf(from: Database, { source, goal }: Moving, sql: string, things: readonly string[]): Promise<Text> {
  const keys = [...sql.matchAll(KEY)].flatMap(([found]) => (found.startsWith(', FOREIGN KEY') ? [found.slice(2)] : []))
  const sqlWithoutKeys = sql.replaceAll(KEY, (found) => (found.startsWith(', FOREIGN KEY') ? '' : found))
  const indexes = await from.rows(
    `SELECT index_name, is_unique, sql, comment FROM duckdb_indexes() WHERE database_name = current_database() AND sql IS NOT NULL
     AND schema_name = ${quotedText(source.schema)} AND table_name = ${quotedText(source.name)} ORDER BY index_oid`,
  )
  const comments = await commentsOf(from, source, goal)
  return {
    source,
    goal,
    sql,
    sqlWithoutKeys,
    keys,
    columns: await columnsOf(from, source),
    needs: (to) => needsOf(to, sql, goal, things),
    async after(to) {
      const made: string[] = []
      const taken = new Set(
        (await to.rows(`SELECT index_name FROM duckdb_indexes() WHERE schema_name = ${quotedText(goal.schema)}`)).map(([name]) =>
          String(name).toLowerCase(),
        ),
      )
      for (const [name, , text, comment] of indexes) {
        const free = freeName(String(name), source, goal, taken)
        const rest = String(text).replace(
          new RegExp(`^(CREATE (?:UNIQUE )?INDEX )${NAME} ON ${NAME}(?:\\.${NAME})?`, 'i'),
          (_, head: string) => `${head}${quoted(free)} ON ${nameOf(goal)}`,
        )
        made.push(rest)
        if (comment !== null) made.push(`COMMENT ON INDEX ${nameOf({ schema: goal.schema, name: free })} IS ${commentText(comment)};`)
      }
      return [...made, ...comments]
    },
  }
}

/** `users_name` of what was `users` becomes `users_old_name`, where the name is taken. */
function freeName(name: string, source: Table, goal: Table, taken: Set<string>): string {
  const stem = `${goal.name}_${name.startsWith(`${source.name}_`) ? name.slice(source.name.length + 1) : name}`
  let next = name
  for (let n = 0; taken.has(next.toLowerCase()); n += 1) next = n === 0 ? stem : `${stem}_${n}`
  taken.add(next.toLowerCase())
  return next
}

async function columnsOf(from: Database, table: Table): Promise<readonly string[]> {
  const rows = await from.rows(
    `SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = ${quotedText(table.schema)} AND table_name = ${quotedText(table.name)} ORDER BY column_index`,
  )
  const columns: string[] = []
  for (const [column] of rows) if (!(await isGenerated(from, nameOf(table), String(column)))) columns.push(quoted(String(column)))
  return columns
}

async function commentsOf(from: Database, source: Table, goal: Table): Promise<readonly string[]> {
  const where = `database_name = current_database() AND schema_name = ${quotedText(source.schema)} AND table_name = ${quotedText(source.name)} AND comment IS NOT NULL`
  const own = await from.rows(`SELECT comment FROM duckdb_tables() WHERE ${where}`)
  const columns = await from.rows(`SELECT column_name, comment FROM duckdb_columns() WHERE ${where}`)
  return [
    ...own.map(([comment]) => `COMMENT ON TABLE ${nameOf(goal)} IS ${commentText(comment)};`),
    ...columns.map(([column, comment]) => `COMMENT ON COLUMN ${nameOf(goal)}.${quoted(String(column))} IS ${commentText(comment)};`),
  ]
}

/** The schema, and the types and sequences that the statement speaks of, where they are not there. */
async function needsOf(to: Database, sql: string, { schema }: Table, things: readonly string[]): Promise<readonly string[]> {
  const there = await to.rows(`
    SELECT schema_name, type_name FROM duckdb_types() WHERE database_name = current_database() AND NOT internal
    UNION ALL SELECT schema_name, sequence_name FROM duckdb_sequences() WHERE database_name = current_database()`)
  const needs = things.filter((thing) => {
    const [, written = ''] = new RegExp(`(?:TYPE |SEQUENCE |nextval\\(')(${NAME}\\.${NAME})`).exec(thing) ?? []
    const [name = '', space = ''] = (written.match(new RegExp(NAME, 'g')) ?? []).map(plain).toReversed()
    return name !== '' && sql.includes(name) && !there.some((row) => row[0] === space && row[1] === name)
  })
  const schemas = needs
    .flatMap((thing) => (new RegExp(`(?:TYPE |SEQUENCE )(${NAME})\\.`).exec(thing)?.[1] ?? '').match(new RegExp(NAME)) ?? [])
    .map(plain)
  return [...new Set([schema, ...schemas])].map((each) => `CREATE SCHEMA IF NOT EXISTS ${quoted(each)};`).concat(needs)
}
