import { chmod, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { HayaiError } from '../../src/base/errors.ts'
import { checkConfig } from '../../src/project/check.ts'
import { addToConfig, loadConfig, readConfig, removeFromConfig } from '../../src/project/config.ts'
import type { Problem } from '../../src/project/problems.ts'
import { containing, freshFolder, matching } from './folder.ts'

const engines = ['postgresql', 'redis', 'sqlite']
const check = (text: string) => checkConfig(text, '.hayaidb', { engines })

interface Told {
  readonly message: string
  readonly hint: string | undefined
  readonly problems: readonly Problem[]
}

function problemsOf(text: string): Told {
  try {
    check(text)
  } catch (error) {
    if (!(error instanceof HayaiError) || error.code !== 'CONFIG_INVALID') throw error
    return { message: error.message, hint: error.hint, problems: error.details?.['problems'] as readonly Problem[] }
  }
  throw new Error('this was taken for a valid file')
}

// Every key of the examples in the specification.
const FULL = `version: "1.0"
project: my-app
databases:
  main-postgres:
    engine: postgresql
    port: 5432
    environment:
      POSTGRES_DB: myapp
      POSTGRES_USER: admin
      POSTGRES_PASSWORD: password
      POSTGRES_ARCHIVE_MODE: "on"
      POSTGRES_WAL_LEVEL: "replica"
    volumes:
      - "postgres-data:/var/lib/postgresql/data"
      - "./backups/postgres:/backups"
    memory: "512m"
    restart: "unless-stopped"
  redis-cache:
    engine: redis
    port: 6379
    environment:
      REDIS_SAVE: "900 1 300 10 60 10000"
`
const GLOBAL = `global:
  backup:
    enabled: true
    schedule: "0 2 * * *"
    retention: "30d"
    compression: "gzip"
    encryption: true
  security:
    enable_ssl: true
    ssl_cert_path: "./ssl"
    enable_secrets: true
    secrets_backend: "vault"
`

describe('a valid .hayaidb', () => {
  it('is understood', () => {
    const { config } = check(FULL)
    expect(config.project).toBe('my-app')
    expect(config.databases).toMatchObject({
      'main-postgres': {
        engine: 'postgresql',
        port: 5432,
        environment: { POSTGRES_PASSWORD: 'password', POSTGRES_ARCHIVE_MODE: 'on' },
        volumes: ['postgres-data:/var/lib/postgresql/data', './backups/postgres:/backups'],
        memory: '512m',
      },
      'redis-cache': { engine: 'redis', port: 6379, environment: { REDIS_SAVE: '900 1 300 10 60 10000' }, volumes: [] },
    })
  })

  it('may hold global settings alone', () => {
    const { config } = check(GLOBAL)
    expect(config.backup).toEqual({ enabled: true, schedule: '0 2 * * *', retention: '30d', compression: 'gzip', encryption: true })
    expect(config.security).toEqual({ enable_ssl: true, ssl_cert_path: './ssl', enable_secrets: true, secrets_backend: 'vault' })
    expect(config.databases).toEqual({})
  })

  it.each([
    '',
    '# nothing yet\n',
    'databases:\n',
    'databases: {}',
    '---\n...\n',
    '\uFEFFversion: "1.0"\r\ndatabases:\r\n',
    'global:\n',
    'version: 1.0',
  ])('may be nearly empty: %j', (text) => {
    expect(check(text).config.databases).toEqual({})
  })

  it('takes values of the environment as they were written', () => {
    const { config } = check(`databases:
  a:
    engine: postgresql
    version: 15.10
    environment: {A: 007, B: true, C: 1.50, D: 12345678901234567890, E: "x", F: 1e3, G: 0x1F, H: -1, I: no, J: ''}
  b: {engine: redis, version: 7, environment: }
  c: {engine: redis, version: "15"}
`)
    expect(config.databases['a']?.environment).toEqual({
      A: '007', B: 'true', C: '1.50', D: '12345678901234567890', E: 'x', F: '1e3', G: '0x1F', H: '-1', I: 'no', J: '',
    }) // prettier-ignore
    expect(Object.values(config.databases).map(({ version }) => version)).toEqual(['15.10', '7', '15'])
    expect(config.databases['b']?.environment).toEqual({})
  })

  it('may use anchors, aliases and merges', () => {
    const { config } = check(`databases:
  a: &a
    engine: redis
    environment: &env {X: 1}
  b:
    <<: *a
    port: 7000
  c: {engine: sqlite, environment: *env}
`)
    expect(config.databases['b']).toMatchObject({ engine: 'redis', port: 7000, environment: { X: '1' } })
    expect(config.databases['c']?.environment).toEqual({ X: '1' })
  })

  it('declares nothing that it does not declare', () => {
    expect(check(FULL).config.databases['constructor']).toBeUndefined()
  })

  it('warns, with the place, of each key that has no effect yet, and of no other', () => {
    expect(
      check('databases:\n  a:\n    engine: sqlite\n    file: x.db\n    port: 1\n    version: 3\n    environment: {A: 1}\n').warnings,
    ).toEqual([])
    const { warnings } = check(FULL)
    expect(warnings).toHaveLength(3)
    expect(warnings[0]).toMatch(/^\.hayaidb:13:5: "volumes" of "main-postgres" has no effect without `runtime: compose`, where .+\.$/)
    expect(check(GLOBAL).warnings).toEqual([matching(/^\.hayaidb:7:5: there is no recipient/)])
    expect(check('backup: {tables: [users]}').warnings).toHaveLength(1)
    expect(check('databases: {a: {engine: redis, backup: {tables: [users]}}}').warnings).toHaveLength(1)
  })

  it('can tell where a key stands, for the warnings of others', () => {
    const { where } = check(FULL)
    expect(where(['databases', 'main-postgres', 'environment', 'POSTGRES_USER'])).toBe('.hayaidb:9:7')
    expect(where(['databases', 'redis-cache'])).toBe('.hayaidb:18:3')
    expect(where(['databases', 'redis-cache', 'memory'])).toBe('.hayaidb:19:5')
  })
})

describe('an invalid .hayaidb', () => {
  const one: readonly [string, string, number, number, RegExp, string?][] = [
    ['an unknown engine', 'databases:\n  a:\n    engine: postgres\n', 3, 13, /"engine" of "a" cannot be "postgres"/, 'postgresql'],
    ['an engine far from any', 'databases: {a: {engine: oracle}}', 1, 25, /must be one of postgresql, redis, sqlite, not "oracle"/],
    ['a missing engine', 'databases:\n  a:\n    port: 1\n', 2, 3, /"engine" of "a" is missing: it must be one of postgresql/],
    ['an empty database', 'databases:\n  a:\n', 2, 3, /the database "a" must be a mapping with an `engine`, not empty/],
    ['an unknown key of a database', 'databases: {a: {engine: redis, prot: 1}}', 1, 32, /"prot" is not a key of a database/, 'port'],
    [
      'a key unlike any',
      'databases: {a: {engine: redis, zzzzzz: 1}}',
      1,
      32,
      /the keys of a database are engine, runtime, version, port, file/,
    ],
    ['an unknown key of the file', 'databse: {}', 1, 1, /"databse" is not a key of this file/, 'databases'],
    ['an unknown key of a section', 'global:\n  backup:\n    scedule: x\n', 3, 5, /"scedule" is not a key of "backup"/, 'schedule'],
    ['an unknown word', 'global: {security: {secrets_backend: valt}}', 1, 38, /cannot be "valt"/, 'vault'],
    ['an unknown runtime', 'databases: {a: {engine: redis, runtime: natve}}', 1, 41, /cannot be "natve"/, 'native'],
    [
      'a port out of range',
      'databases:\n  a: {engine: redis, port: 70000}',
      2,
      28,
      /"port" of "a" must be a whole number from 1 to 65535, not 70000/,
    ],
    ['port 0', 'databases: {a: {engine: redis, port: 0}}', 1, 38, /not 0$/m],
    ['a port as text', 'databases: {a: {engine: redis, port: "5432"}}', 1, 38, /a whole number from 1 to 65535, not "5432"/],
    ['a port with a fraction', 'databases: {a: {engine: redis, port: 54.3}}', 1, 38, /not 54.3/],
    [
      'two databases with one port',
      'databases:\n  a: {engine: redis, port: 7000}\n  b: {engine: redis, port: 7000}',
      3,
      28,
      /port 7000 belongs to "a" already/,
    ],
    [
      'two databases with one file',
      'databases:\n  a: {engine: sqlite, file: ./x.db}\n  b: {engine: sqlite, file: x.db}',
      3,
      29,
      /file x.db belongs to "a"/,
    ],
    ['a capital in a name', 'databases:\n  Main: {engine: redis}', 2, 3, /"Main" cannot be the name of a database/],
    ['a name that leads out', 'databases:\n  ../../x: {engine: redis}', 2, 3, /"..\/..\/x" cannot be the name/],
    ['a name of another kind', 'databases:\n  __proto__: {engine: redis}', 2, 3, /"__proto__" cannot be the name/],
    [
      'a name that is a subcommand',
      'databases:\n  list: {engine: redis}',
      2,
      3,
      /"list" cannot be the name of a database: it is a subcommand/,
    ],
    ['a bad project name', 'project: My App', 1, 10, /"project" must be .*, not "My App"/],
    ['another version of the format', 'version: "2.0"', 1, 10, /"version" must be "1.0", not "2.0"/],
    ['databases as a list', 'databases: [a]', 1, 12, /"databases" must be a mapping of names to databases, not a list/],
    [
      'a list for a value',
      'databases:\n  a:\n    engine: redis\n    environment:\n      A: [1]',
      5,
      10,
      /"environment.A" of "a" must be a text, .*, not a list/,
    ],
    [
      'nothing for a value',
      'databases:\n  a:\n    engine: redis\n    environment:\n      A:',
      5,
      7,
      /"environment.A" of "a" must be a text, .*, not empty/,
    ],
    [
      'an impossible variable',
      'databases:\n  a:\n    engine: redis\n    environment:\n      A B: 1',
      5,
      7,
      /the name of a variable must be/,
    ],
    [
      'a retention in words',
      'global: {backup: {retention: 3 days}}',
      1,
      30,
      /"global.backup.retention" must be a duration, such as 30d.*, not "3 days"/,
    ],
    ['a byte order mark before it', '\uFEFFprojct: x', 1, 1, /"projct" is not a key/, 'project'],
    ['not a mapping at all', '- a', 1, 1, /the file must be a mapping/],
    ['a duplicate key', 'databases:\n  a:\n    engine: redis\n    port: 1\n    port: 2', 5, 5, /the key "port" is there a second time/],
    ['a duplicate database', 'databases:\n  a: {engine: redis}\n  a: {engine: redis}', 3, 3, /the key "a" is there a second time/],
    ['a tab', 'databases:\n\ta: 1', 2, 1, /tabs are not allowed/],
    ['a bad indentation', 'databases:\n  a:\n    engine: redis\n   port: 1', 4, 4, /same column/],
    ['an open quote', 'project: "my-app', 1, 17, /missing closing "quote/],
    ['two documents', 'version: "1.0"\n---\nproject: x', 2, 1, /second document/],
    ['an alias of nothing', 'project: *name', 1, 10, /this alias \(\*\) stands for nothing/],
    ['a tag', 'project: !name x', 1, 10, /this tag \(!\) is not known/],
  ]

  it.each(one)('tells the place and the reason: %s', (_what, text, line, column, message, suggestion) => {
    for (const variant of [text, text.replaceAll('\n', '\r\n')]) {
      const told = problemsOf(variant)
      expect(told.problems).toHaveLength(1)
      expect(told.problems[0]).toMatchObject({ line, column, message: matching(message) })
      expect(told.problems[0]?.suggestion).toBe(suggestion)
      if (suggestion !== undefined) expect(told.message).toContain(`did you mean "${suggestion}"?`)
      expect(told.message.startsWith(`.hayaidb:${line}:${column}: `)).toBe(true)
      expect(told.hint).toContain('hayai validate')
    }
  })

  it('shows the line, with a caret under the place', () => {
    expect(problemsOf('databases:\n  a:\n    engine: postgres # here\n').message).toBe(
      [
        '.hayaidb:3:13: "engine" of "a" cannot be "postgres": did you mean "postgresql"?',
        '    3 |     engine: postgres # here',
        '      |             ^^^^^^^^',
      ].join('\n'),
    )
  })

  it('tells all of its problems at once, in the order of the file, also inside a database with a bad name', () => {
    const { message, problems } = problemsOf(
      'version: 3\ndatabases:\n  Bad:\n    engine: postgres\n    port: 0\n  b:\n    engin: redis\nfoo: 1\n',
    )
    expect(problems.map(({ line }) => line)).toEqual([1, 3, 4, 5, 6, 7, 8])
    expect(message.split('\n').filter((each) => each.startsWith('.hayaidb:'))).toHaveLength(7)
  })

  it('is not lost in a flood: ten are written out, all are in the details', () => {
    const { message, problems } = problemsOf(Array.from({ length: 30 }, (_, index) => `zzz${index}: 1`).join('\n'))
    expect(problems).toHaveLength(30)
    expect(message.match(/^\.hayaidb:/gm)).toHaveLength(10)
    expect(message.endsWith('and 20 more')).toBe(true)
  })

  it.each([
    'POSTGRES_PASSWORD: [hunter2]',
    'POSTGRES_PASSWORD: {hunter2: 1}',
    'POSTGRES_PASSWORD: !hunter2',
    'POSTGRES_PASSWORD: !hunter2 x',
    'POSTGRES_PASSWORD: *hunter2',
    'POSTGRES_PASSWORD: @hunter2',
    'POSTGRES_PASSWORD: "hunter2',
    "POSTGRES_PASSWORD: 'hunter2",
    'POSTGRES_PASSWORD: "\\phunter2"',
    'POSTGRES_PASSWORD: hunter2: x',
    'POSTGRES_PASSWORD: {hunter2',
    'POSTGRES_PASSWORD: "x" hunter2',
    'POSTGRES_PASSWORD: | hunter2',
    'POSTGRES_PASSWORD: |\n\thunter2',
    'POSTGRES_PASSWORD: %hunter2',
    'POSTGRES_PASSWORD: &hunter2 *hunter2',
    'PLAIN: a\n      PLAIN: hunter2',
    'PLAIN:\n        - hunter2',
    'PLAIN: {a: hunter2}',
    '"hunter2\n      x": 1',
    'A B: hunter2',
    'POSTGRES_PASSWORD: "x", hunter2',
    'hunter2 : : x',
    '- POSTGRES_PASSWORD=hunter2',
    '- hunter2',
    'hunter2',
  ])('never shows a value of the environment: %j', (line) => {
    for (const text of [
      `databases:\n  a:\n    engine: redis\n    environment:\n      ${line}\n    port: x\n`,
      `databases: {a: {engine: nope, environment: {${line}}}}`,
      `databases:\n  a:\n    engine: redis\n    "environment" :\n\n      # c\n      ${line}\n`,
    ]) {
      let thrown: unknown
      try {
        check(text)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toMatchObject({ code: 'CONFIG_INVALID' })
      expect(inspect(thrown, { depth: 9 })).not.toContain('hunter2')
    }
  })
})

describe('reading and changing the file', () => {
  it('gives undefined where there is no file', async () => {
    const root = await freshFolder()
    expect(await readConfig(join(root, '.hayaidb'), engines)).toBeUndefined()
  })

  it('sees a change of the file at once', async () => {
    const file = join(await freshFolder(), '.hayaidb')
    await writeFile(file, 'project: one')
    expect((await readConfig(file, engines))?.project).toBe('one')
    await writeFile(file, 'project: two')
    expect((await readConfig(file, engines))?.project).toBe('two')
    await writeFile(file, 'projct: two')
    await expect(readConfig(file, engines)).rejects.toMatchObject({ code: 'CONFIG_INVALID', exitStatus: 2 })
    await expect(readConfig(file, engines)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('names the file as the person would, from where they are', async () => {
    const file = join(await freshFolder(), 'x.yaml')
    await writeFile(file, 'a: 1')
    await expect(loadConfig(file, { engines })).rejects.toMatchObject({ message: matching(`^${file}:1:1: `) })
  })

  it('refuses a folder, and a file that is not UTF-8', async () => {
    const root = await freshFolder()
    const file = join(root, '.hayaidb')
    await mkdir(file)
    await expect(readConfig(file, engines)).rejects.toMatchObject({ code: 'CONFLICT' })
    await writeFile(join(root, 'latin'), Buffer.from('project: caf\xe9', 'latin1'))
    await expect(readConfig(join(root, 'latin'), engines)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: containing('UTF-8'),
    })
    await expect(addToConfig(root, join(root, 'latin'), 'a', { engine: 'redis' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(await readFile(join(root, 'latin'), 'latin1')).toBe('project: caf\xe9')
  })

  it('makes the file when the first database is declared', async () => {
    const root = await freshFolder()
    const file = join(root, '.hayaidb')
    await addToConfig(root, file, 'shop', { engine: 'postgresql', port: 5432 })
    expect(await readFile(file, 'utf8')).toBe(
      `version: "1.0"\nproject: "${basename(root).toLowerCase()}"\ndatabases:\n  shop:\n    engine: postgresql\n    port: 5432\n`,
    )
    expect((await readConfig(file, engines))?.databases['shop']).toMatchObject({ engine: 'postgresql', port: 5432 })
  })

  it('keeps the mode of the file, and a link stays a link', async () => {
    const root = await freshFolder()
    const [file, real] = [join(root, '.hayaidb'), join(root, 'shared.yaml')]
    await writeFile(real, 'project: x\n')
    await chmod(real, 0o640)
    await symlink('shared.yaml', file)
    await addToConfig(root, file, 'shop', { engine: 'sqlite' })
    expect((await lstat(file)).isSymbolicLink()).toBe(true)
    expect((await stat(real)).mode & 0o777).toBe(0o640)
    expect(await readFile(real, 'utf8')).toContain('shop')
  })

  it('takes a database out and puts it back with its comments', async () => {
    const root = await freshFolder()
    const file = join(root, '.hayaidb')
    const text = `version: "1.0" # one\ndatabases:\n    # all of them\n    shop: # mine\n        engine: redis\n        port: 0x1F90 # odd\n\n        # the end\n`
    await writeFile(file, text)
    const kept = await removeFromConfig(root, file, 'shop')
    expect(await readFile(file, 'utf8')).toBe('version: "1.0" # one\ndatabases:\n    # all of them\n')
    expect(kept?.entry).toEqual({ engine: 'redis', port: '0x1F90' })
    if (kept === null) throw new Error('it was declared')
    await addToConfig(root, file, 'shop', kept)
    expect(await readFile(file, 'utf8')).toBe(text)
    expect(await removeFromConfig(root, file, 'other')).toBeNull()
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it('refuses a name that is declared, and leaves a file that it does not understand as it is', async () => {
    const root = await freshFolder()
    const file = join(root, '.hayaidb')
    await writeFile(file, 'databases: {a: {engine: redis}}')
    await expect(addToConfig(root, file, 'a', { engine: 'redis' })).rejects.toMatchObject({ code: 'CONFLICT' })
    await writeFile(file, 'databases: {a: ')
    await expect(addToConfig(root, file, 'b', { engine: 'redis' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(removeFromConfig(root, file, 'a')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(await readFile(file, 'utf8')).toBe('databases: {a: ')
  })

  it('loses none of forty declarations at once', async () => {
    const root = await freshFolder()
    const file = join(root, '.hayaidb')
    await writeFile(file, '# ours\nproject: crowd\n')
    await Promise.all(Array.from({ length: 40 }, (_, index) => addToConfig(root, file, `db-${index}`, { engine: 'sqlite' })))
    const config = await readConfig(file, engines)
    expect(Object.keys(config?.databases ?? {})).toHaveLength(40)
    expect(await readFile(file, 'utf8')).toMatch(/^# ours\nproject: crowd\n/)
  }, 30_000)
})
