// What tells MariaDB from MySQL, as facts. All else in this room serves both.

export interface Dialect {
  readonly product: string
  /** The oldest version that Hayai knows. */
  readonly oldest: string
  /** Whether a server that says this of its version is one of this product. */
  readonly speaks: (version: string) => boolean
  readonly programs: { readonly client: string; readonly dump: string }
  /** How the stock programs connect. `authority`: the file by which they check the server, where connections are encrypted. */
  readonly programArguments: (authority: string | undefined) => readonly string[]
  readonly dumpArguments: readonly string[]
  /** Settings of a session that only this product knows, as `name = value`. */
  readonly neutral: string
  /** What a script says before it loads anything: what was accepted once is accepted again. */
  readonly lenient: string
  /** Keeps every change of the structure out, and lets rows be changed; and its end. */
  readonly guard: readonly string[]
  readonly guardEnds: string
  /** What the process list says of a statement that waits for the guard. */
  readonly waitsForGuard: string
  /** So that the server does all of these, or fails at one, also when nobody waits for the answer any more. */
  readonly together: (statements: readonly string[]) => readonly string[]
  /** Columns of `mysql.user` by which an account is told from a role. */
  readonly isRole: string
  /** Accounts that belong to the system. */
  readonly systemUsers: readonly string[]
  /** Asks for the settings in force that the server was told, as `name` and `value`. */
  readonly told: string
  /** A digest of a value, in hexadecimal digits; NULL of NULL. */
  readonly hash: (value: string) => string
  /** A table that somebody has locked to read cannot be opened by others any more, once all tables were flushed. */
  readonly flushShutsLocked: boolean
  /** The text of a trigger may end with a semicolon: see endings.ts. */
  readonly keepsSemicolons: boolean
  /** Sequences, versioned tables, packages, PUBLIC: MariaDB has them. */
  readonly extended: boolean
}

export const MARIADB: Dialect = {
  product: 'MariaDB',
  oldest: '10.5',
  speaks: (version) => /mariadb/i.test(version),
  programs: { client: 'mariadb', dump: 'mariadb-dump' },
  programArguments: (authority) =>
    authority === undefined ? ['--skip-ssl'] : ['--ssl', `--ssl-ca=${authority}`, '--ssl-verify-server-cert'],
  dumpArguments: [],
  neutral:
    'max_statement_time = 0, idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0, idle_write_transaction_timeout = 0',
  lenient: `SET SESSION innodb_strict_mode = OFF;
/*M!100201 SET SESSION check_constraint_checks = OFF */;
/*M!100101 SET SESSION max_statement_time = 0 */;
`,
  guard: ['BACKUP STAGE START', 'BACKUP STAGE FLUSH', 'BACKUP STAGE BLOCK_DDL'],
  guardEnds: 'BACKUP STAGE END',
  waitsForGuard: 'Waiting for backup lock',
  together: (statements) => [`BEGIN NOT ATOMIC ${statements.map((each) => `${each};`).join(' ')} END`],
  isRole: `is_role = 'Y'`,
  systemUsers: ['mariadb.sys', 'PUBLIC'],
  told: `SELECT LOWER(VARIABLE_NAME) AS name, GLOBAL_VALUE AS value FROM information_schema.SYSTEM_VARIABLES
    WHERE (GLOBAL_VALUE_ORIGIN <> 'COMPILE-TIME' OR GLOBAL_VALUE <> DEFAULT_VALUE) AND GLOBAL_VALUE IS NOT NULL ORDER BY 1`,
  hash: (value) => `MD5(${value})`,
  flushShutsLocked: false,
  keepsSemicolons: false,
  extended: true,
}

export const MYSQL: Dialect = {
  product: 'MySQL',
  oldest: '8.0',
  speaks: (version) => !/mariadb/i.test(version),
  programs: { client: 'mysql', dump: 'mysqldump' },
  programArguments: (authority) =>
    authority === undefined ? ['--ssl-mode=DISABLED', '--get-server-public-key'] : ['--ssl-mode=VERIFY_IDENTITY', `--ssl-ca=${authority}`],
  dumpArguments: ['--set-gtid-purged=OFF', '--column-statistics=0', '--no-tablespaces'],
  neutral: 'max_execution_time = 0, information_schema_stats_expiry = 0, print_identified_with_as_hex = ON',
  lenient: `SET SESSION innodb_strict_mode = OFF;
/*!80013 SET SESSION sql_require_primary_key = OFF */;
/*!80030 SET SESSION sql_generate_invisible_primary_key = OFF */;
`,
  guard: ['LOCK INSTANCE FOR BACKUP'],
  guardEnds: 'UNLOCK INSTANCE',
  waitsForGuard: 'Waiting for backup lock',
  together: (statements) => statements, // it has blocks in routines alone
  isRole: 'FALSE', // its roles are accounts like any other
  systemUsers: ['mysql.infoschema', 'mysql.session', 'mysql.sys'],
  told: `SELECT i.VARIABLE_NAME AS name, v.VARIABLE_VALUE AS value FROM performance_schema.variables_info i
    JOIN performance_schema.global_variables v USING (VARIABLE_NAME) WHERE i.VARIABLE_SOURCE <> 'COMPILED' ORDER BY 1`,
  hash: (value) => `SHA2(${value}, 256)`, // MySQL 9 has no MD5 of its own any more
  flushShutsLocked: true,
  keepsSemicolons: true,
  extended: false,
}
