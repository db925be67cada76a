// Values as SQL text that gives them back exactly: in every version of SQLite, through its stock program, from a file.

import { TextDecoder } from 'node:util'

/** What a row is read as: a text as its bytes, a blob as its hexadecimal digits; so each kind of value has a kind of its own here. */
export type Value = null | bigint | number | string | Uint8Array

/** The expression by which a column is read so. */
export function readable(column: string): string {
  return `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) WHEN 'blob' THEN hex(${column}) ELSE ${column} END`
}

export function literal(value: Value, decoder: TextDecoder): string {
  if (value === null) return 'NULL'
  if (typeof value === 'bigint') return integer(value)
  if (typeof value === 'number') return real(value)
  if (typeof value === 'string') return `X'${value}'`
  return text(value, decoder)
}

// The smallest integer has no literal: its digits alone are one too many.
function integer(value: bigint): string {
  return value === -9223372036854775808n ? '(-9223372036854775807 - 1)' : String(value)
}

function real(value: number): string {
  if (value === Infinity) return '9.0e+999'
  if (value === -Infinity) return '-9.0e+999'
  const digits = String(value) // the fewest digits, at most 17, that name this number and no other
  return /[.e]/.test(digits) ? digits : `${digits}.0`
}

/** Text that is not text in the database's encoding, or that a line of a file cannot carry, goes as bytes. */
function text(bytes: Uint8Array, decoder: TextDecoder): string {
  const plain = decoded(bytes, decoder)
  if (plain === undefined || plain.includes('\0')) return `CAST(X'${Buffer.from(bytes).toString('hex').toUpperCase()}' AS TEXT)`
  // The stock program takes the end of a line for its own business: it drops a \r before it.
  const named = [
    ['\n', '\\n', 'char(10)'],
    ['\r', '\\r', 'char(13)'],
  ] as const
  const there = named.filter(([end]) => plain.includes(end))
  if (there.some(([, name]) => plain.includes(name))) return `CAST(X'${Buffer.from(bytes).toString('hex').toUpperCase()}' AS TEXT)`
  const flat = there.reduce((line, [end, name]) => line.replaceAll(end, name), plain)
  return there.reduce((inner, [, name, char]) => `replace(${inner}, '${name}', ${char})`, quotedText(flat))
}

function decoded(bytes: Uint8Array, decoder: TextDecoder): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined // the caller writes it as bytes
  }
}

export function quotedText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/** For the texts of a database as they lie in it; throws at what is none. */
export function decoderFor(encoding: string): TextDecoder {
  const label = { 'UTF-8': 'utf-8', 'UTF-16le': 'utf-16le', 'UTF-16be': 'utf-16be' }[encoding]
  if (label === undefined) throw new Error(`an encoding that SQLite has not: ${encoding}`)
  return new TextDecoder(label, { fatal: true, ignoreBOM: true })
}
