// A database that its owner runs with a docker-compose.yml: its data in a folder of this machine, deeper than the mount, and started again by Docker
// whatever happens. And one whose data is in no volume at all.

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { docker, image, noDocker } from '../runtimes/compose/docker.ts'
import { postgresql } from './cast.ts'
import { mayMount } from './small-disk.ts'
import { sh, stage, type Stage } from './stage.ts'

const missing = noDocker ?? postgresql.missing
const OWNER = `owner${process.pid}`
const CONTAINER = `${OWNER}_db_1`

describe('a container that others made', { timeout: 240_000 }, () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  afterEach(async () => {
    docker('rm', '--force', '--volumes', CONTAINER)
    await scene.close()
  })
  const count = () => postgresql.run(scene.project, 'users', 'SELECT count(*) FROM person')

  it('by Compose, in a folder, is as its owner made it after the restore of a physical copy, also of one that does not start any more', async () => {
    scene = await stage()
    const { project } = scene
    const folder = join(scene.root, 'owners')
    await mkdir(join(folder, 'pg'), { recursive: true })
    const service = {
      image: image('postgres'),
      restart: 'always',
      ports: [`127.0.0.1:${await freePort()}:5432`],
      volumes: ['./pg:/var/lib/postgresql/data'],
      environment: { POSTGRES_PASSWORD: 'hush', PGDATA: '/var/lib/postgresql/data/inner/pgdata' },
    }
    await writeFile(join(folder, 'docker-compose.yml'), JSON.stringify({ version: '3', services: { db: service } }))
    const compose = (...args: readonly string[]) =>
      sh('docker-compose', ['-p', OWNER, '--project-directory', folder, '-f', join(folder, 'docker-compose.yml'), ...args])
    compose('up', '-d')
    const id = docker('inspect', '--format', '{{.Id}}', CONTAINER)
    try {
      await project.init({ name: 'users', engine: 'postgresql', container: CONTAINER })
      await postgresql.run(project, 'users', 'CREATE TABLE person AS SELECT * FROM generate_series(1, 1000) id')
      await project.snapshot({ database: 'users', format: 'tar' })
      await postgresql.run(project, 'users', 'DELETE FROM person WHERE id > 10')
      await project.restore({ reference: 'users', latest: true, stopContainer: true })
      expect(await count()).toBe('1000')
      compose('up', '-d')
      expect(docker('inspect', '--format', '{{.Id}} {{.State.Running}} {{.RestartCount}}', CONTAINER)).toBe(`${id} true 0`)
      compose('restart')
      await project.start(['users'])
      expect(await count()).toBe('1000')
      expect(await readdir(join(folder, 'pg'))).toEqual(['inner'])
      expect(await readdir(join(folder, 'pg', 'inner'))).toEqual(['pgdata'])
      await project.undo('users')
      expect(await count()).toBe('10')

      // What cannot be read any more is what is restored most.
      docker('stop', CONTAINER)
      await writeFile(join(folder, 'pg', 'inner', 'pgdata', 'global', 'pg_control'), 'no')
      docker('start', CONTAINER)
      expect(await project.restore({ reference: 'users', latest: true, stopContainer: true })).toMatchObject({ container: CONTAINER })
      expect(await count()).toBe('1000')
      await expect(project.undo('users')).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      expect(await count()).toBe('1000')
    } finally {
      compose('down')
    }
  })

  it('with its data in no volume is restored beside it alone', async () => {
    scene = await stage()
    const { project } = scene
    const variables = ['--env=POSTGRES_PASSWORD=hush', '--env=PGDATA=/srv/pg']
    docker('run', '--detach', `--name=${CONTAINER}`, `--publish=127.0.0.1:${await freePort()}:5432`, ...variables, image('postgres'))
    await project.init({ name: 'users', engine: 'postgresql', container: CONTAINER })
    await postgresql.run(project, 'users', 'CREATE TABLE person AS SELECT 1 AS id')
    await project.snapshot({ database: 'users' })
    for (const how of [{ dryRun: true }, { stopContainer: true }]) {
      await expect(project.restore({ reference: 'users', latest: true, ...how })).rejects.toMatchObject({
        code: 'WRONG_STATE',
        message: expect.stringContaining('/srv/pg') as string,
        hint: expect.stringContaining('--to NAME') as string,
      })
    }
    expect(await count()).toBe('1')
  })

  it.skipIf(!mayMount && process.env['CI'] === undefined).each([
    ['in memory alone', 'volume', 'WRONG_STATE', 'in memory alone'],
    ['on a disk that has no room for both', 'bind', 'STORE_FAILED', 'are needed where the container'],
  ] as const)('with its data %s is left running with what it has', async (_, kind, code, says) => {
    scene = await stage()
    const { project } = scene
    const disk = join(scene.root, 'disk')
    const mount = kind === 'bind' ? disk : `${OWNER}-memory`
    await mkdir(disk)
    sh('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', disk])
    docker('volume', 'create', '--opt=type=tmpfs', '--opt=device=tmpfs', '--opt=o=size=400m', `${OWNER}-memory`)
    try {
      const more = ['--env=POSTGRES_PASSWORD=hush', `--volume=${mount}:/var/lib/postgresql/data`]
      docker('run', '--detach', `--name=${CONTAINER}`, `--publish=127.0.0.1:${await freePort()}:5432`, ...more, image('postgres'))
      await project.init({ name: 'users', engine: 'postgresql', container: CONTAINER })
      await postgresql.run(project, 'users', 'CREATE TABLE person AS SELECT 1 AS id')
      const started = docker('inspect', '--format', '{{.State.StartedAt}}', CONTAINER)
      await project.snapshot({ database: 'users' })
      await postgresql.run(project, 'users', 'INSERT INTO person VALUES (2)')
      const request = { reference: 'users', latest: true, stopContainer: true }
      await expect(project.restore(request)).rejects.toMatchObject({ code, message: expect.stringContaining(says) as string })
      expect(docker('inspect', '--format', '{{.State.StartedAt}}', CONTAINER)).toBe(started)
      expect(await count()).toBe('2')
    } finally {
      docker('rm', '--force', '--volumes', CONTAINER)
      docker('volume', 'rm', `${OWNER}-memory`)
      sh('umount', [disk])
    }
  })
})
