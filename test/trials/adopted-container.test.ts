// A container that was there before Hayai: adopted as it is, snapshotted, verified and cloned, and never replaced or taken away.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { docker, image, noDocker } from '../runtimes/compose/docker.ts'
import { postgresql } from './cast.ts'
import { stage, type Stage } from './stage.ts'

const CONTAINER = `users-db-db-${process.pid}`
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
  })

  it('is not replaced by a restore, which says what to do instead', async () => {
    await expect(scene.project.restore({ reference: 'users', latest: true })).rejects.toMatchObject({
      code: 'WRONG_STATE',
      hint: expect.stringContaining('--to') as string,
    })
    await expect(scene.project.undo('users')).rejects.toMatchObject({ code: 'WRONG_STATE' })
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

  it('is refused where it is not there, or holds something else', async () => {
    const wish = { name: 'other', engine: 'postgresql' }
    await expect(scene.project.init({ ...wish, container: 'nobody-1' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(scene.project.init({ ...wish, engine: 'redis', container: CONTAINER })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(scene.project.init({ ...wish, container: CONTAINER, runtime: 'native' })).rejects.toMatchObject({ code: 'USAGE' })
    expect(await scene.project.list()).toHaveLength(2)
  })
})
