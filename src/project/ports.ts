// Ports for databases: from 5000 to 6000 on loopback, free in fact and not promised to another database of the project.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { HayaiError, systemCode } from '../base/errors.ts'
import type { Catalog } from './catalog.ts'
import { listenerOf } from './listener.ts'

export const FIRST_PORT = 5000
export const LAST_PORT = 6000
const COUNT = LAST_PORT - FIRST_PORT + 1
const LOOPBACK = '127.0.0.1'

/** Port → the database that has it, by what the catalog and `.hayaidb` say. The database `except` is left out. */
export function promisedPorts(
  catalog: Pick<Catalog, 'databases'>,
  declared: Readonly<Record<string, { readonly port?: number | undefined }>> = {},
  except?: string,
): ReadonlyMap<number, string> {
  const promised = new Map<number, string>()
  for (const [name, { port }] of [...Object.entries(declared), ...Object.entries(catalog.databases)]) {
    if (name !== except && typeof port === 'number') promised.set(port, name)
  }
  return promised
}

/**
 * A free port. The search starts at a place of the project's and the name's own, so that two projects seldom meet, and a
 * database made again seldom moves. Only a port recorded under the catalog's lock is kept: call it from changeCatalog().
 */
export async function choosePort(project: string, name: string, promised: ReadonlyMap<number, string>): Promise<number> {
  const start = createHash('sha256').update(`${project}/${name}`).digest().readUInt32BE() % COUNT
  for (let step = 0; step < COUNT; step++) {
    const port = FIRST_PORT + ((start + step) % COUNT)
    if (!promised.has(port) && (await isFree(port))) return port
  }
  throw new HayaiError('CONFLICT', `every port from ${FIRST_PORT} to ${LAST_PORT} is taken`, {
    hint: `Name another one: \`-p ${LAST_PORT + 1}\`.`,
  })
}

/** Throws when a port that was asked for by number cannot be had by this database. */
export async function checkPort(port: number, name: string, promised: ReadonlyMap<number, string>): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new HayaiError('USAGE', `${port} is not a port`, { hint: `Use a number from 1 to 65535, or none: Hayai finds a free one.` })
  }
  const owner = promised.get(port)
  if (owner !== undefined && owner !== name) {
    throw new HayaiError('CONFLICT', `port ${port} belongs to the database "${owner}"`, {
      hint: 'Name another port, or none: Hayai finds a free one.',
      details: { port, database: owner },
    })
  }
  const state = await probe(port)
  if (state === 'forbidden') {
    throw new HayaiError('ENVIRONMENT', `port ${port} may be used by root only`, { hint: 'Use a port from 1024 on.', details: { port } })
  }
  if (state === 'taken') {
    const listener = await listenerOf(port)
    throw new HayaiError('CONFLICT', `port ${port} is taken by ${listener?.label ?? 'another program'}`, {
      hint: `Stop ${listener === undefined ? 'that program' : 'it'}, or name another port, or none: Hayai finds a free one.`,
      details: { port, pid: listener?.pid ?? null },
    })
  }
}

/** Whether a server could listen on this port of loopback now. */
export async function isFree(port: number): Promise<boolean> {
  return (await probe(port)) === 'free'
}

/** A free port outside the range of databases, for a server that lives only a short while. */
export async function freeEphemeralPort(): Promise<number> {
  for (;;) {
    const port = await listenOnce(0)
    if (port < FIRST_PORT || port > LAST_PORT) return port
  }
}

async function probe(port: number): Promise<'free' | 'taken' | 'forbidden'> {
  try {
    await listenOnce(port)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EADDRINUSE') return 'taken'
    if (code === 'EACCES') return 'forbidden'
    throw error
  }
  // Some systems let one listen on 127.0.0.1 while another program listens on every address: then that one answers.
  return (await answers(port)) ? 'taken' : 'free'
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer()
  server.listen({ host: LOOPBACK, port, exclusive: true })
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a server on a port has no address')
  return address.port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: LOOPBACK, port, timeout: 1000 })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('timeout', () => {
      socket.destroy()
      resolve(true) // somebody takes the connection and does not finish it
    })
    socket.once('error', (error) => (systemCode(error) === 'ECONNREFUSED' ? resolve(false) : reject(error)))
  })
}
