// Every command line of the specification, typed as it is written there, in an order in which a person could type them. A name that
// stands for another (`<name>`, `/path/to/hayai`) is replaced by that other, and nothing else is. docs/SPECIFICATION.md lists them all.

import { readdir, readlink, rm, utimes, writeFile } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { postgresql } from '../trials/cast.ts'
import { redis } from '../trials/redis.ts'
import { endServersBelow } from '../trials/stage.ts'
import { declared, ground, real, type Ground } from './ground.ts'
import { blocks, linesOf, noSpecification, wantsContainers } from './lines.ts'

// Some of these scripts take a snapshot of everything, twice.
vi.setConfig({ testTimeout: 300_000 })

const ROOT = join(import.meta.dirname, '..', '..')
const LIFECYCLE = 'scripts/db-lifecycle.sh'

/** What tries each block; lines that need containers are tried by the last one, in whatever block they stand. */
const TRIED = {
  'taking and listing': 0,
  'the options of snapshot': 1,
  'before and after a change': 2,
  'a dump of PostgreSQL': 3,
  'a copy of Redis': 4,
  'the script for everything': 5,
  'the folder of a backup': 6,
  'everything back': 7,
  'each database, in a loop': 8,
  'production: the script, a second place, and an end for what is old': 9,
  'where copies are kept': 10,
  cron: 11,
  'the health check of the specification': 12,
  'start, then snapshot': 13,
  'a folder that is made by hand': 15,
  'a large one': 16,
  'the stock programs on what was written': 17,
  'the reference of commands': 18,
  'together with other commands': 19,
  aliases: 20,
  'the size of copies': 21,
} as const
const IN_CONTAINERS = 'in containers'

type Trial = keyof typeof TRIED

const all = blocks()
const block = (trial: Trial): string => all[TRIED[trial]] ?? ''
const native = (trial: Trial): string =>
  block(trial)
    .split('\n')
    .filter((line) => !wantsContainers(line.trim()))
    .join('\n')

function trialOf(at: number, line: string): string {
  const named = Object.entries(TRIED).find(([, number]) => number === at)?.[0]
  return named === undefined || wantsContainers(line) ? IN_CONTAINERS : named
}

describe.skipIf(noSpecification !== undefined)(`the table of lines${noSpecification === undefined ? '' : ` (${noSpecification})`}`, () => {
  it('has every line of the specification, and what tries it', () => {
    const rows = [...readFileSync(join(ROOT, 'docs/SPECIFICATION.md'), 'utf8').matchAll(/^\| `` (.*) `` \| (.*) \|$/gm)]
    const told = rows.map(([, line = '', trial = '']) => [line.replaceAll(String.raw`\|`, '|'), trial])
    expect(told).toEqual(all.flatMap((each, at) => linesOf(each).map((line) => [line, trialOf(at, line)])))
  })
})

const missing = noSpecification ?? (process.env['CI'] === undefined ? (postgresql.missing ?? redis.missing) : undefined)

describe.skipIf(missing !== undefined)(`the lines of the specification${missing === undefined ? '' : ` (${missing})`}`, () => {
  const scripted = it.skipIf(!existsSync(join(ROOT, LIFECYCLE)))
  let here: Ground
  let cachePort = 0
  const stock = { PGHOST: '127.0.0.1', PGPORT: '', PGPASSWORD: 'password', REDISCLI_AUTH: 'password' }
  const files = async (folder: string, pattern: RegExp): Promise<readonly string[]> =>
    (await readdir(join(here.root, folder))).filter((name) => pattern.test(name) && !name.includes('latest'))

  beforeAll(async () => {
    here = await ground()
    const servers = { mydb: 'postgresql', users: 'postgresql', 'user-db': 'postgresql', 'session-cache': 'redis', cache: 'redis' }
    let text = 'version: "1.0"\nproject: my-app\ndatabases:\n'
    for (const [name, engine] of Object.entries(servers)) {
      const port = await freePort()
      if (name === 'mydb') stock.PGPORT = String(port)
      if (name === 'cache') cachePort = port
      text += declared(name, engine, port)
    }
    await writeFile(join(here.root, '.hayaidb'), `${text}  production-db:\n    engine: sqlite\n  large-db:\n    engine: sqlite\n`)
    // The two lines that begin a project stand at the end of the reference.
    const [init = '', validate = ''] = linesOf(block('the reference of commands')).slice(-2)
    expect([init, validate].map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'hayai init --config',
      'hayai validate --config',
    ])
    expect(await here.type(`${validate}; ${init}`)).toContain('created mydb')
    await here.type('hayai start; psql -q -U admin -d database -c "CREATE TABLE users AS SELECT generate_series(1, 100) n"', stock)
  }, 300_000)
  afterAll(async () => {
    await endServersBelow(here.root)
    await rm(here.root, { recursive: true, force: true })
  })

  it(nameOf('taking and listing'), async () => {
    const said = await here.type(real(block('taking and listing'), { '<database-name>': 'mydb' }))
    expect(said).toMatch(/ID +DATABASE/)
    expect(await files('snapshots', /^mydb-snapshot-.*\.sql$/)).toHaveLength(1)
    expect(await files('snapshots', /^mydb-snapshot-.*\.tar\.gz$/)).toHaveLength(1)
    expect(await files('my-backups', /^mydb-snapshot-.*\.sql\.gz$/)).toHaveLength(1)
  })

  it(nameOf('the options of snapshot'), async () => {
    const [usage = '', ...options] = linesOf(block('the options of snapshot'))
    const help = await here.type(real(usage, { '<name> [options]': '--help' }))
    for (const option of options) {
      const words = option.replace(/<.*>/, '').trim()
      expect(help).toContain(words)
      if (words.startsWith('-h')) continue
      const typed = real(words.split(', ')[0] ?? '', { '-o': '-o options', '--format': '--format sql' })
      await here.type(real(usage, { '<name> [options]': `mydb ${typed}` }))
    }
    expect(await files('options', /\.sql$/)).toHaveLength(1)
  })

  it(nameOf('before and after a change'), async () => {
    await here.type(block('before and after a change'))
    expect(await files('snapshots', /^production-db-snapshot-.*\.db(\.gz)?$/)).toHaveLength(2)
  })

  it(nameOf('a dump of PostgreSQL'), async () => {
    await here.type(native('a dump of PostgreSQL'))
    expect(await files('snapshots', /^user-db-snapshot-.*\.sql$/)).toHaveLength(1)
  })

  it(nameOf('a copy of Redis'), async () => {
    await here.type(native('a copy of Redis'))
    expect(await files('snapshots', /^session-cache-snapshot-.*\.rdb$/)).toHaveLength(1)
  })

  it(nameOf('start, then snapshot'), async () => {
    await here.type('hayai stop mydb')
    expect((await here.bash('hayai snapshot mydb')).status).toBe(5)
    await here.type(block('start, then snapshot'))
  })

  it(nameOf('each database, in a loop'), async () => {
    await here.type(block('each database, in a loop'))
    for (const name of ['mydb', 'users', 'user-db', 'session-cache', 'cache', 'production-db', 'large-db']) {
      expect(await files('snapshots', new RegExp(`^${name}-snapshot-.*\\.gz$`)), name).not.toHaveLength(0)
    }
  })

  it(nameOf('a large one'), async () => {
    await here.type(block('a large one'))
    expect(await files('snapshots', /^large-db-snapshot-.*\.tar\.gz$/)).toHaveLength(1)
  })

  it(nameOf('the stock programs on what was written'), async () => {
    await here.type('hayai snapshot mydb; hayai snapshot cache; createdb -U admin test_restore', stock)
    const said = await here.type(
      real(block('the stock programs on what was written'), { 'redis-cli --rdb': `redis-cli -p ${cachePort} --rdb` }),
      stock,
    )
    expect(said).toMatch(/^snapshots\/mydb-\S+\.sql: .*ASCII text/m)
    expect(said).toMatch(/\.rdb: +Redis RDB/)
    expect(await here.type("psql -U admin -d test_restore -Atc 'SELECT count(*) FROM users'", stock)).toBe('100\n')
  })

  scripted(nameOf('the script for everything'), async () => {
    await here.type('hayai init --scripts')
    const [backup = '', restore = '', list = ''] = linesOf(block('the script for everything'))
    await here.type(backup)
    const [made = ''] = await files('backups', /^\d{8}_\d{6}$/)
    expect(await readlink(join(here.root, 'backups/latest'))).toBe(made)
    await here.type('psql -q -U admin -d database -c "DELETE FROM users"', stock)
    await here.type(real(restore, { '20250108_103045': made }))
    expect(await here.type("psql -U admin -d database -Atc 'SELECT count(*) FROM users'", stock)).toBe('100\n')
    expect(await here.type(list)).toContain(made)
  })

  it(nameOf('the folder of a backup'), async () => {
    // The lines are those of a script that Hayai replaces: what they write is there, under the same names.
    await here.type('hayai backup')
    const latest = await readdir(join(here.root, 'backups/latest'))
    expect(latest).toEqual(expect.arrayContaining(['users_backup.sql', 'backup_info.txt', 'logs_backup']))
    for (const line of linesOf(block('the folder of a backup'))) {
      if (!/docker/.test(line)) expect(line, 'a line that somebody has to look at').toMatch(/^(backup_data|BACKUP_DIR|mkdir|cp|echo|\})/)
    }
  })

  scripted(nameOf('everything back'), async () => {
    const lines = linesOf(native('everything back'))
    const newest = await readlink(join(here.root, 'backups/latest'))
    for (const line of lines) await here.type(real(line, { '20250108_103045': newest }))
    expect(lines).toHaveLength(1)
  })

  scripted(nameOf('production: the script, a second place, and an end for what is old'), async () => {
    const before = await files('backups', /^\d{8}_\d{6}$/)
    await here.type(
      real(block('production: the script, a second place, and an end for what is old'), {
        '/secure/backups': `${here.root}/secure/backups`,
      }),
    )
    expect(await files('backups', /^\d{8}_\d{6}$/)).toHaveLength(before.length + 2)
    const [copied = ''] = await files('secure/backups', /^\d{8}_\d{6}$/)
    expect(await files(`secure/backups/${copied}`, /^manifest\.json$/)).toHaveLength(1)
    expect(await here.type(`hayai backup show secure/backups/${copied}`)).not.toMatch(/is gone|instead of/)
  })

  it(nameOf('where copies are kept'), async () => {
    const lines = linesOf(block('where copies are kept'))
    // A drawing, not lines to type: the two that stand in a project are there.
    for (const folder of lines.slice(0, 2)) expect(existsSync(join(here.root, folder)), folder).toBe(true)
    expect(lines).toHaveLength(6)
  })

  it(nameOf('cron'), async () => {
    const old = join(here.root, 'snapshots/by-hand.sql')
    await writeFile(old, '-- old\n')
    await utimes(old, new Date(), new Date(Date.now() - 9 * 86_400_000))
    const before = await files('snapshots', /^mydb-.*\.sql$/)
    for (const line of linesOf(block('cron'))) {
      const [, command = ''] = /^(?:\S+ ){5}(.*)$/.exec(line) ?? []
      expect(command).not.toBe('')
      if (command.includes(LIFECYCLE) && !existsSync(join(ROOT, LIFECYCLE))) continue
      await here.type(real(command, { '/path/to/hayai': here.root }))
    }
    expect(existsSync(old)).toBe(false)
    expect(await files('snapshots', /^mydb-.*\.sql$/)).toEqual(before)
  })

  it(nameOf('the health check of the specification'), async () => {
    const check = block('the health check of the specification')
    expect(await here.type(check)).toContain('passed')
    const [newest = ''] = (await files('backups', /^\d{8}_\d{6}$/)).toSorted().toReversed()
    expect(newest).not.toBe('')
    const empty = await here.bash(`mkdir -p none/backups; cd none; ${check}`)
    expect(empty.status).toBe(1)
  })

  it(nameOf('a folder that is made by hand'), async () => {
    await here.type(block('a folder that is made by hand'))
  })

  it(nameOf('the reference of commands'), async () => {
    const newest = await readlink(join(here.root, 'backups/latest'))
    const names = {
      '<name>': 'mydb',
      '/custom/path': `${here.root}/custom`,
      '/custom/snapshots': `${here.root}/custom`,
      '<dir>': `backups/${newest}`,
    }
    for (const line of linesOf(block('the reference of commands'))) {
      if (line.includes(LIFECYCLE) && !existsSync(join(ROOT, LIFECYCLE))) continue
      const said = await here.type(real(line, names))
      if (line.includes('list -d')) expect(said).toMatch(/mydb .*custom\/mydb-snapshot-/)
    }
  })

  it(nameOf('together with other commands'), async () => {
    for (const line of linesOf(block('together with other commands'))) {
      await here.type(line)
      if (line.includes('remove')) await here.type('hayai undo mydb && hayai start mydb')
    }
    expect(await here.type('hayai list')).toContain('mydb-new')
    expect(await here.type("psql -U admin -d database -Atc 'SELECT count(*) FROM users'", stock)).toBe('100\n')
  })

  it(nameOf('aliases'), async () => {
    await here.type('hayai start')
    const before = await files('snapshots', /^(mydb|mydb-new)-snapshot-.*\.sql$/)
    const said = await here.type(`shopt -s expand_aliases\n${block('aliases')}\nhbackup mydb\nhbackup-all\nhrestore`)
    expect((await files('snapshots', /^(mydb|mydb-new)-snapshot-.*\.sql$/)).length).toBe(before.length + 3)
    expect(said).toContain('ABOUT_BACKUP.md') // that alias only prints: `hayai restore` is there since
  })

  it(nameOf('the size of copies'), async () => {
    for (const line of linesOf(block('the size of copies'))) {
      // `watch` goes on until somebody has seen enough.
      const said = await here.type(line.startsWith('watch') ? `timeout 3 ${line} || [ $? = 124 ]` : line)
      if (!line.startsWith('watch')) expect(said).toMatch(/^\S+\s+snapshots\/.*mydb-snapshot-/m)
    }
  })
})

/** So that a trial that is in no table is none. */
function nameOf(trial: Trial): string {
  return trial
}
