// Reads an RDB file as it passes, and counts what is in it: keys of each db, those that expire, libraries of functions. So the
// census is of exactly the bytes in the file. Values are stepped over, not understood: only their lengths matter.

import { HayaiError } from '../../base/errors.ts'
import type { Counts } from './census.ts'
import { Cursor, strange, type Steps } from './cursor.ts'

export interface Counted extends Counts {
  /** Number of the db → type → keys. */
  readonly types: ReadonlyMap<number, ReadonlyMap<string, number>>
  /** Modules that keep something in the file, by the names of their types. */
  readonly modules: ReadonlySet<string>
  /** The end was reached, and nothing came after it. */
  readonly whole: boolean
}

export interface RdbCounter {
  /** Throws CONFLICT at what no server known to Hayai writes. */
  feed(chunk: Uint8Array): void
  counted(): Counted
}

export function rdbCounter(): RdbCounter {
  const cursor = new Cursor()
  const found: Found = { dbs: new Map(), types: new Map(), libraries: 0, modules: new Set() }
  const steps = file(cursor, found)
  let ended = false
  return {
    feed(chunk) {
      cursor.feed(chunk)
      ended ||= steps.next().done === true
    },
    counted: () => ({ ...found, whole: ended && cursor.left === 0 }),
  }
}

interface Found {
  readonly dbs: Map<number, { keys: number; expiring: number }>
  readonly types: Map<number, Map<string, number>>
  libraries: number
  readonly modules: Set<string>
}

function* file(cursor: Cursor, found: Found): Steps {
  const dialect = dialectOf(yield* cursor.word(9))
  let db = { keys: 0, expiring: 0 }
  let types = typesOf(found, 0)
  for (;;) {
    const code = yield* cursor.byte()
    if (code < 240) {
      db.keys += 1
      const type = TYPES[code] ?? 'module'
      types.set(type, (types.get(type) ?? 0) + 1)
      yield* cursor.strings(1)
      if (code === 0) yield* cursor.strings(1)
      else yield* value(cursor, code, dialect, found)
      continue
    }
    switch (code) {
      case 255: // the end, and its checksum
        return yield* cursor.skip(8)
      case 254: {
        const number = yield* cursor.length()
        db = found.dbs.get(number) ?? { keys: 0, expiring: 0 }
        found.dbs.set(number, db)
        types = typesOf(found, number)
        break
      }
      case 253: // when the next key expires, in seconds; 252: in milliseconds
      case 252:
        db.expiring += 1
        yield* cursor.skip(code === 252 ? 8 : 4)
        break
      case 251: // how many keys the db has, as a hint
        yield* cursor.lengths(2)
        break
      case 250: // a fact of the server that wrote it: its name, its value
        yield* cursor.strings(2)
        break
      case 249: // how often, or how long ago (248), the next key was used
        yield* cursor.skip(1)
        break
      case 248:
        yield* cursor.lengths(1)
        break
      case 247:
        yield* moduleValue(cursor, found)
        break
      case 245:
        found.libraries += 1
        yield* cursor.strings(1)
        break
      case 244: // how many keys a slot of a cluster has, as a hint
        yield* cursor.lengths(3)
        break
      default:
        throw strange(`the mark ${code}`)
    }
  }
}

function typesOf({ types }: Found, db: number): Map<string, number> {
  const there = types.get(db) ?? new Map<string, number>()
  types.set(db, there)
  return there
}

/** What the server calls the type of a value, by the number that the file has for it; modules have 6 and 7. */
const TYPES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries({
    string: [0],
    list: [1, 10, 14, 18],
    set: [2, 11, 20],
    zset: [3, 5, 12, 17],
    hash: [4, 9, 13, 16, 22, 24, 25],
    stream: [15, 19, 21],
  }).flatMap(([type, codes]) => codes.map((code) => [code, type])),
)

type Dialect = 'redis' | 'valkey'

/** Valkey signs with its own name from version 9 on, and its numbers mean something else from there. */
function dialectOf(magic: string): Dialect {
  if (/^REDIS\d{4}$/.test(magic)) return 'redis'
  if (/^VALKEY\d{3}$/.test(magic)) return 'valkey'
  throw new HayaiError('TOOL_FAILED', 'the server sent something that does not begin like an RDB file')
}

function* value(cursor: Cursor, type: number, dialect: Dialect, found: Found): Steps {
  switch (type) {
    case 9: // hashes, lists, sets and sorted sets, each packed into one string
    case 10:
    case 11:
    case 12:
    case 13:
    case 16:
    case 17:
    case 20:
      return yield* cursor.strings(1)
    case 1: // a list
    case 2: // a set
    case 14: // a list of packed lists
      return yield* cursor.strings(yield* cursor.length())
    case 3: // a sorted set with its scores as text
      for (let left = yield* cursor.length(); left > 0; left -= 1) {
        yield* cursor.strings(1)
        const size = yield* cursor.byte()
        if (size < 253) yield* cursor.skip(size) // else it is no number, or without end
      }
      return
    case 4: // a hash
      return yield* cursor.strings(2 * (yield* cursor.length()))
    case 5: // a sorted set
      for (let left = yield* cursor.length(); left > 0; left -= 1) {
        yield* cursor.strings(1)
        yield* cursor.skip(8)
      }
      return
    case 7:
      return yield* moduleValue(cursor, found)
    case 15:
      return yield* stream(cursor, { facts: 3, ofGroup: 2, ofConsumer: 8 })
    case 19:
      return yield* stream(cursor, { facts: 8, ofGroup: 3, ofConsumer: 8 })
    case 21:
      return yield* stream(cursor, { facts: 8, ofGroup: 3, ofConsumer: 16 })
    case 18: // a list of packed lists, each with its kind
      for (let left = yield* cursor.length(); left > 0; left -= 1) {
        yield* cursor.lengths(1)
        yield* cursor.strings(1)
      }
      return
    default:
      return yield* hashWithTimes(cursor, type, dialect)
  }
}

/** Hashes whose fields have times to live of their own. */
function* hashWithTimes(cursor: Cursor, type: number, dialect: Dialect): Steps {
  if (dialect === 'valkey' && type === 22) {
    for (let left = yield* cursor.length(); left > 0; left -= 1) {
      yield* cursor.strings(2)
      yield* cursor.skip(8)
    }
  } else if (dialect === 'redis' && type === 24) {
    yield* cursor.skip(8)
    for (let left = yield* cursor.length(); left > 0; left -= 1) {
      yield* cursor.lengths(1)
      yield* cursor.strings(2)
    }
  } else if (dialect === 'redis' && type === 25) {
    yield* cursor.skip(8)
    yield* cursor.strings(1)
  } else {
    throw strange(`a value of the type ${type}`)
  }
}

/** How many numbers tell of a stream and of a group of readers; how many bytes of times a reader has. */
interface StreamShape {
  readonly facts: number
  readonly ofGroup: number
  readonly ofConsumer: number
}

function* stream(cursor: Cursor, { facts, ofGroup, ofConsumer }: StreamShape): Steps {
  yield* cursor.strings(2 * (yield* cursor.length()))
  yield* cursor.lengths(facts)
  for (let groups = yield* cursor.length(); groups > 0; groups -= 1) {
    yield* cursor.strings(1)
    yield* cursor.lengths(ofGroup)
    for (let pending = yield* cursor.length(); pending > 0; pending -= 1) {
      yield* cursor.skip(16 + 8)
      yield* cursor.lengths(1)
    }
    for (let consumers = yield* cursor.length(); consumers > 0; consumers -= 1) {
      yield* cursor.strings(1)
      yield* cursor.skip(ofConsumer)
      yield* cursor.skip(16 * (yield* cursor.length()))
    }
  }
}

function* moduleValue(cursor: Cursor, found: Found): Steps {
  const name = moduleName(BigInt(yield* cursor.exactLength()))
  found.modules.add(name)
  for (let kind = yield* cursor.length(); kind !== 0; kind = yield* cursor.length()) {
    if (kind === 1 || kind === 2) yield* cursor.lengths(1)
    else if (kind === 3 || kind === 4) yield* cursor.skip(kind === 3 ? 4 : 8)
    else if (kind === 5) yield* cursor.strings(1)
    else throw strange(`a value of the module type ${name}`)
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Nine letters of six bits each; the last ten bits are a version. */
function moduleName(id: bigint): string {
  return Array.from({ length: 9 }, (_, at) => LETTERS[Number((id >> BigInt(58 - 6 * at)) & 63n)] ?? '').join('')
}
