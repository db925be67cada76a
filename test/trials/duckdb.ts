// DuckDB on the stage: Chinook in a file, worked on by a program of the user's own, which has it open no longer than it needs to.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../../src/index.ts'
import { onFile } from '../engines/duckdb-program.ts'
import type { Actor } from './actor.ts'
import { sh } from './stage.ts'
import { bundled } from '../programs.ts'

const CHINOOK = join(import.meta.dirname, '../../../shared/data/chinook/Chinook_PostgreSql.sql')
const PROGRAM = bundled('test/engines/duckdb-program.ts')

const OWN_ROWS = `
  CREATE TABLE artist (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE album (id integer PRIMARY KEY, artist integer NOT NULL, title text, price decimal(5, 2));
  CREATE INDEX album_title ON album (title);
  CREATE VIEW cheap AS SELECT * FROM album WHERE price < 5;
  INSERT INTO artist SELECT i, 'Ärtist ''' || i || '''' FROM range(200) r (i);
  INSERT INTO album SELECT i, i % 200, 'Title ' || i, i % 17 + 0.5 FROM range(1000) r (i);
`

export const duckdb: Actor = {
  engine: 'duckdb',
  missing: undefined,
  async fill(project, name) {
    await this.run(project, name, existsSync(CHINOOK) ? chinook() : OWN_ROWS)
  },
  async damage(project, name) {
    const tables = (await this.run(project, name, 'SELECT table_name FROM duckdb_tables() ORDER BY ALL')).split('\n')
    await this.run(
      project,
      name,
      `DROP TABLE ${tables[0]}; DELETE FROM ${tables.at(-1)}; CREATE TABLE IF NOT EXISTS wreck (a integer); INSERT INTO wreck VALUES (1)`,
    )
  },
  async dump(project, name) {
    return onFile(await fileOf(project, name), '.dump', true)
  },
  async run(project, name, statements) {
    return onFile(await fileOf(project, name), statements)
  },
  servers: 0,
  disk: { megabytes: 160, enough: 10 },
  async ballast(project, name, megabytes) {
    const bytes = `unhex(array_to_string(list_transform(range(62), lambda x: md5((i * 62 + x)::varchar)), ''))`
    await this.run(project, name, `CREATE TABLE ballast AS SELECT i, ${bytes} AS h FROM range(1, ${megabytes * 1000 + 1}) r (i)`)
  },
  async halve(project, name) {
    await this.run(project, name, 'DELETE FROM ballast WHERE i % 2 = 0')
  },
  async weight(project, name) {
    return Number(await this.run(project, name, 'SELECT count(*) FROM ballast'))
  },
  byHand(_project, _bare, lines, folder) {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'duckdb'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`)
    chmodSync(join(bin, 'duckdb'), 0o755)
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
    for (const line of lines) sh('sh', ['-ec', `cd '${folder}'; ${line.replaceAll('NEW.duckdb', 'byhand.duckdb')}`], env)
    return onFile(join(folder, 'byhand.duckdb'), '.dump', true)
  },
}

/** Its script makes and enters a database of its own, and adds keys to tables that are there, which DuckDB does not know how to do. */
function chinook(): string {
  const script = readFileSync(CHINOOK, 'utf8')
  return script.replaceAll(/^(DROP DATABASE|CREATE DATABASE|\\c).*$/gm, '').replaceAll(/^ALTER TABLE[^;]*;$/gm, '')
}

async function fileOf(project: Project, name: string): Promise<string> {
  const { file } = await project.connect(name)
  if (file === null) throw new Error('a DuckDB database without a file')
  return file
}
