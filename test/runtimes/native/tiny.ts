// What the trials of the native runtime stand on: PostgreSQL with as few facts as will do, and a database in a folder that
// only root may enter.

import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { keeps } from '../../../src/engines/postgresql/keeps.ts'
import { freePort } from '../../../src/base/ports.ts'
import { systemCode } from '../../../src/base/errors.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { Endpoint, Engine, Place, ServerRecipe } from '../../../src/engines/engine.ts'
import { inProject } from '../placement.ts'
import type { Placement, Site } from '../../../src/runtimes/runtime.ts'

const notHere = (): never => {
  throw new Error('the runtime has no business with this')
}

export const recipe: ServerRecipe = {
  shape: 'server',
  port: 5432,
  server: 'postgres',
  tools: ['initdb', 'psql'],
  folders: ['/usr/lib/postgresql/{major}/bin'],
  versionOf: (printed) => /(\d+\.\d+)/.exec(printed)?.[1] ?? notHere(),
  majorOf: (version) => version.split('.')[0] ?? notHere(),
  defaultMajor: '15',
  install: (major) => `apt install postgresql-${major ?? '15'}`,
  account: 'postgres',
  create: ({ dataDir, passwordFile, settings }) => [
    {
      program: 'initdb',
      args: [
        '-D',
        dataDir,
        '-U',
        settings.user,
        `--pwfile=${passwordFile}`,
        '-A',
        'scram-sha-256',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
      ],
    },
  ],
  secures: false,
  shares: () => [],
  texts: () => ({}),
  looksFor: [],
  serve: ({ dataDir, port, settings }: Place, purpose) => ({
    program: 'postgres',
    args: [
      ['-D', dataDir, '-p', String(port)],
      ['listen_addresses=127.0.0.1', 'unix_socket_directories='].flatMap((each) => ['-c', each]),
      purpose === 'filling' ? ['-c', 'fsync=off'] : [],
      Object.entries(settings.server).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ].flat(),
  }),
  stopSignal: 'SIGINT',
  forcible: true,
  answers: async (endpoint) => void (await ask(endpoint, 'select 1')),
  container: {
    image: 'postgres',
    hidden: () => ({}),
    dataDir: '/var/lib/postgresql/data',
    environment: ({ user, database }, file) => ({
      POSTGRES_USER: user,
      POSTGRES_DB: database,
      POSTGRES_PASSWORD_FILE: file('password'),
      POSTGRES_INITDB_ARGS: '--locale=C --encoding=UTF8',
    }),
    secrets: ({ password }) => ({ password: password.reveal() }),
    files: () => ({}),
    serve: ({ settings }, purpose) => ({
      args: [
        'postgres',
        ...(purpose === 'filling' ? ['-c', 'fsync=off'] : []),
        ...Object.entries(settings.server).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
    }),
    declared: (environment) => environment,
    keeps,
    healthcheck: ({ user }) => ['pg_isready', '-h', '127.0.0.1', '-U', user],
  },
  adopt: () => [],
  settle: () => Promise.resolve(),
}

export function engineWith(changes: Partial<ServerRecipe>): Engine {
  return {
    name: 'tiny',
    title: 'PostgreSQL',
    counts: { what: 'row', of: 'table' },
    formats: [],
    recipe: { ...recipe, ...changes },
    settings: notHere,
    uri: notHere,
    concerns: notHere,
    inspect: notHere,
    survey: notHere,
    dump: notHere,
    load: notHere,
    pieces: {
      noun: { one: 'table', many: 'tables' },
      unit: { one: 'row', many: 'rows' },
      renames: true,
      numbered: false,
      whole: true,
      find: notHere,
      transplant: notHere,
      takeBack: notHere,
    },
    tableRows: () => null,
    check: notHere,
  }
}

export const tiny = engineWith({})

/** The first column of each row. */
export async function ask(endpoint: Endpoint, query: string): Promise<readonly unknown[]> {
  const { host, port, user, database, password } = endpoint
  const client = new Client({ host, port, user, database, password: password.reveal(), connectionTimeoutMillis: 5000 })
  client.on('error', () => {}) // the server is killed under it, in some trials
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' })
    return rows.map(([first]) => first)
  } finally {
    await client.end()
  }
}

/** In a folder of mkdtemp: 0700, so that only its owner can enter it, which the server's account is not. */
export async function place(changes: Partial<Placement> = {}): Promise<Placement> {
  const root = await mkdtemp(join(tmpdir(), 'hayai-native-'))
  return placeIn(root, await freePort(), changes)
}

export function placeIn(root: string, port: number, changes: Partial<Placement> = {}): Placement {
  return {
    id: 'id',
    name: 'mydb',
    version: undefined,
    port,
    file: undefined,
    settings: { user: 'app', password: new Secret('right horse'), database: 'postgres', server: {}, unknown: [] },
    dataDir: join(root, '.hayai', 'data', 'mydb'),
    runDir: join(root, '.hayai', 'run', 'mydb'),
    logFile: join(root, '.hayai', 'logs', 'mydb.log'),
    ...inProject(root),
    ...changes,
  }
}

export function rootOf(placement: Placement): string {
  return join(placement.dataDir, '..', '..', '..')
}

export function endpointOf({ settings, port }: Placement): Endpoint {
  return { host: '127.0.0.1', port, user: settings.user, password: settings.password, database: settings.database }
}

export const never = new AbortController().signal

export async function cleanUp(placement: Placement, site: Site): Promise<void> {
  await site.stop()
  for (const pid of processesIn(rootOf(placement))) process.kill(pid, 'SIGKILL') // of a trial that failed half-way
  await rm(rootOf(placement), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}

/** Processes whose working folder is below `folder`: a PostgreSQL server's is its data folder. */
export function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`)
      } catch (error) {
        if (['ENOENT', 'EACCES', 'ESRCH'].includes(systemCode(error) ?? '')) return false
        throw error
      }
    })
}

/** Its command's first words; none when it has ended. */
export function commandOf(pid: number): string {
  return ofProcess(pid, 'cmdline').replaceAll('\0', ' ')
}

/** The number of its parent; NaN when it has ended. */
export function parentOf(pid: number): number {
  const stat = ofProcess(pid, 'stat')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) // proc(5): the name in parentheses, the state, the parent
}

function ofProcess(pid: number, file: 'cmdline' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '')) return ''
    throw error
  }
}

/** The server's own process, and its record. */
export function postmaster(placement: Placement): number {
  const { process: id } = JSON.parse(readFileSync(join(placement.runDir, 'server.json'), 'utf8')) as { process: { pid: number } }
  return id.pid
}

/** Names in the data folder, without those that a database at rest has: the ledger and the generations it names. */
export async function leftovers(placement: Placement, site: Site): Promise<readonly string[]> {
  const named = new Set(['generations.json', ...(await site.generations()).map(({ name }) => name)])
  const found: string[] = []
  for (const name of await readdir(placement.dataDir)) {
    if (!named.has(name)) found.push(name)
    else if (name !== 'generations.json') {
      found.push(...(await readdir(join(placement.dataDir, name))).filter((each) => each !== 'server').map((each) => `${name}/${each}`))
    }
  }
  const run = await readdir(placement.runDir)
  return [...found, ...run.filter((name) => name !== 'server.json' && name !== 'twin.log').map((name) => `run/${name}`)]
}

/** With owners and modes, as a data folder needs them. */
export function copyWithOwners(from: string, to: string): void {
  execFileSync('cp', ['-a', `${from}/.`, to])
}
