// Compression of snapshots, on every core and in the field's own formats: blocks are compressed on their own as gzip members
// or zstd frames, which the stock `gunzip` and `zstd -d` read in a row. What is read back is held to be whole: bytes behind
// the end, a member that is cut, a checksum that differs are CORRUPT.

import { availableParallelism } from 'node:os'
import { constants, createGzip, createZstdCompress, type Gzip, type ZlibReset, type ZstdCompress } from 'node:zlib'
import { inBlocks, type Block } from '../base/blocks.ts'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError } from '../base/errors.ts'

export type Codec = 'none' | 'gzip' | 'zstd'

export interface Compression {
  readonly codec: Codec
  readonly level: number
}

/** What a compressed file's name ends with. */
export const CODEC_EXTENSIONS: Readonly<Record<Codec, string>> = { none: '', gzip: '.gz', zstd: '.zst' }

// Measured: docs/COMPRESSION.md. On dumps, level 5 of this zlib is as small as level 6 of the gzip program and takes two thirds of
// the time of its own 6. zstd's 1 does as well on SQL, but not on database files; above 3 it takes twice the time for a point.
const LEVELS = { gzip: { usual: 5, most: 9 }, zstd: { usual: 3, most: 19 } }

/** Reads `none`, `gzip`, `zstd`, the latter two with an optional `:level`. */
export function parseCompression(written: string): Compression {
  if (written === 'none') return { codec: 'none', level: 0 }
  const [, codec, level] = /^(gzip|zstd)(?::(\d{1,2}))?$/.exec(written) ?? []
  if (codec === 'gzip' || codec === 'zstd') {
    const { usual, most } = LEVELS[codec]
    const chosen = level === undefined ? usual : Number(level)
    if (chosen >= 1 && chosen <= most) return { codec, level: chosen }
  }
  throw new HayaiError('USAGE', `${JSON.stringify(written)} is no compression`, {
    hint: 'Use none, gzip or zstd, with a level if you like: gzip:1 to gzip:9, zstd:1 to zstd:19.',
  })
}

/** How much is compressed at a time; enough that the blocks' independence costs nothing worth mentioning. */
const BLOCK = 1024 * 1024
/** What comes out of an engine at a time; larger pieces pile up as garbage. */
const PIECE = 64 * 1024
const AT_ONCE = lanesFor(availableParallelism(), Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 4)

/**
 * How many blocks are worked on at a time: one more than there are cores, so that none waits for the next block; one less than
 * libuv has threads, so that one is left for the disk; and no more than eight, for each takes its few megabytes of memory.
 */
export function lanesFor(cores: number, threads: number): number {
  return Math.max(1, Math.min(cores + 1, threads - 1, 8))
}

/** What compresses one block after another, each on its own. */
interface Lane {
  squeeze(block: Uint8Array): Promise<Uint8Array>
  close(): void
}

export function compress(source: Bytes, { codec, level }: Compression): Bytes {
  if (codec === 'none') return source
  return inParallel(source, () => (codec === 'gzip' ? gzipLane(level) : zstdLane(level)))
}

function gzipLane(level: number): Lane {
  const engine: Gzip & Partial<ZlibReset> = createGzip({ level, chunkSize: PIECE, ...ROOM })
  return lane(engine, constants.Z_FINISH, () => engine.reset?.())
}

// The tables of the higher levels are made for much larger inputs, and are cut down to the block.
function zstdLane(level: number): Lane {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
    [constants.ZSTD_c_windowLog]: 20,
    ...(level > 5 && { [constants.ZSTD_c_hashLog]: 19, [constants.ZSTD_c_chainLog]: 19 }),
  }
  return lane(createZstdCompress({ params, chunkSize: PIECE, ...ROOM }), constants.ZSTD_e_end, () => {})
}

/** An engine holds all that comes out of a block, until it is asked for it. */
const ROOM = { readableHighWaterMark: 2 * BLOCK }

// One engine for all blocks of a lane: Node gives an engine's memory back, which it does not count, no sooner than it collects
// its garbage. gzip has to be told to begin anew; zstd begins anew by itself, and would forget its level.
function lane(engine: Gzip | ZstdCompress, end: number, begin: () => void): Lane {
  return {
    squeeze: (block) =>
      new Promise((resolve, reject) => {
        engine.once('error', reject)
        if (block.byteLength > 0) engine.write(block)
        engine.flush(end, () => {
          engine.off('error', reject)
          const member: unknown = engine.read()
          if (!(member instanceof Uint8Array)) return reject(new Error('a block was compressed to nothing'))
          begin()
          resolve(member)
        })
      }),
    close: () => void engine.destroy(),
  }
}

/** In the order of the source, whichever block is done first. */
async function* inParallel(source: Bytes, open: () => Lane): Bytes {
  const lanes = Array.from({ length: AT_ONCE }, open)
  const idle = [...lanes]
  const working: Promise<Uint8Array>[] = []
  const begin = (block: Block): void => {
    const lane = idle.pop()
    if (lane === undefined) throw new Error('more blocks than lanes')
    const work = lane.squeeze(block.bytes).finally(() => {
      block.release()
      idle.push(lane)
    })
    work.catch(() => {}) // it is awaited below, in its turn
    working.push(work)
  }
  try {
    let any = false
    for await (const block of inBlocks(source, BLOCK)) {
      begin(block)
      any = true
      const first = working.length === AT_ONCE ? working.shift() : undefined
      if (first !== undefined) yield await first
    }
    if (!any) begin({ bytes: new Uint8Array(), release() {} }) // no bytes at all are one empty member
    for (let next = working.shift(); next !== undefined; next = working.shift()) yield await next
  } finally {
    await Promise.allSettled(working)
    for (const lane of lanes) lane.close()
  }
}
