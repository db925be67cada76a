import { copyFile, mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drain } from '../../src/base/bytes.ts'
import type { Census } from '../../src/engines/engine.ts'
import { compareCensus } from '../../src/snapshots/compare.ts'
import type { Manifest } from '../../src/snapshots/manifest.ts'
import { fileNameOf, guess, manifestNameOf, stemIn, stemOf } from '../../src/snapshots/naming.ts'
import { repository } from '../../src/snapshots/repository.ts'
import { folderStore } from '../../src/stores/folder.ts'
import { draft, dumpOf, options } from './dumps.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-listing-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const STEM = 'shop-snapshot-2026-01-08T10-30-45Z'
const quiet = new AbortController().signal
const shelf = () => repository(folderStore(folder))
const save = (compression = 'none', database = 'shop') => shelf().save(draft(database), dumpOf('seq 100000'), options(compression))
const kinds = async () => (await shelf().list()).map((each) => `${each.kind} ${each.kind === 'snapshot' ? each.stem : each.name}`).sort()

async function rewrite(change: (manifest: Record<string, unknown>) => unknown, stem = STEM): Promise<void> {
  const file = join(folder, `${stem}.json`)
  await writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>)))
}

describe('a list', () => {
  it('shows snapshots, and files without a manifest as foreign; everything else is not its business', async () => {
    await save()
    await save('zstd')
    for (const name of ['old.sql', 'cache.rdb.gz', 'app.db', 'all.tar.zst', 'x-snapshot-2020-01-01T00-00-00Z.sql'])
      await writeFile(join(folder, name), 'x')
    for (const name of ['notes.txt', 'package.json', '.hidden.sql', 'photo.gz', 'README']) await writeFile(join(folder, name), '{}')
    await mkdir(join(folder, 'sub.sql'))
    expect(await kinds()).toEqual([
      'foreign all.tar.zst',
      'foreign app.db',
      'foreign cache.rdb.gz',
      'foreign old.sql',
      'foreign x-snapshot-2020-01-01T00-00-00Z.sql',
      `snapshot ${STEM}`,
      `snapshot ${STEM}-2`,
    ])
  })

  it('of a folder that is not there is empty', async () => {
    expect(await repository(folderStore(join(folder, 'none'))).list()).toEqual([])
  })

  it('takes what a snapshot is from its manifest, whatever the files are called', async () => {
    const manifest = await save()
    await rename(join(folder, `${STEM}.json`), join(folder, 'renamed.json'))
    const [listed] = await shelf().list()
    expect(listed).toEqual({ kind: 'snapshot', manifest, stem: 'renamed' })
    expect((await shelf().update('renamed', { comment: 'new' })).comment).toBe('new')
  })

  it('says what is wrong with a snapshot whose data is gone or cut', async () => {
    const manifest = await save()
    const flaw = async () => (await shelf().list()).map((each) => (each.kind === 'snapshot' ? each.flaw : each.kind))
    expect(await flaw()).toEqual([undefined])
    await truncate(join(folder, `${STEM}.sql`), 10)
    expect(await flaw()).toEqual([`${STEM}.sql has 10 bytes instead of ${manifest.files[0]?.stored.bytes}`])
    await rm(join(folder, `${STEM}.sql`))
    expect(await flaw()).toEqual([`${STEM}.sql is gone`])
  })

  const damages: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ['is empty', () => writeFile(join(folder, `${STEM}.json`), ''), /it is empty/],
    ['is cut', () => truncate(join(folder, `${STEM}.json`), 200), /not JSON/],
    ['is another thing', () => rewrite(() => [1, 2]), /damaged/],
    ['is null', () => rewrite(() => null), /damaged/],
    ['lacks a field', () => rewrite(({ census: _, ...rest }) => rest), /census/],
    ['has a wrong digest', () => rewrite((all) => ({ ...all, id: '../../x' })), /id/],
    ['leads out of its folder', () => rewrite(withName('../../etc/passwd')), /not the name of a file/],
    ['leads to an absolute path', () => rewrite(withName('/etc/passwd')), /not the name of a file/],
    ['leads to a hidden file', () => rewrite(withName('.ssh')), /not the name of a file/],
    ['leads nowhere', () => rewrite(withName('')), /not the name of a file/],
    ['was made by a newer Hayai', () => rewrite((all) => ({ ...all, formatVersion: 2, files: 'new' })), /newer Hayai/],
    ['is far too large', () => writeFile(join(folder, `${STEM}.json`), Buffer.alloc(17 * 1024 * 1024, 32)), /far too large/],
  ]
  const withName = (name: string) => (all: Record<string, unknown>) => {
    const [file] = all['files'] as object[]
    return { ...all, files: [{ ...file, name }] }
  }
  it.each(damages)('shows a manifest that %s as damaged, and its data as foreign', async (_, damage, reason) => {
    await save()
    await damage()
    const listed = await shelf().list()
    expect(listed.map(({ kind }) => kind).sort()).toEqual(['damaged', 'foreign'])
    expect(listed.find((each) => each.kind === 'damaged')).toMatchObject({
      name: `${STEM}.json`,
      reason: expect.stringMatching(reason) as string,
    })
    await expect(shelf().update(STEM, { pinned: true })).rejects.toMatchObject({
      code: expect.stringMatching(/CORRUPT|ENVIRONMENT/) as string,
    })
  })

  it('of thousands is whole', async () => {
    const manifest = await save()
    for (let number = 0; number < 3000; number++) {
      const [file] = manifest.files
      const copy = { ...manifest, id: randomBytes(16).toString('hex'), files: [{ ...file, name: `c${number}.sql` }] }
      await writeFile(join(folder, `c${number}.json`), JSON.stringify(copy))
      await writeFile(join(folder, `c${number}.sql`), '')
    }
    expect(await shelf().list()).toHaveLength(3001)
  }, 60_000)
})

describe('a snapshot', () => {
  const file = (extension: string) => join(folder, STEM + extension)
  const flip = async (path: string, at: number): Promise<void> => {
    const content = await readFile(path)
    content.writeUInt8(content.readUInt8(at) ^ 1, at)
    await writeFile(path, content)
  }
  const hurts: readonly (readonly [string, (path: string) => Promise<void>, RegExp])[] = [
    ['was emptied', (path) => truncate(path, 0), /has 0 bytes instead of/],
    ['was cut by one byte', async (path) => truncate(path, (await readFile(path)).length - 1), /bytes instead of/],
    ['has grown', async (path) => writeFile(path, '\n', { flag: 'a' }), /bytes instead of/],
    ['has one bit flipped at its start', (path) => flip(path, 0), /SHA-256/],
    ['has one bit flipped in its middle', (path) => flip(path, 30_000), /SHA-256/],
    ['is gone', (path) => rm(path), /is gone/],
  ]
  describe.each([
    ['none', '.sql'],
    ['gzip', '.sql.gz'],
    ['zstd', '.sql.zst'],
  ])('with the codec %s', (codec, extension) => {
    it.each(hurts)('that %s is refused', async (_, hurt, message) => {
      const manifest = await save(codec)
      await hurt(file(extension))
      await expect(shelf().verifyDigest(manifest, () => {}, quiet)).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringMatching(message) as string,
        details: { file: STEM + extension, expected: manifest.files[0]?.stored },
      })
    })

    it.each(hurts)('that %s is refused by who digests what he reads, at its end at the latest', async (_, hurt) => {
      const manifest = await save(codec)
      const whole = await buffer(shelf().open(manifest))
      expect(await buffer(shelf().openDigested(manifest))).toEqual(whole)
      await hurt(file(extension))
      await expect(drain(shelf().openDigested(manifest))).rejects.toMatchObject({ code: 'CORRUPT' })
    })

    it('that was cut is refused also by who reads it without looking first', async () => {
      const manifest = await save(codec)
      await truncate(file(extension), 20_000)
      await expect(drain(shelf().open(manifest))).rejects.toMatchObject({ code: 'CORRUPT' })
    })
  })

  it('keeps what was said of it, and only that changes', async () => {
    const manifest = await save()
    const verification = { at: '2026-01-09T00:00:00.000Z', ok: true, detail: 'restored aside' }
    expect(await shelf().update(STEM, { verification })).toEqual({ ...manifest, verification })
    await shelf().update(STEM, { pinned: true, tags: ['kept'] })
    const [listed] = await shelf().list()
    expect(listed).toEqual({ kind: 'snapshot', stem: STEM, manifest: { ...manifest, verification, pinned: true, tags: ['kept'] } })
    await rm(file('.json'))
    await expect(shelf().update(STEM, { pinned: true })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('can be stopped being checked', async () => {
    const manifest: Manifest = await save()
    const reason = new Error('enough')
    await expect(shelf().verifyDigest(manifest, () => {}, AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  it('is what it is in another folder too', async () => {
    const manifest = await save('gzip')
    await mkdir(join(folder, 'copy'))
    for (const extension of ['.json', '.sql.gz']) await copyFile(file(extension), join(folder, 'copy', STEM + extension))
    const copy = repository(folderStore(join(folder, 'copy')))
    expect(await copy.list()).toEqual([{ kind: 'snapshot', manifest, stem: STEM }])
    await copy.verifyDigest(manifest, () => {}, quiet)
  })
})

describe('names', () => {
  const database = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/)
  const date = fc.date({ min: new Date('1970-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })

  it('are made of database, second and codec', () => {
    const at = new Date('2026-01-08T10:30:45.999Z')
    expect(stemOf('mydb', at)).toBe('mydb-snapshot-2026-01-08T10-30-45Z')
    expect(fileNameOf(stemOf('mydb', at, 2), '.sql', 'gzip')).toBe('mydb-snapshot-2026-01-08T10-30-45Z-2.sql.gz')
    expect(fileNameOf('x', '.db', 'none')).toBe('x.db')
    expect(manifestNameOf('x')).toBe('x.json')
  })

  it('of Hayai are guessed back, for show', () => {
    fc.assert(
      fc.property(
        database,
        date,
        fc.constantFrom('.sql', '.db', '.rdb', '.tar'),
        fc.constantFrom('none', 'gzip', 'zstd'),
        (name, at, extension, codec) => {
          const stem = stemOf(name, at)
          expect(stemIn(manifestNameOf(stem))).toBe(stem)
          const guessed = guess(fileNameOf(stem, extension, codec))
          expect(guessed?.extension).toBe(extension)
          if (!name.includes('-snapshot-')) expect(guessed?.database).toBe(name)
        },
      ),
    )
  })

  it('of any other kind do no harm', () => {
    fc.assert(fc.property(fc.string(), (name) => void [guess(name), stemIn(name)]))
    expect(guess('dump.tgz')).toBeUndefined()
    expect(guess('.sql')).toBeUndefined()
    expect(stemIn('.json')).toBeUndefined()
  })
})

describe('compareCensus', () => {
  const rows = { what: 'row', of: 'table' }

  it('of a moving census asks for the tables that stood all the while, and for no count', () => {
    const expected: Census = { tables: { kept: 3, gone: 1 }, objects: { indexes: 2 }, moving: true }
    expect(compareCensus(expected, { tables: { kept: 9, gone: 0, made: 1 }, objects: { indexes: 7, views: 1 } }, rows)).toEqual([])
    expect(compareCensus(expected, { tables: { kept: 3, made: 1 }, objects: { indexes: 2 } }, rows)).toEqual([
      'gone expected, and it is not there',
    ])
  })

  const counts = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('constructor', 'toString', 'a/public.b')), fc.nat(9))
  const census = fc.record({ tables: counts, objects: counts })

  it('finds nothing between equals, and one thing for each that differs', () => {
    fc.assert(
      fc.property(census, census, (one, other) => {
        expect(compareCensus(one, structuredClone(one), rows)).toEqual([])
        const names = (part: 'tables' | 'objects') => [...new Set([...Object.keys(one[part]), ...Object.keys(other[part])])]
        const differing = (part: 'tables' | 'objects') => names(part).filter((name) => own(one[part], name) !== own(other[part], name))
        expect(compareCensus(one, other, rows)).toHaveLength(differing('tables').length + differing('objects').length)
      }),
    )
  })

  it('says what in words', () => {
    const expected = { tables: { orders: 1, gone: 2 }, objects: { roles: 3 } }
    const found = { tables: { orders: 5, new: 4 }, objects: { roles: 2 } }
    expect(compareCensus(expected, found, rows)).toEqual([
      '1 row in orders expected, 5 found',
      '2 rows in gone expected, and it is not there',
      '4 rows in new found, and there was no such thing in the snapshot',
      '3 roles expected, 2 found',
    ])
    const keys = { what: 'key', of: 'db' }
    expect(compareCensus({ tables: { db0: 2 }, objects: {} }, { tables: { db0: 1 }, objects: {} }, keys)).toEqual([
      '2 keys in db0 expected, 1 found',
    ])
  })

  function own(counts: Readonly<Record<string, number>>, name: string): number | undefined {
    return Object.hasOwn(counts, name) ? counts[name] : undefined
  }
})
