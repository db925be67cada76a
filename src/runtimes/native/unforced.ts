// Ending a server whose data is only in its memory until it has written it: never by force.

import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError } from '../../base/errors.ts'
import { end, isAlive } from '../../base/processes.ts'
import { called, liveEndpointAt, type Home } from './home.ts'
import { LogEnd } from './readiness.ts'
import { recordFile, recordIn, type Serving } from './server.ts'

/**
 * Returns when the server is gone. One that is silent is writing, and is waited for; one that goes on answering has refused to
 * end, and is left running: what it has not written would be lost with it.
 */
export async function endUnforced(home: Home, folder: string, signal: NodeJS.Signals): Promise<void> {
  const serving = await recordIn(folder)
  if (serving === undefined) return
  const log = await LogEnd.of(home.placement.logFile)
  if (!(await end(serving.process, signal, 500)) && !(await endsByItself(home, serving))) {
    const error = new HayaiError(
      'TOOL_FAILED',
      `the server of ${called(home)} was asked to end and did not, and is left running with its data`,
      {
        hint: 'Nothing was lost. Make room on its disk if that is what it lacks, then try again.',
      },
    )
    throw await log.explain(error)
  }
  await rm(recordFile(folder), { force: true })
}

async function endsByItself(home: Home, { process, port }: Serving): Promise<boolean> {
  const { insist, write } = home.patience
  const endpoint = await liveEndpointAt(home, port)
  const answers = async (): Promise<boolean> => {
    try {
      await home.recipe.answers(endpoint)
      return true
    } catch {
      return false // it is writing, or it is gone: the process tells which
    }
  }
  const deadline = Date.now() + write
  let refused = Date.now() + insist
  while (isAlive(process) && Date.now() < Math.min(deadline, refused)) {
    if (!(await answers())) refused = Date.now() + insist
    await sleep(50)
  }
  return !isAlive(process)
}
