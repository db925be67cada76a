import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { once, type Bytes } from '../../src/base/bytes.ts'
import type { HayaiError } from '../../src/base/errors.ts'
import { compress, lanesFor, parseCompression } from '../../src/snapshots/codecs.ts'
import { decompress } from '../../src/snapshots/decompress.ts'

async function* pieces(content: Uint8Array, sizes: readonly number[]): Bytes {
  for (let from = 0, turn = 0; from < content.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    yield content.subarray(from, from + size)
    from += size
  }
}

async function all(source: Bytes): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of source) parts.push(Buffer.from(chunk)) // a copy: what is yielded may be used again
  return Buffer.concat(parts)
}

const text = (bytes: number): Buffer => {
  const line = (number: number) => `${number}\tlorem ipsum dolor ${number * 7919}\t${randomBytes(4).toString('hex')}\n`
  return Buffer.from(Array.from({ length: Math.ceil(bytes / 40) }, (_, number) => line(number)).join('')).subarray(0, bytes)
}

const kinds = ['gzip', 'gzip:1', 'zstd', 'zstd:9'] as const
const stock: Readonly<Record<string, readonly [string, ...string[]]>> = { gzip: ['gzip', '-dc'], zstd: ['zstd', '-dc'] }
const sizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 })

describe('parseCompression', () => {
  it('knows codecs and levels, and has a usual level', () => {
    expect(parseCompression('none')).toEqual({ codec: 'none', level: 0 })
    expect(parseCompression('gzip').codec).toBe('gzip')
    expect(parseCompression('gzip:9')).toEqual({ codec: 'gzip', level: 9 })
    expect(parseCompression('zstd:19')).toEqual({ codec: 'zstd', level: 19 })
  })

  it('refuses everything else', () => {
    for (const nonsense of [
      '',
      'gz',
      'GZIP',
      'gzip:',
      'gzip:0',
      'gzip:10',
      'gzip:-1',
      'gzip:1.5',
      'zstd:20',
      'none:1',
      'gzip:1 ',
      ' zstd',
      'gzip:1:2',
    ]) {
      expect(() => parseCompression(nonsense), nonsense).toThrow(expect.objectContaining({ code: 'USAGE' }) as HayaiError)
    }
  })
})

describe.each(kinds)('%s', (kind) => {
  const [codec = ''] = kind.split(':')

  it('gives back what it was given, whatever the pieces on either way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), sizes, sizes, async (content, there, back) => {
        const packed = await all(compress(pieces(content, there), parseCompression(kind)))
        expect(await all(decompress(pieces(packed, back)))).toEqual(Buffer.from(content))
      }),
      { numRuns: 40 },
    )
  })

  it('is read by the stock tool, over many blocks, and is the same for any pieces', async () => {
    const [program = '', ...args] = stock[codec] ?? []
    for (const content of [text(7_500_001), randomBytes(2_500_000), text(1024 * 1024), Buffer.alloc(0), Buffer.from('x')]) {
      const packed = await all(compress(pieces(content, [65_536, 1, 300_000]), parseCompression(kind)))
      expect((await all(compress(once(content), parseCompression(kind)))).equals(packed)).toBe(true)
      const read = execFileSync(program, args, { input: packed, maxBuffer: 2 ** 28 })
      expect(read.equals(content)).toBe(true)
      expect((await all(decompress(pieces(packed, [100_000, 7])))).equals(content)).toBe(true)
    }
  })

  it('throws what the source throws, and lets the source go when the reader leaves', async () => {
    let left = false
    async function* endless(): Bytes {
      try {
        for (;;) yield randomBytes(100_000)
      } finally {
        left = true
      }
    }
    for await (const _ of compress(endless(), parseCompression(kind))) break
    expect(left).toBe(true)
    async function* broken(): Bytes {
      yield text(3_000_000)
      throw new RangeError('broken')
    }
    await expect(all(compress(broken(), parseCompression(kind)))).rejects.toThrow(RangeError)
  })
})

describe('every block', () => {
  const packed = (kind: string, content: Buffer) => all(compress(once(content), parseCompression(kind)))

  it.each([
    ['gzip:1', 'gzip:9'],
    ['zstd:1', 'zstd:16'],
  ])('is compressed at the level that was asked for: %s, %s', async (low, high) => {
    const content = text(4 * 1024 * 1024) // more blocks than lanes
    const [quick, small] = [await packed(low, content), await packed(high, content)]
    expect(small.length).toBeLessThan(quick.length * 0.98)
    const again = await packed(high, Buffer.concat([content, content]))
    expect(again.length / (2 * small.length)).toBeCloseTo(1, 2)
  })

  it.each(['gzip', 'zstd', 'zstd:9'])('of %s carries a checksum', async (kind) => {
    const content = randomBytes(4 * 1024 * 1024)
    const whole = await packed(kind, content)
    for (let block = 0; block < 4; block++) {
      const flipped = Buffer.from(whole)
      const at = (block + 0.5) * (whole.length / 4)
      flipped.writeUInt8(flipped.readUInt8(at | 0) ^ 1, at | 0)
      await expect(all(decompress(once(flipped)))).rejects.toMatchObject({ code: 'CORRUPT' })
    }
  })
})

describe('decompress', () => {
  const long = text(300_000)
  const made: Readonly<Record<string, () => Buffer>> = {
    'gzip of one member': () => gzipSync(long),
    'gzip of several members': () => Buffer.concat([gzipSync(long), gzipSync(''), gzipSync('two'), gzipSync(long)]),
    'gzip with a name and a comment in its head': () => execFileSync('gzip', ['-c'], { input: long }),
    'zstd of one frame': () => zstdCompressSync(long, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    'zstd of several frames': () => Buffer.concat([checked(long), checked('two'), checked(''), checked(long)]),
    'zstd by the program, with a skippable frame': () =>
      Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]), execFileSync('zstd', ['-c', '-19'], { input: long })]),
    'zstd of raw and repeated blocks': () => Buffer.concat([checked(randomBytes(400_000)), checked(Buffer.alloc(400_000, 7))]),
  }
  const checked = (content: Buffer | string) => zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
  const corrupt = expect.objectContaining({ code: 'CORRUPT' }) as HayaiError

  it('passes on what is not compressed, whatever it is called', async () => {
    for (const content of [long, Buffer.alloc(0), Buffer.from([0x1f]), Buffer.from([0x1f, 0x8b]), Buffer.from([0x28, 0xb5, 0x2f])]) {
      expect((await all(decompress(pieces(content, [1, 5000])))).equals(content)).toBe(true)
    }
  })

  it('holds a file to what its manifest says it is', async () => {
    await expect(all(decompress(once('plain'), 'gzip'))).rejects.toThrow(corrupt)
    await expect(all(decompress(once(gzipSync('x')), 'zstd'))).rejects.toThrow(corrupt)
    await expect(all(decompress(pieces(Buffer.alloc(0), [1]), 'gzip'))).rejects.toThrow(/empty/)
    expect(await all(decompress(once(gzipSync('x')), 'none'))).toEqual(gzipSync('x'))
  })

  it('throws what the source throws, and not that it is cut', async () => {
    for (const packed of [gzipSync(long), checked(long)]) {
      async function* broken(): Bytes {
        yield packed.subarray(0, 5000)
        throw new RangeError('the disk broke')
      }
      await expect(all(decompress(broken()))).rejects.toThrow(RangeError)
    }
  })

  it('lets go when the reader leaves', async () => {
    for (const packed of [gzipSync(long), checked(long)]) {
      let left = false
      async function* source(): Bytes {
        try {
          for (;;) yield packed
        } finally {
          left = true
        }
      }
      for await (const _ of decompress(source())) break
      expect(left).toBe(true)
    }
  })

  for (const [name, make] of Object.entries(made)) {
    it(`reads ${name}, in any pieces`, async () => {
      const packed = make()
      const whole = await all(decompress(once(packed)))
      expect(whole.length).toBeGreaterThanOrEqual(long.length)
      await fc.assert(
        fc.asyncProperty(sizes, async (back) => {
          expect((await all(decompress(pieces(packed, back)))).equals(whole)).toBe(true)
        }),
        { numRuns: 10 },
      )
    })

    it(`refuses ${name} that was cut anywhere`, async () => {
      const packed = make()
      const whole = await all(decompress(once(packed)))
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 4, max: packed.length - 1 }), sizes, async (length, back) => {
          // A cut that falls between two members leaves a whole, shorter file: that one is for the digest and the end marker.
          const outcome = await all(decompress(pieces(packed.subarray(0, length), back))).catch((error: unknown) => error)
          if (outcome instanceof Buffer) expect(await fallsBetween(packed, length, whole.length - outcome.length)).toBe(true)
          else expect(outcome).toEqual(corrupt)
        }),
        { numRuns: 60 },
      )
    })

    it(`refuses ${name} with anything behind its end`, async () => {
      const packed = make()
      const behind = [
        [0],
        Array<number>(512).fill(0),
        [0x1f],
        [0x1f, 0x8b],
        [0x1f, 0x8b, 8],
        [0x28, 0xb5, 0x2f],
        [0x28, 0xb5, 0x2f, 0xfd],
        [10],
        [...Buffer.from('garbage')],
      ]
      for (const garbage of behind) {
        for (const split of [[packed.length], [packed.length + 1], [1_000_000], [packed.length - 3], [777]]) {
          await expect(all(decompress(pieces(Buffer.concat([packed, Buffer.from(garbage)]), split))), String(garbage)).rejects.toThrow(
            corrupt,
          )
        }
      }
    })
  }

  // A few bits of a zstd frame say nothing of its content: then the content is right, and the digest of the file tells the rest.
  it('never gives another content when one bit is flipped', async () => {
    for (const make of Object.values({ gzip: () => gzipSync(long), zstd: () => checked(long) })) {
      const packed = make()
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 30, max: packed.length - 1 }), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
          const flipped = Buffer.from(packed)
          flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at)
          const got = await all(decompress(pieces(flipped, [4096]))).catch((error: unknown) => error)
          if (Buffer.isBuffer(got)) expect(got.equals(long)).toBe(true)
          else expect(got).toMatchObject(corrupt)
        }),
        { numRuns: 60 },
      )
    }
  })
})

/** Whether what was cut off is itself a whole file of the missing content. */
async function fallsBetween(packed: Buffer, length: number, missing: number): Promise<boolean> {
  const rest = await all(decompress(once(packed.subarray(length))))
  return rest.length === missing
}

it('works on as many blocks as there are cores, and one more, as far as threads and memory go', () => {
  expect([1, 2, 4, 64].map((cores) => lanesFor(cores, cores + 2))).toEqual([2, 3, 5, 8])
  expect(lanesFor(64, 4)).toBe(3)
  expect(lanesFor(1, 1)).toBe(1)
})
