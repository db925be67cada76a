// What a file is that nobody has written down: told by what it begins with, and by how it is called.

import type { Engine, Format } from '../engines/engine.ts'
import { guess } from '../snapshots/naming.ts'
import type { Repository } from '../snapshots/repository.ts'
import { beginning, sniff } from '../snapshots/sniff.ts'
import { formatOf } from './context.ts'

export interface Known {
  readonly format: Format
  /** The version of the server that it is of; null when nothing tells. */
  readonly made: string | null
}

/** What it begins with counts for more than how it is called; what neither tells, the engine's default does. */
export async function knownBySight(engine: Engine, shelf: Repository, name: string): Promise<Known> {
  const withExtension = (extension: string | undefined) => engine.formats.find((format) => format.extension === extension)
  const seen = await sniff(shelf.openForeign(name))
  const format = withExtension(seen) ?? withExtension(guess(name)?.extension) ?? formatOf(engine, undefined)
  if (format.tells === undefined) return { format, made: null }
  const said = (await beginning(shelf.openForeign(name), HEADING)).toString('latin1')
  return { format, made: format.tells.exec(said)?.[1] ?? null }
}

/** Roles of a whole server come before its first database. */
const HEADING = 64 * 1024
