// MariaDB, MySQL and Redis in containers that were there before Hayai: a snapshot is restored into them, undone and done again. Redis with each
// way of keeping its data, for what it reads at its start depends on that.

import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { program } from '../engines/mariadb-server.ts'
import { docker, image, noDocker, withoutImage } from '../runtimes/compose/docker.ts'
import type { Actor } from './actor.ts'
import { mariadb, mysql } from './mariadb.ts'
import { redis } from './redis.ts'
import { sh, stage, type Stage } from './stage.ts'

interface Kept {
  readonly how: string
  readonly actor: Actor
  readonly image: 'mariadb' | 'mysql' | 'redis'
  readonly port: number
  readonly environment: readonly string[]
  readonly command: readonly string[]
  readonly rows: string
  readonly change: string
}

const ACCOUNTS = ['MARIADB_ROOT_PASSWORD=hush', 'MARIADB_DATABASE=shop', 'MARIADB_USER=app', 'MARIADB_PASSWORD=softly']
const KEYS = 'HSET track:1 name one\nSADD genres rock jazz\nSELECT 2\nSET session:1 "{}" EX 100000'
const inRedis = { actor: redis, image: 'redis', port: 6379, environment: [], rows: KEYS, change: 'DEL genres\nSELECT 2\nFLUSHDB' } as const
const TABLES = `CREATE TABLE t (id int PRIMARY KEY, b blob) ENGINE = InnoDB; INSERT INTO t SELECT seq, 'x' FROM seq_1_to_1000;
  CREATE TABLE isam (id int) ENGINE = MyISAM; INSERT INTO isam SELECT seq FROM seq_1_to_10; CREATE VIEW v AS SELECT * FROM isam;`
const inMysql: Kept = {
  how: 'mysql',
  actor: mysql,
  image: 'mysql',
  port: 3306,
  environment: ACCOUNTS.map((each) => each.replace('MARIADB', 'MYSQL')),
  command: [],
  rows: TABLES.replaceAll(
    /(?<=SELECT )seq(.*?) FROM seq_1_to_(\d+)/g,
    'n$1 FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $2) SELECT n FROM c) AS numbers',
  ),
  change: 'DELETE FROM isam WHERE id > 2; DELETE FROM t',
}
const containers: readonly Kept[] = [
  {
    how: 'mariadb',
    actor: mariadb,
    image: 'mariadb',
    port: 3306,
    environment: ACCOUNTS,
    command: [],
    rows: TABLES,
    change: 'DELETE FROM isam WHERE id > 2; DELETE FROM t',
  },
  { how: 'redis, with a log', ...inRedis, command: ['redis-server', '--requirepass', 'hush', '--appendonly', 'yes'] },
  { how: 'redis, which saves nothing by itself', ...inRedis, command: ['redis-server', '--requirepass', 'hush', '--save', ''] },
  ...((mysql.missing ?? withoutImage('mysql')) === undefined ? [inMysql] : []), // it is fetched, where it can be had
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
    await actor.run(project, 'shop', kept.rows)
    const good = await actor.dump(project, 'shop')
    await project.snapshot({ database: 'shop' })
    await actor.run(project, 'shop', kept.change)
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
    if (kept.command.includes('')) return // its owner's restart would lose what it holds
    await project.redo('shop')
    // What is to come lies there for a while, whoever starts the server then.
    if (actor === mysql)
      docker(
        'exec',
        '--workdir',
        '/var/lib/mysql',
        container,
        'sh',
        '-ec',
        'mkdir .hayai-switch; cp -a mysql.ibd undo_001 shop .hayai-switch',
      )
    docker('restart', container)
    await project.start(['shop'])
    expect(await actor.dump(project, 'shop')).toBe(good)
    expect(docker('inspect', '--format', '{{.Id}}', container)).toBe(id)
  })
})
