// What every part of the native runtime is told, and where it keeps its things:
//
//   <dataDir>/generations.json         the ledger
//   <dataDir>/<generation>/server/     the server's own folder; owned by its account, nobody else writes there
//   <dataDir>/<generation>/unfinished.json  not a generation yet, or about to be none (folders.ts)
//   <dataDir>/<generation>/server.json      the process of a twin's server; that of the live one is in <runDir>
//   <runDir>/was-running.json          a switch is under way on a running database (exchange.ts)
//   <runDir>/tls/  texts/              what the live server reads besides its data (secured.ts, surroundings.ts)
//   <runDir>/twin.log                  what the last twin's server said

import { join } from 'node:path'
import type { Endpoint, ServerRecipe } from '../../engines/engine.ts'
import type { Placement } from '../runtime.ts'
import { trustOf } from '../secured.ts'

/** The moments at which a killed command leaves something different behind; tests kill one at each. */
export type Moment =
  | 'folder made'
  | 'data made'
  | 'server spawned'
  | 'server recorded'
  | 'server released'
  | 'twin stopped'
  | 'twin durable'
  | 'switch announced'
  | 'live stopped'
  | 'switched'
  | 'live started'
  | 'switch done'
  | 'rest announced'
  | 'at rest'
  | 'drop announced'
  | 'dropped'

/** Milliseconds. */
export interface Patience {
  /** For a server to answer after its start. */
  readonly start: number
  /** For a server to end as it was asked to. */
  readonly stop: number
  /** For a server to end after each stronger signal, and for one that must not be forced to fall silent. */
  readonly insist: number
  /** For a server that must not be forced to write its data and end. */
  readonly write: number
}

export interface Home {
  readonly placement: Placement
  readonly title: string
  readonly recipe: ServerRecipe
  readonly patience: Patience
  readonly at: (moment: Moment) => void
}

export function generationFolder(home: Home, generation: string): string {
  return join(home.placement.dataDir, generation)
}

export function serverFolder(home: Home, generation: string): string {
  return join(generationFolder(home, generation), 'server')
}

export function twinLog(home: Home): string {
  return join(home.placement.runDir, 'twin.log')
}

export function endpointAt(home: Home, port: number): Endpoint {
  const { user, password, database } = home.placement.settings
  return { host: '127.0.0.1', port, user, password, database }
}

/** Of the live server. */
export async function liveEndpointAt(home: Home, port: number): Promise<Endpoint> {
  return { ...endpointAt(home, port), tls: await trustOf(home.placement) }
}

/** The name as it stands in messages. */
export function called(home: Home): string {
  return JSON.stringify(home.placement.name)
}
