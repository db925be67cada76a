// Waiting for a server: ready is what answers a query, dead is dead at once, and the reason is what its log said last.

import { open, stat } from 'node:fs/promises'
import { HayaiError, isCode, messageOf, systemCode } from '../../base/errors.ts'
import { isAlive } from '../../base/processes.ts'
import type { Endpoint } from '../../engines/engine.ts'
import { called, type Home } from './home.ts'
import type { Serving } from './server.ts'

/** Throws TOOL_FAILED when the server ends, or says nothing sensible in time; the signal's reason when it is aborted. */
export async function untilAnswers(home: Home, { process }: Serving, endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  let deadline = Date.now() + home.patience.start
  let last = 'it never tried to'
  const ask = async (): Promise<boolean> => {
    try {
      await home.recipe.answers(endpoint)
      return true
    } catch (error) {
      if (isCode(error, 'WRONG_STATE')) deadline = Date.now() + home.patience.start // it reads its data: that takes as long as it takes
      last = messageOf(error)
      return false
    }
  }
  const look = (): void => {
    signal.throwIfAborted()
    if (!isAlive(process)) throw new HayaiError('TOOL_FAILED', `the server of ${called(home)} ended at its start`)
    if (Date.now() < deadline) return
    throw new HayaiError('TOOL_FAILED', `the server of ${called(home)} does not answer after ${home.patience.start / 1000} s: ${last}`)
  }
  for (let pause = 10; ; pause = Math.min(pause * 1.5, 100)) {
    let answered: boolean | undefined
    const question = ask().then((answer) => (answered = answer))
    while (answered === undefined) {
      await eitherWay(question, 100) // a server that died, or an impatient person, does not wait for a question that hangs
      look()
    }
    if (answered) return
    await eitherWay(undefined, pause)
  }
}

/** Settles with the promise, or after so many milliseconds. */
function eitherWay(promise: Promise<unknown> | undefined, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    void promise?.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const LAST_BYTES = 16 * 1024

/** What a log has got since it was looked at. */
export class LogEnd {
  readonly #file: string
  readonly #from: number

  private constructor(file: string, from: number) {
    this.#file = file
    this.#from = from
  }

  static async of(file: string): Promise<LogEnd> {
    try {
      return new LogEnd(file, (await stat(file)).size)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return new LogEnd(file, 0)
      throw error
    }
  }

  /** The same error, with the log's last words. */
  async explain(error: HayaiError): Promise<HayaiError> {
    const lines = (await this.#words()).split('\n').filter((line) => line.trim() !== '')
    const said = lines.slice(-4).join('\n')
    return new HayaiError(error.code, said === '' ? `${error.message}, and its log says nothing` : `${error.message}: ${said}`, {
      hint: error.hint ?? `The whole log: ${this.#file}`,
      details: { log: this.#file, lines: lines.slice(-20) },
      cause: error.cause,
    })
  }

  async #words(): Promise<string> {
    const handle = await open(this.#file, 'r')
    try {
      const { size } = await handle.stat()
      const from = Math.max(this.#from, size - LAST_BYTES)
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - from)), { position: from })
      return buffer.subarray(0, bytesRead).toString('utf8')
    } finally {
      await handle.close()
    }
  }
}
