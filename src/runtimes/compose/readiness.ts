// Waiting for a server in a container: until it answers a query over TCP, which no image's server does while it initialises.

import { setTimeout as sleep } from 'node:timers/promises'
import { HayaiError, isCode, messageOf } from '../../base/errors.ts'
import type { Endpoint } from '../../engines/engine.ts'
import { ask, isNoSuch } from './docker.ts'
import { called, type Home } from './home.ts'
import { see } from './inspect.ts'

/** Throws TOOL_FAILED, with the log's last words, when the container ends or says nothing sensible in time. */
export async function untilAnswers(home: Home, container: string, endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  let deadline = Date.now() + home.patience.start
  let last = 'it never tried to'
  let looked = Date.now()
  let seldom = 400
  for (let pause = 15; ; pause = Math.min(pause * 1.4, 100)) {
    signal.throwIfAborted()
    try {
      await home.recipe.answers(endpoint)
      return
    } catch (error) {
      if (isCode(error, 'WRONG_STATE')) deadline = Date.now() + home.patience.start // it reads its data: that takes as long as it takes
      last = messageOf(error)
    }
    if (Date.now() - looked > seldom) {
      await refuseEnded(home, container)
      looked = Date.now()
      seldom = Math.min(seldom * 1.6, 2000) // each look is a program to be run, while the server wants the processor
    }
    if (Date.now() > deadline) {
      throw await explain(
        container,
        new HayaiError('TOOL_FAILED', `the server of ${called(home)} does not answer after ${home.patience.start / 1000} s: ${last}`),
      )
    }
    await sleep(pause)
  }
}

async function refuseEnded(home: Home, container: string): Promise<void> {
  const seen = await see(container)
  if (seen?.running === true && seen.restarts === 0) return
  const how = seen === undefined ? 'its container is gone' : seen.restarts > 0 ? 'it ended and was started again' : `exit ${seen.exit}`
  throw await explain(container, new HayaiError('TOOL_FAILED', `the server of ${called(home)} ended at its start (${how})`))
}

/** The same error, with the log's last words. */
export async function explain(container: string, error: HayaiError): Promise<HayaiError> {
  let log = ''
  try {
    log = await logOf(container, 20)
  } catch (cause) {
    if (!isNoSuch(cause)) throw cause
  }
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  const said = lines.slice(-4).join('\n')
  return new HayaiError(error.code, said === '' ? `${error.message}, and its log says nothing` : `${error.message}: ${said}`, {
    hint: error.hint ?? 'Look at the settings in .hayaidb.',
    details: { container, lines },
    cause: error.cause,
  })
}

function logOf(container: string, lines: number): Promise<string> {
  return ask(['logs', '--tail', String(lines), container], { both: true })
}
