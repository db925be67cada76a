// A real PostgreSQL server for tests, made and run by the engine's own recipe, in a folder that goes with it.

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
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
import { recipe } from '../../src/engines/postgresql/recipe.ts'
import { settings as readSettings } from '../../src/engines/postgresql/settings.ts'
import { foldersWith } from '../fetched.ts'

/** The newest installation that has every program; undefined where there is none. */
export const programs = findPrograms()
export const noServer = programs === undefined && process.env['CI'] === undefined

function findPrograms(): string | undefined {
  const folders = recipe.folders.flatMap((pattern) => {
    const [parent = '', rest] = pattern.split(/\{major\}/)
    if (rest === undefined) return [pattern]
    const above = parent.slice(0, parent.lastIndexOf('/'))
    if (!existsSync(above)) return []
    return readdirSync(above)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((major) => `${above}/${major}${rest}`)
  })
  return foldersWith(recipe.server, folders).find((folder) =>
    [recipe.server, ...recipe.tools, 'pg_dumpall'].every((program) => existsSync(join(folder, program))),
  )
}

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
  psql(sql: string, database?: string): Promise<string>
  /** What pg_dumpall says, without what differs from run to run. */
  everything(): Promise<string>
  /** Stops it for as long as `work` takes. */
  atRest(work: (as: { readonly account?: Account }) => Promise<void>): Promise<void>
  /** Stops it cleanly and starts it again. */
  restart(purpose: 'live' | 'filling'): Promise<void>
}

export interface Making {
  readonly environment?: Readonly<Record<string, string>>
  readonly purpose?: 'live' | 'filling'
}

export async function startServer(making: Making = {}): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'hayai-pg-'))
  try {
    return await startIn(folder, making)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function startIn(folder: string, { environment = {}, purpose = 'live' }: Making): Promise<Server> {
  if (programs === undefined) throw new Error('no PostgreSQL server on this machine')
  const bin = programs
  const settings = readSettings(environment, new Secret("it's a pass:word \\ é"))
  const account = await accountOf()
  const dataDir = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  const log = join(folder, 'log')
  await writeFile(passwordFile, `${settings.password.reveal()}\n`, { mode: 0o600 })
  await mkdir(dataDir, { mode: 0o700 })
  if (account !== undefined) for (const path of [folder, dataDir, passwordFile]) await chown(path, account.uid, account.gid)
  const port = await freePort()
  const place = { dataDir, port, settings, passwordFile, found: [], around: NOTHING_AROUND }
  for (const { program, args, env, input } of recipe.create(place)) {
    const command = {
      file: join(bin, program),
      args,
      cwd: '/',
      ...(env === undefined ? {} : { env }),
      ...(account === undefined ? {} : { account }),
    }
    await drain(run(command, input === undefined ? undefined : once(input)))
  }
  const endpoint: Endpoint = { host: '127.0.0.1', port, user: settings.user, password: settings.password, database: settings.database }
  let process = await serve(bin, place, purpose, log, account)
  try {
    await answering(endpoint, log)
  } catch (error) {
    await stopped(process)
    throw error
  }
  const targetWith = (fakes: string | undefined): Target => ({
    endpoint,
    inner: endpoint,
    path: dataDir,
    scratch: folder,
    freeBytes: () => freeBytes(dataDir),
    version: null,
    layDown: () => Promise.reject(new Error('nothing is laid down in it')),
    copyAtRest: () => Promise.reject(new Error('it is not copied at rest')),
    workshop: () => Promise.reject(new Error('nobody works beside it')),
    async close() {},
    run(invocation, input) {
      const fake = fakes === undefined ? undefined : join(fakes, invocation.program)
      const file = fake !== undefined && existsSync(fake) ? fake : join(bin, invocation.program)
      return run({ ...invocation, file }, input)
    },
  })
  const target = targetWith(undefined)
  const login = { PGHOST: endpoint.host, PGPORT: String(port), PGUSER: endpoint.user, PGPASSWORD: endpoint.password }
  return {
    folder,
    endpoint,
    target,
    log,
    targetWith,
    psql: (sql, database = endpoint.database) =>
      output(
        {
          file: join(bin, 'psql'),
          args: ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
          env: { ...login, PGDATABASE: database, PGOPTIONS: '-c default_transaction_read_only=off' },
        },
        once(sql),
      ),
    everything: async () =>
      steady(
        (
          await collect(
            run({ file: join(bin, 'pg_dumpall'), args: [], env: { ...login, PGDATABASE: 'template1', PGOPTIONS: '-c role=none' } }),
          )
        ).toString('latin1'),
        endpoint.user,
      ),
    async atRest(work) {
      await stopped(process)
      await work(account === undefined ? {} : { account })
      process = await serve(bin, place, purpose, log, account)
      await answering(endpoint, log)
    },
    async restart(next) {
      await stopped(process)
      process = await serve(bin, place, next, log, account)
      await answering(endpoint, log)
    },
    async [Symbol.asyncDispose]() {
      await stopped(process)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A dump may hold several encodings: it is bytes, and not text. */
export async function collect(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function serve(bin: string, place: Place, purpose: 'live' | 'filling', log: string, account: Account | undefined): Promise<number> {
  const { program, args } = recipe.serve(place, purpose)
  const out = openSync(log, 'a')
  const child = spawn(join(bin, program), args, { cwd: '/', stdio: ['ignore', out, out], env: { LC_ALL: 'C.UTF-8' }, ...account })
  closeSync(out)
  if (child.pid === undefined) throw new Error(`${program} cannot be started`)
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
      if (tries > 200) throw new Error(`the server does not answer: ${await readFile(log, 'utf8')}`, { cause: error })
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

/** Without the random \restrict keys, dated lines, and the password of the server's own superuser. */
export function steady(dump: string, login: string): string {
  return dump
    .split('\n')
    .filter((line) => !/^\\(?:un)?restrict |^-- (?:Started|Completed) on /.test(line))
    .map((line) => (line.startsWith(`ALTER ROLE ${login} `) ? line.replace(/ PASSWORD '[^']*'/, '') : line))
    .join('\n')
}
