// A tar that holds one file, by the stock tar and by ours, in pieces of any size, cut and spoiled.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import type { Bytes } from '../../src/base/bytes.ts'
import { fileInTar, tarOfFile, throughTarFile } from '../../src/base/tar-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'hayai-tar-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function* pieces(content: Uint8Array, size: number): Bytes {
  for (let at = 0; at < content.byteLength; at += size) yield content.subarray(at, at + size)
}

describe('a tar of one file', () => {
  it.each([0, 1, 511, 512, 513, 5000])('of %d bytes is what the stock tar reads, and is read back', async (size) => {
    const content = Buffer.alloc(size, 'content')
    const archive = await buffer(tarOfFile('database.db', size, pieces(content, 777)))
    const path = join(folder, 'one.tar')
    writeFileSync(path, archive)
    expect(execFileSync('tar', ['-xOf', path, 'database.db'], { maxBuffer: 1e6 })).toEqual(content)
    for (const step of [1, 100, 512, 70_000]) {
      expect(await buffer(fileInTar(pieces(archive, step)))).toEqual(content)
      const seen: Uint8Array[] = []
      let ended = false
      const check = { feed: (chunk: Uint8Array) => void seen.push(chunk), end: () => void (ended = true) }
      expect(await buffer(throughTarFile(pieces(archive, step), check))).toEqual(archive)
      expect([Buffer.concat(seen), ended]).toEqual([content, true])
    }
  })

  it('that is cut, or holds two files or none, is refused', async () => {
    const archive = await buffer(tarOfFile('database.db', 3000, pieces(Buffer.alloc(3000, 7), 1000)))
    for (const length of [0, 100, 512, 2000, archive.length - 1024]) {
      await expect(buffer(fileInTar(pieces(archive.subarray(0, length), 512)))).rejects.toMatchObject({ code: 'CORRUPT' })
    }
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), name)
    for (const [names, fine] of [
      [['a', 'b'], false],
      [['a'], true],
    ] as const) {
      execFileSync('tar', ['-cf', join(folder, 'made.tar'), '-C', folder, ...names])
      const read = buffer(fileInTar(pieces(readFileSync(join(folder, 'made.tar')), 999)))
      if (fine) expect((await read).toString()).toBe('a')
      else await expect(read).rejects.toMatchObject({ code: 'CORRUPT' })
    }
  })
})
