// In the child: rows as Hayai writes them (literals.ts) go past DuckDB's parser, for which every value is an expression of its own. The
// values of an INSERT become lines of JSON, each of them a text, and are cast by DuckDB as it would have cast their literals. What is
// written in any other way is not understood here, and is run as it stands.

import type * as DuckDB from '@duckdb/node-api'
import type { DuckDBType } from '@duckdb/node-api'
import { quoted, quotedText, type Database, type Prepared } from './connection.ts'
import { isBareNumber } from './literals.ts'
import { duckdb } from './package.ts'

export interface OwnRows {
  /** Another way to do the same as the statement; undefined when there is none, or the statement is no INSERT of ours. */
  step(sql: string): Promise<(() => Promise<void>) | undefined>
}

interface Table {
  readonly head: string
  readonly columns: readonly Reading[]
  readonly insert: Prepared
}

const NAME = `"(?:[^"]|"")*"`
const HEAD = new RegExp(String.raw`INSERT INTO ((?:${NAME}\.)?${NAME}) \((${NAME}(?:, ${NAME})*)\) VALUES\n`, 'y')

/** `quiet` waits until the database does nothing: it is asked about a table only then. */
export function ownRows(db: Database, quiet: () => Promise<void>): OwnRows {
  let last: Table | { readonly head: string; readonly insert: undefined } | undefined
  return {
    async step(sql) {
      const start = sql.search(/\S/)
      if (last === undefined || !sql.startsWith(last.head, start)) {
        HEAD.lastIndex = start
        const [head, name, names] = HEAD.exec(sql) ?? []
        if (head === undefined || name === undefined || names === undefined) return undefined
        await quiet()
        last?.insert?.close()
        last = (await tableOf(db, head, name, names)) ?? { head, insert: undefined }
      }
      if (last.insert === undefined) return undefined
      const { insert } = last
      const lines = linesOf({ sql, at: start + last.head.length }, last.columns)
      return lines === undefined ? undefined : () => insert.run(lines)
    },
  }
}

async function tableOf(db: Database, head: string, name: string, names: string): Promise<Table | undefined> {
  const module = await duckdb()
  try {
    const types = (await db.stream(`SELECT ${names} FROM ${name} LIMIT 0`)).columnTypes()
    const columns = types.map((type) => columnOf(module, type))
    const shape = JSON.stringify(Object.fromEntries(columns.map(({ shape }, at) => [`c${at}`, shape])))
    const insert = await db.prepare(
      `INSERT INTO ${name} (${names}) SELECT ${columns.map((_, at) => `line.c${at}`).join(', ')}
       FROM (SELECT from_json(unnest(string_split($1, chr(10))), ${quotedText(shape)}) AS line)`,
    )
    return { head, columns: columns.map(({ read }) => read), insert }
  } catch {
    return undefined // what is wrong with it, the statement itself tells
  }
}

interface Cursor {
  readonly sql: string
  at: number
}

/** Reads a literal and gives it as JSON; throws when there is none of its kind. */
type Reading = (cursor: Cursor) => string

class NotOurs extends Error {}

function linesOf(cursor: Cursor, columns: readonly Reading[]): string | undefined {
  const lines: string[] = []
  try {
    for (;;) {
      let line = ''
      for (const [at, read] of columns.entries()) {
        pass(cursor, at === 0 ? '(' : ', ')
        line += `${at === 0 ? '{' : ','}"c${at}":${read(cursor)}`
      }
      pass(cursor, ')')
      lines.push(`${line}}`)
      if (cursor.at === cursor.sql.length - 1 && cursor.sql.endsWith(';')) return lines.join('\n')
      pass(cursor, ',\n')
    }
  } catch (error) {
    if (error instanceof NotOurs) return undefined
    throw error
  }
}

/** How values of a type are read, and the type in which they come out of JSON: all that has no parts is text. */
function columnOf(module: typeof DuckDB, type: DuckDBType): { readonly shape: string; readonly read: Reading } {
  const T = module.DuckDBTypeId
  if (isBareNumber(module, type)) return { shape: 'VARCHAR', read: word(/-?\d{1,10}/y) }
  switch (type.typeId) {
    case T.BOOLEAN:
      return { shape: 'VARCHAR', read: word(/true|false/y) }
    case T.LIST:
    case T.ARRAY: {
      const { shape, read } = columnOf(module, type.valueType)
      return { shape: `${shape}[]`, read: parts('[', ']', '[]', () => read) }
    }
    case T.STRUCT: {
      const fields = type.entryTypes.map((of, at) => ({ name: type.entryNames[at] ?? '', ...columnOf(module, of) }))
      if (fields.some(({ name }) => name === '')) throw new NotOurs()
      const reads = fields.map(({ name, read }): Reading => {
        const [before, key] = [`${quotedText(name)}: `, `${JSON.stringify(name)}:`]
        return (cursor) => {
          pass(cursor, before)
          return key + read(cursor)
        }
      })
      const shape = `STRUCT(${fields.map(({ name, shape }) => `${quoted(name)} ${shape}`).join(', ')})`
      return { shape, read: parts('{', '}', '{}', (at) => reads[at], reads.length) }
    }
    case T.MAP: {
      const [key, value] = [columnOf(module, type.keyType), columnOf(module, type.valueType)]
      if (key.shape !== 'VARCHAR') throw new NotOurs()
      const pair: Reading = (cursor) => {
        const name = key.read(cursor)
        pass(cursor, ': ')
        return `${name}:${value.read(cursor)}`
      }
      return { shape: `MAP(VARCHAR, ${value.shape})`, read: parts('MAP {', '}', '{}', () => pair) }
    }
    case T.UNION:
    case T.GEOMETRY:
      throw new NotOurs()
    default:
      return { shape: 'VARCHAR', read: text }
  }
}

function pass(cursor: Cursor, mark: string): void {
  if (!cursor.sql.startsWith(mark, cursor.at)) throw new NotOurs()
  cursor.at += mark.length
}

function passed(cursor: Cursor, mark: string): boolean {
  if (!cursor.sql.startsWith(mark, cursor.at)) return false
  cursor.at += mark.length
  return true
}

function word(pattern: RegExp): Reading {
  return (cursor) => {
    const { sql, at } = cursor
    pattern.lastIndex = at
    if (!pattern.test(sql)) return nothing(cursor)
    cursor.at = pattern.lastIndex
    return `"${sql.slice(at, cursor.at)}"`
  }
}

function nothing(cursor: Cursor): string {
  pass(cursor, 'NULL')
  return 'null'
}

/** As many as there are, or as there have to be. */
function parts(begin: string, end: string, braces: string, reading: (at: number) => Reading | undefined, many?: number): Reading {
  return (cursor) => {
    if (!passed(cursor, begin)) return nothing(cursor)
    const made: string[] = []
    while (!passed(cursor, end)) {
      if (made.length > 0) pass(cursor, ', ')
      const read = reading(made.length)
      if (read === undefined) throw new NotOurs()
      made.push(read(cursor))
    }
    if (many !== undefined && made.length !== many) throw new NotOurs()
    return `${braces.charAt(0)}${made.join(',')}${braces.charAt(1)}`
  }
}

const [QUOTE, BACKSLASH] = [0x27, 0x5c]
const SPECIAL = /["\\\u0000-\u001f]/

function text(cursor: Cursor): string {
  const { sql, at } = cursor
  if (sql.charCodeAt(at) !== QUOTE) return sql.startsWith(`E'`, at) ? textWithSigns(cursor) : nothing(cursor)
  let body = ''
  for (let from = at + 1; ;) {
    const end = sql.indexOf(`'`, from)
    if (end === -1) throw new NotOurs()
    cursor.at = end + 1
    if (sql.charCodeAt(cursor.at) !== QUOTE) {
      body += sql.slice(from, end)
      return SPECIAL.test(body) ? json(body) : `"${body}"`
    }
    body += sql.slice(from, cursor.at)
    from = end + 2
  }
}

function json(body: string): string {
  if (body.includes('\0')) throw new NotOurs()
  return JSON.stringify(body)
}

/** The signs that Hayai writes mean the same in JSON. */
function textWithSigns(cursor: Cursor): string {
  const { sql, at } = cursor
  let end = at + 2
  for (; sql.charCodeAt(end) !== QUOTE || sql.charCodeAt(end + 1) === QUOTE; end++) {
    const code = sql.charCodeAt(end)
    if (Number.isNaN(code)) throw new NotOurs()
    if (code === QUOTE || code === BACKSLASH) end++
  }
  cursor.at = end + 1
  const body = sql.slice(at + 2, end).replaceAll(/\\[^]|''|["\u0000-\u001f]/g, (sign) => {
    if (sign === `''`) return `'`
    if (sign.startsWith('\\')) {
      if (/[\\nr]/.test(sign.slice(1))) return sign
      throw new NotOurs()
    }
    return json(sign).slice(1, -1)
  })
  return `"${body}"`
}
