// A real MariaDB server for tests, made and run by the engine's own recipe, in a folder that goes with it.

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freeBytes } from '../../src/base/files.ts'
import { drain, once, type Bytes } from '../../src/base/bytes.ts'
import { output, run } from '../../src/base/exec.ts'
import { end, identify } from '../../src/base/processes.ts'
import { Secret } from '../../src/base/secret.ts'
import { NOTHING_AROUND, type Endpoint, type Place, type Target } from '../../src/engines/engine.ts'
import { recipe } from '../../src/engines/mariadb/recipe.ts'
import { MARIADB_VOCABULARY, readSettings } from '../../src/engines/mariadb/settings.ts'
import { foldersWith } from '../fetched.ts'
import { baseOf } from '../../src/runtimes/native/installation.ts'
import { workshopIn } from '../../src/runtimes/workshop.ts'

/** Where the server's program is; undefined where there is none with all its tools. */
const [folder] = foldersWith(
  recipe.server,
  recipe.folders.filter((each) => !each.includes('{')),
)
export const program = (name: string): string =>
  [folder ?? '', join(folder ?? '', '../bin')].map((each) => join(each, name)).find((each) => existsSync(each)) ?? name
export const noServer = (folder === undefined || recipe.tools.some((tool) => !existsSync(program(tool)))) && process.env['CI'] === undefined

interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Server extends AsyncDisposable {
  readonly folder: string
  readonly endpoint: Endpoint
  readonly target: Target
  readonly log: string
  /** The same database, with these programs found before the server's own. */
  targetWith(folder: string): Target
  /** Runs statements as the login, or as somebody else, and gives what they print. */
  sql(
    statements: string,
    options?: { readonly database?: string; readonly user?: string; readonly password?: string; readonly host?: string },
  ): Promise<string>
  /** What the stock program dumps of all databases, without dates; views that are broken cannot be in it. */
  everything(databases: readonly string[], more?: readonly string[]): Promise<string>
  /** The checksum of every table of these databases, and what CHECK TABLE says of it. */
  checksums(databases: readonly string[]): Promise<string>
  /** The accounts, roles and what they may do. */
  rights(): Promise<string>
  restart(purpose: 'live' | 'filling'): Promise<void>
}

export interface Making {
  readonly environment?: Readonly<Record<string, string>>
  readonly purpose?: 'live' | 'filling'
  /** How the name of its folder begins. */
  readonly prefix?: string
}

const PASSWORD = "it's a pass:word \\ é"

export async function startServer({ environment = {}, purpose = 'live', prefix = 'hayai-maria-' }: Making = {}): Promise<Server> {
  const settings = readSettings(MARIADB_VOCABULARY, environment, new Secret(PASSWORD))
  const root = await mkdtemp(join(tmpdir(), prefix))
  const account = await accountOf()
  const dataDir = join(root, 'data')
  const log = join(root, 'log')
  await mkdir(dataDir, { mode: 0o700 })
  if (account !== undefined) for (const path of [root, dataDir]) await chown(path, account.uid, account.gid)
  const port = await freePort()
  const place: Place = {
    dataDir,
    port,
    settings,
    passwordFile: '',
    found: [],
    around: NOTHING_AROUND,
    base: await baseOf(recipe, folder ?? ''),
  }
  for (const { program: name, args, env, input } of recipe.create(place)) {
    const command = {
      file: program(name),
      args,
      cwd: '/',
      ...(env === undefined ? {} : { env }),
      ...(account === undefined ? {} : { account }),
    }
    await drain(run(command, input === undefined ? undefined : once(input)))
  }
  const endpoint: Endpoint = { host: '127.0.0.1', port, user: settings.user, password: settings.password, database: settings.database }
  let pid = await serve(place, purpose, log, account)
  await answering(endpoint, log)
  const targetWith = (fakes: string | undefined): Target => {
    const runs: Target['run'] = (invocation, input) => {
      const fake = fakes === undefined ? undefined : join(fakes, invocation.program)
      return run({ ...invocation, file: fake !== undefined && existsSync(fake) ? fake : program(invocation.program) }, input)
    }
    return {
      endpoint,
      inner: endpoint,
      path: dataDir,
      scratch: root,
      freeBytes: () => freeBytes(dataDir),
      version: null,
      layDown: () => Promise.reject(new Error('nothing is laid down in it')),
      copyAtRest: () => Promise.reject(new Error('it is not copied at rest')),
      async close() {},
      run: runs,
      workshop: () => workshopIn(root, runs),
    }
  }
  const connecting = (host = '127.0.0.1'): readonly string[] => [
    '--no-defaults',
    `--host=${host}`,
    `--port=${port}`,
    '--skip-ssl',
    '--default-character-set=utf8mb4',
  ]
  const sql: Server['sql'] = (
    statements,
    { database = endpoint.database, user = endpoint.user, password = endpoint.password.reveal(), host } = {},
  ) =>
    output(
      {
        file: program('mariadb'),
        args: [...connecting(host), `--user=${user}`, '--batch', '--skip-column-names', '--raw', `--database=${database}`],
        env: { MYSQL_PWD: password },
      },
      once(statements),
    )
  return {
    folder: root,
    endpoint,
    target: targetWith(undefined),
    log,
    targetWith,
    sql,
    async everything(databases, more = []) {
      const options = ['--skip-dump-date', '--routines', '--events', '--triggers', '--hex-blob', '--dump-history', ...more]
      const bytes = await collect(
        run({
          file: program('mariadb-dump'),
          args: [...connecting(), `--user=${endpoint.user}`, ...options, '--databases', ...databases],
          env: { MYSQL_PWD: endpoint.password },
        }),
      )
      return bytes.toString('latin1').replaceAll(/^-- (?:Host|Server version).*$/gm, '')
    },
    async checksums(databases) {
      const tables =
        await sql(`SELECT CONCAT('\`', REPLACE(TABLE_SCHEMA, '\`', '\`\`'), '\`.\`', REPLACE(TABLE_NAME, '\`', '\`\`'), '\`') FROM information_schema.TABLES
        WHERE TABLE_SCHEMA IN (${databases.map((each) => `'${each}'`).join()}) AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND ENGINE NOT IN ('MRG_MyISAM', 'BLACKHOLE')
          AND TABLE_NAME NOT LIKE '%\n%' ORDER BY 1`)
      const list = tables.split('\n').join(', ')
      return sql(`CHECKSUM TABLE ${list} EXTENDED; CHECK TABLE ${list} EXTENDED`)
    },
    async rights() {
      const accounts =
        await sql(`SELECT IF(is_role = 'Y', QUOTE(User), CONCAT(QUOTE(User), '@', QUOTE(Host))), is_role FROM mysql.user WHERE User NOT IN ('mariadb.sys', 'root', 'PUBLIC', 'admin')
        ORDER BY User, Host`)
      const said: string[] = []
      for (const line of accounts.split('\n')) {
        const [grantee = '', isRole] = line.split('\t')
        said.push(await sql(`${isRole === 'Y' ? '' : `SHOW CREATE USER ${grantee}; `}SHOW GRANTS FOR ${grantee}`))
      }
      const inOrder = (line: string): string =>
        line.replaceAll(/\(([^()]*)\)/g, (_, columns: string) => `(${columns.split(', ').toSorted().join(', ')})`)
      return [...said, await sql('SHOW GRANTS FOR PUBLIC')].map((each) => each.split('\n').map(inOrder).toSorted().join('\n')).join('\n')
    },
    async restart(next) {
      await stopped(pid)
      pid = await serve(place, next, log, account)
      await answering(endpoint, log)
    },
    async [Symbol.asyncDispose]() {
      await stopped(pid)
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** A dump is bytes, and not text. */
export async function collect(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function serve(place: Place, purpose: 'live' | 'filling', log: string, account: Account | undefined): Promise<number> {
  const { program: name, args } = recipe.serve(place, purpose)
  const out = openSync(log, 'a')
  const child = spawn(program(name), args, { cwd: '/', stdio: ['ignore', out, out], env: { LC_ALL: 'C.UTF-8' }, ...account })
  closeSync(out)
  if (child.pid === undefined) throw new Error(`${name} cannot be started`)
  return child.pid
}

async function stopped(pid: number): Promise<void> {
  const id = identify(pid)
  if (id !== undefined && !(await end(id, recipe.stopSignal, 20_000))) await end(id, 'SIGKILL', 5000)
}

async function answering(endpoint: Endpoint, log: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await recipe.answers(endpoint)
    } catch (error) {
      if (tries > 400) throw new Error(`the server does not answer: ${await readFile(log, 'utf8')}`, { cause: error })
      await sleep(50)
    }
  }
}

async function accountOf(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => output({ file: 'id', args: [flag, recipe.account] })))
  return { uid: Number(uid), gid: Number(gid) }
}

async function freePort(): Promise<number> {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  await new Promise((resolve) => listener.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export async function fakeProgram(folder: string, name: string, body: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
}
