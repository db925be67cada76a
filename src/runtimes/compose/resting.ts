// The data of a live database in a container, copied while nobody writes to it: Docker packs its folder into a file, and the server
// goes on before anything is done with that.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { HayaiError, systemCode } from '../../base/errors.ts'
import type { Target } from '../../engines/engine.ts'
import type { Ledger } from '../generations.ts'
import { atRest } from '../rest.ts'
import { docker } from './docker.ts'
import { called, type Home } from './home.ts'
import { liveOf } from './live.ts'

/** Into this file, which must not exist. */
export function restingCopy(home: Home, container: string, ledger: Ledger, copy: string): Target['copyAtRest'] {
  return async (signal, onFile) => {
    const began = Date.now()
    const { value: bytes, instant } = await atRest(liveOf(home), ledger, () => spool(home, container, copy, { signal, onFile }))
    const archive = createReadStream(copy, { highWaterMark: 1024 * 1024, signal })
    return { instant, bytes, blocked: Date.now() - began, skipped: [], archive }
  }
}

async function spool(
  home: Home,
  container: string,
  copy: string,
  { signal, onFile }: { readonly signal: AbortSignal; readonly onFile: () => void },
): Promise<number> {
  const file = await open(copy, 'wx', 0o600)
  let bytes = 0
  try {
    for await (const chunk of docker(['cp', '--archive', `${container}:${home.recipe.container.dataDir}/.`, '-'], { signal })) {
      await file.writeFile(chunk)
      bytes += chunk.byteLength
      onFile()
    }
    return bytes
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
