// Counts rows, and reads sequences, in pg_dump's own output as it passes. So the census is of exactly the bytes in the file:
// no second read of the tables, and no second lock on them that someone waiting to change a table could come between.

import { newlines } from '../../base/newlines.ts'

const NEWLINE = 0x0a
const END_OF_ROWS = Buffer.from('\n\\.\n')

export interface Passed {
  /** `schema\0table` (bytes of the database's own encoding, as latin1) → rows. */
  readonly rows: ReadonlyMap<string, number>
  /** The same for sequences that were ever used → last value. */
  readonly positions: ReadonlyMap<string, bigint>
  /** pg_dump's own end marker was seen. */
  readonly complete: boolean
}

export interface Counter {
  feed(chunk: Uint8Array): void
  passed(): Passed
}

export function bytesKey(schema: Buffer, relation: Buffer): string {
  return `${schema.toString('latin1')}\0${relation.toString('latin1')}`
}

export function rowCounter(): Counter {
  const rows = new Map<string, number>()
  const positions = new Map<string, bigint>()
  let complete = false
  let line: Uint8Array[] = [] // the beginning of a line whose end has not come yet
  let awaited: 'TABLE DATA' | 'SEQUENCE SET' | undefined
  let statement = ''
  let table: string | undefined // set: we are among the rows of this table
  let count = 0
  let matched = 0 // how much of END_OF_ROWS the bytes so far end with

  /** Reads rows from `at`; gives where it stopped. */
  function readRows(chunk: Buffer, at: number, key: string): number {
    let end = at
    while (matched > 0 && matched < 4 && end < chunk.length) matched = advance(matched, chunk[end++])
    if (matched === 0) {
      const found = chunk.indexOf(END_OF_ROWS, end)
      if (found !== -1) {
        end = found + 4
        matched = 4
      } else {
        for (let near = Math.max(end, chunk.length - 3); near < chunk.length; near += 1) matched = advance(matched, chunk[near])
        end = chunk.length
      }
    }
    count += newlines(chunk, at, end)
    if (matched === 4) {
      rows.set(key, count - 1) // the marker's own line is not a row
      table = undefined
    }
    return end
  }

  function readLine(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(NEWLINE, at)
    if (end === -1) {
      line.push(Buffer.from(chunk.subarray(at))) // the chunk's memory may be used again
      return chunk.length
    }
    const whole = line.length === 0 ? chunk.subarray(at, end) : Buffer.concat([...line, chunk.subarray(at, end)])
    line = []
    if (whole[0] === 0x2d) takeComment(whole)
    else if (awaited !== undefined) takeStatement(whole.toString('latin1'))
    return end + 1
  }

  function takeComment(bytes: Buffer): void {
    const content = bytes.toString('latin1')
    if (content === '-- PostgreSQL database dump complete') complete = true
    const heading = /^-- (?:Data for )?Name: .*?; Type: ([A-Z ]+); Schema: /.exec(content)
    if (heading === null) return
    awaited = heading[1] === 'TABLE DATA' || heading[1] === 'SEQUENCE SET' ? heading[1] : undefined
    statement = ''
  }

  function takeStatement(text: string): void {
    if (statement === '' && !text.startsWith('COPY ') && !text.startsWith('SELECT pg_catalog.setval(')) return
    statement = statement === '' ? text : `${statement}\n${text}`
    if (awaited === 'TABLE DATA' && text.endsWith(' FROM stdin;') && (statement.split('"').length & 1) === 1) {
      table = qualified(statement.slice('COPY '.length))
      count = 0
      matched = 1
    } else if (awaited === 'SEQUENCE SET' && text.endsWith(');')) {
      const call = /^SELECT pg_catalog\.setval\('((?:[^']|'')*)', (-?\d+), (true|false)\);$/.exec(statement)
      const [, relation = '', value = '', called] = call ?? []
      if (called === 'true') positions.set(qualified(relation.replaceAll("''", "'")), BigInt(value))
    } else return
    awaited = undefined
    statement = ''
  }

  return {
    feed(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      let at = 0
      while (at < bytes.length) at = table === undefined ? readLine(bytes, at) : readRows(bytes, at, table)
    },
    passed: () => ({ rows, positions, complete }),
  }
}

/** One step of finding END_OF_ROWS byte by byte, for where it may lie across two chunks. */
function advance(matched: number, byte: number | undefined): number {
  return byte === END_OF_ROWS[matched] ? matched + 1 : byte === NEWLINE ? 1 : 0
}

/** `public."odd ""name"` at the start of the text → `public\0odd "name`. */
function qualified(text: string): string {
  const parts = /^(?:"((?:[^"]|"")*)"|([^".\s]+))\.(?:"((?:[^"]|"")*)"|([^".\s]+))/.exec(text)
  if (parts === null) throw new Error(`pg_dump wrote a name that cannot be read: ${text.slice(0, 200)}`)
  const [, quotedSchema, schema = '', quotedRelation, relation = ''] = parts
  return `${quotedSchema?.replaceAll('""', '"') ?? schema}\0${quotedRelation?.replaceAll('""', '"') ?? relation}`
}
