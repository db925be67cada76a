// POSTGRES_ARCHIVE_MODE and `./archives/postgres:/archives`, on a real server: segments are whole, none is taken for another, and an
// archive folder that is full or gone costs nothing but room.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { openProject, type Project } from '../../src/index.ts'
import { image, noDocker } from '../runtimes/compose/docker.ts'
import { pg, postgresql } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'

vi.setConfig({ testTimeout: 120_000 })

const mayMount = (() => {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

const missing = process.env['CI'] === undefined ? postgresql.missing : undefined

describe.skipIf(missing !== undefined)(`the archive of WAL${missing === undefined ? '' : ` (${missing})`}`, () => {
  let scene: Stage
  let project: Project
  let archive = ''
  beforeAll(async () => {
    scene = await stage()
    const text = `version: "1.0"
databases:
  shop:
    engine: postgresql
    port: ${await freePort()}
    environment:
      POSTGRES_ARCHIVE_MODE: "on"
      POSTGRES_WAL_LEVEL: "replica"
    volumes:
      - "./archives/it's 100% %p:/archives"
      - "./backups/postgres:/backups"
`
    await writeFile(join(scene.root, '.hayaidb'), text)
    project = await openProject({ cwd: scene.root })
    await project.initDeclared()
    await project.start([])
    archive = join(scene.root, "archives/it's 100% %p")
  })
  afterAll(() => scene.close())

  const sql = (statements: string): Promise<string> => postgresql.run(project, 'shop', statements)
  /** Fills a segment: its name. */
  const segment = (): Promise<string> =>
    sql(`DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT generate_series(1, 1000) n;
         SELECT pg_walfile_name(pg_switch_wal()) OFFSET 0`)
  const archived = async (name: string): Promise<void> => {
    await vi.waitFor(async () => expect(await sql(`SELECT last_archived_wal >= '${name}' FROM pg_stat_archiver`)).toBe('t'), 60_000)
  }
  const failing = async (name: string): Promise<void> => {
    const asked = `SELECT last_failed_wal = '${name}' AND last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver`
    await vi.waitFor(async () => expect(await sql(asked)).toBe('t'), 60_000)
  }
  /** Every folder of segments: `<system>/<mark>`. */
  const folders = (): readonly string[] =>
    readdirSync(archive).flatMap((system) => readdirSync(join(archive, system)).map((mark) => join(archive, system, mark)))
  const live = async (): Promise<string> => {
    const system = await sql('SELECT system_identifier FROM pg_control_system()')
    const { generation } = (await project.list()).find(({ name }) => name === 'shop') ?? expect.fail('no shop')
    return folders().find((folder) => folder.startsWith(join(archive, system, `${generation}-`))) ?? expect.fail('it has no folder')
  }
  const data = (): string => {
    const of = join(scene.root, '.hayai/data/shop')
    const { live: generation } = JSON.parse(readFileSync(join(of, 'generations.json'), 'utf8')) as { live: string }
    return join(of, generation, 'server')
  }
  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
  const told = async (): Promise<string> =>
    (await project.health()).findings.flatMap(({ kind, message }) => (kind === 'archiving' ? [message] : [])).join('\n')
  const logged = (): string => readFileSync(join(scene.root, '.hayai/logs/shop.log'), 'utf8')

  it('keeps each segment whole, in a folder of this data alone; both folders are made', async () => {
    const names = [await segment(), await segment(), await segment()]
    await archived(names.at(-1) ?? '')
    const folder = await live()
    for (const name of names) {
      expect(statSync(join(folder, name)).size).toBe(16 * 1024 * 1024)
      expect(digest(join(folder, name))).toBe(digest(join(data(), 'pg_wal', name)))
      expect(sh(pg('pg_waldump'), ['--quiet', join(folder, name)])).toBe('')
    }
    expect(readdirSync(folder).filter((name) => !/^[0-9A-F]{24}$/.test(name))).toEqual([])
    expect(statSync(archive).mode & 0o777).toBe(0o700)
    expect(existsSync(join(scene.root, 'backups/postgres'))).toBe(true)
    expect(await told()).toBe('')
  })

  it('takes the same segment twice, and never overwrites another one of that name', async () => {
    const first = await segment()
    await archived(first)
    const folder = await live()
    const status = join(data(), 'pg_wal/archive_status')
    await rename(join(status, `${first}.done`), join(status, `${first}.ready`))
    const next = (parseInt(first.slice(16), 16) + 1).toString(16).toUpperCase().padStart(8, '0')
    const foreign = join(folder, first.slice(0, 16) + next)
    await writeFile(foreign, 'of somebody else')
    const name = await segment()
    expect(foreign.endsWith(name)).toBe(true)
    await failing(name)
    expect(existsSync(join(status, `${first}.done`))).toBe(true)
    expect(readFileSync(foreign, 'utf8')).toBe('of somebody else')
    expect(logged()).toMatch(new RegExp(`hayai: ${name} is not archived: .*${name} is there already, and is another one`))
    expect(await told()).toMatch(
      new RegExp(`"shop" has 1 file of its log \\(WAL, 16 MB\\) that wait.* since 20.*; archiving ${name} failed at 20`),
    )
    await expect(project.snapshot({ database: 'shop', format: 'tar' })).rejects.toMatchObject({ code: 'CONFLICT' })
    await rm(foreign)
    await archived(await segment())
    expect(digest(foreign)).toBe(digest(join(data(), 'pg_wal', name)))
    expect(await told()).toBe('')
  })

  it('waits while the folder is missing, and goes on where it comes back', async () => {
    await rename(archive, `${archive}.away`)
    const name = await segment()
    await failing(name)
    expect(existsSync(archive)).toBe(false)
    expect(logged()).toContain(`hayai: ${name} is not archived: the archive folder is missing`)
    expect(await told()).toContain('that wait to be archived')
    await rename(`${archive}.away`, archive)
    await archived(await segment())
    expect(existsSync(join(await live(), name))).toBe(true)
  })

  it('starts also where the folder cannot be made, and waits there, too', async () => {
    const above = join(scene.root, 'archives')
    await rename(above, `${above}.away`)
    await writeFile(above, 'a file')
    await project.stop([])
    await project.start([])
    const name = await segment()
    await failing(name)
    expect(await told()).toContain('that wait to be archived')
    await rm(above)
    await rename(`${above}.away`, above)
    await project.stop([])
    await project.start([])
    await archived(await segment())
    expect(existsSync(join(await live(), name))).toBe(true)
  })

  it.skipIf(!mayMount)('waits while the disk of the folder is full, leaves no piece there, and the database works on', async () => {
    const kept = `${archive}.kept`
    await rename(archive, kept)
    await mkdir(archive)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0777', 'tmpfs', archive])
    try {
      await archived(await segment())
      const name = await segment()
      await failing(name)
      const folder = await live()
      expect(readdirSync(folder)).not.toContain(name)
      expect(readdirSync(folder).filter((each) => each.startsWith('.'))).toEqual([])
      expect(logged()).toMatch(new RegExp(`hayai: ${name} is not archived: dd: .*No space left on device`))
      const later = await segment()
      expect(await sql('SELECT count(*) FROM t')).toBe('1000')
      expect(await told()).toContain('has 2 files of its log (WAL, 32 MB)')
      execFileSync('mount', ['-o', 'remount,size=200m', archive])
      await archived(await segment())
      expect(readdirSync(folder)).toEqual(expect.arrayContaining([name, later]))
    } finally {
      execFileSync('umount', [archive])
      await rm(archive, { recursive: true })
      await rename(kept, archive)
    }
  })

  it('keeps apart what a restored database writes, also where it is a copy with the same identity', async () => {
    const before = await live()
    const kept = readdirSync(before).map((name) => [name, digest(join(before, name))])
    for (const format of ['sql', 'tar']) {
      const { snapshot } = await project.snapshot({ database: 'shop', format })
      await project.restore({ reference: snapshot?.id ?? '' })
      expect(await sql(`SELECT current_setting('archive_mode')`)).toBe('on')
      await archived(await segment())
    }
    expect(folders()).toHaveLength(3)
    expect(readdirSync(archive)).toHaveLength(2) // the copy of the second has the second's identity
    expect(kept.filter(([name, was]) => digest(join(before, String(name))) !== was)).toEqual([])
  })
})

const without = process.env['CI'] === undefined ? (postgresql.missing ?? noDocker) : undefined

describe.skipIf(without !== undefined)(`the archive of WAL, from a container${without === undefined ? '' : ` (${without})`}`, () => {
  let scene: Stage
  afterAll(() => scene.close())

  it('is in the project, where no volume says otherwise', async () => {
    scene = await stage()
    const text = `version: "1.0"
databases:
  shop:
    engine: postgresql
    runtime: compose
    image: ${image('postgres')}
    port: ${await freePort()}
    environment: { POSTGRES_ARCHIVE_MODE: "on" }
`
    await writeFile(join(scene.root, '.hayaidb'), text)
    const project = await openProject({ cwd: scene.root })
    await project.initDeclared()
    await project.start([])
    const filled = 'CREATE TABLE t AS SELECT generate_series(1, 1000) n; SELECT pg_walfile_name(pg_switch_wal()) OFFSET 0'
    const name = await postgresql.run(project, 'shop', filled)
    await vi.waitFor(
      async () => expect(await postgresql.run(project, 'shop', 'SELECT last_archived_wal FROM pg_stat_archiver')).toBe(name),
      60_000,
    )
    const archive = join(scene.root, 'archives/shop')
    const [system = ''] = readdirSync(archive)
    const [mark = ''] = readdirSync(join(archive, system))
    expect(mark).toMatch(/^g0001-/)
    expect(sh(pg('pg_waldump'), ['--quiet', join(archive, system, mark, name)])).toBe('')
    const next = name.slice(0, 16) + (parseInt(name.slice(16), 16) + 1).toString(16).toUpperCase().padStart(8, '0')
    await writeFile(join(archive, system, mark, next), 'of somebody else')
    await postgresql.run(project, 'shop', filled.replace(' t ', ' u '))
    const told = async () => (await project.health()).findings.map(({ kind }) => kind)
    await vi.waitFor(async () => expect(await told()).toContain('archiving'), 60_000)
  })
})
