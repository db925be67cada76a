// What `.hayaidb` wants of a container besides its engine: volumes, memory, restart, a health check, an image.

import { mkdir } from 'node:fs/promises'
import { HayaiError } from '../../base/errors.ts'
import { plain, sharesOf, volumesOf, type Volume } from '../volumes.ts'
import { called, type Home } from './home.ts'

/** All but the one of the data; with the folders that the server writes to, wherever they are. */
export function mountsOf(home: Home): readonly Volume[] {
  const declared = volumesOf(home.placement).filter(({ target }) => !isData(home, target))
  const shares = sharesOf(home.placement, home.recipe)
  return [...declared, ...shares.filter(({ target }) => !declared.some((each) => plain(each.target) === target))]
}

/** The name of the first generation's volume, where one is given. */
export function dataVolumeOf(home: Home): string | undefined {
  const mount = volumesOf(home.placement).find(({ target }) => isData(home, target))
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

function isData({ recipe }: Home, target: string): boolean {
  return plain(target) === plain(recipe.container.dataDir)
}
