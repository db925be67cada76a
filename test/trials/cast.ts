// The cast: for each engine, how its own users fill it, damage it and look at it, with the engine's own stock programs.

import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/base/ports.ts'
import type { Project } from '../../src/index.ts'
import { foldersWith } from '../fetched.ts'
import type { Actor } from './actor.ts'
import { duckdb } from './duckdb.ts'
import { mariadb } from './mariadb.ts'
import { redis } from './redis.ts'
import { sh } from './stage.ts'

export type { Actor } from './actor.ts'

const CHINOOK = join(import.meta.dirname, '../../../shared/data/chinook')
export const chinookMissing = existsSync(CHINOOK) ? undefined : 'the Chinook database is not beside this checkout'

const OWN_ROWS = `
  CREATE TABLE artist (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE album (id integer PRIMARY KEY, artist integer NOT NULL REFERENCES artist (id), title text, price numeric);
  CREATE INDEX album_title ON album (title);
  CREATE VIEW cheap AS SELECT * FROM album WHERE price < 5;
  ${Array.from({ length: 200 }, (_, i) => `INSERT INTO artist VALUES (${i}, 'Ärtist ''${i}''');`).join('\n')}
  ${Array.from({ length: 1000 }, (_, i) => `INSERT INTO album VALUES (${i}, ${i % 200}, 'Title ${i}', ${i % 17}.5);`).join('\n')}
`

export const postgresql: Actor = {
  engine: 'postgresql',
  missing: pgBin() === undefined ? 'no PostgreSQL programs on this machine' : undefined,
  async fill(project, name) {
    const file = join(CHINOOK, 'Chinook_PostgreSql.sql')
    if (!existsSync(file)) return void (await this.run(project, name, OWN_ROWS))
    // Its script makes and enters a database of its own; the rows shall be in ours.
    const { readFileSync } = await import('node:fs')
    const script = readFileSync(file, 'utf8').replaceAll(/^(DROP DATABASE|CREATE DATABASE|\\c).*$/gm, '')
    await this.run(project, name, script)
  },
  async damage(project, name) {
    const table = (await this.run(project, name, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`)).split(
      '\n',
    )
    await this.run(
      project,
      name,
      `DROP TABLE IF EXISTS ${table[0]} CASCADE; TRUNCATE ${table.at(-1)} CASCADE; CREATE TABLE IF NOT EXISTS wreck (a int); INSERT INTO wreck VALUES (1)`,
    )
  },
  async dump(project, name) {
    const { uri, env } = await login(project, name)
    return undated(sh(pg('pg_dump'), ['-d', uri], env))
  },
  async run(project, name, statements) {
    const { uri, env } = await login(project, name)
    return sh(pg('psql'), ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', uri, '-f', '-'], env, statements).trim()
  },
  servers: 1,
  disk: { megabytes: 280, enough: 24 },
  async ballast(project, name, megabytes) {
    const text = `(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 31) WHERE i > 0)`
    await this.run(project, name, `CREATE TABLE ballast AS SELECT i, ${text} FROM generate_series(1, ${megabytes * 1000}) i`)
  },
  async halve(project, name) {
    await this.run(project, name, 'DELETE FROM ballast WHERE i % 2 = 0')
  },
  async weight(project, name) {
    return Number(await this.run(project, name, 'SELECT count(*) FROM ballast'))
  },
  async byHand(project, bare, lines, folder, format) {
    if (format === 'tar') return startedByHand(project, lines, folder)
    const { host, port, user, password } = await project.connect(await bare())
    const env = { PATH: `${pgBin() ?? ''}:${process.env['PATH'] ?? ''}`, PGPASSWORD: password?.reveal() ?? '' }
    for (const line of lines) {
      const meant = line.replaceAll('HOST', `${host} -p ${port}`).replaceAll('USER', String(user)).replaceAll('DATABASE', 'byhand')
      sh('sh', ['-ec', `cd '${folder}'; ${meant}`], env)
    }
    return undated(sh('pg_dump', ['-h', String(host), '-p', String(port), '-U', String(user), 'byhand'], env))
  },
}

/** As a user who is not root, in a folder of that user's own. */
async function startedByHand(project: Project, lines: readonly string[], folder: string): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'hayai-by-hand-'))
  const port = String(await freePort())
  const as = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : ['env']
  const type = (line: string) =>
    sh(String(as[0]), [...as.slice(1), 'sh', '-ec', `cd '${place}'; ${line}`], { PATH: `${pgBin() ?? ''}:${process.env['PATH'] ?? ''}` })
  try {
    sh('sh', ['-ec', `cp '${folder}'/shop-snapshot-* '${place}'; [ $(id -u) != 0 ] || chown -R postgres:postgres '${place}'`])
    for (const line of lines)
      type(
        line
          .replaceAll('FOLDER', 'byhand')
          .replaceAll('PORT', port)
          .replace(/ {3}#.*/, ''),
      )
    const { user, password, database } = await project.connect('shop')
    const login = ['-h', '127.0.0.1', '-p', port, '-U', String(user), '-d', String(database)]
    return undated(sh(pg('pg_dump'), login, { PGPASSWORD: password?.reveal() ?? '' }))
  } finally {
    type('pg_ctl stop -m immediate -D byhand || true')
    await rm(place, { recursive: true, force: true })
  }
}

export const sqlite: Actor = {
  engine: 'sqlite',
  missing: onPath('sqlite3') ? undefined : 'no sqlite3 program on this machine',
  async fill(project, name) {
    const file = join(CHINOOK, 'Chinook_Sqlite.sqlite')
    await this.run(project, name, existsSync(file) ? sh('sqlite3', [file, '.dump']) : OWN_ROWS)
  },
  async damage(project, name) {
    const tables = (
      await this.run(project, name, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`)
    ).split('\n')
    await this.run(
      project,
      name,
      `DROP TABLE [${tables[0]}]; DELETE FROM [${tables.at(-1)}]; CREATE TABLE IF NOT EXISTS wreck (a); INSERT INTO wreck VALUES (1);`,
    )
  },
  async dump(project, name) {
    return this.run(project, name, '.dump')
  },
  async run(project, name, statements) {
    const { file } = await project.connect(name)
    if (file === null) throw new Error('an SQLite database without a file')
    return sh('sqlite3', ['-bail', file], {}, statements).trim()
  },
  servers: 0,
  disk: { megabytes: 160, enough: 10 },
  async ballast(project, name, megabytes) {
    const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${megabytes * 1000})`
    await this.run(project, name, `CREATE TABLE ballast AS ${numbers} SELECT i, hex(randomblob(500)) h FROM n`)
  },
  async halve(project, name) {
    await this.run(project, name, 'DELETE FROM ballast WHERE i % 2 = 0')
  },
  async weight(project, name) {
    return Number(await this.run(project, name, 'SELECT count(*) FROM ballast'))
  },
  byHand(_project, _bare, lines, folder) {
    for (const line of lines) sh('sh', ['-ec', `cd '${folder}'; ${line.replaceAll('NEW.db', 'byhand.db')}`])
    return Promise.resolve(sh('sqlite3', [join(folder, 'byhand.db'), '.dump']))
  },
}

export const cast: readonly Actor[] = [postgresql, sqlite, duckdb, mariadb, redis]

/** A pg_dump's random key and its dated comments differ from run to run; so does a mark that servers from 15.20 on put on each column. */
export function undated(dump: string): string {
  return dump.replaceAll(/^\\(un)?restrict .*$/gm, '').replaceAll(/^ALTER TABLE ONLY .* SET \(pg_attver=\d+\);\n/gm, '')
}

async function login(project: Project, name: string): Promise<{ readonly uri: string; readonly env: Record<string, string> }> {
  const { host, port, user, password, database } = await project.connect(name)
  return { uri: `host=${host} port=${port} user=${user} dbname=${database}`, env: { PGPASSWORD: password?.reveal() ?? '' } }
}

export function pg(program: string): string {
  return join(pgBin() ?? '', program)
}

export function pgBin(): string | undefined {
  const base = '/usr/lib/postgresql'
  const known = existsSync(base) ? readdirSync(base).toSorted((a, b) => Number(b) - Number(a)) : []
  return foldersWith(
    'postgres',
    known.map((major) => join(base, major, 'bin')),
  ).find((folder) => existsSync(join(folder, 'psql')))
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)))
}
