// A connection to one database of the server, which ends with its signal and never dies unheard.

import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError, messageOf, systemCode } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import type { Endpoint, Target } from '../engine.ts'
import { clientSettings } from './tls.ts'

export interface Session {
  readonly database: string
  /** Columns come as text, numbers (cast to int or float8), booleans, bytes. The caller vouches for the row's shape. */
  query<Row extends object>(sql: string): Promise<readonly Row[]>
  /** The same for one statement that changes or copies rows: how many it says they were. */
  count(sql: string): Promise<number>
  /** Throws when the server has ended this connection in the meantime. */
  holds(): void
  close(): Promise<void>
}

// Settings of a database or a role must neither shut us out nor change what we read or write.
const NEUTRAL = ['role=none', 'default_transaction_read_only=off', 'default_transaction_deferrable=off']
// Those that not every version knows: asked for by name, so that an unknown one is passed over.
const PATIENT = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  client_connection_check_interval: '2s',
} as const

const options = (settings: readonly string[]): string => settings.map((each) => `-c ${each}`).join(' ')

export interface Connecting {
  readonly database?: string
  readonly signal?: AbortSignal
  /** Milliseconds until a server that says nothing counts as one that does not answer. */
  readonly patience?: number
}

export async function connect(
  endpoint: Endpoint,
  { database = endpoint.database, signal, patience = 15_000 }: Connecting = {},
): Promise<Session> {
  const { Client } = await import('pg')
  signal?.throwIfAborted()
  const socket = new Socket()
  const client = new Client({
    host: endpoint.host,
    port: endpoint.port,
    user: endpoint.user,
    password: endpoint.password.reveal(),
    database,
    ssl: endpoint.tls === undefined ? false : { ca: endpoint.tls.authority, host: endpoint.host },
    client_encoding: 'UTF8',
    application_name: 'hayai',
    options: options([...NEUTRAL, 'TimeZone=UTC', 'DateStyle=ISO']),
    connectionTimeoutMillis: patience,
    stream: () => socket,
  })
  let lost: Error | undefined
  client.on('error', (error) => (lost ??= error))
  const onAbort = (): void => void socket.destroy()
  signal?.addEventListener('abort', onAbort, { once: true })
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      throw explained(error, endpoint, database)
    }
  }
  const close = async (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort)
    await Promise.race([client.end(), sleep(1000, undefined, { ref: false })])
    socket.destroy()
  }
  try {
    await asked(() => client.connect())
    const known = Object.entries(PATIENT)
      .map(([key, value]) => `('${key}', '${value}')`)
      .join(', ')
    await asked(() =>
      client.query(
        `SELECT set_config(p.name, p.value, false) FROM (VALUES ${known}) AS p (name, value) JOIN pg_catalog.pg_settings s ON s.name = p.name`,
      ),
    )
  } catch (error) {
    await close()
    throw error
  }
  return {
    database,
    query: async <Row extends object>(sql: string) => (await asked(() => client.query<Row>(sql))).rows,
    async count(sql) {
      const { rowCount } = await asked(() => client.query(sql))
      if (rowCount === null) throw new Error('the server did not say how many rows')
      return rowCount
    },
    holds() {
      signal?.throwIfAborted()
      if (lost !== undefined) throw explained(lost, endpoint, database)
    },
    close,
  }
}

/** Runs `work` with a connection of its own. */
export async function withSession<T>(endpoint: Endpoint, connecting: Connecting, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await connect(endpoint, connecting)
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

export function endpointOf(target: Target): Endpoint {
  if (target.endpoint === undefined) throw new Error('a PostgreSQL database is a server, and this target has no endpoint')
  return target.endpoint
}

/** As the stock programs reach it, which may run beside the server. */
export function innerOf(target: Target): Endpoint {
  if (target.inner === undefined) throw new Error('a PostgreSQL database is a server, and this target has no endpoint')
  return target.inner
}

/** How the stock programs find the database: by their environment, so that no name is taken for a connection string. */
export function programEnvironment(endpoint: Endpoint, database = endpoint.database): Readonly<Record<string, string | Secret>> {
  const { sslmode, sslrootcert } = clientSettings(endpoint)
  return {
    PGHOST: endpoint.host,
    PGPORT: String(endpoint.port),
    PGUSER: endpoint.user,
    PGPASSWORD: endpoint.password,
    PGDATABASE: database,
    PGOPTIONS: options([...NEUTRAL, 'statement_timeout=0', 'lock_timeout=0', 'idle_in_transaction_session_timeout=0']),
    PGAPPNAME: 'hayai',
    PGCONNECT_TIMEOUT: '15',
    PGGSSENCMODE: 'disable',
    PGSSLMODE: sslmode,
    ...(sslrootcert === undefined ? {} : { PGSSLROOTCERT: sslrootcert }),
  }
}

function explained(error: unknown, endpoint: Endpoint, database: string): unknown {
  if (error instanceof HayaiError) return error
  const where = `PostgreSQL at ${endpoint.host}:${endpoint.port}`
  const code = systemCode(error)
  // A server that starts, recovers or shuts down says so, and lets nobody in meanwhile.
  if (code === '57P03') return new HayaiError('WRONG_STATE', `${where}: ${messageOf(error)}`, { cause: error })
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && error instanceof Error && 'severity' in error) {
    return new HayaiError('TOOL_FAILED', `${where}, database ${JSON.stringify(database)}: ${messageOf(error)} (SQLSTATE ${code})`, {
      cause: error,
    })
  }
  return new HayaiError('TOOL_FAILED', `${where} does not answer: ${messageOf(error) || (code ?? 'no reason given')}`, {
    hint: 'Look at `hayai list`, and at the server with `hayai logs <name>`.',
    cause: error,
  })
}
