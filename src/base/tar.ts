// Tar archives as streams: written for every tar of today, read from any of them. Names that leave the archive are refused.

import type { Bytes } from './bytes.ts'
import { HayaiError } from './errors.ts'

export interface TarHeader {
  /** Relative, with `/`, without `.` and `..`. */
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link' | 'symlink'
  /** Of a file; else 0. */
  readonly size: number
  readonly mode: number
  /** What a link leads to: for `link` a name of the archive, for `symlink` as it was written; else empty. */
  readonly target: string
  /** By number; 0 and 0 when not given. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** In seconds since 1970; now when not given. */
  readonly modified?: number
}

const BLOCK = 512
const ZEROS = Buffer.alloc(2 * BLOCK)

/** The header of an entry; a file's bytes come right after it, then `tarPadding`. */
export function tarHeader({ name, kind, size, mode, target, ...rest }: TarHeader): Buffer {
  const path = kind === 'folder' ? `${name}/` : name
  const long = [...longer('path', path), ...longer('linkpath', target)]
  const header = block(TYPES[kind], path, target, mode, size, rest)
  if (long.length === 0) return header
  const told = Buffer.from(long.join(''))
  return Buffer.concat([block('x', 'longer names', '', mode, told.length), told, tarPadding(told.length), header])
}

/** `29 path=...` and a newline: its own length, in digits, included. */
function longer(key: string, value: string): readonly string[] {
  if (Buffer.byteLength(value) <= 100) return []
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  const guess = bytes + String(bytes).length
  return [`${bytes + String(guess).length}${rest}`]
}

type More = Pick<TarHeader, 'owner' | 'modified'>

function block(type: string, path: string, target: string, mode: number, size: number, { owner, modified }: More = {}): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(path, 0, 100)
  block.write(target, 157, 100)
  number(block, 100, 8, mode)
  number(block, 108, 8, owner?.uid ?? 0)
  number(block, 116, 8, owner?.gid ?? 0)
  number(block, 124, 12, size)
  number(block, 136, 12, modified ?? Math.floor(Date.now() / 1000))
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

export function tarPadding(size: number): Buffer {
  return ZEROS.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK)
}

/** Two empty blocks: what is cut does not end with them. */
export function tarEnd(): Buffer {
  return ZEROS
}

const TYPES = { file: '0', link: '1', symlink: '2', folder: '5' } as const

function number(block: Buffer, at: number, width: number, value: number): void {
  if (value < 8 ** (width - 1)) block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at)
  else {
    block[at] = 0x80 // from here on in bytes, as every tar of today reads it
    block.writeBigUInt64BE(BigInt(value), at + width - 8)
  }
}

/** The sum of all bytes, those of the sum itself taken for spaces. */
function checksum(block: Buffer): number {
  let sum = 0
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0)
  return sum
}

export type TarEvent = { readonly header: TarHeader } | { readonly bytes: Buffer }

export interface TarReader {
  /** What these bytes bring: headers, and the bytes of the file whose header came last. Throws CORRUPT. */
  feed(chunk: Uint8Array): readonly TarEvent[]
  /** Throws CORRUPT when the archive had not come to its end. */
  end(): void
}

export function tarReader(): TarReader {
  let block = Buffer.alloc(0)
  let left = 0 // bytes of the file
  let padding = 0
  let extra: { readonly kind: 'x' | 'L' | 'K' | 'skip'; bytes: Buffer } | undefined // an entry that tells of the next one
  let told: Told = {}
  let empty = 0 // blocks of zeros in a row

  function takeBody(bytes: Buffer, events: TarEvent[]): void {
    if (extra === undefined) events.push({ bytes })
    else if (extra.kind !== 'skip') extra.bytes = Buffer.concat([extra.bytes, bytes])
  }

  function bodyEnded(): void {
    if (extra === undefined) return
    told = extra.kind === 'skip' ? told : { ...told, ...tellingOf(extra.kind, extra.bytes) }
    extra = undefined
  }

  function takeHeader(events: TarEvent[]): void {
    if (block.equals(ZEROS.subarray(0, BLOCK))) {
      empty += 1
      return
    }
    if (empty > 0) throw corrupt('goes on after its end')
    if (octal(block, 148, 8) !== checksum(block)) throw corrupt('has a header with a wrong checksum')
    const type = String.fromCharCode(block[156] ?? 0)
    const size = 'xgLK'.includes(type) ? octal(block, 124, 12) : (told.size ?? octal(block, 124, 12))
    if (type === 'x' || type === 'L' || type === 'K') {
      if (size > 1024 * 1024) throw corrupt('has a name of more than a megabyte')
      extra = { kind: type, bytes: Buffer.alloc(0) }
    } else if (type === 'g') extra = { kind: 'skip', bytes: Buffer.alloc(0) }
    else {
      const header = headerOf(block, type, size, told)
      told = {}
      events.push({ header })
    }
    left = 'xgLK0\0'.includes(type) ? size : 0
    padding = (BLOCK - (left % BLOCK)) % BLOCK
    if (left === 0) bodyEnded()
  }

  return {
    feed(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      const events: TarEvent[] = []
      for (let at = 0; at < bytes.length;) {
        if (left > 0) {
          const part = bytes.subarray(at, at + left)
          at += part.length
          left -= part.length
          takeBody(part, events)
          if (left === 0) bodyEnded()
        } else if (padding > 0) {
          const step = Math.min(padding, bytes.length - at)
          padding -= step
          at += step
        } else {
          const part = bytes.subarray(at, at + BLOCK - block.length)
          at += part.length
          block = Buffer.concat([block, part])
          if (block.length === BLOCK) {
            takeHeader(events)
            block = Buffer.alloc(0)
          }
        }
      }
      return events
    },
    end() {
      if (left > 0 || padding > 0 || block.length > 0 || empty < 2) throw corrupt('has no end')
    },
  }
}

interface Told {
  readonly name?: string
  readonly target?: string
  readonly size?: number
}

function headerOf(block: Buffer, type: string, size: number, told: Told): TarHeader {
  const kinds: Readonly<Record<string, TarHeader['kind']>> = { '0': 'file', '\0': 'file', '1': 'link', '2': 'symlink', '5': 'folder' }
  const kind = kinds[type]
  const prefix = block.toString('latin1', 257, 262) === 'ustar' ? text(block, 345, 155) : ''
  const short = text(block, 0, 100)
  const name = inside(told.name ?? (prefix === '' || block[263] === 0x20 ? short : `${prefix}/${short}`))
  if (kind === undefined) throw corrupt(`holds ${JSON.stringify(name)}, which is neither a file nor a folder nor a link`)
  const target = kind === 'link' || kind === 'symlink' ? (told.target ?? text(block, 157, 100)) : ''
  return {
    name,
    kind,
    size: kind === 'file' ? size : 0,
    mode: octal(block, 100, 8) & 0o7777,
    target: kind === 'link' ? inside(target) : target,
    owner: { uid: octal(block, 108, 8), gid: octal(block, 116, 8) },
    modified: octal(block, 136, 12),
  }
}

/** Throws CORRUPT for a name that leads out of the archive. The archive's own folder is the empty name. */
function inside(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (name.startsWith('/') || parts.includes('..') || name.includes('\0'))
    throw corrupt(`names ${JSON.stringify(name)}, which is outside of it`)
  return parts.join('/')
}

function tellingOf(kind: 'x' | 'L' | 'K', bytes: Buffer): Told {
  if (kind === 'L') return { name: text(bytes, 0, bytes.length) }
  if (kind === 'K') return { target: text(bytes, 0, bytes.length) }
  const told: { name?: string; target?: string; size?: number } = {}
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const length = Number(bytes.toString('latin1', at, space))
    if (space === -1 || !Number.isSafeInteger(length) || length <= 0) throw corrupt('has an extended header that cannot be read')
    const [, key, value = ''] = /^(\w[^=]*)=(.*)$/s.exec(bytes.toString('utf8', space + 1, at + length - 1)) ?? []
    if (key === 'path') told.name = value
    else if (key === 'linkpath') told.target = value
    else if (key === 'size') told.size = Number(value)
    else if (key?.startsWith('GNU.sparse') === true) throw corrupt('holds files with holes, which this reader does not know')
    at += length
  }
  return told
}

function text(block: Buffer, at: number, width: number): string {
  const field = block.subarray(at, at + width)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? width : end)
}

function octal(block: Buffer, at: number, width: number): number {
  if (((block[at] ?? 0) & 0x80) !== 0) return Number(block.readBigUInt64BE(at + width - 8))
  const digits = block.toString('latin1', at, at + width).replaceAll(/[\0 ]/g, '')
  if (!/^[0-7]*$/.test(digits)) throw corrupt('has a header with a number that cannot be read')
  return Number.parseInt(digits === '' ? '0' : digits, 8)
}

function corrupt(how: string): HayaiError {
  return new HayaiError('CORRUPT', `the tar archive ${how}`, { hint: 'Use another snapshot; this one was cut short or changed.' })
}

/** Passes the bytes on, tells `look` what is in them, and throws CORRUPT at their end when the archive is not whole. */
export async function* throughTar(source: Bytes, look: (event: TarEvent) => void): Bytes {
  const reader = tarReader()
  for await (const chunk of source) {
    for (const event of reader.feed(chunk)) look(event)
    yield chunk
  }
  reader.end()
}
