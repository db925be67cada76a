// What every part of the embedded runtime is told, and where it keeps its things:
//
//   the live file                       where it was declared, or <dataDir>/<name><extension>: always the same file
//   <dataDir>/generations.json          the ledger
//   <dataDir>/<generation>/<basename>   a generation that is kept, or a twin; the live one has no folder
//   <dataDir>/<generation>/unfinished.json  not a generation yet, or about to be none (folders.ts)
//   <dataDir>/exchange.json             an exchange is under way (exchange.ts)

import { readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemCode } from '../../base/errors.ts'
import type { FileRecipe } from '../../engines/engine.ts'
import type { Placement } from '../runtime.ts'

/** The moments at which a killed command leaves something different behind; tests kill one at each. */
export type Moment =
  | 'created'
  | 'folder made'
  | 'announced'
  | 'ready'
  | 'moved aside'
  | 'exchanged'
  | 'recorded'
  | 'unmarked'
  | 'cleared'
  | 'drop announced'
  | 'dropped'

export interface Home {
  readonly placement: Placement
  readonly title: string
  readonly recipe: FileRecipe
  /** Milliseconds for which other users of the live file are waited for. */
  readonly patience: number
  readonly at: (moment: Moment) => void
}

/** As people call it; it may be a link. */
export function livePath({ placement, recipe }: Home): string {
  return placement.file ?? join(placement.dataDir, `${placement.name}${recipe.extension}`)
}

/** The file itself, which may not be there: what a link leads to. */
export async function liveFile(home: Home): Promise<string> {
  let path = livePath(home)
  for (let links = 0; links < 40; links++) {
    try {
      return await realpath(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      const next = await target(path)
      if (next === undefined) return path
      path = resolve(dirname(path), next)
    }
  }
  return path
}

async function target(link: string): Promise<string | undefined> {
  try {
    return await readlink(link)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'EINVAL') return undefined // nothing there, or no link
    throw error
  }
}

export async function liveIsThere(home: Home): Promise<boolean> {
  try {
    return (await stat(livePath(home))).isFile()
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}

export function generationFolder(home: Home, generation: string): string {
  return join(home.placement.dataDir, generation)
}

export function generationFile(home: Home, generation: string): string {
  return join(generationFolder(home, generation), basename(livePath(home)))
}

/** The name as it stands in messages. */
export function called(home: Home): string {
  return JSON.stringify(home.placement.name)
}
