// How a MySQL server is made and run. See recipe.ts for MariaDB's.

import { generatePassword } from '../../base/secret.ts'
import type { Endpoint, Place, ServerRecipe, Settings } from '../engine.ts'
import { container, given, secureSettings } from './container.ts'
import { MYSQL } from './dialect.ts'
import { mysqlKeeps } from './keeps.ts'
import { firstLogins } from './login.ts'
import { withSession } from './session.ts'
import { cachingSha2Hash } from './sha-crypt.ts'
import { literal, name } from './sql.ts'

export const mysqlRecipe: ServerRecipe = {
  shape: 'server',
  port: 3306,
  server: 'mysqld',
  tools: ['mysql', 'mysqldump'],
  beside: ['../bin'],
  folders: [
    '/usr/sbin',
    '/usr/libexec',
    '/usr/local/mysql/bin',
    '/opt/homebrew/opt/mysql/bin',
    '/opt/homebrew/opt/mysql@{major}/bin',
    '/usr/local/opt/mysql/bin',
    '/usr/local/opt/mysql@{major}/bin',
    '/home/linuxbrew/.linuxbrew/opt/mysql/bin',
  ],
  versionOf,
  majorOf: (version) => /^\d+(?:\.\d+)?/.exec(version)?.[0] ?? version,
  defaultMajor: '8.4',
  install,
  account: 'mysql',
  walks: true,
  secretFile: statements,
  create,
  secures: true,
  shares: () => [],
  texts: () => ({}),
  looksFor: [],
  serve,
  stopSignal: 'SIGTERM',
  forcible: true,
  answers: (endpoint: Endpoint) =>
    withSession(MYSQL, endpoint, { database: '', patience: 5000 }, async (session) => void (await session.query('SELECT 1'))),
  adopt: () => [], // it has no physical format
  container: container({
    prefix: 'MYSQL_',
    image: 'mysql',
    admin: 'mysqladmin',
    everybody: `''@''`,
    healthArguments: ['--ssl-mode=REQUIRED'],
    keeps: mysqlKeeps,
    serve: (settings, purpose) => ['--skip-name-resolve=ON', ...told(settings, purpose)], // a name server that does not answer would hold up every login
  }),
  settle: () => Promise.resolve(),
}

/** MariaDB's packages have a program of this name, too. */
function versionOf(printed: string): string {
  if (/mariadb/i.test(printed)) throw new Error('it is MariaDB, which is the engine "mariadb"')
  return /\d+\.\d+\.\d+/.exec(printed)?.[0] ?? ''
}

function install(major: string | undefined): string {
  if (process.platform === 'darwin') return `Install it: brew install mysql${major === undefined ? '' : `@${major}`}`
  return 'Install it: the packages of dev.mysql.com for your system (Ubuntu: sudo apt-get install mysql-server); Debian has MariaDB, the engine "mariadb".'
}

const AT_CREATION =
  /^(?:character_set_server|collation_server|innodb_(?:checksum_algorithm|data_file_path|page_size|undo_tablespaces)|lower_case_table_names)$/

function create({ dataDir, settings, passwordFile }: Place): ReturnType<ServerRecipe['create']> {
  const matter = Object.fromEntries(Object.entries(settings.server).filter(([key]) => AT_CREATION.test(key)))
  const args = [
    '--no-defaults',
    '--initialize-insecure',
    '--skip-log-bin',
    ...given({ datadir: dataDir, init_file: passwordFile, log_error_verbosity: '1', ...matter }),
  ]
  return [{ program: 'mysqld', args }]
}

// Executed once, before anybody can connect; each statement on a line of its own. A server that makes its folder knows no statements
// for accounts (CREATE USER, GRANT), but takes rows: each login is root's own rows under another name.
function statements(settings: Settings): string {
  const logins = firstLogins(settings).flatMap(({ user, host, password }) => {
    const [login, from] = [literal(user), literal(host)]
    const hash = Buffer.from(cachingSha2Hash((password ?? generatePassword()).reveal()), 'latin1').toString('hex')
    const stored = `plugin = 'caching_sha2_password', authentication_string = 0x${hash}, password_expired = 'N', password_last_changed = NOW()`
    const locked = password === undefined ? 'Y' : 'N'
    return [
      ...(user === 'root' && host === 'localhost' ? [] : OF_ACCOUNTS.flatMap((table) => likeRoot(table, login, from))),
      `UPDATE mysql.user SET ${stored}, account_locked = '${locked}' WHERE User = ${login} AND Host = ${from};`,
    ]
  })
  return `${[...logins, `CREATE DATABASE IF NOT EXISTS ${name(settings.database)};`].join('\n')}\n`
}

const OF_ACCOUNTS = ['user', 'global_grants', 'proxies_priv']

function likeRoot(table: string, login: string, from: string): readonly string[] {
  return [
    `CREATE TABLE mysql.hayai AS SELECT * FROM mysql.${table} WHERE User = 'root' AND Host = 'localhost';`,
    `UPDATE mysql.hayai SET User = ${login}, Host = ${from};`,
    `REPLACE INTO mysql.${table} SELECT * FROM mysql.hayai;`,
    'DROP TABLE mysql.hayai;',
  ]
}

// A small redo log: there are several data folders, for undo keeps them. Older servers do not know the setting.
const DEFAULTS = { loose_innodb_redo_log_capacity: '64M', secure_file_priv: 'NULL' }

const FILLING = {
  innodb_flush_log_at_trx_commit: '0',
  innodb_doublewrite: 'OFF',
  innodb_buffer_pool_size: '256M',
  innodb_strict_mode: 'OFF',
  innodb_stats_auto_recalc: 'OFF',
  innodb_buffer_pool_load_at_startup: 'OFF',
  innodb_buffer_pool_dump_at_shutdown: 'OFF',
  event_scheduler: 'OFF',
  max_allowed_packet: '1G',
  read_only: 'OFF',
  general_log: 'OFF',
  slow_query_log: 'OFF',
  wait_timeout: '28800',
}

function serve({ dataDir, port, settings, around }: Place, purpose: 'live' | 'filling'): ReturnType<ServerRecipe['serve']> {
  const place = {
    datadir: dataDir,
    bind_address: '127.0.0.1',
    port: String(port),
    socket: '',
    pid_file: 'mysqld.pid',
    tmpdir: dataDir,
    mysqlx: 'OFF',
  }
  return { program: 'mysqld', args: ['--no-defaults', ...told(settings, purpose), ...given({ ...place, ...secureSettings(around) })] }
}

function told({ server }: Settings, purpose: 'live' | 'filling'): readonly string[] {
  const own = Object.fromEntries(Object.entries(server).filter(([key]) => purpose === 'live' || key !== 'log_bin'))
  // Unless it is asked for: it is on by itself, and grows.
  const binlog = 'log_bin' in own ? [] : ['--skip-log-bin']
  return [...given({ ...DEFAULTS, ...own, ...(purpose === 'filling' ? FILLING : {}) }), ...binlog]
}
