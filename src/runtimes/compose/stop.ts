// Ending a server in its container: never by force where what it has in memory would be lost.

import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError } from '../../base/errors.ts'
import type { Endpoint } from '../../engines/engine.ts'
import { ask, isNoSuch } from './docker.ts'
import { called, liveEndpoint, type Home } from './home.ts'
import { see } from './inspect.ts'

/** Returns when it has ended. Throws TOOL_FAILED, and leaves it running, when it refuses to end and must not be forced. `own`: where a container of others answers. */
export async function stopContainer(home: Home, container: string, own?: Endpoint): Promise<void> {
  const { recipe, patience } = home
  if (recipe.forcible) return ended(['stop', '--time', String(Math.ceil(patience.stop / 1000)), container])
  const named = recipe.container.endsByItself === true || own !== undefined ? (await see(container))?.stopSignal : undefined
  await ended(['kill', '--signal', named ?? recipe.stopSignal, container])
  const deadline = Date.now() + patience.write
  let refused = Date.now() + REFUSES
  for (let pause = 50; (await see(container))?.running === true; pause = Math.min(pause * 1.3, 500)) {
    if (Date.now() > Math.min(deadline, refused)) throw left(home)
    if (!(await answers(home, own))) refused = Date.now() + REFUSES // it writes: that takes as long as it takes
    await sleep(pause)
  }
}

/** A server that goes on answering for so long after it was asked to end has refused. */
const REFUSES = 10_000

async function answers(home: Home, own: Endpoint | undefined): Promise<boolean> {
  try {
    await home.recipe.answers(own ?? (await liveEndpoint(home)))
    return true
  } catch {
    return false // it writes, or it is gone: the container tells which
  }
}

function left(home: Home): HayaiError {
  return new HayaiError('TOOL_FAILED', `the server of ${called(home)} was asked to end and did not, and is left running with its data`, {
    hint: 'Nothing was lost. Make room on its disk if that is what it lacks, then try again.',
  })
}

async function ended(args: readonly string[]): Promise<void> {
  try {
    await ask(args)
  } catch (error) {
    if (!isNoSuch(error) && !isNotRunning(error)) throw error
  }
}

function isNotRunning(error: unknown): boolean {
  return error instanceof HayaiError && /is not running/i.test(error.message)
}
