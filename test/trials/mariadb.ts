// MariaDB on the stage, and MySQL: Chinook, and beside it a table without transactions, a view, a routine and a trigger.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../src/base/errors.ts'
import { freePort } from '../../src/base/ports.ts'
import { mysqlRecipe } from '../../src/engines/mariadb/mysql-recipe.ts'
import type { Project } from '../../src/index.ts'
import { findInstallation, programIn } from '../../src/runtimes/native/installation.ts'
import { noServer, program } from '../engines/mariadb-server.ts'
import type { Actor } from './actor.ts'
import { sh } from './stage.ts'

const CHINOOK = join(import.meta.dirname, '../../../shared/data/chinook/Chinook_MySql.sql')

const OWN_ROWS = `
  CREATE TABLE artist (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE album (id integer PRIMARY KEY, artist integer NOT NULL, title varchar(200), price numeric(6, 2), FOREIGN KEY (artist) REFERENCES artist (id));
  ${Array.from({ length: 200 }, (_, i) => `INSERT INTO artist VALUES (${i}, 'Ärtist ''${i}''');`).join('\n')}
  ${Array.from({ length: 1000 }, (_, i) => `INSERT INTO album VALUES (${i}, ${i % 200}, 'Title ${i}', ${i % 17}.5);`).join('\n')}
`
const BESIDE = `
  CREATE TABLE isam (id integer PRIMARY KEY, bytes blob) ENGINE = MyISAM;
  INSERT INTO isam WITH RECURSIVE numbers (seq) AS (SELECT 0 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < 499)
    SELECT seq, UNHEX(LPAD(HEX(seq), 4, '0')) FROM numbers;
  CREATE VIEW odd AS SELECT id FROM isam WHERE id % 2 = 1;
  CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN n * 2;
  CREATE TRIGGER isam_in BEFORE INSERT ON isam FOR EACH ROW SET NEW.bytes = COALESCE(NEW.bytes, 'none');
`

/** What tells the stock programs of the two apart. */
interface Product {
  readonly engine: string
  readonly missing: string | undefined
  readonly client: string
  readonly dumping: readonly string[]
  readonly plain: readonly string[]
}

const DUMPING = ['--skip-dump-date', '--routines', '--events', '--triggers', '--hex-blob']

const MARIADB: Product = {
  engine: 'mariadb',
  missing: noServer ? 'no MariaDB programs on this machine' : undefined,
  client: program('mariadb'),
  dumping: [program('mariadb-dump'), ...DUMPING],
  plain: ['--skip-ssl'],
}

// MariaDB's packages have programs under the names of MySQL's.
const found = await findInstallation(mysqlRecipe, 'MySQL', undefined).then(
  (installation) => ({
    missing: undefined,
    version: mysqlRecipe.majorOf(installation.version),
    of: (name: string) => programIn(installation, name),
  }),
  (error: unknown) => ({ missing: messageOf(error), version: '', of: (name: string) => name }),
)

const MYSQL: Product = {
  engine: 'mysql',
  missing: found.missing,
  client: found.of('mysql'),
  dumping: [found.of('mysqldump'), ...DUMPING, '--set-gtid-purged=OFF', '--no-tablespaces'],
  plain: ['--ssl-mode=DISABLED', '--get-server-public-key'],
}

const actor = (product: Product): Actor => ({
  engine: product.engine,
  missing: product.missing,
  async fill(project, name) {
    const script = existsSync(CHINOOK) ? readFileSync(CHINOOK, 'utf8').replaceAll(/^(?:DROP|CREATE) DATABASE .*$|^USE .*$/gm, '') : OWN_ROWS
    await this.run(project, name, script + BESIDE)
  },
  async damage(project, name) {
    const tables = (await this.run(project, name, `SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'`))
      .split('\n')
      .map((line) => line.split('\t')[0])
    await this.run(
      project,
      name,
      `SET foreign_key_checks = 0; DROP TABLE IF EXISTS ${tables[0]}; DELETE FROM ${tables.at(-1)}; DELETE FROM isam WHERE id % 3 = 0;
       CREATE TABLE IF NOT EXISTS wreck (a int); INSERT INTO wreck VALUES (1)`,
    )
  },
  async dump(project, name) {
    const { args, env, database } = await login(product, project, name)
    return dumped(product, [...args, database], env)
  },
  async run(project, name, statements) {
    const { args, env, database } = await login(product, project, name)
    return sh(product.client, [...args, '--batch', '--skip-column-names', '--raw', `--database=${database}`], env, statements).trim()
  },
  servers: 1,
  disk: { megabytes: 300, enough: 40 },
  async ballast(project, name, megabytes) {
    const text = `(SELECT GROUP_CONCAT(MD5(RAND()) SEPARATOR '') FROM seq_1_to_31 WHERE n.seq > 0)`
    await this.run(project, name, `CREATE TABLE ballast AS SELECT n.seq AS i, ${text} AS t FROM seq_1_to_${megabytes * 1000} n`)
  },
  async halve(project, name) {
    await this.run(project, name, 'DELETE FROM ballast WHERE i % 2 = 0')
  },
  async weight(project, name) {
    return Number(await this.run(project, name, 'SELECT COUNT(*) FROM ballast'))
  },
  async byHand(project, bare, lines, folder, format) {
    if (format === 'tar') return startedByHand(project, lines, folder)
    const { args, env, port, user } = await login(product, project, await bare())
    for (const line of lines) {
      const meant = line
        .replaceAll('HOST', `127.0.0.1 -P ${port}`)
        .replaceAll('USER -p', user)
        .replaceAll(/\bNEW\b/g, 'byhand')
      sh('sh', ['-ec', `cd '${folder}'; ${meant}`], { ...env, PATH: `${join(product.client, '..')}:${process.env['PATH'] ?? ''}` })
    }
    return dumped(product, [...args, 'byhand'], env)
  },
})

export const mariadb = actor(MARIADB)
export const mysql = actor(MYSQL)
/** As its image is tagged. */
export const mysqlVersion = found.version

function dumped({ dumping: [file = '', ...options] }: Product, args: readonly string[], env: Readonly<Record<string, string>>): string {
  const [database, ...login] = args.toReversed()
  return undated(sh(file, [...login.toReversed(), ...options, String(database)], env))
}

/** As a user who is not root, in a folder of that user's own; the server stays in the foreground. */
async function startedByHand(project: Project, lines: readonly string[], folder: string): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'hayai-by-hand-'))
  const port = String(await freePort())
  const as = process.getuid?.() === 0 ? ['setpriv', '--reuid=mysql', '--regid=mysql', '--clear-groups'] : ['env']
  const path = `${join(program('mariadbd'), '..')}:${process.env['PATH'] ?? ''}`
  let server: ChildProcess | undefined
  try {
    sh('sh', ['-ec', `cp '${folder}'/shop-snapshot-* '${place}'; [ $(id -u) != 0 ] || chown -R mysql:mysql '${place}'`])
    for (const line of lines) {
      const meant = line.replaceAll('FOLDER', join(place, 'byhand')).replaceAll('PORT', port)
      const args = [...as.slice(1), 'sh', '-ec', `cd '${place}'; ${line.startsWith('mariadbd ') ? 'exec ' : ''}${meant}`]
      if (line.startsWith('mariadbd ')) server = spawn(String(as[0]), args, { env: { ...process.env, PATH: path }, stdio: 'ignore' })
      else sh(String(as[0]), args, { PATH: path })
    }
    const { args, env, database } = await login(MARIADB, project, 'shop')
    const there = args.map((each) => (each.startsWith('--port=') ? `--port=${port}` : each))
    for (let tries = 0; ; tries += 1) {
      try {
        return dumped(MARIADB, [...there, database], env)
      } catch (error) {
        if (tries > 100) throw error
        await sleep(200)
      }
    }
  } finally {
    if (server !== undefined && server.exitCode === null) {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
    await rm(place, { recursive: true, force: true })
  }
}

/** The heading names the database and where it was. */
function undated(dump: string): string {
  return dump.replaceAll(/^-- Host: .*$/gm, '').replaceAll(/^(-- Dumping (?:events|routines) for database) .*$/gm, '$1')
}

async function login({ plain }: Product, project: Project, name: string) {
  const { host, port, user, password, database } = await project.connect(name)
  return {
    args: ['--no-defaults', ...plain, '--default-character-set=utf8mb4', `--host=${host}`, `--port=${port}`, `--user=${user}`],
    env: { MYSQL_PWD: password?.reveal() ?? '' },
    database: String(database),
    port: String(port),
    user: String(user),
  }
}
