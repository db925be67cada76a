// A real upgrade in containers: the server of one image becomes that of a newer one, killed in the middle first, and comes back. From 18
// on the official image has another folder for its data, and wants to be told of ours.

import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker, noDocker, withoutImage } from '../runtimes/compose/docker.ts'
import { postgresql } from './cast.ts'
import { containersOf, stage, type Stage } from './stage.ts'

describe('PostgreSQL 15 in a container, upgraded to 18', { timeout: 240_000 }, () => {
  const missing = postgresql.missing ?? noDocker
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})
  const newer = withoutImage('postgres-18')
  if (newer !== undefined) return it.skip(`is tried: ${newer}`, () => {})

  let scene: Stage
  let older = { sql: '', tar: '' }
  const server = async (): Promise<string> => (await postgresql.run(scene.project, 'shop', 'SHOW server_version')).split('.')[0] ?? ''
  const image = (): string => docker('inspect', '--format', '{{.Config.Image}}', ...containersOf(scene.root))
  const is = async (major: string): Promise<void> => {
    expect(await server()).toBe(major)
    expect(containersOf(scene.root)).toHaveLength(1)
    expect(image()).toBe(`postgres:${major}`)
    expect((await scene.project.list())[0]).toMatchObject({ version: major, status: 'running' })
    expect(await readFile(join(scene.root, '.hayaidb'), 'utf8')).toContain(`version: "${major}" # until spring`)
    expect((await scene.project.diff({ before: older.sql, after: 'shop', data: true })).different).toBe(false)
  }
  beforeAll(async () => {
    scene = await stage()
    await writeFile(
      join(scene.root, '.hayaidb'),
      'databases:\n  shop:\n    engine: postgresql\n    runtime: compose\n    version: "15" # until spring\n',
    )
    await scene.project.initDeclared()
    await scene.project.start(['shop'])
    await postgresql.fill(scene.project, 'shop')
    await postgresql.run(scene.project, 'shop', `CREATE ROLE clerk LOGIN PASSWORD 'secret'; CREATE DATABASE beside`)
    const taken = async (format: string) => (await scene.project.snapshot({ database: 'shop', format })).snapshot?.id ?? ''
    older = { sql: await taken('sql'), tar: await taken('tar') }
  })
  afterAll(() => scene.close())

  it('is told that .hayaidb names an image of another version, also when it only plans', async () => {
    const file = join(scene.root, '.hayaidb')
    const text = await readFile(file, 'utf8')
    await writeFile(file, `${text}    image: "postgres:15"\n`)
    for (const dryRun of [true, false]) {
      await expect(scene.project.upgrade({ database: 'shop', version: '18', dryRun })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringMatching(/^the image postgres:15 is of PostgreSQL 15\.\d+, and 18 is wanted$/) as string,
      })
    }
    await writeFile(file, text)
  })

  it.each(['loading', 'switching'])('and killed while it is %s, is what it was', async (moment) => {
    const doomed = join(import.meta.dirname, 'doomed.ts')
    const { signal, stderr } = spawnSync(process.execPath, [doomed, scene.root, 'upgrade', moment, 'shop', '18'], { encoding: 'utf8' })
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
    await scene.project.start(['shop'])
    await is('15')
  })

  it('is of the newer image with all that it holds, and takes its older snapshots, but not their files', async () => {
    expect(await scene.project.upgrade({ database: 'shop', version: '18' })).toMatchObject({
      changed: true,
      notes: [],
      undo: 'hayai undo shop',
    })
    await is('18')
    expect(
      await postgresql.run(
        scene.project,
        'shop',
        `SELECT count(*) FROM pg_database, pg_roles WHERE (datname, rolname) = ('beside', 'clerk')`,
      ),
    ).toBe('1')
    await postgresql.damage(scene.project, 'shop')
    await expect(scene.project.restore({ reference: older.tar })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(/15.*18/) as string,
    })
    await scene.project.restore({ reference: older.sql })
    await is('18')
    await scene.project.undo('shop')
  })

  it('is undone and redone', async () => {
    await scene.project.undo('shop')
    await is('15')
    await scene.project.redo('shop')
    await scene.project.redo('shop')
    await scene.project.stop(['shop'])
    await scene.project.start(['shop'])
    await is('18')
  })
})
