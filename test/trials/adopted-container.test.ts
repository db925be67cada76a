// A container that was there before Hayai: adopted as it is, snapshotted, verified, cloned and restored into, and never replaced or taken away.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { hayai, plainEnvironment, PROGRAM } from '../cli/terminal.ts'
import { docker, image, noDocker } from '../runtimes/compose/docker.ts'
import { postgresql } from './cast.ts'
import { containersOf, stage, type Stage } from './stage.ts'

const CONTAINER = `users-db-db-${process.pid}`
/** What its owner made, and sees of it. */
const UNCHANGED = '{{.Id}} {{.Image}} {{.Created}} {{json .Config}} {{json .HostConfig}} {{json .Mounts}} {{json .NetworkSettings.Ports}}'
const missing = noDocker ?? postgresql.missing

describe('a container that others made', { timeout: 240_000 }, () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  beforeAll(async () => {
    scene = await stage()
    const variables = ['POSTGRES_USER=boss', 'POSTGRES_DB=people', 'POSTGRES_PASSWORD=hush'].map((each) => `--env=${each}`)
    docker('run', '--detach', `--name=${CONTAINER}`, `--publish=127.0.0.1:${await freePort()}:5432`, ...variables, image('postgres'))
  })
  afterAll(async () => {
    docker('rm', '--force', '--volumes', CONTAINER)
    await scene.close()
  })

  it('is adopted with the login that its environment tells', async () => {
    await scene.project.init({ name: 'users', engine: 'postgresql', container: CONTAINER })
    expect(await scene.project.list()).toMatchObject([{ name: 'users', runtime: 'compose', status: 'running' }])
    const { user, password, database } = await scene.project.connect('users')
    expect([user, password?.reveal(), database]).toEqual(['boss', 'hush', 'people'])
    expect(existsSync(join(scene.root, 'docker-compose.yml'))).toBe(false)
  })

  it('is snapshotted, verified and cloned', async () => {
    await postgresql.fill(scene.project, 'users')
    const before = await postgresql.dump(scene.project, 'users')
    await scene.project.snapshot({ database: 'users' })
    expect((await scene.project.verify({ reference: 'users', latest: true })).ok).toBe(true)
    await scene.project.clone({ from: 'users', to: 'copy' })
    expect(await postgresql.dump(scene.project, 'copy')).toBe(before)
    const { backup } = await scene.project.backup()
    const info = readFileSync(join(backup?.path ?? '', 'backup_info.txt'), 'utf8')
    const copies = containersOf(scene.root)
    expect(copies).toHaveLength(1)
    expect(/^Containers included: (.+)$/m.exec(info)?.[1]?.split(' ').toSorted()).toEqual([CONTAINER, ...copies].toSorted())
  })

  it('gets the data of a snapshot in its own volume, and what it had before by undo; all else of it stays', async () => {
    const { project } = scene
    const good = await postgresql.dump(project, 'users')
    const made = docker('inspect', '--format', UNCHANGED, CONTAINER)
    await postgresql.damage(project, 'users')
    await postgresql.run(project, 'users', `ALTER SYSTEM SET work_mem = '7MB'; CREATE ROLE later LOGIN`)
    const damaged = await postgresql.dump(project, 'users')
    const { port } = await project.connect('users')
    const login = { host: '127.0.0.1', port: Number(port), user: 'boss', password: 'hush', database: 'people' }
    const client = new Client(login)
    const cut = new Promise((resolve) => client.on('error', resolve))
    await client.connect()

    await expect(project.restore({ reference: 'users', latest: true })).rejects.toMatchObject({ code: 'USAGE' })
    const where = { cwd: scene.root, env: { DOCKER_HOST: process.env['DOCKER_HOST'] ?? '', NO_COLOR: '1' } }
    const unasked = await hayai(['restore', 'users', '--latest'], where)
    expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringMatching(/did not make[^]*Say so with -y/)])
    const typed = `stty cols 500; exec ${process.execPath} ${PROGRAM} restore users --latest`
    const asked = spawnSync('script', ['-qec', typed, '/dev/null'], {
      cwd: where.cwd,
      env: { ...plainEnvironment(), ...where.env },
      input: 'n',
      encoding: 'utf8',
    })
    expect(asked.stdout).toMatch(/which Hayai did not make\. It will be stopped[^]*nothing was changed/)
    expect(asked.status).toBe(130)
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    const plan = await project.restore({ reference: 'users', latest: true, dryRun: true })
    expect(plan).toMatchObject({ container: CONTAINER, dryRun: true })

    const answer = await project.restore({ reference: 'users', latest: true, stopContainer: true })
    expect(answer).toMatchObject({ container: CONTAINER, generation: { name: 'g0002' }, undo: 'hayai undo users' })
    expect(await cut).toMatchObject({ code: '57P01' }) // terminated by the administrator, not crashed
    expect(await postgresql.dump(project, 'users')).toBe(good)
    expect(docker('inspect', '--format', UNCHANGED, CONTAINER)).toBe(made)
    expect(await postgresql.run(project, 'users', 'SHOW work_mem')).toBe('7MB')
    const again = new Client(login)
    await again.connect()
    await again.end()

    await project.undo('users')
    expect(await postgresql.dump(project, 'users')).toBe(damaged)
    expect(await postgresql.run(project, 'users', `SELECT count(*) FROM pg_roles WHERE rolname = 'later'`)).toBe('1')
    await project.redo('users')
    expect(await postgresql.dump(project, 'users')).toBe(good)
    expect(docker('inspect', '--format', UNCHANGED, CONTAINER)).toBe(made)
    expect(docker('exec', CONTAINER, 'ls', '-A', '/var/lib/postgresql/data')).not.toContain('hayai')
  })

  it('is stopped by a restore of a whole backup, or by a clone into it, only when that was said, too', async () => {
    const { project } = scene
    const { backup } = await project.backup({ databases: ['users'] })
    const request = { reference: String(backup?.path) }
    expect((await project.restoreBackup({ ...request, dryRun: true })).containers).toEqual([CONTAINER])
    await expect(project.restoreBackup(request)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(project.clone({ from: 'copy', to: 'users', force: true })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(project.upgrade({ database: 'users', version: '17' })).rejects.toMatchObject({ code: 'WRONG_STATE' })
    const before = await postgresql.dump(project, 'users')
    await postgresql.damage(project, 'users')
    await project.restoreBackup({ ...request, stopContainer: true })
    expect(await postgresql.dump(project, 'users')).toBe(before)
  })

  it('is stopped and started, and stays when it is removed from the project', async () => {
    await scene.project.stop(['users'])
    await expect(scene.project.snapshot({ database: 'users' })).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await scene.project.start(['users'])
    expect((await scene.project.remove('users')).dataKept).toBe(true)
    await sleep(200)
    expect(docker('inspect', '--format', '{{.State.Running}}', CONTAINER)).toBe('true')
    await scene.project.undo('users')
    expect(await scene.project.list({ running: true })).toHaveLength(2)
  })

  it('is not copied at rest, which would stop it: the engines that know no other way say so', async () => {
    const container = `${CONTAINER}-etcd`
    const urls = ['--listen-client-urls=http://0.0.0.0:2379', '--advertise-client-urls=http://127.0.0.1:2379', '--data-dir=/etcd-data']
    docker('run', '--detach', `--name=${container}`, `--publish=127.0.0.1:${await freePort()}:2379`, image('etcd'), 'etcd', ...urls)
    try {
      await scene.project.init({ name: 'keys', engine: 'etcd', container })
      await expect(scene.project.snapshot({ database: 'keys' })).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining(`does not stop the container ${container}`) as string,
      })
      expect(docker('inspect', '--format', '{{.State.Running}} {{.RestartCount}}', container)).toBe('true 0')
    } finally {
      await scene.project.remove('keys', { missingOk: true })
      docker('rm', '--force', '--volumes', container)
    }
  })

  it('is refused where it is not there, or holds something else', async () => {
    const wish = { name: 'other', engine: 'postgresql' }
    await expect(scene.project.init({ ...wish, container: 'nobody-1' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(scene.project.init({ ...wish, engine: 'redis', container: CONTAINER })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(scene.project.init({ ...wish, container: CONTAINER, runtime: 'native' })).rejects.toMatchObject({ code: 'USAGE' })
    expect(await scene.project.list()).toHaveLength(2)
  })
})
