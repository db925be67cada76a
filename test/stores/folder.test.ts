import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { once, text, type Bytes } from '../../src/base/bytes.ts'
import { run } from '../../src/base/exec.ts'
import { isPartial, temporaryName } from '../../src/base/files.ts'
import type { Landing } from '../../src/base/landing.ts'
import { trials } from '../../src/stores/conformance.ts'
import { folderStore } from '../../src/stores/folder.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-store-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function* zeros(total: number): Bytes {
  for (let left = total; left > 0; left -= 65536) yield Buffer.alloc(Math.min(65536, left))
}

describe('a folder stands the trials of a store', () => {
  for (const trial of trials) {
    it(trial.name, { timeout: 60_000 }, async () => {
      const root = join(folder, 'trials')
      const module = new URL('../../src/stores/folder.ts', import.meta.url).href
      const elsewhere = `(await import(${JSON.stringify(module)})).folderStore(${JSON.stringify(root)})`
      await trial.run({ store: folderStore(root), elsewhere })
    })
  }
})

describe('a folder', () => {
  it('is made for its owner alone, and so are its files', async () => {
    const root = join(folder, 'new', 'deeper')
    await folderStore(root).put('sub/file', once('x'), { ifAbsent: true })
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o700)
    expect((await stat(join(root, 'sub'))).mode & 0o777).toBe(0o700)
    expect((await stat(join(root, 'sub/file'))).mode & 0o777).toBe(0o600)
  })

  it('is not made by asking it', async () => {
    const store = folderStore(join(folder, 'never'))
    expect(await store.list('')).toEqual([])
    await store.delete('x')
    await expect(store.stat('x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(existsSync(join(folder, 'never'))).toBe(false)
  })

  it('clears up after the dead at the next put, never after the living', async () => {
    const root = join(folder, 'swept')
    const mine = temporaryName('mine')
    const dead = mine.replace(`.${process.pid}-`, '.999999999-')
    await mkdir(root)
    for (const name of [mine, dead]) await writeFile(join(root, name), 'x')
    const store = folderStore(root)
    expect(await store.list('')).toEqual([])
    expect(await readdir(root)).toHaveLength(2)
    await store.put('key', once('x'), { ifAbsent: true })
    expect((await readdir(root)).sort()).toEqual([mine, 'key'].sort())
  })

  it('leaves nothing when the reader stops early, and reads on when the writer waits', async () => {
    const root = join(folder, 'early')
    const store = folderStore(root)
    await store.put('key', zeros(4_000_000), { ifAbsent: true })
    for await (const chunk of store.get('key')) {
      expect(chunk.byteLength).toBeGreaterThan(0)
      break
    }
    await store.delete('key')
    expect(await readdir(root)).toEqual([])
  })

  it('lists files behind links, not folders, nor links that lead nowhere', async () => {
    const root = join(folder, 'links')
    await mkdir(join(root, 'sub'), { recursive: true })
    await writeFile(join(root, 'file'), 'four')
    await symlink('file', join(root, 'good'))
    await symlink('gone', join(root, 'broken'))
    await symlink('circle', join(root, 'circle'))
    await symlink('sub', join(root, 'folder'))
    const entries = await folderStore(root).list('')
    expect(entries.map(({ key, bytes }) => [key, bytes])).toEqual([
      ['file', 4],
      ['good', 4],
    ])
    await expect(text(folderStore(root).get('sub'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('whose place a file has taken is refused with what is wrong', async () => {
    const root = join(folder, 'taken')
    await writeFile(root, 'a file')
    await expect(folderStore(root).put('key', once('x'), { ifAbsent: true })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(root) as string,
    })
    await expect(folderStore(join(root, 'below')).put('key', once('x'), { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await readFile(root, 'utf8')).toBe('a file')
  })

  it('that may not be written to says so', async (context) => {
    if (process.getuid?.() === 0) return context.skip('root may write everywhere')
    const root = join(folder, 'read-only')
    await mkdir(root)
    await chmod(root, 0o500)
    await expect(folderStore(root).put('key', once('x'), { ifAbsent: true })).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await chmod(root, 0o700)
  })

  it('lists five thousand files at once', async () => {
    const root = join(folder, 'many')
    await mkdir(root)
    await Promise.all(Array.from({ length: 5000 }, (_, number) => writeFile(join(root, `${number}.sql`), 'x')))
    expect(await folderStore(root).list('')).toHaveLength(5000)
  })
})

describe('a disk that is full', () => {
  let small = ''
  let refused: string | undefined
  beforeAll(async () => {
    small = join(folder, 'small')
    await mkdir(small)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small], { stdio: 'pipe' })
    } catch (error) {
      refused = `no small disk can be mounted here: ${String(error).split('\n')[0]}`
    }
  })
  afterAll(() => {
    if (refused === undefined) execFileSync('umount', [small])
  })

  it('ends the write with the name of the folder, stops the source, and leaves nothing', async (context) => {
    if (refused !== undefined) return context.skip(refused)
    const store = folderStore(small)
    await store.put('before', zeros(2_000_000), { ifAbsent: true })
    for (const ifAbsent of [true, false]) {
      let stopped = false
      let given = 0
      async function* source(): Bytes {
        try {
          for await (const chunk of zeros(1024 * 1024 * 1024)) {
            given += chunk.byteLength
            yield chunk
          }
        } finally {
          stopped = true
        }
      }
      await expect(store.put('large', source(), { ifAbsent })).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(/small: .*the disk is full/) as string,
      })
      expect(stopped).toBe(true)
      expect(given).toBeLessThan(64 * 1024 * 1024)
      expect(await readdir(small)).toEqual(['before'])
    }
    await store.put('after', zeros(2_000_000), { ifAbsent: true })
    expect((await readdir(small)).filter(isPartial)).toEqual([])
  })

  it('is told as such when a program writes into the file by itself', async (context) => {
    if (refused !== undefined) return context.skip(refused)
    const store = folderStore(small)
    const program = (into?: Landing): Bytes =>
      run({ file: 'sh', args: ['-c', 'head -c 100000000 /dev/zero || exit 7'], ...(into === undefined ? {} : { into }) })
    const before = await readdir(small)
    await expect(store.put('large', program, { ifAbsent: true })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/small: .*the disk is full/) as string,
    })
    expect(await readdir(small)).toEqual(before)
  })
})
