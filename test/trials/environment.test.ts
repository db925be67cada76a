// `environment:` as the specification writes it is real: the stock clients of each server find what it says, and nobody else gets in.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { program } from '../engines/mariadb-server.ts'
import { freePort } from '../../src/base/ports.ts'
import { openProject } from '../../src/index.ts'
import { cast, pg } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'

const declared = (ports: readonly number[]): string => `version: "1.0"
project: my-app
databases:
  main-postgres:
    engine: postgresql
    port: ${ports[0]}
    environment:
      POSTGRES_DB: myapp
      POSTGRES_USER: admin
      POSTGRES_PASSWORD: password
      # Backup-specific configuration
      POSTGRES_ARCHIVE_MODE: "on"          # Enable WAL archiving
      POSTGRES_WAL_LEVEL: "replica"        # Enable replication logs

  redis-cache:
    engine: redis
    port: ${ports[1]}
    environment:
      REDIS_PASSWORD: password
      REDIS_AOF_ENABLED: "yes"              # Enable AOF persistence
      REDIS_RDB_ENABLED: "yes"              # Enable RDB snapshots
      REDIS_SAVE: "900 1 300 10 60 10000"   # RDB save schedule

  main-mysql:
    engine: mariadb
    port: ${ports[2]}
    environment:
      MYSQL_ROOT_PASSWORD: rootpass
      MYSQL_DATABASE: myapp
      MYSQL_USER: admin
      MYSQL_PASSWORD: password
`

describe('the environment of the specification', () => {
  const needed = cast.filter(({ engine }) => ['postgresql', 'redis', 'mariadb'].includes(engine))
  const missing = needed.find((actor) => actor.missing !== undefined)?.missing
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  afterEach(() => scene.close())

  it('is what the servers go by', async () => {
    scene = await stage()
    const ports = [await freePort(), await freePort(), await freePort()]
    await writeFile(join(scene.root, '.hayaidb'), declared(ports))
    const project = await openProject({ cwd: scene.root })
    await project.initDeclared()
    await project.start([])

    const inRedis = (password: string | undefined, ...words: readonly string[]): string =>
      sh('redis-cli', ['-p', String(ports[1]), ...words], password === undefined ? {} : { REDISCLI_AUTH: password }).trim()
    expect(inRedis(undefined, 'PING')).toContain('NOAUTH')
    expect(inRedis('another', 'PING')).toContain('NOAUTH')
    expect(inRedis('password', 'CONFIG', 'GET', 'save')).toBe('save\n900 1 300 10 60 10000')
    expect(inRedis('password', 'CONFIG', 'GET', 'appendonly')).toBe('appendonly\nyes')

    const inMariadb = (user: string, password: string, statement: string): string => {
      const login = ['--no-defaults', '--skip-ssl', '-h', '127.0.0.1', '-P', String(ports[2]), '-u', user, '-N', '-e', statement]
      return sh(program('mariadb'), login, { MYSQL_PWD: password }).trim()
    }
    expect(inMariadb('admin', 'password', 'USE myapp; SELECT DATABASE(), CURRENT_USER()')).toBe('myapp\tadmin@%')
    expect(inMariadb('root', 'rootpass', 'SELECT CURRENT_USER()')).toBe('root@localhost')
    expect(() => inMariadb('admin', 'another', 'SELECT 1')).toThrow('Access denied')
    expect(() => inMariadb('root', '', 'SELECT 1')).toThrow('Access denied')

    const inPostgres = (password: string, statement: string): string =>
      sh(pg('psql'), ['-h', '127.0.0.1', '-p', String(ports[0]), '-U', 'admin', '-d', 'myapp', '-Atc', statement], {
        PGPASSWORD: password,
      }).trim()
    expect(inPostgres('password', 'SHOW wal_level')).toBe('replica')
    expect(inPostgres('password', 'SHOW archive_mode')).toBe('on')
    expect(() => inPostgres('another', 'SELECT 1')).toThrow('password authentication failed')
  })
})
