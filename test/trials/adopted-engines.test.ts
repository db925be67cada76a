// MariaDB and Redis in containers that were there before Hayai: a snapshot is restored into them, undone and done again. Redis with each
// way of keeping its data, for what it reads at its start depends on that.

import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { program } from '../engines/mariadb-server.ts'
import { docker, image, noDocker } from '../runtimes/compose/docker.ts'
import type { Actor } from './actor.ts'
import { mariadb } from './mariadb.ts'
import { redis } from './redis.ts'
import { sh, stage, type Stage } from './stage.ts'

interface Kept {
  readonly how: string
  readonly actor: Actor
  readonly image: 'mariadb' | 'redis'
  readonly port: number
  readonly environment: readonly string[]
  readonly command: readonly string[]
}

const ACCOUNTS = ['MARIADB_ROOT_PASSWORD=hush', 'MARIADB_DATABASE=shop', 'MARIADB_USER=app', 'MARIADB_PASSWORD=softly']
const inRedis = { actor: redis, image: 'redis', port: 6379, environment: [] } as const
const containers: readonly Kept[] = [
  { how: 'mariadb', actor: mariadb, image: 'mariadb', port: 3306, environment: ACCOUNTS, command: [] },
  { how: 'redis, with a log', ...inRedis, command: ['redis-server', '--requirepass', 'hush', '--appendonly', 'yes'] },
  { how: 'redis, which saves nothing by itself', ...inRedis, command: ['redis-server', '--requirepass', 'hush', '--save', ''] },
]

const missing = noDocker ?? mariadb.missing ?? redis.missing

describe('in a container that others made', { timeout: 240_000 }, () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  const container = `adopted-engine-${process.pid}`
  afterEach(async () => {
    docker('rm', '--force', '--volumes', container)
    await scene.close()
  })

  it.each(containers)('$how gets the data of a snapshot, and what it had before by undo', async ({ how: _, actor, ...kept }) => {
    scene = await stage()
    const { project } = scene
    const port = await freePort()
    const variables = kept.environment.map((each) => `--env=${each}`)
    const publish = `--publish=127.0.0.1:${port}:${kept.port}`
    docker('run', '--detach', `--name=${container}`, publish, ...variables, image(kept.image), ...kept.command)
    await project.init({ name: 'shop', engine: actor.engine, container })
    await actor.fill(project, 'shop')
    const good = await actor.dump(project, 'shop')
    await project.snapshot({ database: 'shop' })
    await actor.damage(project, 'shop')
    const damaged = await actor.dump(project, 'shop')
    const id = docker('inspect', '--format', '{{.Id}}', container)

    await project.restore({ reference: 'shop', latest: true, stopContainer: true })
    expect(await actor.dump(project, 'shop')).toBe(good)
    if (actor === mariadb) {
      const login = ['--no-defaults', '--skip-ssl', '-h127.0.0.1', `-P${port}`, '-uapp', 'shop', '-Nse', 'SELECT CURRENT_USER()']
      expect(sh(program('mariadb'), login, { MYSQL_PWD: 'softly' }).trim()).toBe('app@%')
    }
    await project.undo('shop')
    expect(await actor.dump(project, 'shop')).toBe(damaged)
    await project.redo('shop')
    expect(await actor.dump(project, 'shop')).toBe(good)
    docker('restart', container) // its owner's
    await project.start(['shop'])
    if (!kept.command.includes('')) expect(await actor.dump(project, 'shop')).toBe(good)
    expect(docker('inspect', '--format', '{{.Id}}', container)).toBe(id)
  })
})
