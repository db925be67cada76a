// The volume of a database, for what an engine has to look at or take away in it: through its container where that runs, else
// through one that is made for the purpose.

import { drain } from '../../base/bytes.ts'
import { HayaiError, isCode } from '../../base/errors.ts'
import { run } from '../../base/exec.ts'
import type { DataFolder } from '../../engines/engine.ts'
import { ask, docker, isNoSuch, wordsOf } from './docker.ts'
import type { Home } from './home.ts'
import type { Seen } from './inspect.ts'
import type { VolumePlace } from './place.ts'

export function dataIn(home: Home, container: string): DataFolder {
  const { dataDir } = home.recipe.container
  return {
    async has(name) {
      try {
        await ask(['exec', container, 'test', '-e', `${dataDir}/${name}`])
        return true
      } catch (error) {
        if (isCode(error, 'TOOL_FAILED') && error.details?.['exit'] === 1 && error.details['stderr'] === '') return false
        throw error
      }
    },
    async remove(names) {
      await ask(['exec', container, 'rm', '-rf', '--', ...names.map((name) => `${dataDir}/${name}`)])
      await ask(['exec', container, 'sh', '-c', SYNC, 'sh', dataDir])
    },
  }
}

// One file system where the program can do that, else all of them.
const SYNC = 'sync -f "$1" 2>/dev/null || sync'

/** Makes all that is in the volume durable. Nobody writes to it any more. */
export async function syncVolume(home: Home, place: VolumePlace): Promise<void> {
  try {
    await besides(home, place, { shell: ['-c', SYNC, 'sh', home.recipe.container.dataDir] })
  } catch (error) {
    if (!isWithoutShell(error)) throw error
    await drain(run({ file: 'sync', args: [], env: {} })) // by the kernel that both share, where Docker is on this machine
  }
}

/** Images of one program alone have none. */
function isWithoutShell(error: unknown): boolean {
  return isCode(error, 'TOOL_FAILED') && /exec: "sh": executable file not found|exec: "sh": .*no such file/i.test(wordsOf(error))
}

const FIND = 'cd "$1" && shift && for name; do if [ -e "$name" ]; then echo "$name"; fi; done'

function linesOf(said: string): readonly string[] {
  return said.split('\n').filter((line) => line !== '')
}

/** Which of the recipe's `looksFor` there are now: asked of the container that has the volume, where there is one. */
export async function foundNow(home: Home, place: VolumePlace, holder: (Seen & { readonly container: string }) | undefined) {
  const names = home.recipe.looksFor
  if (names.length === 0) return []
  if (holder === undefined || holder.stuck) return foundIn(home, place, names)
  if (holder.running) return foundWithin(home, holder.container, names)
  const found: string[] = []
  for (const name of names) if (await hasAtRest(holder.container, `${home.recipe.container.dataDir}/${name}`)) found.push(name)
  return found
}

/** A container that does not run can still be copied from; the beginning tells enough. */
async function hasAtRest(container: string, path: string): Promise<boolean> {
  try {
    for await (const _ of docker(['cp', `${container}:${path}`, '-'])) return true
  } catch (error) {
    if (!isNoSuch(error) && !(error instanceof HayaiError && /could not find the file/i.test(wordsOf(error)))) throw error
  }
  return false
}

/** Which of these names are among the data of a container that runs. */
export async function foundWithin(home: Home, container: string, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return []
  return linesOf(await ask(['exec', container, 'sh', '-c', FIND, 'sh', home.recipe.container.dataDir, ...names]))
}

/** Which of these names are in the volume, which no server uses. */
export async function foundIn(home: Home, place: VolumePlace, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return []
  const said = await besides(home, place, { readonly: true, shell: ['-c', FIND, 'sh', home.recipe.container.dataDir, ...names] })
  return linesOf(said)
}

interface Errand {
  /** Arguments of `sh`, which runs as root. */
  readonly shell: readonly string[]
  readonly readonly?: boolean
}

/** Does something to a volume that no server uses, in a container of the same image. */
export async function besides({ recipe }: Home, { volume, image }: VolumePlace, { shell, readonly = false }: Errand): Promise<string> {
  const mount = `type=volume,source=${volume},target=${recipe.container.dataDir}${readonly ? ',readonly' : ''}`
  return ask(['run', '--rm', '--network', 'none', '--user', '0', '--mount', mount, '--entrypoint', 'sh', image, ...shell])
}
