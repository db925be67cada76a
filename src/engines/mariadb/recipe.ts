// How a MariaDB server is made and run. It listens on loopback alone, and on no socket: the paths of sockets are short, those
// of projects are not.

import { HayaiError } from '../../base/errors.ts'
import type { Endpoint, Place, ServerRecipe, Settings } from '../engine.ts'
import { adoptStatements } from './adopt.ts'
import { container, given, secureSettings } from './container.ts'
import { MARIADB } from './dialect.ts'
import { keeps } from './keeps.ts'
import { firstLogins, nativeHash } from './login.ts'
import { withSession } from './session.ts'
import { literal, name } from './sql.ts'

export const recipe: ServerRecipe = {
  shape: 'server',
  port: 3306,
  server: 'mariadbd',
  tools: ['mariadb', 'mariadb-dump', 'mariadb-install-db'],
  extras: ['mariadb-backup'],
  beside: ['../bin', '../scripts'], // where it comes as an archive, the program that makes a folder is in the latter
  ownFiles: ['share/mariadb', 'share/mysql', 'share/english'],
  folders: [
    '/usr/sbin',
    '/usr/libexec',
    '/opt/homebrew/opt/mariadb/bin',
    '/opt/homebrew/opt/mariadb@{major}/bin',
    '/usr/local/opt/mariadb/bin',
    '/usr/local/opt/mariadb@{major}/bin',
    '/home/linuxbrew/.linuxbrew/opt/mariadb/bin',
    '/usr/local/mariadb/bin',
  ],
  versionOf: (printed) => /\d+\.\d+\.\d+/.exec(printed)?.[0] ?? '',
  majorOf: (version) => /^\d+(?:\.\d+)?/.exec(version)?.[0] ?? version,
  defaultMajor: '11.8',
  install,
  account: 'mysql',
  walks: true,
  create,
  secures: true,
  shares: () => [],
  texts: () => ({}),
  looksFor: [],
  serve,
  stopSignal: 'SIGTERM',
  forcible: true,
  answers: (endpoint: Endpoint) =>
    withSession(MARIADB, endpoint, { database: '', patience: 5000 }, async (session) => void (await session.query('SELECT 1'))),
  adopt,
  container: container({
    prefix: 'MARIADB_',
    image: 'mariadb',
    admin: 'mariadb-admin',
    everybody: `''@'%'`,
    // Names of hosts are not looked up, as in the official image: a name server that does not answer would hold up every login.
    healthArguments: ['--ssl', '--skip-ssl-verify-server-cert'],
    keeps,
    serve: (settings, purpose) => given({ skip_name_resolve: 'ON', ...withCharacters(serverSettings(settings, purpose)) }),
  }),
  settle: () => Promise.resolve(),
}

function install(major: string | undefined): string {
  if (process.platform === 'darwin') return `Install it: brew install mariadb${major === undefined ? '' : `@${major}`}`
  return 'Install it: sudo apt-get install mariadb-server (Debian, Ubuntu), or the packages of mariadb.org for your system.'
}

/** Settings that cannot be changed once there is data, or that decide what a new database is like. */
const AT_CREATION =
  /^(?:character_set_server|collation_server|innodb_(?:checksum_algorithm|data_file_path|log_file_size|page_size|undo_tablespaces)|lower_case_table_names)$/

// A server that starts clears its folder for temporary files, of tables that others are using there, too: /tmp is not one's own.
function create({ dataDir, settings, base }: Place): ReturnType<ServerRecipe['create']> {
  if (dataDir.includes(':')) {
    throw new HayaiError('ENVIRONMENT', `MariaDB takes ${dataDir} for several folders, because of the ":"`, {
      hint: 'Move the project to a folder without one in its path.',
    })
  }
  const matter = Object.fromEntries(Object.entries({ ...DEFAULTS, ...settings.server }).filter(([key]) => AT_CREATION.test(key)))
  const common = [...basedir(base), `--datadir=${dataDir}`, ...given({ ...withCharacters(matter), sync_frm: 'OFF' })]
  const tables = ['--skip-test-db', '--cross-bootstrap', '--auth-root-authentication-method=normal']
  const env = { TMPDIR: dataDir } // as an argument, the script would take it apart at each blank
  return [
    { program: 'mariadb-install-db', args: ['--no-defaults', ...common, ...tables], env },
    { program: 'mariadbd', args: ['--no-defaults', '--bootstrap', '--log-warnings=0', ...common], env, input: accounts(settings) },
  ]
}

const basedir = (base: string | undefined): readonly string[] => (base === undefined ? [] : [`--basedir=${base}`])

// In this state a server knows no accounts yet, and takes rows for them: one statement a line.
function accounts(settings: Place['settings']): string {
  const everything = '18446744073709551615'
  const rows = firstLogins(settings).map(({ user, host, password }) => {
    const priv = `{"access":${everything},"plugin":"mysql_native_password","authentication_string":"${nativeHash(password)}"}`
    return `(${literal(host)}, ${literal(user)}, ${literal(priv)})`
  })
  const proxies = firstLogins(settings).map(({ user, host }) => `(${literal(host)}, ${literal(user)}, '%', '', TRUE, '', now())`)
  return `SET NAMES utf8mb4;
DELETE FROM mysql.global_priv WHERE User NOT IN ('mariadb.sys', 'PUBLIC');
DELETE FROM mysql.proxies_priv;
DELETE FROM mysql.db;
INSERT INTO mysql.global_priv VALUES ${rows.join(', ')};
INSERT INTO mysql.proxies_priv VALUES ${proxies.join(', ')};
CREATE DATABASE IF NOT EXISTS ${name(settings.database)};
`
}

/** A server without clients, which first replays what its log tells. */
function adopt({ dataDir, settings, base }: Place): ReturnType<ServerRecipe['adopt']> {
  const matter = Object.fromEntries(Object.entries({ ...DEFAULTS, ...settings.server }).filter(([key]) => AT_CREATION.test(key)))
  const args = given({ ...withCharacters(matter), datadir: dataDir, tmpdir: dataDir, log_warnings: '0' })
  return [{ program: 'mariadbd', args: ['--no-defaults', '--bootstrap', ...basedir(base), ...args], input: adoptStatements(settings) }]
}

// The default redo log is 96 MB in each data folder, of which there are several: undo keeps them.
const DEFAULTS = { character_set_server: 'utf8mb4', innodb_log_file_size: '32M' }

// A twin that is being filled: thrown away if it fails, made durable as a whole before it is used.
const FILLING = {
  innodb_flush_log_at_trx_commit: '0',
  innodb_doublewrite: 'OFF',
  innodb_buffer_pool_size: '256M',
  innodb_strict_mode: 'OFF', // what was accepted once is accepted again
  innodb_stats_auto_recalc: 'OFF', // analysed when all is in
  innodb_force_primary_key: 'OFF',
  innodb_buffer_pool_load_at_startup: 'OFF',
  innodb_buffer_pool_dump_at_shutdown: 'OFF',
  sync_frm: 'OFF',
  event_scheduler: 'OFF', // nothing happens by itself before it is counted
  max_allowed_packet: '1G',
  read_only: 'OFF',
  general_log: 'OFF',
  slow_query_log: 'OFF',
  wait_timeout: '28800',
}

function serve({ dataDir, port, settings, around, base }: Place, purpose: 'live' | 'filling'): ReturnType<ServerRecipe['serve']> {
  const wanted = { secure_file_priv: dataDir, ...serverSettings(settings, purpose) }
  const place = { datadir: dataDir, bind_address: '127.0.0.1', port: String(port), socket: '', pid_file: 'mariadbd.pid', tmpdir: dataDir }
  return {
    program: 'mariadbd',
    args: ['--no-defaults', ...basedir(base), ...given({ ...withCharacters(wanted), ...place, ...secureSettings(around) })],
  }
}

function serverSettings({ server }: Settings, purpose: 'live' | 'filling'): Readonly<Record<string, string>> {
  const own = Object.entries(server).filter(([key]) => purpose === 'live' || key !== 'log_bin')
  return { ...DEFAULTS, ...Object.fromEntries(own), ...(purpose === 'filling' ? FILLING : {}) }
}

/** A collation belongs to one character set: whoever names the one means the other. */
function withCharacters(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const collation = settings['collation_server']
  if (collation === undefined || collation.startsWith('uca') || settings['character_set_server'] !== DEFAULTS.character_set_server)
    return settings
  return { ...settings, character_set_server: collation.slice(0, collation.indexOf('_')) }
}
