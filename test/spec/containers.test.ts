// The lines of the specification that ask Docker and Compose, typed on databases in containers.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { clearProject, image, noDocker } from '../runtimes/compose/docker.ts'
import { declared, ground, real, type Ground } from './ground.ts'
import { blocks, linesOf, noSpecification, wantsContainers } from './lines.ts'

vi.setConfig({ testTimeout: 300_000 })

const missing = noSpecification ?? (process.env['CI'] === undefined ? noDocker : undefined)

describe.skipIf(missing !== undefined)(`in containers${missing === undefined ? '' : ` (${missing})`}`, () => {
  let here: Ground
  let env: Readonly<Record<string, string>>
  let mark = ''
  let newest = ''
  const all = blocks()
  const type = (script: string): Promise<string> => here.type(script, env)
  /** Those lines of the block that want containers, by their number, with real names. */
  const lines = (at: number): readonly string[] =>
    linesOf(all[at] ?? '')
      .filter(wantsContainers)
      .map((line) =>
        real(line, {
          'hayai-user-db-1': `${env['COMPOSE_PROJECT_NAME']}-user-db-1`,
          'hayai-session-cache-1': `${env['COMPOSE_PROJECT_NAME']}-session-cache-1`,
        }),
      )
  const sql = (name: string, statement: string): Promise<string> =>
    type(`docker-compose exec -T ${name} psql -U admin -d database -Atc '${statement}'`)
  const asked = (name: string, words: string): Promise<string> =>
    type(`docker-compose exec -T -e REDISCLI_AUTH=password ${name} redis-cli ${words}`)
  const only = async (pattern: RegExp): Promise<string> =>
    (await readdir(join(here.root, 'snapshots'))).find((name) => pattern.test(name)) ?? ''

  beforeAll(async () => {
    here = await ground()
    env = { DOCKER_HOST: process.env['DOCKER_HOST'] ?? '' }
    let text = 'version: "1.0"\ndatabases:\n'
    for (const name of ['user-db', 'users-db-db', 'session-cache', 'cache-redis-db']) {
      const engine = name.startsWith('user') ? 'postgresql' : 'redis'
      const its = image(engine === 'redis' ? 'redis' : 'postgres')
      text += declared(name, engine, await freePort(), `    runtime: compose\n    image: ${its}\n`)
    }
    await writeFile(join(here.root, '.hayaidb'), text)
    await type('hayai init --config .hayaidb')
    const identity = JSON.parse(await readFile(join(here.root, '.hayai/compose/project.json'), 'utf8')) as { name: string; mark: string }
    mark = identity.mark
    env = { ...env, COMPOSE_PROJECT_NAME: identity.name }
    await type('hayai start')
    for (const name of ['user-db', 'users-db-db']) await sql(name, 'CREATE TABLE users AS SELECT generate_series(1, 100) n')
    for (const name of ['session-cache', 'cache-redis-db']) await asked(name, 'SET kept yes')
  }, 300_000)
  afterAll(async () => {
    if (mark !== '') clearProject(mark)
    await rm(here.root, { recursive: true, force: true })
  })

  it('a dump goes into psql in the container', async () => {
    await type('hayai snapshot user-db')
    await sql('user-db', 'DROP TABLE users')
    const [line = ''] = lines(3)
    await type(real(line, { 'user-db-snapshot-2025-01-08T10-30-45Z.sql': await only(/^user-db-snapshot-2.*\.sql$/) }))
    expect((await sql('user-db', 'SELECT count(*) FROM users')).trim()).toBe('100')
    expect(await type('docker-compose logs user-db 2>&1')).not.toMatch(/terminated by signal|in recovery/)
  })

  it('a copy of Redis goes into the container, when that is stopped first: a Redis that ends saves what it has over the file', async () => {
    await type('hayai snapshot session-cache')
    await asked('session-cache', 'SET kept no')
    const [copy = '', restart = ''] = lines(4)
    const copied = real(copy, { 'session-cache-snapshot-2025-01-08T10-31-12Z.rdb': await only(/^session-cache-snapshot-2.*\.rdb$/) })
    await type(`${copied}; ${restart}; hayai start session-cache`)
    expect((await asked('session-cache', 'GET kept')).trim()).toBe('no')
    await type(`${restart.replace(' restart ', ' stop ')}; ${copied}; ${restart}; hayai start session-cache`)
    expect((await asked('session-cache', 'GET kept')).trim()).toBe('yes')
  })

  it('the function that makes a backup makes it, with the password that every Redis has', async () => {
    await mkdir(join(here.root, 'logs'))
    const script = real(all[6] ?? '', { ' cache-redis-db redis-cli ': ' -e REDISCLI_AUTH=password cache-redis-db redis-cli ' })
    expect(await type(`${script}\nbackup_data`)).toContain('Background saving started')
    newest = (await readdir(join(here.root, 'backups')))[0] ?? ''
    const files = await readdir(join(here.root, 'backups', newest))
    expect(files.toSorted()).toEqual(['backup_info.txt', 'logs_backup', 'redis_backup.rdb', 'users_backup.sql', 'users_data.sql'])
    expect(await readFile(join(here.root, 'backups', newest, 'users_backup.sql'), 'utf8')).toContain('CREATE TABLE public.users')
  })

  it('and what it has made is put back by hand, PostgreSQL once it runs again', async () => {
    await sql('users-db-db', 'DROP TABLE users')
    await asked('cache-redis-db', 'SET kept no')
    const [stop = '', psql = '', copy = '', restart = '', start = ''] = lines(7).map((line) => real(line, { '20250108_103045': newest }))
    await type(stop)
    expect((await here.bash(psql, env)).status).not.toBe(0)
    await type([copy, restart, start, 'hayai start', psql].join('\n'))
    expect((await sql('users-db-db', 'SELECT count(*) FROM users')).trim()).toBe('100')
    expect((await asked('cache-redis-db', 'GET kept')).trim()).toBe('yes')
  })

  it('a container answers who it is and what is in it', async () => {
    const [who = '', list = '', own = ''] = lines(14)
    expect((await type(real(who, { 'exec ': 'exec -T ' }))).trim()).toBe('root')
    expect(await type(real(list, { 'exec ': 'exec -T ' }))).toContain('total')
    await type(real(own, { 'exec ': 'exec -T ' }))
  })
})
