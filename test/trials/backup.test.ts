// Everything together: one backup of all databases, one restore of all, or of none; also where there is nothing yet.

import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BackupView } from '../../src/index.ts'
import { cast, type Actor } from './cast.ts'
import { stage, stageIn, type Stage } from './stage.ts'

const actors = cast.filter(({ missing }) => missing === undefined)
const nameOf = ({ engine }: Actor): string => `my-${engine}`

describe('a backup of everything', () => {
  let scene: Stage
  let made: BackupView
  const before = new Map<string, string>()

  const dumps = async (on: Stage): Promise<Map<string, string>> => {
    const all = new Map<string, string>()
    for (const actor of actors) all.set(actor.engine, await actor.dump(on.project, nameOf(actor)))
    return all
  }
  const damage = async (): Promise<void> => {
    for (const actor of actors) await actor.damage(scene.project, nameOf(actor))
  }

  beforeAll(async () => {
    scene = await stage()
    for (const actor of actors) {
      await scene.project.init({ name: nameOf(actor), engine: actor.engine })
      await scene.project.start([nameOf(actor)])
      await actor.fill(scene.project, nameOf(actor))
    }
    for (const [engine, dump] of await dumps(scene)) before.set(engine, dump)
    const answer = await scene.project.backup({ comment: 'all of it' })
    if (answer.backup === null) throw new Error('no backup')
    made = answer.backup
  })
  afterAll(() => scene.close())

  it('is a folder with a snapshot of each database, logs, configuration, a page, and a manifest', async () => {
    expect(made).toMatchObject({ whole: true, missing: [], flaws: [], comment: 'all of it' })
    expect(made.name).toMatch(/^\d{8}_\d{6}$/)
    expect(made.databases.map(({ database }) => database).toSorted()).toEqual(actors.map(nameOf).toSorted())
    const files = await readdir(made.path)
    for (const { file } of made.databases) expect(files).toContain(file)
    expect(made.databases.find(({ engine }) => engine === 'postgresql')?.file).toBe('my-postgresql_backup.sql')
    expect(files).toEqual(expect.arrayContaining(['backup_info.txt', 'config', 'logs_backup', 'manifest.json']))
    expect(await readdir(join(made.path, 'logs_backup'))).toEqual(expect.arrayContaining(['hayai.log', 'postgresql.log']))
    const info = await readFile(join(made.path, 'backup_info.txt'), 'utf8')
    expect(info).toMatch(/^Backup created at: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \S+ \d{4}$/m)
    expect(info).toContain(`Directory: backups/${made.name}\n`)
    expect(info).toContain(`Number of databases: ${actors.length}\n`)
    expect(await readlink(join(scene.root, 'backups/latest'))).toBe(made.name)
    expect((await scene.project.backups()).map(({ id }) => id)).toEqual([made.id])
    expect(await readdir(join(scene.root, 'backups'))).toEqual([made.name, 'latest'])
  })

  it('tells how far its databases are apart, and none is of an earlier moment than it says', () => {
    const instants = made.databases.map(({ instant }) => Date.parse(instant))
    expect(Math.min(...instants)).toBeGreaterThanOrEqual(Date.parse(made.created ?? ''))
    expect(Math.max(...instants) - Date.parse(made.created ?? '')).toBe(made.distance)
  })

  it('holds the settings in force, without passwords', async () => {
    const settingsOf = async (engine: string): Promise<unknown> =>
      JSON.parse(await readFile(join(made.path, `config/my-${engine}.settings.json`), 'utf8'))
    const known: Readonly<Record<string, unknown>> = {
      postgresql: { shared_buffers: expect.stringMatching(/MB|GB/) as string, listen_addresses: '127.0.0.1' },
      mariadb: { bind_address: '127.0.0.1', innodb_log_file_size: '33554432' },
      redis: { bind: expect.stringContaining('127.0.0.1') as string, maxmemory: '0' },
    }
    for (const { engine, servers } of actors) {
      if (servers > 0) expect(await settingsOf(engine)).toMatchObject({ engine, settings: known[engine] })
    }
  })

  it('holds no password', async () => {
    const entries = await readdir(made.path, { recursive: true, withFileTypes: true })
    for (const actor of actors) {
      const password = (await scene.project.connect(nameOf(actor))).password?.reveal() ?? ''
      if (password === '') continue
      for (const entry of entries.filter((each) => each.isFile() && !/_backup\./.test(each.name))) {
        expect(await readFile(join(entry.parentPath, entry.name), 'latin1')).not.toContain(password)
      }
    }
  })

  it('brings all of it back; undo takes all of that back, and redo that', async () => {
    await damage()
    const damaged = await dumps(scene)
    const answer = await scene.project.restoreBackup({})
    expect(answer.databases.map(({ made: isNew }) => isNew)).toEqual(actors.map(() => false))
    expect(await dumps(scene)).toEqual(before)
    await expect(scene.project.undo()).rejects.toMatchObject({ code: 'WRONG_STATE', hint: expect.stringContaining('undo --all') as string })
    await scene.project.undoAll()
    expect(await dumps(scene)).toEqual(damaged)
    await expect(scene.project.undoAll()).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await scene.project.redoAll()
    expect(await dumps(scene)).toEqual(before)
  })

  it('changes nothing on a dry run', async () => {
    const there = await scene.project.list()
    const answer = await scene.project.restoreBackup({ reference: made.name, dryRun: true })
    expect(answer.databases.flatMap(({ checks }) => checks).every(({ ok }) => ok)).toBe(true)
    expect(await scene.project.list()).toEqual(there)
    expect(await scene.project.backup({ dryRun: true })).toMatchObject({ backup: null })
    expect(await scene.project.backups()).toHaveLength(1)
  })

  it('makes the project, its databases and their data in an empty folder', async () => {
    const place = await mkdtemp(join(tmpdir(), 'hayai-moved-'))
    const moved = join(place, basename(made.path))
    await cp(made.path, moved, { recursive: true })
    await mkdir(join(place, 'new'))
    const elsewhere = await stageIn(join(place, 'new'))
    try {
      const answer = await elsewhere.project.restoreBackup({ reference: moved })
      expect(answer).toMatchObject({ declared: true })
      expect(answer.databases.every(({ made: isNew }) => isNew)).toBe(true)
      expect(await dumps(elsewhere)).toEqual(before)
      await elsewhere.project.undoAll()
      expect(await elsewhere.project.list()).toEqual([])
      await elsewhere.project.redoAll()
      expect((await elsewhere.project.list()).map(({ name }) => name).toSorted()).toEqual(actors.map(nameOf).toSorted())
    } finally {
      await elsewhere.close()
      await rm(place, { recursive: true, force: true })
    }
  })

  it('refuses a folder in which a snapshot is changed or gone, and then no database is touched', async () => {
    const [first, second] = made.databases
    const spoilt = join(scene.root, 'spoilt')
    await cp(made.path, spoilt, { recursive: true })
    const file = join(spoilt, second?.file ?? '')
    const bytes = await readFile(file)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    await writeFile(file, bytes)
    const generations = await scene.project.list()
    await expect(scene.project.restoreBackup({ reference: spoilt })).rejects.toMatchObject({ code: 'CORRUPT' })
    await rm(file)
    await expect(scene.project.restoreBackup({ reference: spoilt })).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await scene.project.showBackup({ reference: spoilt })).toMatchObject({ whole: false, flaws: [`${second?.file} is gone.`] })
    expect(await scene.project.list()).toEqual(generations)
    await writeFile(join(spoilt, 'note.txt'), 'not of this backup')
    const answer = await scene.project.restoreBackup({ reference: spoilt, databases: [first?.database ?? ''] })
    expect(answer.notes.join('\n')).toContain('note.txt')
    await rm(join(spoilt, 'manifest.json'))
    await expect(scene.project.restoreBackup({ reference: spoilt })).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('is not made when one database fails; or says that it is partial, if that is wanted', async () => {
    const server = actors.find(({ servers }) => servers > 0)
    if (server === undefined) return
    await scene.project.stop([nameOf(server)])
    await expect(scene.project.backup()).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining(`because "${nameOf(server)}" failed`) as string,
    })
    expect(await scene.project.backups()).toHaveLength(1)
    const { backup } = await scene.project.backup({ keepGoing: true })
    expect(backup).toMatchObject({ whole: false, missing: [{ database: nameOf(server), code: 'WRONG_STATE' }] })
    expect(await readFile(join(backup?.path ?? '', 'backup_info.txt'), 'utf8')).toContain(`PARTIAL: not in it: ${nameOf(server)}`)
    expect(await readlink(join(scene.root, 'backups/latest'))).toBe(made.name)
    await scene.project.start([nameOf(server)])
  })
})
