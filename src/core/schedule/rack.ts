// Where a plan keeps what it takes: the project's own folder and each destination, for snapshots and for backups alike.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { exists } from '../../base/files.ts'
import type { Plan } from '../../project/plans.ts'
import type { Kept } from '../../snapshots/places.ts'
import type { Context } from '../context.ts'
import type { Watching } from '../watching.ts'

/** A snapshot or a backup of the plan, where it lies. */
export interface Held extends Kept {
  readonly bytes: number
  /** The data file, or the folder; absolute. */
  readonly path: string
}

/** The same for both: what is there, checking it, copying it whole or not at all, and throwing it away so that it can come back. */
export interface Rack<T extends Held> {
  /** The project's own. */
  readonly folder: string
  /** What the plan has taken, and nothing else; nothing where there is no such folder. */
  list(folder: string): Promise<readonly T[]>
  /** Every byte of it, as it lies there. Throws CORRUPT, and it is known as damaged from then on. */
  checkDigest(folder: string, item: T, view: Watching): Promise<void>
  /** Returns when it is durable there and was read back. */
  copy(from: string, item: T, to: string, view: Watching): Promise<void>
  discard(folder: string, items: readonly T[]): Promise<void>
  /** Deletes for good what waits there long enough. */
  sweep(folder: string): Promise<void>
}

/** The plan's folder below each destination. Relative ones begin at the project, `~/` at home. */
export function foldersOf(context: Context, { name, destinations }: Plan): readonly string[] {
  return [...new Set(destinations.map((folder) => join(destinationOf(context, folder), name)))]
}

function destinationOf({ root }: Context, written: string): string {
  return written === '~' || written.startsWith('~/') ? join(homedir(), written.slice(2)) : resolve(root, written)
}

/**
 * Why nothing can be brought there now; undefined when something can. A folder to which something came once, and which is gone, is on a
 * disk that is not there: to make it anew would fill the wrong disk.
 */
export async function obstacleOf(folder: string, known: ReadonlySet<string> | undefined): Promise<string | undefined> {
  if (known === undefined || known.size === 0 || (await exists(folder))) return undefined
  return `${folder} is gone, to which copies came before: the disk is not mounted, or the folder was deleted`
}
