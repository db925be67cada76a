// Ports for databases: from 5000 to 6000 on loopback, free in fact and not promised to another database of the project.

import { createHash } from 'node:crypto'
import { HayaiError } from '../base/errors.ts'
import { holderOf, isTaken } from '../base/ports.ts'
import type { Catalog } from './catalog.ts'

export const FIRST_PORT = 5000
export const LAST_PORT = 6000
const COUNT = LAST_PORT - FIRST_PORT + 1

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
    if (!promised.has(port) && !(await isTaken(port))) return port
  }
  throw new HayaiError('CONFLICT', `every port from ${FIRST_PORT} to ${LAST_PORT} is taken`, {
    hint: `Name another one: \`-p ${LAST_PORT + 1}\`.`,
  })
}

/** Throws when a port that was asked for by number cannot be had by this database, whose server gets none below `lowest`. */
export async function checkPort(port: number, name: string, promised: ReadonlyMap<number, string>, lowest = 1): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new HayaiError('USAGE', `${port} is not a port`, { hint: `Use a number from 1 to 65535, or none: Hayai finds a free one.` })
  }
  if (port < lowest) {
    throw new HayaiError(
      'ENVIRONMENT',
      `port ${port} cannot be had: this system gives ports below ${lowest} to root's programs alone, and no server runs as root`,
      {
        hint: `Use one from ${lowest} on, or none: Hayai finds a free one.`,
        details: { port, lowest },
      },
    )
  }
  const owner = promised.get(port)
  if (owner !== undefined && owner !== name) {
    throw new HayaiError('CONFLICT', `port ${port} belongs to the database "${owner}"`, {
      hint: 'Name another port, or none: Hayai finds a free one.',
      details: { port, database: owner },
    })
  }
  if (await isTaken(port)) {
    const holder = await holderOf(port)
    const who = holder === undefined ? 'another program' : `${holder.program} (process ${holder.pid})`
    throw new HayaiError('CONFLICT', `port ${port} is taken by ${who}`, {
      hint: `Stop ${holder === undefined ? 'that program' : 'it'}, or name another port, or none: Hayai finds a free one.`,
      details: { port, pid: holder?.pid ?? null },
    })
  }
}
