// Where the data of a container that others made is, and what is done to it: by a container of the same image beside it, with the same
// volume or folder at the same place.

import { dirname } from 'node:path'
import { HayaiError, isCode } from '../../base/errors.ts'
import type { Keeping } from '../../engines/engine.ts'
import { plain } from '../volumes.ts'
import { ask, isNoSuch, wordsOf } from './docker.ts'
import { called, LABEL, type Home } from './home.ts'
import type { Mount, Seen } from './inspect.ts'
import { KEPT } from './switch-scripts.ts'

/** The data of a container that others made. */
export interface Held {
  readonly mount: Mount
  /** The image that the container was made of, by its digest: other libraries may sort otherwise. */
  readonly image: string
  readonly keeping: Keeping
}

/** Throws WRONG_STATE where it lies in the container itself, or parts of it elsewhere. */
export function heldIn(home: Home, container: string, { mounts, imageId }: Seen, keeping: Keeping): Held {
  const folder = plain(keeping.folder)
  const mount = mounts.filter(({ target }) => isBelow(folder, plain(target))).toSorted((a, b) => b.target.length - a.target.length)[0]
  const elsewhere = { hint: `Restore into a database beside it: --to NAME.` }
  if (mount === undefined) {
    throw new HayaiError(
      'WRONG_STATE',
      `the data of ${called(home)} is in ${folder} of the container ${container} itself, and in no volume and no folder of this machine: a restore cannot exchange it there`,
      elsewhere,
    )
  }
  const apart = mounts.find(({ target }) => plain(target) !== folder && isBelow(plain(target), folder) && !isOwners(keeping, target))
  if (apart !== undefined) {
    throw new HayaiError(
      'WRONG_STATE',
      `a part of the data of ${called(home)}, ${apart.target}, has a volume of its own in the container ${container}: a restore cannot exchange all of it at once`,
      elsewhere,
    )
  }
  return { mount, image: imageId, keeping: { ...keeping, folder } }
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** A file that stays where it is may be mounted: settings most often are. */
function isOwners({ owners }: Keeping, target: string): boolean {
  return owners.some((pattern) => pattern.startsWith('*') && target.endsWith(pattern.slice(1)))
}

/** On the same file system as the data, and out of the server's sight where that can be. */
function stageOf({ mount, keeping }: Held): string {
  return plain(mount.target) === keeping.folder ? `${keeping.folder}/.hayai-switch` : `${dirname(keeping.folder)}/.hayai-switch`
}

/** Does one of the scripts; `kept` is a volume. What it prints. */
export async function errand(home: Home, held: Held, script: string, args: readonly string[] = [], kept?: string): Promise<string> {
  const { mount, image, keeping } = held
  const { id } = home.placement
  const fields = [`type=${mount.kind}`, `source=${mount.source}`, `target=${mount.target}`]
  const live = fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')
  const mounts = ['--mount', live, ...(kept === undefined ? [] : ['--mount', `type=volume,source=${kept},target=${KEPT}`])]
  const options = ['--rm', '--network=none', '--user=0', '--security-opt=label=disable', `--label=${LABEL.errand}=${id}`]
  const words = [keeping.folder, stageOf(held), keeping.heart, keeping.names.join('\n'), keeping.owners.join('\n'), ...args]
  return ask(['run', ...options, ...mounts, '--entrypoint', 'sh', image, '-c', script, 'sh', ...words])
}

/** Those of a command that was killed: they go on without it. */
export async function endErrands({ placement }: Home): Promise<void> {
  const found = await ask(['ps', '--all', '--quiet', '--filter', `label=${LABEL.errand}=${placement.id}`])
  for (const id of found.split('\n').filter((each) => each !== '')) {
    try {
      await ask(['rm', '--force', id])
    } catch (error) {
      if (!isNoSuch(error) && !(isCode(error, 'TOOL_FAILED') && /already in progress/i.test(wordsOf(error)))) throw error
    }
  }
}
