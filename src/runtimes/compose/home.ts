// What every part of the compose runtime is told, and where it keeps its things:
//
//   docker-compose.yml                          what people read; written from the services below (file.ts)
//   .hayai/compose/project.json                 the name that the project has in Docker, and its own mark there (project.ts)
//   .hayai/compose/services/<database>.json     a database's part of docker-compose.yml
//   <dataDir>/generations.json                  the ledger
//   <dataDir>/<generation>/place.json           the volume of its data, and the image that made it
//   <dataDir>/<generation>/server/              files that are laid down, until they are in the volume
//   <dataDir>/<generation>/secrets/ files/      what a twin's container sees; that of the live one is in <runDir>
//   <dataDir>/switch.json keeping.json           of a container that others made (switch-journal.ts)
//   <runDir>/was-running.json                   a switch is under way on a running database (exchange.ts)

import { join } from 'node:path'
import type { Endpoint, ServerRecipe, Trust } from '../../engines/engine.ts'
import type { Placement } from '../runtime.ts'
import { trustOf } from '../secured.ts'

/** The moments at which a killed command leaves something different behind; tests kill one at each. */
export type Moment =
  | 'folder made'
  | 'volume made'
  | 'container made'
  | 'container started'
  | 'twin stopped'
  | 'twin durable'
  | 'switch announced'
  | 'live stopped'
  | 'switched'
  | 'service written'
  | 'live started'
  | 'rest announced'
  | 'at rest'
  | 'switch done'
  | 'incoming laid'
  | 'exchanged'
  | 'back announced'
  | 'outgoing kept'
  | 'drop announced'
  | 'dropped'

/** Milliseconds. */
export interface Patience {
  /** For a server to answer after its start. */
  readonly start: number
  /** For a server to end as it was asked to. */
  readonly stop: number
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

/** Where files are laid down for a generation that is asleep. */
export function layingFolder(home: Home, generation: string): string {
  return join(generationFolder(home, generation), 'server')
}

export function endpointAt(home: Home, port: number): Endpoint {
  const { user, password, database } = home.placement.settings
  return { host: '127.0.0.1', port, user, password, database }
}

/** Of the live server. */
export async function liveEndpoint(home: Home): Promise<Endpoint> {
  return { ...endpointAt(home, home.placement.port), tls: await trustOf(home.placement) }
}

/** As programs in the container, or beside it, reach the same. */
export function innerEndpoint(home: Home, { tls }: Endpoint): Endpoint {
  return { ...endpointAt(home, home.recipe.port), tls: tls === undefined ? undefined : { ...tls, file: AUTHORITY } }
}

/** Where a container has what its server proves itself with. */
export const CERTIFICATES = '/run/hayai/'
export const AUTHORITY = `${CERTIFICATES}ca.crt`

/** For `docker run`: where programs beside the server find it, too. */
export function authorityFor(trust: Trust | undefined): readonly string[] {
  if (trust === undefined) return []
  return [`--mount=type=bind,"source=${trust.file.replaceAll('"', '""')}",target=${AUTHORITY},readonly`]
}

/** The name as it stands in messages. */
export function called(home: Home): string {
  return JSON.stringify(home.placement.name)
}

/** Marks on everything that Hayai makes in Docker. */
export const LABEL = {
  project: 'org.hayai.project',
  database: 'org.hayai.database',
  generation: 'org.hayai.generation',
  errand: 'org.hayai.errand',
} as const
