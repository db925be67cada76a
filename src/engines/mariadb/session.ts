// A connection to the server, which ends with its signal and never dies unheard.

import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError, messageOf, systemCode } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import type { Endpoint, Target } from '../engine.ts'
import type { Dialect } from './dialect.ts'

export interface Session {
  readonly dialect: Dialect
  /** Columns come as text, numbers, bytes; whole numbers beyond 2^53, and decimals, as text. The caller vouches for the row's shape. */
  query<Row extends object>(sql: string): Promise<readonly Row[]>
  /** Throws when the server has ended this connection in the meantime. */
  holds(): void
  close(): Promise<void>
}

export interface Connecting {
  /** '': none. */
  readonly database?: string
  readonly signal?: AbortSignal
  /** Milliseconds until a server that says nothing counts as one that does not answer. */
  readonly patience?: number
}

// The settings of a server must neither change what we read or write, nor end a connection that has to wait.
const NEUTRAL = `SET SESSION sql_mode = '', time_zone = '+00:00', autocommit = 1, sql_select_limit = DEFAULT, wait_timeout = 604800,
  net_read_timeout = 86400, net_write_timeout = 86400, lock_wait_timeout = 60, innodb_lock_wait_timeout = 60, sql_quote_show_create = 1`

export async function connect(
  dialect: Dialect,
  endpoint: Endpoint,
  { database, signal, patience = 15_000 }: Connecting = {},
): Promise<Session> {
  const { createConnection } = await import('mysql2')
  signal?.throwIfAborted()
  const socket = new Socket()
  socket.setNoDelay(true)
  socket.connect(endpoint.port, endpoint.host)
  const connection = createConnection({
    stream: socket,
    user: endpoint.user,
    password: endpoint.password.reveal(),
    database: database ?? endpoint.database,
    charset: 'utf8mb4_general_ci',
    connectTimeout: patience,
    supportBigNumbers: true,
    dateStrings: true,
    disableEval: true,
    // As no name is given, the certificate must be for localhost.
    ...(endpoint.tls === undefined ? {} : { ssl: { ca: endpoint.tls.authority, minVersion: 'TLSv1.2' } }),
    connectAttributes: { program_name: 'hayai' },
  })
  let lost: Error | undefined
  connection.on('error', (error: Error) => {
    lost ??= error
  })
  const ask = <Row>(sql: string): Promise<readonly Row[]> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        socket.destroy()
        const reason: unknown = signal?.reason
        reject(reason instanceof Error ? reason : new Error('aborted'))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      connection.query({ sql, timeout: 0 }, (error, rows) => {
        signal?.removeEventListener('abort', onAbort)
        if (signal?.aborted === true) onAbort()
        else if (error !== null) reject(explained(dialect, error, endpoint))
        else resolve(Array.isArray(rows) ? (rows as unknown as readonly Row[]) : [])
      })
    })
  const close = async (): Promise<void> => {
    await Promise.race([new Promise((resolve) => connection.end(resolve)), sleep(1000, undefined, { ref: false })])
    socket.destroy()
  }
  try {
    await greeted(dialect, endpoint, connection)
    await ask(`${NEUTRAL}, ${dialect.neutral}`)
    await ask('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  } catch (error) {
    await close()
    throw error
  }
  return {
    dialect,
    query: (sql) => ask(sql),
    holds() {
      signal?.throwIfAborted()
      if (lost !== undefined) throw explained(dialect, lost, endpoint)
    },
    close,
  }
}

interface Greeting {
  connect(done: (error: Error | null) => void): void
}

function greeted(dialect: Dialect, endpoint: Endpoint, connection: Greeting): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error === null ? resolve() : reject(explained(dialect, error, endpoint))))
  })
}

/** Runs `work` with a connection of its own. */
export async function withSession<T>(
  dialect: Dialect,
  endpoint: Endpoint,
  connecting: Connecting,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await connect(dialect, endpoint, connecting)
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

export function endpointOf(target: Target): Endpoint {
  if (target.endpoint === undefined) throw new Error('the database is a server, and this target has no endpoint')
  return target.endpoint
}

/** As the stock programs reach it, which may run beside the server. */
export function innerOf(target: Target): Endpoint {
  if (target.inner === undefined) throw new Error('the database is a server, and this target has no endpoint')
  return target.inner
}

/** How the stock programs find the server. Their option files are not read: they may say anything. */
export function programArguments(dialect: Dialect, { host, port, user, tls }: Endpoint): readonly string[] {
  const place = [`--host=${host}`, `--port=${port}`, '--protocol=tcp', `--user=${user}`, '--default-character-set=utf8mb4']
  return ['--no-defaults', ...place, '--max-allowed-packet=1G', ...dialect.programArguments(tls?.file)]
}

export function programEnvironment({ password }: Pick<Endpoint, 'password'>): Readonly<Record<string, string | Secret>> {
  return { MYSQL_PWD: password, MYSQL_TEST_LOGIN_FILE: '/nonexistent' } // MySQL's programs read ~/.mylogin.cnf even so
}

/** The server's own words for an error. */
export function errorWords(error: unknown): string {
  const said = error instanceof HayaiError ? error.details?.['said'] : undefined
  return typeof said === 'string' ? said : messageOf(error)
}

/** The server's own number for an error, where it was the server that said no. */
export function errorNumber(error: unknown): number | undefined {
  const number = error instanceof HayaiError ? error.details?.['number'] : undefined
  return typeof number === 'number' ? number : undefined
}

function explained(dialect: Dialect, error: Error, endpoint: Endpoint): HayaiError {
  const where = `${dialect.product} at ${endpoint.host}:${endpoint.port}`
  const number = 'errno' in error && typeof error.errno === 'number' && 'sqlState' in error ? error.errno : undefined
  if (number !== undefined) {
    return new HayaiError('TOOL_FAILED', `${where}: ${error.message} (error ${number})`, {
      cause: error,
      details: { number, said: error.message },
    })
  }
  return new HayaiError('TOOL_FAILED', `${where} does not answer: ${messageOf(error) || (systemCode(error) ?? 'no reason given')}`, {
    hint: 'Look at `hayai list`, and at the server with `hayai logs <name>`.',
    cause: error,
  })
}
