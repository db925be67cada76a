import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drain, meter, type Bytes } from '../../src/base/bytes.ts'
import { HayaiError, messageOf } from '../../src/base/errors.ts'
import { self } from '../../src/base/processes.ts'
import type { Manifest } from '../../src/snapshots/manifest.ts'
import { repository } from '../../src/snapshots/repository.ts'
import { folderStore } from '../../src/stores/folder.ts'
import { CENSUS, draft, dumpOf, options } from './dumps.ts'
import { bundled } from '../programs.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-saving-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const STEM = 'shop-snapshot-2026-01-08T10-30-45Z'
const shelf = (place = folder) => repository(folderStore(place))
const sha256 = (file: string) => execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64)
const digestOf = (line: string) => execFileSync('sh', ['-c', `${line} | sha256sum`], { encoding: 'utf8' }).slice(0, 64)
const LINE = 'seq 700000'

describe.each([
  ['none', '.sql', ['cat']],
  ['gzip', '.sql.gz', ['gunzip', '-c']],
  ['gzip:1', '.sql.gz', ['gunzip', '-c']],
  ['zstd', '.sql.zst', ['zstd', '-dc']],
] as const)('a snapshot with the codec %s', (compression, extension, [program, ...args]) => {
  it('is a file that the stock tool reads, and a manifest that says what it is', async () => {
    const passed: number[] = []
    const asked = draft()
    const manifest = await shelf().save(asked, dumpOf(LINE), options(compression, { onProgress: (bytes) => passed.push(bytes) }))
    const file = join(folder, `${STEM}${extension}`)
    expect((await readdir(folder)).sort()).toEqual([`${STEM}.json`, `${STEM}${extension}`])
    expect(execFileSync('sh', ['-c', `${[program, ...args].join(' ')} '${file}' | sha256sum`], { encoding: 'utf8' }).slice(0, 64)).toBe(
      digestOf(LINE),
    )
    expect(manifest).toMatchObject({
      formatVersion: 1,
      id: asked.id,
      database: 'shop',
      format: 'sql',
      version: '15.18',
      started: '2026-01-08T10:30:40.500Z',
      instant: '2026-01-08T10:30:45.123Z',
      census: CENSUS,
      comment: 'before the migration',
      tags: ['nightly'],
      verification: null,
      pinned: false,
    })
    const bytes = Number(execFileSync('sh', ['-c', `${LINE} | wc -c`], { encoding: 'utf8' }))
    expect(manifest.files).toEqual([
      {
        name: `${STEM}${extension}`,
        codec: compression.split(':')[0],
        plain: { bytes, sha256: digestOf(LINE) },
        stored: { bytes: (await stat(file)).size, sha256: sha256(file) },
      },
    ])
    expect(passed.at(-1)).toBe(bytes)
    expect(manifest.byHand.at(-1)).toBe(`psql -f ${STEM}.sql`)
    expect(JSON.parse(await readFile(join(folder, `${STEM}.json`), 'utf8'))).toEqual(manifest)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('comes back as it was', async () => {
    const manifest = await shelf().save(draft(), dumpOf(LINE), options(compression))
    for (const bytes of [shelf().open(manifest), shelf().openForeign(manifest.files[0]?.name ?? '')]) {
      const measured = meter(bytes)
      await drain(measured.bytes)
      expect(measured.digest().sha256).toBe(digestOf(LINE))
    }
    const told: number[][] = []
    await shelf().verifyDigest(manifest, (...progress) => told.push(progress), new AbortController().signal)
    expect(told.at(-1)).toEqual([manifest.files[0]?.stored.bytes, manifest.files[0]?.stored.bytes])
  })

  it('is not there when anything fails on the way', async () => {
    const broken = async function* (bytes: Bytes): Bytes {
      yield* bytes
      throw new HayaiError('CORRUPT', 'the end marker is not there')
    }
    const failing = { ...dumpOf(LINE), facts: () => Promise.reject(new HayaiError('TOOL_FAILED', 'nothing could be counted')) }
    const interrupted = new AbortController()
    const reason = new HayaiError('INTERRUPTED', 'Ctrl-C')
    const interrupt = (bytes: number): void => {
      if (bytes > 1_000_000) interrupted.abort(reason)
    }
    const attempts: (readonly [string, () => Promise<unknown>])[] = [
      ['TOOL_FAILED', () => shelf().save(draft(), dumpOf('seq 300000; echo no more >&2; exit 1'), options(compression))],
      ['TOOL_FAILED', () => shelf().save(draft(), dumpOf('exit 1'), options(compression))],
      ['CORRUPT', () => shelf().save(draft(), dumpOf(LINE), options(compression, { check: broken }))],
      ['TOOL_FAILED', () => shelf().save(draft(), failing, options(compression))],
      [
        'INTERRUPTED',
        () => shelf().save(draft(), dumpOf(LINE), options(compression, { signal: interrupted.signal, onProgress: interrupt })),
      ],
      ['INTERRUPTED', () => shelf().save(draft(), dumpOf(LINE), options(compression, { signal: AbortSignal.abort(reason) }))],
    ]
    for (const [code, attempt] of attempts) {
      await expect(attempt()).rejects.toMatchObject({ code })
      expect(await readdir(folder)).toEqual([])
    }
  })
})

describe('snapshots of the same second', () => {
  it('get numbers, and none is lost, here or from other processes', async () => {
    const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const script = `
      const { repository } = await import(${module('../../src/snapshots/repository.ts')})
      const { folderStore } = await import(${module('../../src/stores/folder.ts')})
      const { draft, dumpOf, options } = await import(${module('./dumps.ts')})
      const shelf = repository(folderStore(${JSON.stringify(folder)}))
      await Promise.all(Array.from({ length: 10 }, () => shelf.save(draft(), dumpOf('echo ' + process.pid), options())))`
    const children = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }))
    const [, ...exits] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => shelf().save(draft(), dumpOf('echo here'), options()))),
      ...children.map((child) => once(child, 'exit')),
    ])
    expect(exits.map(([code]) => code as number)).toEqual([0, 0, 0])
    const listed = await shelf().list()
    const manifests = listed.flatMap((each) => (each.kind === 'snapshot' && each.flaw === undefined ? [each.manifest] : []))
    expect(manifests).toHaveLength(40)
    expect(new Set(manifests.map(({ id }) => id)).size).toBe(40)
    for (const manifest of manifests) await shelf().verifyDigest(manifest, () => {}, new AbortController().signal)
    expect((await readdir(folder)).sort()).toHaveLength(80)
  }, 60_000)

  it('do not take the name of a file that is there', async () => {
    await writeFile(join(folder, `${STEM}.sql`), 'made by hand')
    await writeFile(join(folder, `${STEM}-2.json`), '{}')
    const manifest = await shelf().save(draft(), dumpOf('echo x'), options())
    expect(manifest.files[0]?.name).toBe(`${STEM}-3.sql`)
    expect(await readFile(join(folder, `${STEM}.sql`), 'utf8')).toBe('made by hand')
  })
})

describe('a command that is killed', () => {
  const killed = async (moment: string): Promise<void> => {
    const child = spawn(process.execPath, [bundled('test/snapshots/doomed.ts'), folder, moment], { stdio: 'inherit' })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect(signal).toBe('SIGKILL')
  }

  it.each(['writing', 'data'])('at the moment "%s" leaves nothing that is listed, and the next one clears up', async (moment) => {
    await killed(moment)
    expect((await readdir(folder)).length).toBeGreaterThan(1)
    expect((await readdir(folder)).includes(`${STEM}.sql`)).toBe(moment === 'data')
    expect(await shelf().list()).toEqual([])
    await shelf().save(draft('other'), dumpOf('echo x'), options())
    expect((await readdir(folder)).every((name) => name.startsWith('other-'))).toBe(true)
    expect(await shelf().list()).toHaveLength(1)
  })

  it('after its manifest was there leaves a whole snapshot', async () => {
    await killed('manifest')
    const [listed] = await shelf().list()
    expect(listed?.kind).toBe('snapshot')
    await shelf().save(draft('other'), dumpOf('echo x'), options())
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
    const again = (await shelf().list()).find((each) => each.kind === 'snapshot' && each.manifest.database === 'shop')
    if (again?.kind !== 'snapshot') throw new Error('the whole snapshot was cleared away')
    await shelf().verifyDigest(again.manifest, () => {}, new AbortController().signal)
  })
})

describe('clearing up', () => {
  const note = (owner: unknown) => writeFile(join(folder, `.${STEM}.unfinished`), JSON.stringify(owner))
  const save = () => shelf().save(draft('other'), dumpOf('echo x'), options())
  const dead = { pid: 999_999_999, started: 'long ago', host: hostname(), file: `${STEM}.sql` }
  beforeEach(() => writeFile(join(folder, `${STEM}.sql`), 'data'))

  it('touches nothing of one who is at work, here or on another machine', async () => {
    for (const owner of [
      { ...self(), host: hostname(), file: `${STEM}.sql` },
      { ...dead, host: 'another' },
    ]) {
      await note(owner)
      await save()
      expect(await readdir(folder)).toContain(`${STEM}.sql`)
      expect((await shelf().list()).filter(({ kind }) => kind === 'foreign')).toEqual([])
    }
    const old = new Date(Date.now() - 8 * 24 * 60 * 60 * 1000)
    await utimes(join(folder, `.${STEM}.unfinished`), old, old)
    await save()
    expect(await readdir(folder)).not.toContain(`${STEM}.sql`)
  })

  it('deletes only the file that the dead one was making', async () => {
    await writeFile(join(folder, `${STEM}.sql.bak`), 'a copy by hand')
    await writeFile(join(folder, 'precious.sql'), 'precious')
    await note({ ...dead, file: 'precious.sql' })
    await save()
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['precious.sql', `${STEM}.sql`]))
    await note(dead)
    await save()
    expect((await readdir(folder)).filter((name) => !name.startsWith('other'))).toEqual(['precious.sql', `${STEM}.sql.bak`])
  })

  it('deletes nothing for a note that cannot be read', async () => {
    await note('nonsense')
    await save()
    expect(await readdir(folder)).toContain(`${STEM}.sql`)
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
  })
})

describe('a disk that is full', () => {
  const trials: readonly (readonly [string, string, Partial<Parameters<typeof dumpOf>[1]>])[] = [
    ['with the data', 'seq 2000000', {}],
    [
      'with the manifest',
      'seq 400000',
      { notes: Array.from({ length: 40_000 }, (_, number) => `This table could not be carried: ${number}.`) },
    ],
  ]
  it.for(trials)('%s leaves nothing', async ([, line, facts], context) => {
    const small = join(folder, 'small')
    await mkdir(small)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small], { stdio: 'pipe' })
    } catch (error) {
      return context.skip(`no small disk can be mounted here: ${messageOf(error).trim()}`)
    }
    try {
      await expect(shelf(small).save(draft(), dumpOf(line, facts), options())).rejects.toMatchObject({ code: 'STORE_FAILED' })
      expect(await readdir(small)).toEqual([])
      const manifest: Manifest = await shelf(small).save(draft(), dumpOf('echo x'), options())
      await drain(shelf(small).open(manifest))
    } finally {
      execFileSync('umount', [small])
    }
  })
})
