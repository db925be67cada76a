// `volumes:` of `.hayaidb`: what of this machine a server sees besides its data, and under which name.

import { basename, isAbsolute, resolve } from 'node:path'
import { HayaiError } from '../base/errors.ts'
import type { ServerRecipe } from '../engines/engine.ts'
import type { Placement } from './runtime.ts'

export interface Volume {
  /** A folder of this machine, absolute; or the name of a volume of Docker. */
  readonly source: string
  readonly named: boolean
  /** As it was written. */
  readonly shown: string
  readonly target: string
  readonly mode: string | undefined
}

export function volumesOf(placement: Placement): readonly Volume[] {
  return placement.container.volumes.map((entry) => volumeOf(placement, entry))
}

function volumeOf({ name, project }: Placement, entry: string): Volume {
  const [source = '', target = '', mode, ...more] = entry.split(':')
  if (source === '' || !isAbsolute(target) || more.length > 0) {
    throw new HayaiError('CONFIG_INVALID', `${JSON.stringify(entry)} of "${name}" is no volume`, {
      hint: 'Write SOURCE:/TARGET, such as "./backups:/backups".',
    })
  }
  const named = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(source)
  const path = source.replace(/^~(?=\/|$)/, process.env['HOME'] ?? '~')
  return { source: named ? source : resolve(project.root, path), named, shown: source, target, mode }
}

/** The folders that the server of this recipe writes to: as they are declared, else `archives/<database>` for `/archives`. */
export function sharesOf(placement: Placement, { shares }: ServerRecipe): readonly Volume[] {
  const declared = volumesOf(placement)
  return shares(placement.settings).map((target) => {
    const shown = `./${basename(target)}/${placement.name}`
    const own = { source: resolve(placement.project.root, shown), named: false, shown, target, mode: undefined }
    return declared.find((each) => plain(each.target) === target) ?? own
  })
}

export const plain = (path: string): string => path.replace(/\/+$/, '')

/** By this no two data folders are taken for each other: neither of one database, nor of two that were called the same. */
export function markOf({ id }: Placement, generation: string): string {
  return `${generation}-${id.slice(-8)}`
}
