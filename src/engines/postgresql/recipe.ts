// How a PostgreSQL server is made and run. Nothing in the data folder names a place: it may be moved, and reached by any path.

import type { Endpoint, Place, ServerRecipe } from '../engine.ts'
import { literal, name } from './sql.ts'
import { withSession } from './session.ts'

export const ENCODING = 'UTF8'
/** Sorts by code point, knows letters beyond ASCII, and never changes with the system. macOS has no such locale for certain. */
export const LOCALE = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8'

export const recipe: ServerRecipe = {
  shape: 'server',
  port: 5432,
  server: 'postgres',
  tools: ['initdb', 'pg_dump', 'psql'],
  clients: ['pg_dump', 'psql'],
  folders: [
    '/usr/lib/postgresql/{major}/bin',
    '/opt/homebrew/opt/postgresql@{major}/bin',
    '/usr/local/opt/postgresql@{major}/bin',
    '/home/linuxbrew/.linuxbrew/opt/postgresql@{major}/bin',
    '/usr/pgsql-{major}/bin',
    '/usr/local/pgsql/bin',
  ],
  versionOf: (printed) => /\d\S*/.exec(printed)?.[0] ?? '',
  majorOf: (version) => /^\d+/.exec(version)?.[0] ?? version,
  defaultMajor: '17',
  install,
  account: 'postgres',
  create,
  looksFor: [],
  serve,
  stopSignal: 'SIGINT',
  forcible: true,
  answers: (endpoint: Endpoint) => withSession(endpoint, { patience: 5000 }, async (session) => void (await session.query('SELECT 1'))),
  adopt: () => [],
  settle: () => Promise.resolve(),
}

function install(major: string | undefined): string {
  if (process.platform === 'darwin') return `Install it: brew install postgresql@${major ?? '17'}`
  const debian = major === undefined ? 'postgresql' : `postgresql-${major}`
  return `Install it: sudo apt-get install ${debian} (Debian, Ubuntu), or the packages of postgresql.org for your system.`
}

function create({ dataDir, settings }: Place): ReturnType<ServerRecipe['create']> {
  const initdb = {
    program: 'initdb',
    args: [
      `--pgdata=${dataDir}`,
      `--username=${settings.user}`,
      `--encoding=${ENCODING}`,
      `--locale=${LOCALE}`,
      '--lc-messages=C',
      '--auth-local=reject', // there is no socket of that kind
      '--auth-host=scram-sha-256', // initdb lets in the loopback addresses, and nobody else
      '--no-sync',
      ...(settings.creation ?? []),
    ],
  }
  // Not by initdb's --pwfile: when that fails, initdb prints the statement with the password in it.
  const quiet = {
    exit_on_error: 'on',
    log_min_error_statement: 'panic',
    password_encryption: 'scram-sha-256',
    fsync: 'off',
    log_checkpoints: 'off',
  }
  const statements = [
    `ALTER ROLE ${name(settings.user)} PASSWORD ${literal(settings.password.reveal())};\n`,
    ...(settings.database === 'postgres' ? [] : [`CREATE DATABASE ${name(settings.database)};\n`]),
  ]
  return [initdb, { program: 'postgres', args: ['--single', '-D', dataDir, ...given(quiet), 'postgres'], input: statements.join('') }]
}

const ALWAYS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  logging_collector: 'off',
  log_destination: 'stderr',
}

// A twin that is being filled: thrown away if it fails, made durable as a whole before it is used. Small enough for 2 GB of memory.
const FILLING = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  archive_mode: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '1GB',
  min_wal_size: '80MB',
  wal_recycle: 'off', // leave no pile of spare segments behind
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  shared_buffers: '192MB',
  maintenance_work_mem: '192MB',
}
/** Settings of a live server that cannot stand beside `wal_level=minimal`, or need something a twin does not have. */
const NOT_FILLING = new Set(['summarize_wal', 'synchronous_standby_names', 'idle_replication_slot_timeout'])

function serve({ dataDir, port, settings }: Place, purpose: 'live' | 'filling'): ReturnType<ServerRecipe['serve']> {
  const own = Object.entries(settings.server).filter(([key]) => purpose === 'live' || !NOT_FILLING.has(key))
  const all = { ...Object.fromEntries(own), ...(purpose === 'filling' ? FILLING : {}), ...ALWAYS, port: String(port) }
  return { program: 'postgres', args: ['-D', dataDir, ...given(all)] }
}

function given(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
}
