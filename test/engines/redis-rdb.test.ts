// An RDB file is counted as the server counts itself, in whatever pieces it comes; and what is cut or changed is refused.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redis } from '../../src/engines/redis.ts'
import { census } from '../../src/engines/redis/census.ts'
import { crc64 } from '../../src/engines/redis/crc64.ts'
import { rdbCounter } from '../../src/engines/redis/rdb.ts'
import { collect, endAll, fillRichly, formatOf, inPieces, noServer, start, type Standing } from './redis-server.ts'

const check = (bytes: Uint8Array, size = 1000): Promise<Buffer> => collect(redis.check(formatOf(redis), inPieces(bytes, size)))

/** With a checksum that fits, or with none. */
function signed(content: Buffer, without = false): Buffer {
  const crc = crc64()
  crc.feed(content)
  return Buffer.concat([content, without ? Buffer.alloc(8) : crc.value()])
}

function counted(bytes: Buffer, size = bytes.length) {
  const counter = rdbCounter()
  for (let at = 0; at < bytes.length; at += size) counter.feed(bytes.subarray(at, at + size))
  return counter.counted()
}

describe('the checksum', () => {
  it('is the one that Redis gives for its own trial', () => {
    const crc = crc64()
    crc.feed(Buffer.from('1234567'))
    crc.feed(Buffer.from('89'))
    expect(crc.value().readBigUInt64LE().toString(16)).toBe('e9c6d914c4b8d9ca')
  })

  it('is the same in whatever pieces the bytes come, and wherever they lie in memory', () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, n) => (n * 31 + (n >> 3)) & 255))
    const whole = signed(bytes).subarray(-8)
    for (const size of [1, 3, 7, 8, 9, 64, 333]) {
      const crc = crc64()
      for (let at = 0; at < bytes.length; at += size) crc.feed(bytes.subarray(at, at + size))
      expect(crc.value(), `${size} bytes at a time`).toEqual(whole)
    }
  })
})

describe.skipIf(noServer)('a file with every type in it (needs redis-server)', () => {
  let server: Standing
  let bytes: Buffer
  beforeAll(async () => {
    server = await start({ environment: { REDIS_ENABLE_DEBUG_COMMAND: 'local' } })
    fillRichly(server)
    ;({ bytes } = await server.dumped())
  })
  afterAll(endAll)

  it('holds what the server says of itself', async () => {
    const target = await server.site.open()
    const { census: asked } = await redis.inspect(target)
    await target.close()
    expect(asked.tables).toMatchObject({ db3: 2, db15: 1 })
    expect(asked.tables['db0']).toBeGreaterThan(25)
    expect(asked.objects).toMatchObject({ 'db0/keys that expire': 2, 'db3/keys that expire': 1, 'function libraries': 1 })
    expect(census(counted(bytes))).toEqual(asked)
  })

  it('is counted the same in whatever pieces it comes', () => {
    const once = counted(bytes)
    expect(once.whole).toBe(true)
    for (const size of [1, 2, 13, 4096]) expect(counted(bytes, size), `${size} bytes at a time`).toEqual(once)
  })

  it('is counted the same when it is packed otherwise', () => {
    const before = census(counted(bytes))
    const settings = [
      ['rdbcompression', 'no'],
      ['hash-max-listpack-entries', '0'],
      ['zset-max-listpack-entries', '0'],
      ['set-max-intset-entries', '0'],
      ['list-max-listpack-size', '1'],
      ['maxmemory-policy', 'allkeys-lru'],
      ['maxmemory', '1gb'],
    ]
    for (const [name = '', value = ''] of settings) server.cli('CONFIG', 'SET', name, value)
    server.cli('DEBUG', 'RELOAD')
    return expect(server.dumped().then((dump) => dump.facts.census)).resolves.toEqual(before)
  })

  it('is not whole when it is cut anywhere, or goes on', () => {
    for (let cut = 1; cut < bytes.length; cut += 97)
      expect(counted(bytes.subarray(0, -cut)).whole, `without its last ${cut} bytes`).toBe(false)
    expect(counted(Buffer.concat([bytes, Buffer.alloc(1)])).whole).toBe(false)
    expect(counted(Buffer.concat([bytes, bytes]), 100).whole).toBe(false)
  })

  it('passes the check, in whatever pieces it comes', async () => {
    for (const size of [1, 5, 8, 9, 100, bytes.length]) expect((await check(bytes, size)).equals(bytes)).toBe(true)
  })

  it('is refused when it is cut, emptied, prolonged, or changed by one bit', async () => {
    const spoiled = [
      bytes.subarray(0, -1),
      bytes.subarray(0, -8),
      bytes.subarray(0, -9),
      bytes.subarray(0, 500),
      bytes.subarray(0, 9),
      bytes.subarray(0, 3),
      Buffer.alloc(0),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.concat([bytes, Buffer.alloc(9)]),
      Buffer.from('-- an SQL dump\n'.repeat(10)),
    ]
    for (const each of spoiled) await expect(check(each), `of ${each.length} bytes`).rejects.toMatchObject({ code: 'CORRUPT' })
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 50)) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      await expect(check(changed), `byte ${at}`).rejects.toMatchObject({ code: 'CORRUPT' })
    }
  })

  it('passes without a checksum, when it has its end', async () => {
    const content = bytes.subarray(0, -8)
    await check(signed(content, true))
    await expect(check(signed(content.subarray(0, -2), true))).rejects.toThrow('has no end')
  })
})

describe('what no server of today writes', () => {
  const file = (...parts: readonly (readonly number[])[]): Buffer =>
    signed(Buffer.concat([Buffer.from('REDIS0006'), Buffer.from(parts.flat()), Buffer.from([255])]))
  const db = [254, 0]
  const word = (text: string): number[] => [text.length, ...Buffer.from(text)]

  it('is counted as well: times to live in seconds, scores as text, old streams, values of modules', () => {
    const seconds = [253, 1, 2, 3, 4]
    const zset = [3, ...word('z'), 3, ...word('a'), ...word('1.5'), ...word('b'), 255, ...word('c'), 253]
    const stream = [
      15,
      ...word('s'),
      0,
      0,
      5,
      0,
      1,
      ...word('group'),
      5,
      0,
      1,
      ...Array.from({ length: 24 }, () => 7),
      1,
      1,
      ...word('me'),
      ...Array.from({ length: 8 }, () => 7),
      1,
      ...Array.from({ length: 16 }, () => 7),
    ]
    const id = [0x81, 0x1f, 0x22, 0x93, 0x4d, 0x24, 0x51, 0x45, 0x01]
    const module = [7, ...word('m'), ...id, 1, 5, 2, 0x80, 1, 2, 3, 4, 3, 1, 2, 3, 4, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, ...word('text'), 0]
    const aux = [247, ...id, 2, 1, 0]
    const bytes = file(aux, db, seconds, zset, [249, 5], stream, [248, 0x40, 200], module)
    for (const size of [1, bytes.length]) {
      const { dbs, modules, whole } = counted(bytes, size)
      expect(dbs.get(0)).toEqual({ keys: 3, expiring: 1 })
      expect([...modules]).toHaveLength(1)
      expect(whole).toBe(true)
    }
  })

  it('is refused by name when it is newer than Hayai', () => {
    expect(() => counted(file(db, [200, ...word('k'), 1]))).toThrow('a value of the type 200')
    expect(() => counted(file(db, [241]))).toThrow('the mark 241')
    expect(() => counted(file(db, [0, ...word('k'), 0xc5]))).toThrow('a string of the kind 197')
    expect(() => counted(Buffer.from('MAGICAL00 and more'))).toThrow('does not begin like an RDB file')
  })
})
