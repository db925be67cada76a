// How a PostgreSQL server is made and run. Nothing in the data folder names a place: it may be moved, and reached by any path.

import type { Endpoint, Place, ServerRecipe } from '../engine.ts'
import { adoptStatements } from './adopt.ts'
import { container } from './container.ts'
import { ENCODING, filling, given, LOCALE, serverSettings } from './parameters.ts'
import { literal, name } from './sql.ts'
import { withSession } from './session.ts'
import { ACCESS, access } from './tls.ts'
import { ARCHIVES, archives, archiveScript, SCRIPT } from './wal.ts'

export const recipe: ServerRecipe = {
  shape: 'server',
  port: 5432,
  server: 'postgres',
  tools: ['initdb', 'pg_dump', 'pg_restore', 'psql', 'pg_basebackup', 'pg_verifybackup'],
  clients: ['pg_dump', 'pg_restore', 'psql', 'pg_basebackup', 'pg_verifybackup'],
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
  secures: true,
  shares: (settings) => (archives(settings) ? [ARCHIVES] : []),
  texts: (settings, secured) => ({
    ...(archives(settings) ? { [SCRIPT]: archiveScript } : {}),
    ...(secured ? { [ACCESS]: access } : {}),
  }),
  looksFor: [],
  serve,
  stopSignal: 'SIGINT',
  forcible: true,
  answers: (endpoint: Endpoint) => withSession(endpoint, { patience: 5000 }, async (session) => void (await session.query('SELECT 1'))),
  adopt,
  container,
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
  const statements = [
    `ALTER ROLE ${name(settings.user)} PASSWORD ${literal(settings.password.reveal())};\n`,
    ...(settings.database === 'postgres' ? [] : [`CREATE DATABASE ${name(settings.database)};\n`]),
  ]
  // Not by initdb's --pwfile: when that fails, initdb prints the statement with the password in it.
  return [initdb, { program: 'postgres', args: ['--single', '-D', dataDir, ...given(ALONE), 'postgres'], input: statements.join('') }]
}

/** The server without clients first replays the log, up to the end of the backup: without it nothing is whole. */
function adopt(place: Place): ReturnType<ServerRecipe['adopt']> {
  const args = ['--single', '-D', place.dataDir, ...given({ ...filling(place.settings.server), ...ALWAYS, ...ALONE }), 'template1']
  return [{ program: 'postgres', args, input: adoptStatements(place) }]
}

// A server that takes a few statements from its input, and is not to put them into its log, whatever a snapshot's own settings say.
// An error is fatal to it, so that is what it still tells.
const ALONE = {
  exit_on_error: 'on',
  log_min_messages: 'fatal',
  log_min_error_statement: 'panic',
  password_encryption: 'scram-sha-256',
  fsync: 'off',
  log_checkpoints: 'off',
}

const ALWAYS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  logging_collector: 'off',
  log_destination: 'stderr',
}

function serve({ dataDir, port, settings, around }: Place, purpose: 'live' | 'filling'): ReturnType<ServerRecipe['serve']> {
  const all = { ...serverSettings(settings, purpose, around), ...ALWAYS, port: String(port) }
  return { program: 'postgres', args: ['-D', dataDir, ...given(all)] }
}
