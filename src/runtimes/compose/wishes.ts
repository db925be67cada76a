// What `.hayaidb` wants of a container besides its engine: volumes, memory, restart, a health check, an image.

import { mkdir } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { HayaiError } from '../../base/errors.ts'
import { called, type Home } from './home.ts'

export interface Mount {
  /** A folder of this machine, absolute; or the name of a volume. */
  readonly source: string
  readonly named: boolean
  /** As it was written. */
  readonly shown: string
  readonly target: string
  readonly mode: string | undefined
}

/** All but the one of the data. */
export function mountsOf(home: Home): readonly Mount[] {
  return allMounts(home).filter(({ target }) => !isData(home, target))
}

/** The name of the first generation's volume, where one is given. */
export function dataVolumeOf(home: Home): string | undefined {
  const mount = allMounts(home).find(({ target }) => isData(home, target))
  if (mount === undefined || mount.named) return mount?.source
  throw new HayaiError('CONFIG_INVALID', `the data of ${called(home)} cannot be in the folder ${mount.shown}`, {
    hint: `Name a volume: "${home.placement.name}-data:${home.recipe.container.dataDir}". A restore needs a second one beside it.`,
  })
}

/** Folders that Docker would make for root alone. */
export async function makeMountedFolders(home: Home): Promise<void> {
  for (const { named, source } of mountsOf(home)) {
    if (named) continue
    try {
      await mkdir(source, { recursive: true })
    } catch (cause) {
      throw new HayaiError('CONFIG_INVALID', `the folder ${source} of ${called(home)} cannot be made`, {
        hint: 'Change `volumes:` in .hayaidb.',
        cause,
      })
    }
  }
}

function allMounts(home: Home): readonly Mount[] {
  return home.placement.container.volumes.map((entry) => mountOf(home, entry))
}

function mountOf(home: Home, entry: string): Mount {
  const [source = '', target = '', mode, ...more] = entry.split(':')
  if (source === '' || !isAbsolute(target) || more.length > 0) {
    throw new HayaiError('CONFIG_INVALID', `${JSON.stringify(entry)} of ${called(home)} is no volume`, {
      hint: 'Write SOURCE:/TARGET, such as "./backups:/backups".',
    })
  }
  const named = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(source)
  const path = source.replace(/^~(?=\/|$)/, process.env['HOME'] ?? '~')
  return { source: named ? source : resolve(home.placement.project.root, path), named, shown: source, target, mode }
}

const plain = (path: string): string => path.replace(/\/+$/, '')

function isData({ recipe }: Home, target: string): boolean {
  return plain(target) === plain(recipe.container.dataDir)
}
