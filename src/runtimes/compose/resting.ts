// The data of a live database in a container, copied while nobody writes to it: Docker packs its folder into a file, and the server
// goes on before anything is done with that. A command that is killed in between leaves a note, and the next one lets it go on.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { drain } from '../../base/bytes.ts'
import { HayaiError, systemCode } from '../../base/errors.ts'
import { throughTar } from '../../base/tar.ts'
import type { Target } from '../../engines/engine.ts'
import type { Live } from '../exchange.ts'
import type { Ledger } from '../generations.ts'
import { atRest } from '../rest.ts'
import { ask, docker } from './docker.ts'
import { called, type Home } from './home.ts'
import { inside } from './inside.ts'
import { liveOf } from './live.ts'

/** Into this file, which must not exist. */
export function restingCopy(home: Home, container: string, ledger: Ledger, copy: string): Target['copyAtRest'] {
  return async (signal, onFile) => {
    const began = Date.now()
    const live = quietOf(home, container, signal)
    const { value: weight, instant } = await atRest(live, ledger, () => spool(home, container, copy, { signal, onFile }))
    const archive = createReadStream(copy, { highWaterMark: 1024 * 1024, signal })
    return { instant, ...weight, blocked: Date.now() - began, skipped: [], archive }
  }
}

/** As `quiesce:` wants it. Held still, it is as after a crash: all that a command has had written before is there. */
function quietOf(home: Home, container: string, signal: AbortSignal): Live {
  const { quiesce = 'stop' } = home.placement.container
  const live = liveOf(home)
  if (quiesce === 'stop') return live
  return {
    ...live,
    async stop() {
      const command = { program: 'sh', args: ['-c', `(${quiesce}\n) || exit 1`], signal }
      if (quiesce !== 'pause') await drain(inside({ options: ['exec', '-i'], place: container }, command))
      await ask(['pause', container])
    },
  }
}

/** What is in a data folder. */
export interface Weight {
  readonly files: number
  readonly bytes: number
}

interface Attending {
  readonly signal: AbortSignal
  /** Told while it goes on. */
  readonly onFile: () => void
}

async function spool(home: Home, container: string, copy: string, attending: Attending): Promise<Weight> {
  const file = await open(copy, 'wx', 0o600)
  try {
    return await weigh(folderIn(home, container, attending.signal), async (chunk) => {
      await file.writeFile(chunk)
      attending.onFile()
    })
  } catch (error) {
    await file.truncate(0) // before the server starts, which needs some room itself
    if (!['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')) throw error
    throw new HayaiError('STORE_FAILED', `the disk has no room for a copy of the data of ${called(home)}`, {
      hint: 'Make room on that disk, and try again. Nothing was changed.',
      cause: error,
    })
  } finally {
    await file.close()
  }
}

/** The data of a container, running or not, as an archive. */
export function folderIn(home: Home, container: string, signal: AbortSignal) {
  return docker(['cp', '--archive', `${container}:${home.recipe.container.dataDir}/.`, '-'], { signal })
}

/** Counts what is in an archive, and gives its bytes to `take`. */
export async function weigh(archive: AsyncIterable<Uint8Array>, take: (chunk: Uint8Array) => Promise<void>): Promise<Weight> {
  const weight = { files: 0, bytes: 0 }
  const counted = throughTar(archive, (event) => {
    if ('bytes' in event) return
    if (event.header.kind === 'file' || event.header.kind === 'link') weight.files += 1
    weight.bytes += event.header.size
  })
  for await (const chunk of counted) await take(chunk)
  return weight
}
