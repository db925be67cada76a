// Reading back what codecs.ts, the stock tools, or anybody else has compressed. What it is, is told by its first bytes, not
// by its name. Nothing is passed over in silence: a stream that is cut, damaged, or has bytes behind its end is CORRUPT.

import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'
import { inBlocks } from '../base/blocks.ts'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError, messageOf } from '../base/errors.ts'
import type { Codec } from './codecs.ts'
import { reader, type Reader } from './reader.ts'

/** What comes out of an engine at a time; larger pieces pile up as garbage. */
const PIECE = 64 * 1024
const GATHERED = 256 * 1024

/** The plain bytes. With `codec`, whatever does not begin like it is CORRUPT; without, it is recognised, or passed on as it is. */
export async function* decompress(source: Bytes, codec?: Codec): Bytes {
  if (codec === 'none') {
    yield* source
    return
  }
  const input = reader(source, corrupt)
  try {
    const start = await input.peek(4)
    const found = recognise(start)
    if (codec !== undefined && found !== codec) throw corrupt(start.byteLength === 0 ? 'it is empty' : `it does not begin like ${codec}`)
    if (found === 'gzip') yield* through(createGunzip({ chunkSize: PIECE }), input.rest())
    else if (found === 'zstd') yield* unzstd(input)
    else yield* input.rest()
  } finally {
    await input.close()
  }
}

function recognise(start: Buffer): Codec {
  if (start.byteLength >= 3 && start.readUIntBE(0, 3) === GZIP_MAGIC) return 'gzip'
  if (start.byteLength >= 4 && (start.readUInt32LE(0) === ZSTD_MAGIC || isSkippable(start.readUInt32LE(0)))) return 'zstd'
  return 'none'
}

const GZIP_MAGIC = 0x1f8b08
const ZSTD_MAGIC = 0xfd2fb528
const isSkippable = (magic: number): boolean => (magic & 0xfffffff0) >>> 0 === 0x184d2a50

// Node's zstd stream stops without a word behind the first frame (and its gzip stream behind zeros), so the frames are told
// apart here: RFC 8878, section 3.1.
async function* unzstd(input: Reader): Bytes {
  while ((await input.peek(1)).byteLength > 0) {
    const magic = (await input.peek(4)).byteLength === 4 ? (await input.peek(4)).readUInt32LE(0) : 0
    if (magic === ZSTD_MAGIC) yield* through(createZstdDecompress({ chunkSize: PIECE }), gathered(frame(input)))
    else if (isSkippable(magic)) await input.skip((await input.take(8)).readUInt32LE(4))
    else throw corrupt('there are bytes behind its end')
  }
}

/** A frame comes in crumbs; the engine has its price for each. It is done with a block when it asks for the next. */
async function* gathered(source: Bytes): Bytes {
  for await (const block of inBlocks(source, GATHERED)) {
    yield block.bytes
    block.release()
  }
}

const MOST_IN_BLOCK = 128 * 1024

async function* frame(input: Reader): Bytes {
  const start = await input.take(5)
  const descriptor = start.readUInt8(4)
  const oneSegment = (descriptor & 0x20) !== 0
  const sizeOfSize = [oneSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const sizeOfDictionary = [0, 1, 2, 4][descriptor & 3] ?? 0
  yield start
  yield await input.take((oneSegment ? 0 : 1) + sizeOfDictionary + sizeOfSize)
  for (let last = false; !last;) {
    const head = await input.take(3)
    const word = head.readUIntLE(0, 3)
    const [kind, size] = [(word >> 1) & 3, word >> 3]
    if (kind === 3 || size > MOST_IN_BLOCK) throw corrupt('a block of it is none')
    last = (word & 1) === 1
    yield head
    yield await input.take(kind === 1 ? 1 : size)
  }
  if ((descriptor & 4) !== 0) yield await input.take(4)
}

/** Passes the source through an engine of zlib; what the engine refuses, or leaves over, is CORRUPT. */
async function* through(engine: Gunzip | ZstdDecompress, source: Bytes): Bytes {
  const closed = new Promise<void>((resolve) => engine.once('close', resolve))
  let given = 0
  let ended = false
  let failure: { readonly error: unknown } | undefined
  const feeding = (async () => {
    try {
      for await (const chunk of source) {
        if (engine.destroyed) return
        given += chunk.byteLength
        await Promise.race([closed, new Promise<void>((resolve) => engine.write(chunk, () => resolve()))])
      }
      ended = true
      engine.end()
    } catch (error) {
      failure = { error }
      engine.destroy()
    }
  })()
  try {
    for await (const chunk of engine as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    if (failure === undefined) throw corrupt(messageOf(error), error)
  } finally {
    engine.destroy()
    await feeding
  }
  if (failure !== undefined) throw failure.error
  if (!ended || engine.bytesWritten !== given) throw corrupt('there are bytes behind its end')
}

function corrupt(what: string, cause?: unknown): HayaiError {
  return new HayaiError('CORRUPT', `the compressed bytes are damaged: ${what}`, { hint: 'Take another copy, or an older snapshot.', cause })
}
