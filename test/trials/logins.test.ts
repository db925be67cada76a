// Users and passwords that are among the data, in a copy of the folder: what Hayai knows of the login follows the data, into a new database,
// into one that has its own, and back. Tried with PostgreSQL as TimescaleDB's image is told it; who is let in, its server says.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Project } from '../../src/index.ts'
import { image, noDocker } from '../runtimes/compose/docker.ts'
import { pg, postgresql } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'

const missing = noDocker ?? postgresql.missing

describe('a login that is among the data', { timeout: 240_000 }, () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  let reference = ''
  const entry = (user: string): string =>
    `{ engine: timescaledb, runtime: compose, image: "${image('postgres')}", environment: { POSTGRES_USER: ${user} } }`
  const ask = async (project: Project, name: string, statement: string, password?: string): Promise<string> => {
    const { port, user, password: own, database } = await project.connect(name)
    const login = ['-X', '-h', '127.0.0.1', '-p', String(port), '-U', String(user), '-d', String(database), '-Atqc', statement]
    return sh(pg('psql'), login, { PGPASSWORD: password ?? own?.reveal() ?? '' }).trim()
  }
  const said = async (name: string): Promise<string> => {
    const { user, password } = await scene.project.connect(name)
    return `${user}:${password?.reveal()}`
  }
  const enters = async (name: string): Promise<string> => ask(scene.project, name, 'SELECT current_user, v FROM t')

  beforeAll(async () => {
    scene = await stage('hayai-trial-logins-')
    await writeFile(join(scene.root, '.hayaidb'), `databases:\n  shop: ${entry('ann')}\n  other: ${entry('bob')}\n`)
    await scene.project.initDeclared()
    await scene.project.start([])
    for (const name of ['shop', 'other']) await ask(scene.project, name, `CREATE TABLE t AS SELECT '${name}' AS v`)
    reference = (await scene.project.snapshot({ database: 'shop' })).snapshot?.id ?? ''
  })
  afterAll(() => scene.close())

  it('is that of the source in a database that is made of it', async () => {
    await scene.project.clone({ from: 'shop', to: 'copy' })
    await scene.project.clone({ from: 'shop', to: 'later', snapshot: reference })
    expect((await scene.project.restore({ reference, to: 'aside' })).notes).toEqual([])
    for (const name of ['copy', 'later', 'aside']) {
      expect(await said(name)).toBe(await said('shop'))
      expect(await enters(name)).toBe('ann|shop')
    }
    await scene.project.stop(['copy', 'later', 'aside'])
  })

  it('is that of the source in one that is there, which is said, for as long as it has that data', async () => {
    const own = await said('other')
    expect(await enters('other')).toBe('bob|other')
    expect((await scene.project.restore({ reference, to: 'other' })).notes).toEqual([
      'Users and passwords are among the data of TimescaleDB: "other" now has those of "shop", and `hayai connect other` tells them.',
    ])
    expect(await said('other')).toBe(await said('shop'))
    expect(await enters('other')).toBe('ann|shop')
    await scene.project.stop(['other'])
    await scene.project.start(['other'])
    expect(await enters('other')).toBe('ann|shop')
    await scene.project.undo('other')
    expect(await said('other')).toBe(own)
    expect(await enters('other')).toBe('bob|other')
    await scene.project.redo('other')
    expect(await enters('other')).toBe('ann|shop')
    // Its own data again, in which its own login is.
    await scene.project.undo('other')
    await scene.project.snapshot({ database: 'other' })
    expect((await scene.project.restore({ reference: 'other', latest: true })).notes).toEqual([])
    expect(await said('other')).toBe(own)
    expect(await enters('other')).toBe('bob|other')
    expect((await scene.project.clone({ from: 'shop', to: 'other', force: true })).notes).toContainEqual(
      expect.stringContaining('those of "shop"'),
    )
    expect(await enters('other')).toBe('ann|shop')
  })

  it('is not known elsewhere, which is said, with the file to write it into', async () => {
    const { backup } = await scene.project.backup({ databases: ['shop'] })
    const folder = join(await mkdtemp(join(tmpdir(), 'hayai-trial-backup-')), 'backup')
    await cp(backup?.path ?? '', folder, { recursive: true })
    const there = await stage('hayai-trial-logins-')
    try {
      const file = join(there.root, '.hayai/secrets/shop.json')
      const { notes } = await there.project.restoreBackup({ reference: folder })
      expect(notes).toContainEqual(
        expect.stringMatching(/^Users and passwords are among the data of TimescaleDB: those of "shop" are now as they were/),
      )
      expect(notes.join()).toContain(file)
      await there.project.start([])
      await expect(ask(there.project, 'shop', 'SELECT v FROM t')).rejects.toThrow(/password authentication failed/)
      const { password } = await scene.project.connect('shop')
      const written = JSON.parse(await readFile(file, 'utf8')) as object
      await writeFile(file, JSON.stringify({ ...written, password: password?.reveal() }))
      expect(await ask(await there.reopen(), 'shop', 'SELECT v FROM t')).toBe('shop')
    } finally {
      await there.close()
      await rm(join(folder, '..'), { recursive: true })
    }
  })
})
