import { expect, test } from 'vitest'
import { generatePassword, Secret } from '../../src/base/secret.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { setting } from '../../src/engines/postgresql/sql.ts'

const saying = (part: string): unknown => expect.stringContaining(part)
const password = generatePassword()
const read = (environment: Readonly<Record<string, string>>) => postgresql.settings(environment, password)

test('without a word there is a user, a database, and the password that was made', () => {
  const settings = read({})
  expect(settings).toMatchObject({ user: 'admin', database: 'database', server: {}, creation: [], unknown: [] })
  expect(settings.password).toBe(password)
  expect(read({ POSTGRES_PASSWORD: '', POSTGRES_DB: '' })).toMatchObject({ password, database: 'database' })
})

test('names and password are taken, settings of the server passed on, the rest told', () => {
  const settings = read({
    POSTGRES_DB: 'my shop',
    POSTGRES_USER: 'ann',
    POSTGRES_PASSWORD: 's3cret',
    POSTGRES_WAL_LEVEL: 'replica',
    POSTGRES_MAX_CONNECTIONS: '20',
    POSTGRES_ARCHIVE_MODE: 'on',
    POSTGRES_PORT: '1',
    POSTGRES_DATA_DIRECTORY: '/',
    POSTGRES_NO_SUCH_THING: '1',
    PGDATA: '/x',
    MYSQL_USER: 'x',
    POSTGRES_INITDB_ARGS: `--data-checksums --locale="en US" --set='a b'=c`,
  })
  expect(settings).toMatchObject({
    user: 'ann',
    database: 'my shop',
    server: { wal_level: 'replica', max_connections: '20', archive_mode: 'on' },
    creation: ['--data-checksums', '--locale=en US', '--set=a b=c'],
    unknown: ['POSTGRES_PORT', 'POSTGRES_DATA_DIRECTORY', 'POSTGRES_NO_SUCH_THING', 'PGDATA', 'MYSQL_USER'],
  })
  expect(settings.password.reveal()).toBe('s3cret')
})

test.each([
  { POSTGRES_USER: 'pg_boss' },
  { POSTGRES_USER: 'a\nb' },
  { POSTGRES_USER: `o'b` },
  { POSTGRES_DB: 'template1' },
  { POSTGRES_DB: 'x'.repeat(64) },
  { POSTGRES_WORK_MEM: '4MB\u0000' },
  { POSTGRES_INITDB_ARGS: '--auth=trust' },
  { POSTGRES_INITDB_ARGS: '-Atrust' },
  { POSTGRES_INITDB_ARGS: '-k "-D" /elsewhere' },
  { POSTGRES_INITDB_ARGS: '--username=x' },
])('%j is refused', (environment) => {
  expect(() => read(environment)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('a password with a line break is refused without being shown', () => {
  expect(() => read({ POSTGRES_PASSWORD: 'top\nsecret' })).toThrow(expect.not.objectContaining({ message: saying('secret') }))
  expect(() => read({ POSTGRES_PASSWORD: 'top\nsecret' })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('a URI holds whatever the names hold', () => {
  const uri = postgresql.uri({ host: '127.0.0.1', port: 5001, user: 'a b', password: new Secret('p@ss:/w%rd'), database: 'x/y?z' }, '/data')
  expect(uri).toBe('postgresql://a%20b:p%40ss%3A%2Fw%25rd@127.0.0.1:5001/x%2Fy%3Fz')
})

test('versions are read from what the server prints', () => {
  if (postgresql.recipe.shape !== 'server') throw new Error('not a server')
  expect(postgresql.recipe.versionOf('postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n')).toBe('15.18')
  expect(postgresql.recipe.versionOf('postgres (PostgreSQL) 19beta1')).toBe('19beta1')
  expect(postgresql.recipe.majorOf('15.18')).toBe('15')
})

test('a list of names stays a list, and anything else one value', () => {
  expect(setting(`search_path="$user", public, "Odd ""S"", x"`)).toBe(`SET "search_path" TO '$user', 'public', 'Odd "S", x'`)
  expect(setting('search_path=')).toBe(`SET "search_path" TO ''`)
  expect(setting(`my.app=it's = a, b`)).toBe(`SET "my.app" TO 'it''s = a, b'`)
})
