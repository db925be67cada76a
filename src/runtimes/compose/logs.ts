// A container's log: its last lines, and what comes.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { docker, isNoSuch } from './docker.ts'
import { called, type Home } from './home.ts'
import { see } from './inspect.ts'

interface Options {
  readonly follow: boolean
  readonly lines: number
}

export async function* logsOf(home: Home, container: string, { follow, lines }: Options, signal: AbortSignal | undefined): Bytes {
  if ((await see(container)) === undefined) throw noContainer(home) // and where Docker does not answer, it says so
  const options = ['--tail', String(lines), ...(follow ? ['--follow'] : [])]
  try {
    yield* docker(['logs', ...options, container], { both: true, ...(signal === undefined ? {} : { signal }) })
  } catch (error) {
    if (signal?.aborted === true) return
    if (!isNoSuch(error)) throw error
    throw noContainer(home)
  }
}

function noContainer(home: Home): HayaiError {
  return new HayaiError('WRONG_STATE', `${called(home)} has no log: it has no container`, { hint: `hayai start ${home.placement.name}` })
}
