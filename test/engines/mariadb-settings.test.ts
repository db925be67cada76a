import { expect, test } from 'vitest'
import { generatePassword, Secret } from '../../src/base/secret.ts'
import { mariadb } from '../../src/engines/mariadb.ts'
import { firstLogins, nativeHash } from '../../src/engines/mariadb/login.ts'

const password = generatePassword()
const read = (environment: Readonly<Record<string, string>>) => mariadb.settings(environment, password)

test('without a word there is a user, a database, and the password that was made', () => {
  const settings = read({})
  expect(settings).toMatchObject({ user: 'admin', database: 'database', server: {}, unknown: [] })
  expect(settings.password).toBe(password)
  expect(settings.secrets).toBeUndefined()
  expect(read({ MARIADB_PASSWORD: '', MYSQL_DATABASE: '' })).toMatchObject({ password, database: 'database' })
})

test('names of either image are taken, settings of the server passed on, the rest told', () => {
  const settings = read({
    MYSQL_DATABASE: 'my shop',
    MYSQL_USER: 'old',
    MARIADB_USER: 'ann',
    MARIADB_PASSWORD: 's3cret',
    MYSQL_PASSWORD: 'other',
    MARIADB_ROOT_PASSWORD: 'top',
    MARIADB_MAX_CONNECTIONS: '20',
    MYSQL_SQL_MODE: 'ANSI',
    MYSQL_MAX_CONNECTIONS: '10',
    MARIADB_LOG_BIN: 'on',
    MARIADB_DATADIR: '/',
    MARIADB_PORT: '1',
    MARIADB_NO_SUCH_THING: '1',
    MARIADB_RANDOM_ROOT_PASSWORD: '1',
    POSTGRES_USER: 'x',
  })
  expect(settings).toMatchObject({
    user: 'ann',
    database: 'my shop',
    server: { max_connections: '20', sql_mode: 'ANSI', log_bin: 'binlog' },
    unknown: ['MARIADB_DATADIR', 'MARIADB_PORT', 'MARIADB_NO_SUCH_THING', 'MARIADB_RANDOM_ROOT_PASSWORD', 'POSTGRES_USER'],
  })
  expect(settings.password.reveal()).toBe('s3cret')
  expect(settings.secrets?.['root']?.reveal()).toBe('top')
  expect(JSON.stringify(settings)).not.toContain('top')
})

test('a password for root alone makes root the login', () => {
  const settings = read({ MYSQL_ROOT_PASSWORD: 'top' })
  expect(settings.user).toBe('root')
  expect(settings.password.reveal()).toBe('top')
  expect(firstLogins(settings).map(({ user, host }) => `${user}@${host}`)).toEqual(['root@localhost', 'root@%'])
  expect(firstLogins(read({})).map(({ user, host, password: own }) => `${user}@${host} ${own === undefined ? 'closed' : 'open'}`)).toEqual([
    'root@localhost closed',
    'admin@% open',
  ])
})

test.each([
  { MARIADB_USER: 'mariadb.sys' },
  { MARIADB_USER: 'a\nb' },
  { MARIADB_USER: 'x'.repeat(81) },
  { MARIADB_DATABASE: 'mysql' },
  { MARIADB_DATABASE: 'SYS' },
  { MARIADB_DATABASE: 'x'.repeat(65) },
  { MARIADB_DATABASE: 'ends ' },
  { MARIADB_DATABASE: '😀' },
  { MARIADB_SQL_MODE: 'a\u0000' },
  { MARIADB_LOG_BIN: '../x' },
])('%j is refused', (environment) => {
  expect(() => read(environment)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('a password with a line break is refused without being shown', () => {
  for (const key of ['MARIADB_PASSWORD', 'MYSQL_ROOT_PASSWORD']) {
    const refusal: unknown = (() => {
      try {
        return read({ [key]: 'top\nsecret' })
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(String(refusal)).not.toContain('secret')
  }
})

test('a URI holds whatever the names hold', () => {
  const uri = mariadb.uri({ host: '127.0.0.1', port: 5001, user: 'a b', password: new Secret('p@ss:/w%rd'), database: 'x/y?z' }, '/data')
  expect(uri).toBe('mysql://a%20b:p%40ss%3A%2Fw%25rd@127.0.0.1:5001/x%2Fy%3Fz')
})

test('a password is kept as the server keeps it', () => {
  expect(nativeHash(new Secret('password'))).toBe('*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19')
  expect(nativeHash(undefined)).toBe('invalid')
})

test('versions are read from what the server prints', () => {
  if (mariadb.recipe.shape !== 'server') throw new Error('not a server')
  const { versionOf, majorOf } = mariadb.recipe
  expect(versionOf('mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)\n')).toBe('10.11.19')
  expect(majorOf('10.11.19')).toBe('10.11')
  expect(majorOf('11')).toBe('11')
})
