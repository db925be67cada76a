// Rows of system-versioned tables that are not over yet. Before MariaDB 11.5 they end in 2038, the last moment that servers knew, and from
// then on in 2106: a dump of the older kind, read by a newer server, would make history of every row that is there. So the one moment is
// written for the other, and nowhere else than in the column that tells when a row ended.

import type { Bytes } from '../../base/bytes.ts'
import { unquoted } from './sql.ts'

/** From this version on, moments reach to 2106. */
export const FURTHER = '11.5'

const BEGINS = Buffer.from('/*M!101100 SET @old_system_versioning_insert_history=')
const ENDS = '/*M!101100 SET system_versioning_insert_history='
const OLD = Buffer.from(`'2038-01-19 03:14:07.999999'`)
const NEW = Buffer.from(`'2106-02-07 06:28:15.999999'`)
const LONGEST_DEFINITION = 1 << 18

/** For servers from 11.5 on. What newer programs have written passes as it is. */
export async function* endless(source: Bytes): Bytes {
  let held: Buffer = Buffer.alloc(0)
  let rows: ReturnType<typeof versionedRows> | undefined
  let recent: Buffer[] = [] // what was said before, in which the definition of the table is
  for await (const chunk of source) {
    let bytes: Buffer = held.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([held, chunk])
    held = Buffer.alloc(0)
    for (let taken = -1; bytes.length > 0 && taken !== 0; bytes = bytes.subarray(taken)) {
      if (rows === undefined) {
        const at = bytes.indexOf(BEGINS)
        taken = at === -1 ? Math.max(bytes.length - BEGINS.length, 0) : at + BEGINS.length
        recent = withinReach([...recent, bytes.subarray(0, taken)])
        if (at !== -1) rows = versionedRows(endColumn(Buffer.concat(recent)))
      } else {
        bytes = Buffer.from(bytes) // whoever gave them may go on reading them
        const passed = rows(bytes)
        taken = passed.taken
        if (passed.over) rows = undefined
        recent = []
      }
      if (taken > 0) yield bytes.subarray(0, taken)
    }
    held = Buffer.from(bytes)
  }
  if (held.length > 0) yield held
}

/** The last of them, so long that a definition is among them. */
function withinReach(chunks: readonly Buffer[]): Buffer[] {
  let length = 0
  const from = chunks.findLastIndex((chunk) => (length += chunk.length) > LONGEST_DEFINITION)
  return chunks.slice(Math.max(from, 0))
}

interface EndColumn {
  readonly name: string
  /** Where it stands when the columns are not listed. */
  readonly place: number
}

/** Of the last table that is defined; without a column of its own it is called row_end, and always listed. */
function endColumn(said: Buffer): EndColumn {
  const definition = said.toString('latin1', Math.max(said.lastIndexOf('\nCREATE TABLE `'), 0))
  const columns = [...definition.matchAll(/^ {2}(`(?:[^`]|``)*`)(.*)$/gm)]
  const place = columns.findIndex(([, , type = '']) => / GENERATED ALWAYS AS ROW END\b/.test(type))
  return { name: place === -1 ? 'row_end' : unquoted(columns[place]?.[1] ?? ''), place }
}

const HEAD = /^(?:INSERT|REPLACE)(?: IGNORE)? INTO `(?:[^`]|``)*`(?: \(((?:[^`)]|`(?:[^`]|``)*`)*)\))? VALUES[ \n]/

/** Takes what comes after the word with which the rows begin, and changes it in place; `over`: they have ended. */
function versionedRows({ name, place }: EndColumn): (bytes: Buffer) => { readonly taken: number; readonly over: boolean } {
  let inValues = false
  let target = -1
  let [depth, column] = [0, 0]
  let [inString, escaped, skips] = [false, false, true] // the rest of the word's own line

  function readLine(bytes: Buffer, at: number): { readonly next: number; readonly over: boolean } | undefined {
    const end = bytes.indexOf('\n', at)
    const begins = bytes.toString('latin1', at, at + 32)
    if (!skips && /^(?:INSERT|REPLACE) /.test(begins)) {
      const head = HEAD.exec(bytes.toString('latin1', at, at + LONGEST_DEFINITION))
      if (head === null) return end === -1 ? undefined : { next: end + 1, over: false }
      target = head[1] === undefined ? place : listed(head[1]).indexOf(name)
      inValues = true
      ;[depth, column] = [0, 0]
      return { next: at + head[0].length, over: false }
    }
    if (end === -1) return undefined
    const over = !skips && bytes.toString('latin1', at, at + ENDS.length) === ENDS
    skips = false
    return { next: end + 1, over }
  }

  return (bytes) => {
    let at = 0
    while (at < bytes.length) {
      if (!inValues) {
        const line = readLine(bytes, at)
        if (line === undefined) return { taken: at, over: false }
        at = line.next
        if (line.over) return { taken: at, over: true }
        continue
      }
      const byte = bytes[at]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === 0x5c) escaped = true
        else if (byte === 0x27) inString = false
      } else if (byte === 0x27) {
        if (depth === 1 && column === target) {
          if (bytes.length - at < OLD.length && OLD.subarray(0, bytes.length - at).equals(bytes.subarray(at)))
            return { taken: at, over: false }
          if (bytes.subarray(at, at + OLD.length).equals(OLD)) {
            NEW.copy(bytes, at)
            at += OLD.length
            continue
          }
        }
        inString = true
      } else if (byte === 0x28 && depth++ === 0) column = 0
      else if (byte === 0x29) depth -= 1
      else if (byte === 0x2c && depth === 1) column += 1
      else if (byte === 0x3b && depth === 0) {
        inValues = false
        skips = true // to the end of its line
      }
      at += 1
    }
    return { taken: at, over: false }
  }
}

/** The names of `a`, `b`, row_start, row_end. */
function listed(columns: string): readonly string[] {
  return (columns.match(/`(?:[^`]|``)*`|[^`, ]+/g) ?? []).map((each) => (each.startsWith('`') ? unquoted(each) : each))
}
