import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HayaiError } from '../../src/base/errors.ts'
import { changeCatalog, readCatalog, withEvent, withSnapshotFolder, type Catalog, type DatabaseRecord } from '../../src/project/catalog.ts'
import { pathsOf } from '../../src/project/paths.ts'
import { containing, freshFolder, matching } from './folder.ts'

const record: DatabaseRecord = {
  id: '5f0c3b52-6f0d-4f0e-9a3e-0d9b8c1a2b3c',
  engine: 'postgresql',
  runtime: 'native',
  version: null,
  port: 5432,
  file: null,
  created: '2026-01-08T10:30:45.000Z',
}

const adding =
  (name: string, more: Partial<DatabaseRecord> = {}) =>
  (catalog: Catalog) => ({
    ...catalog,
    databases: { ...catalog.databases, [name]: { ...record, ...more } },
  })

const failure = async (work: Promise<unknown>): Promise<HayaiError> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof HayaiError)) throw new Error(`expected a HayaiError, got ${String(error)}`)
  return error
}

describe('the catalog', () => {
  it('is empty where there is none, and reading it makes nothing', async () => {
    const root = await freshFolder()
    expect(await readCatalog(root)).toEqual({ formatVersion: 1, project: '', databases: {}, removed: [], snapshotFolders: [], history: [] })
    expect(await readdir(root)).toEqual([])
  })

  it('keeps what is put into it, and its project id for good', async () => {
    const root = await freshFolder()
    const first = await changeCatalog(root, 'adding', adding('shop'))
    const second = await changeCatalog(root, 'adding', adding('cache', { port: null, file: '/srv/x.db' }))
    expect(first.project).toMatch(/^[0-9a-f-]{36}$/)
    expect(second.project).toBe(first.project)
    expect(await readCatalog(root)).toEqual(second)
    expect(second.databases).toEqual({ shop: record, cache: { ...record, port: null, file: '/srv/x.db' } })
  })

  it('keeps every field of a removed database, of the history and of the folders', async () => {
    const root = await freshFolder()
    const removed = {
      name: 'shop',
      record,
      removedAt: '2026-01-08T10:30:45.000Z',
      until: '2026-01-15T10:30:45.000Z',
      trash: pathsOf(root).trash('shop', record.id),
      keptDeclaration: { entry: { engine: 'postgresql', environment: { POSTGRES_DB: 'x' } }, source: 'shop: # mine\n  engine: postgresql' },
    }
    await changeCatalog(root, 'removing', (catalog) =>
      withSnapshotFolder(withEvent({ ...catalog, removed: [removed] }, 'removed', 'shop', new Date(0)), '/mnt/snapshots'),
    )
    expect(await readCatalog(root)).toMatchObject({
      removed: [removed],
      snapshotFolders: ['/mnt/snapshots'],
      history: [{ at: '1970-01-01T00:00:00.000Z', what: 'removed', database: 'shop' }],
    })
  })

  it('keeps fields that a newer Hayai added', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const { catalog } = pathsOf(root)
    const newer = (await readFile(catalog, 'utf8')).replace('"engine"', '"colour": "red", "engine"').replace('{', '{ "plans": ["daily"],')
    await writeFile(catalog, newer)
    await changeCatalog(root, 'adding', adding('cache'))
    expect(JSON.parse(await readFile(catalog, 'utf8'))).toMatchObject({
      plans: ['daily'],
      databases: { shop: { colour: 'red' }, cache: record },
    })
  })

  it('has no database that was not put there, not even "constructor"', async () => {
    const root = await freshFolder()
    expect((await readCatalog(root)).databases['constructor']).toBeUndefined()
    await changeCatalog(root, 'adding', adding('shop'))
    expect((await readCatalog(root)).databases['constructor']).toBeUndefined()
    await changeCatalog(root, 'adding', adding('constructor'))
    expect((await readCatalog(root)).databases['constructor']).toEqual(record)
  })

  it('lies in a folder for its owner alone, which git does not see', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const { own, ignoreFile, catalog } = pathsOf(root)
    expect((await stat(own)).mode & 0o777).toBe(0o700)
    expect((await stat(catalog)).mode & 0o777).toBe(0o600)
    expect(await readFile(ignoreFile, 'utf8')).toBe('*\n')
    const git = spawn('git', ['init', '-q', root])
    expect((await once(git, 'exit'))[0]).toBe(0)
    const status = spawn('git', ['-C', root, 'status', '--porcelain', '--ignored=no'])
    let seen = ''
    status.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    await once(status, 'close')
    expect(seen).toBe('')
  })

  it('leaves an ignore file that somebody wrote as it is', async () => {
    const root = await freshFolder()
    const { own, ignoreFile } = pathsOf(root)
    await mkdir(own)
    await writeFile(ignoreFile, '# mine\n')
    await changeCatalog(root, 'adding', adding('shop'))
    expect(await readFile(ignoreFile, 'utf8')).toBe('# mine\n')
  })

  it('writes nothing when nothing changes, or when the change fails', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const before = await stat(pathsOf(root).catalog, { bigint: true })
    await changeCatalog(root, 'looking', (catalog) => catalog)
    await expect(
      changeCatalog(root, 'failing', () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect((await stat(pathsOf(root).catalog, { bigint: true })).ino).toBe(before.ino)
  })

  it('never writes what it would refuse to read', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    await expect(changeCatalog(root, 'spoiling', adding('cache', { port: 70_000 }))).rejects.toThrow('databases.cache.port')
    expect(Object.keys((await readCatalog(root)).databases)).toEqual(['shop'])
  })

  it('gives the project id to the very first change', async () => {
    const root = await freshFolder()
    let seen = ''
    const { project } = await changeCatalog(root, 'looking', (catalog) => {
      seen = catalog.project
      return catalog
    })
    expect(seen).toMatch(/^[0-9a-f-]{36}$/)
    expect(project).toBe(seen)
    expect((await readCatalog(root)).project).toBe(seen)
  })
})

describe('a catalog that many change', () => {
  const changer = (root: string, name: string) =>
    spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { changeCatalog } from ${JSON.stringify(new URL('../../src/project/catalog.ts', import.meta.url).pathname)}
         await changeCatalog(${JSON.stringify(root)}, 'adding', (catalog) => ({ ...catalog,
           databases: { ...catalog.databases, ${JSON.stringify(name)}: { ...${JSON.stringify(record)}, port: 5000 + Object.keys(catalog.databases).length } } }))`,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )

  it('loses nothing of forty at once, from eight processes and this one', async () => {
    const root = await freshFolder()
    const others = Array.from({ length: 8 }, (_, index) => once(changer(root, `other-${index}`), 'exit'))
    const own = Array.from({ length: 32 }, (_, index) =>
      changeCatalog(root, 'adding', (catalog) => adding(`own-${index}`, { port: 5000 + Object.keys(catalog.databases).length })(catalog)),
    )
    expect((await Promise.all(others)).map(([code]) => Number(code))).toEqual(Array(8).fill(0))
    await Promise.all(own)
    const { databases } = await readCatalog(root)
    expect(Object.keys(databases)).toHaveLength(40)
    expect(new Set(Object.values(databases).map(({ port }) => port)).size).toBe(40)
  }, 60_000)

  it('goes on when one that holds it is killed, and clears what that one left half-made', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const { own } = pathsOf(root)
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { changeCatalog } from ${JSON.stringify(new URL('../../src/project/catalog.ts', import.meta.url).pathname)}
         import { temporaryName } from ${JSON.stringify(new URL('../../src/base/files.ts', import.meta.url).pathname)}
         import { writeFileSync } from 'node:fs'
         await changeCatalog(${JSON.stringify(root)}, 'hanging', async () => {
           writeFileSync(${JSON.stringify(own)} + '/' + temporaryName('catalog.json'), '{"half":')
           console.log('in')
           await new Promise((resolve) => setTimeout(resolve, 60_000))
         })`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    expect((await readdir(own)).filter((name) => name.endsWith('.partial'))).toHaveLength(1)
    const waiting = await failure(changeCatalog(root, 'waiting', adding('cache'), { patience: 50 }))
    expect(waiting).toMatchObject({ code: 'LOCKED', message: containing(`process ${child.pid}, hanging`) })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(Object.keys((await changeCatalog(root, 'adding', adding('cache'))).databases)).toEqual(['shop', 'cache'])
    expect((await readdir(own)).filter((name) => name.endsWith('.partial'))).toEqual([])
  })
})

describe('a damaged catalog', () => {
  const bad: readonly [string, (good: string) => string, string][] = [
    ['empty', () => '', 'it is empty'],
    ['zeros', (good) => '\0'.repeat(good.length), 'it is not JSON'],
    ['cut', (good) => good.slice(0, good.length / 2), 'it is not JSON'],
    ['a list', () => '[]', 'not an object'],
    ['without a version', (good) => good.replace('formatVersion', 'version'), 'formatVersion is not'],
    ['with a port as text', (good) => good.replace('5432', '"5432"'), 'databases.shop.port is not a whole number'],
    ['with a name that leads out', (good) => good.replace('"shop"', '"../shop"'), '"../shop"'],
    ['with a relative file', (good) => good.replace('"file": null', '"file": "x.db"'), 'databases.shop.file is not an absolute path'],
    ['without a list', (good) => good.replace('"removed": []', '"removed": {}'), 'removed is not a list'],
    ['with an impossible time', (good) => good.replace('2026-01-08', '2026-13-45'), 'databases.shop.created is not a time'],
  ]

  it.each(bad)('is refused and stays as it is: %s', async (_what, spoil, says) => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const { catalog } = pathsOf(root)
    const spoilt = spoil(await readFile(catalog, 'utf8'))
    await writeFile(catalog, spoilt)
    for (const work of [() => readCatalog(root), () => changeCatalog(root, 'adding', adding('cache'))]) {
      const error = await failure(work())
      expect(error).toMatchObject({ code: 'CORRUPT', exitStatus: 9, message: containing(catalog) })
      expect(error.message).toContain(says)
      expect(error.hint).toContain('Nothing was changed')
    }
    expect(await readFile(catalog, 'utf8')).toBe(spoilt)
  })

  it('points to the copy from before the last change, and that copy works', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    await changeCatalog(root, 'adding', adding('cache'))
    const { catalog, previousCatalog } = pathsOf(root)
    await writeFile(catalog, '{')
    expect((await failure(readCatalog(root))).hint).toContain(`cp ${previousCatalog} ${catalog}`)
    await writeFile(catalog, await readFile(previousCatalog))
    expect(Object.keys((await readCatalog(root)).databases)).toEqual(['shop'])
    await writeFile(catalog, '{')
    await writeFile(previousCatalog, '{')
    expect((await failure(readCatalog(root))).hint).not.toContain(`cp ${previousCatalog}`)
  })

  it('does not show what it holds', async () => {
    const root = await freshFolder()
    await mkdir(pathsOf(root).own)
    await writeFile(pathsOf(root).catalog, '{"removed": [{"POSTGRES_PASSWORD": "hunter2" "x"}]}')
    const error = await failure(readCatalog(root))
    expect(`${error.message} ${error.hint} ${JSON.stringify(error.details)} ${String(error.cause)}`).not.toContain('hunter2')
  })

  it('is never taken for a good one, and never overwritten, wherever it is damaged', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const { catalog } = pathsOf(root)
    const good = await readFile(catalog)
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.boolean(), fc.integer({ min: 1, max: 255 }), async (at, cut, flip) => {
        const spoilt = cut ? good.subarray(0, at) : Buffer.from(good.map((byte, index) => (index === at ? byte ^ flip : byte)))
        await writeFile(catalog, spoilt)
        const read = await readCatalog(root).catch((error: unknown) => error)
        if (read instanceof Error) {
          expect(['CORRUPT', 'ENVIRONMENT']).toContain((read as HayaiError).code)
          await expect(changeCatalog(root, 'adding', adding('cache'))).rejects.toBeInstanceOf(HayaiError)
          expect(await readFile(catalog)).toEqual(spoilt)
        } else {
          expect(cut && at < good.length - 1).toBe(false)
        }
      }),
      { numRuns: 150 },
    )
  }, 60_000)

  it('of a newer format asks for a newer Hayai', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const { catalog } = pathsOf(root)
    await writeFile(catalog, (await readFile(catalog, 'utf8')).replace('"formatVersion": 1', '"formatVersion": 2'))
    expect(await failure(readCatalog(root))).toMatchObject({ code: 'ENVIRONMENT', hint: containing('Update Hayai') })
  })

  it('that is missing beside data is reported with the names of that data', async () => {
    const root = await freshFolder()
    const { data, catalog, dataDir } = pathsOf(root)
    await mkdir(data, { recursive: true })
    await mkdir(dataDir('empty'))
    expect((await readCatalog(root)).databases).toEqual({})
    await mkdir(join(dataDir('shop'), 'g1'), { recursive: true })
    expect(await failure(readCatalog(root))).toMatchObject({
      code: 'CORRUPT',
      message: matching(/catalog\.json is missing.*shop/),
    })
    await failure(changeCatalog(root, 'adding', adding('cache')))
    await expect(stat(catalog)).rejects.toMatchObject({ code: 'ENOENT' })
    await rm(dataDir('shop'), { recursive: true })
    expect((await readCatalog(root)).databases).toEqual({})
  })

  it('in whose place something else stands is no bug of Hayai', async () => {
    const root = await freshFolder()
    await mkdir(pathsOf(root).catalog, { recursive: true })
    expect(await failure(readCatalog(root))).toMatchObject({ code: 'CONFLICT', message: containing('catalog.json') })
    const other = await freshFolder()
    await writeFile(pathsOf(other).own, 'a file')
    expect(await failure(changeCatalog(other, 'adding', adding('shop')))).toMatchObject({ code: 'CONFLICT' })
  })

  it('that this user may not read says so', async () => {
    const root = await freshFolder()
    await changeCatalog(root, 'adding', adding('shop'))
    const { own } = pathsOf(root)
    const asOther = process.getuid?.() === 0
    if (asOther) await chmod(root, 0o755)
    else await chmod(own, 0)
    try {
      if (asOther) process.seteuid?.(65_534)
      expect(await failure(readCatalog(root))).toMatchObject({ code: 'ENVIRONMENT', message: containing('permission denied') })
    } finally {
      if (asOther) process.seteuid?.(0)
      else await chmod(own, 0o700)
    }
  })
})
