// Reads the dump program's own output as it passes: counts rows, so that the census is of exactly the bytes in the file; takes
// out what would name the main database, which may be restored under any name; and finds the place where its part ends.

import { HayaiError } from '../../base/errors.ts'
import { newlines } from '../../base/newlines.ts'
import { name, unquoted } from './sql.ts'

const NEWLINE = 0x0a
const END = Buffer.from(';\n')
const TABLE = '/*!40000 ALTER TABLE `'

export interface Passed {
  /** `database\0table` → rows, for each table whose rows were written. */
  readonly rows: ReadonlyMap<string, number>
  /** `database\0sequence` → the value it goes on with. */
  readonly positions: ReadonlyMap<string, bigint>
  /** The program's own end marker was seen. */
  readonly complete: boolean
}

export interface Passage {
  /** Takes what comes, and gives what is to be handed on. */
  feed(chunk: Uint8Array): readonly Uint8Array[]
  /** Gives what was held back, when all has come. */
  end(): readonly Uint8Array[]
  /** Whether the main database has begun: by then the program's transaction stands. */
  begun(): boolean
  passed(): Passed
}

export function key(database: string, relation: string): string {
  return `${database}\0${relation}`
}

/** `atMainsEnd` is put in where the part of the main database ends and that of another begins. */
export function passage(main: string, atMainsEnd: string): Passage {
  const rows = new Map<string, number>()
  const positions = new Map<string, bigint>()
  const values = valueReader()
  const qualifier = Buffer.from(`nextval(${name(main)}.`).toString('latin1')
  let database: string | undefined // undefined: the heading
  let inMain = true
  let table: string | undefined // whose rows come, if any come
  let inValues = false
  let inRoutine = false // between DELIMITER ;; and DELIMITER ; stands what people wrote
  let complete = false
  let held = Buffer.alloc(0)

  function feed(chunk: Uint8Array): readonly Uint8Array[] {
    const bytes = held.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([held, chunk])
    held = Buffer.alloc(0)
    const out: Uint8Array[] = []
    let from = 0
    const cut = (to: number, next: number, instead?: string): void => {
      if (to > from) out.push(bytes.subarray(from, to))
      if (instead !== undefined && instead !== '') out.push(Buffer.from(instead, 'latin1'))
      from = next
    }
    for (let at = 0; at < bytes.length;) {
      if (inValues) {
        const stop = values.read(bytes, at)
        at = stop.at
        if (stop.ended) endStatement()
        continue
      }
      const next = readLine(bytes, at, cut)
      if (next === undefined) {
        held = Buffer.from(bytes.subarray(at))
        cut(at, bytes.length)
        break
      }
      at = next
    }
    cut(bytes.length, bytes.length)
    return out
  }

  function endStatement(): void {
    if (table !== undefined) rows.set(table, (rows.get(table) ?? 0) + values.taken())
    inValues = false
  }

  /** Gives where the line, or the statement that it begins, ends; undefined when that has not come yet. */
  function readLine(bytes: Buffer, at: number, cut: (to: number, next: number, instead?: string) => void): number | undefined {
    const end = bytes.indexOf(NEWLINE, at)
    const begins = (words: string): boolean => bytes.toString('latin1', at, at + words.length) === words
    if (table !== undefined && begins('INSERT INTO `')) {
      const start = values.begin(bytes, at)
      if (start !== undefined) inValues = true
      return start
    }
    if (end === -1) return undefined
    if (inRoutine) {
      if (begins('DELIMITER ;\n')) inRoutine = false
      return end + 1
    }
    switch (bytes[at]) {
      case 0x2d: // -
        return readComment(bytes, at, end, cut)
      case 0x43: // C
        return begins('CREATE DATABASE ') && database === undefined ? dropStatement(bytes, at, cut) : end + 1
      case 0x44: // D
        if (begins('DELIMITER ;;\n')) inRoutine = true
        return begins('DO SETVAL(`') ? readPosition(bytes, at) : end + 1
      case 0x53: // S
        return begins('SELECT SETVAL(`') ? readPosition(bytes, at) : end + 1
      case 0x55: // U
        return begins('USE `') ? readUse(bytes, at, cut) : end + 1
      case 0x20: // a column; its default may name the database of a sequence
        if (inMain && bytes.subarray(at, end).includes(qualifier, 0, 'latin1')) {
          cut(at, end + 1, bytes.toString('latin1', at, end + 1).replaceAll(qualifier, 'nextval('))
        }
        return end + 1
      case 0x2f: // among others the word with which newer clients refuse commands to themselves, and at which older ones stop
        if (begins('/*M!999999\\-')) cut(at, end + 1)
        return begins(TABLE) ? readTable(bytes, at) : end + 1
      default:
        return end + 1
    }
  }

  function readComment(
    bytes: Buffer,
    at: number,
    end: number,
    cut: (to: number, next: number, instead?: string) => void,
  ): number | undefined {
    if (bytes.toString('latin1', at, at + 17) === '-- Dump completed') complete = true
    if (end - at !== 2 || database === undefined) return end + 1
    const heading = '-- Current Database: `'
    const after = bytes.toString('latin1', end + 1, end + 1 + heading.length)
    if (after.length < heading.length && heading.startsWith(after)) return undefined
    if (after === heading && inMain) {
      cut(at, at, Buffer.from(atMainsEnd).toString('latin1'))
      inMain = false
    }
    return end + 1
  }

  function dropStatement(bytes: Buffer, at: number, cut: (to: number, next: number) => void): number | undefined {
    const end = statementEnd(bytes, at)
    if (end === undefined) return undefined
    const next = bytes[end] === NEWLINE ? end + 1 : end // and the empty line after it
    cut(at, next)
    return next
  }

  function readUse(bytes: Buffer, at: number, cut: (to: number, next: number) => void): number | undefined {
    const end = statementEnd(bytes, at)
    if (end === undefined) return undefined
    const used = unquoted(bytes.toString('utf8', at + 'USE '.length, end - END.length))
    const first = database === undefined
    if (first && used !== main) throw new HayaiError('TOOL_FAILED', `the dump begins with ${name(used)} and not with ${name(main)}`)
    database = used
    return first ? dropStatement(bytes, at, cut) : end
  }

  /** Around the rows of each table its keys are switched off, and on again. */
  function readTable(bytes: Buffer, at: number): number | undefined {
    const end = statementEnd(bytes, at)
    if (end === undefined) return undefined
    const [, quoted = '', off] =
      /^(`(?:[^`]|``)*`) (?:(DIS)|EN)ABLE KEYS \*\/;\n$/.exec(bytes.toString('utf8', at + TABLE.length - 1, end)) ?? []
    table = off === undefined ? undefined : key(database ?? '', unquoted(quoted))
    if (table !== undefined) rows.set(table, 0)
    return end
  }

  function readPosition(bytes: Buffer, at: number): number | undefined {
    const end = statementEnd(bytes, at)
    if (end === undefined) return undefined
    const [, sequence = '', value] =
      /^(?:DO|SELECT) SETVAL\((`(?:[^`]|``)*`), (-?\d+), \d\);\n$/.exec(bytes.toString('utf8', at, end)) ?? []
    if (value !== undefined) positions.set(key(database ?? '', unquoted(sequence)), BigInt(value))
    return end
  }

  return {
    feed,
    end() {
      const rest = held
      held = Buffer.alloc(0)
      return rest.length === 0 ? [] : [rest]
    },
    begun: () => database !== undefined,
    passed: () => ({ rows, positions, complete: complete && !inValues && !inRoutine }),
  }
}

/** Where a statement of the program's own ends, whatever is in its names. */
function statementEnd(bytes: Buffer, at: number): number | undefined {
  for (let end = bytes.indexOf(END, at); end !== -1; end = bytes.indexOf(END, end + 1)) {
    if ((bytes.toString('latin1', at, end).split('`').length & 1) === 1) return end + END.length
  }
  return undefined
}

// `INSERT INTO `t` (`a`, row_start) VALUES`, and then the rows: each on a line of its own, or in another way.
const HEAD = /^INSERT INTO `(?:[^`]|``)*`(?: \((?:[^`)]|`(?:[^`]|``)*`)*\))? VALUES([ \n])/

/** Counts the rows of one INSERT statement. In no row is there a newline: strings are escaped, bytes are in hexadecimal. */
function valueReader() {
  let byLines = false
  let count = 0
  let last = 0 // the byte before, where it lies in another chunk
  let depth = 0
  let inString = false
  let escaped = false

  function readLines(bytes: Buffer, at: number): { readonly at: number; readonly ended: boolean } {
    const acrossChunks = last === 0x3b && bytes[at] === NEWLINE
    const found = acrossChunks ? -1 : bytes.indexOf(END, at)
    const end = acrossChunks ? at + 1 : found === -1 ? bytes.length : found + END.length
    count += newlines(bytes, at, end)
    last = bytes[end - 1] ?? 0
    return { at: end, ended: acrossChunks || found !== -1 }
  }

  function readTuples(bytes: Buffer, from: number): { readonly at: number; readonly ended: boolean } {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === 0x5c) escaped = true
        else if (byte === 0x27) inString = false
      } else if (byte === 0x27) inString = true
      else if (byte === 0x28 && depth++ === 0) count += 1
      else if (byte === 0x29) depth -= 1
      else if (byte === 0x3b && depth === 0) return { at: at + 1, ended: true }
    }
    return { at: bytes.length, ended: false }
  }

  return {
    /** Gives where the rows begin; undefined when that has not come yet. */
    begin(bytes: Buffer, at: number): number | undefined {
      const head = HEAD.exec(bytes.toString('latin1', at, at + 4096)) ?? HEAD.exec(bytes.toString('latin1', at, at + 1_048_576))
      if (head === null) return undefined
      byLines = head[1] === '\n'
      count = last = depth = 0
      inString = escaped = false
      return at + head[0].length
    },
    read: (bytes: Buffer, at: number) => (byLines ? readLines(bytes, at) : readTuples(bytes, at)),
    taken: () => count,
  }
}
