// What a file is, is told by its beginning: files that the stock programs made, in any pieces, compressed or not.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Bytes } from '../../src/base/bytes.ts'
import { decompress } from '../../src/snapshots/decompress.ts'
import { sniff } from '../../src/snapshots/sniff.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-sniff-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const database = (): Buffer => {
  const file = join(folder, 'a.db')
  const made = new DatabaseSync(file)
  made.exec('CREATE TABLE IF NOT EXISTS a (b)')
  made.close()
  return readFileSync(file)
}
const archive = (): Buffer => {
  writeFileSync(join(folder, 'member'), 'x')
  return execFileSync('tar', ['-C', folder, '-cf', '-', 'member'])
}

async function* pieces(content: Uint8Array, size: number): Bytes {
  for (let from = 0; from < content.length; from += size) yield content.subarray(from, from + size)
}

it.each([
  ['.db', database],
  ['.tar', archive],
  ['.rdb', () => Buffer.from('REDIS0011\xfa\tredis-ver', 'latin1')],
  ['.rdb', () => Buffer.from('VALKEY080\xfa', 'latin1')],
  ['.sql', () => Buffer.from('--\n-- PostgreSQL database dump, für alle\n--\n'.repeat(30))],
  [undefined, () => Buffer.from([1, 0, 2])],
  [undefined, () => Buffer.alloc(0)],
] as const)('%s', async (extension, make) => {
  const content = make()
  for (const size of [1, 100, 100_000]) {
    expect(await sniff(pieces(content, size))).toBe(extension)
    expect(await sniff(decompress(pieces(gzipSync(content), size)))).toBe(extension)
    expect(await sniff(decompress(pieces(zstdCompressSync(content), size)))).toBe(extension)
  }
})
