// A running database at rest for as long as something is done to its folder, and running again right after: also when that fails,
// and, by the note that a switch leaves too, when the command is killed in between. The next command then brings it back.

import { messageOf } from '../base/errors.ts'
import { announce, failure, forget, refuseWithoutBreath, unhurried, type Live } from './exchange.ts'
import type { Ledger } from './generations.ts'

interface Rested<T> {
  readonly value: T
  /** When it was at rest. */
  readonly instant: Date
}

export async function atRest<T>(live: Live, ledger: Ledger, work: () => Promise<T>): Promise<Rested<T>> {
  await refuseWithoutBreath(live)
  await announce(live, ledger.live)
  live.at('rest announced')
  try {
    await live.stop()
    const instant = new Date()
    live.at('at rest')
    return { value: await work(), instant }
  } finally {
    await again(live, ledger)
  }
}

async function again(live: Live, ledger: Ledger): Promise<void> {
  try {
    await live.start(ledger, unhurried())
  } catch (error) {
    const name = JSON.stringify(live.placement.name)
    throw failure(error, `${name} was at rest for a copy, and does not start again: ${messageOf(error)}`, live)
  }
  live.at('live started')
  await forget(live)
}
