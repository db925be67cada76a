// The cast: for each engine, how its own users fill it, damage it and look at it, with the engine's own stock programs.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../../src/index.ts'
import { sh } from './stage.ts'

export interface Actor {
  readonly engine: string
  /** Why it cannot play on this machine; undefined when it can. */
  readonly missing: string | undefined
  /** Puts in real rows: Chinook where it is at hand, else rows of its own. */
  fill(project: Project, name: string): Promise<void>
  /** What people do by mistake: drops a table, deletes rows, changes others. */
  damage(project: Project, name: string): Promise<void>
  /** Everything that is in it, as the stock tool dumps it, without random and dated lines. */
  dump(project: Project, name: string): Promise<string>
  run(project: Project, name: string, statements: string): Promise<string>
}

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
}

export const cast: readonly Actor[] = [postgresql, sqlite]

/** A pg_dump's random key and its dated comments differ from run to run. */
export function undated(dump: string): string {
  return dump.replaceAll(/^\\(un)?restrict .*$/gm, '')
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
  if (!existsSync(base)) return undefined
  const [newest] = readdirSync(base).toSorted((a, b) => Number(b) - Number(a))
  return newest === undefined ? undefined : join(base, newest, 'bin')
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)))
}
