// A sign of life from work that has nothing to hand on yet.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytes } from './bytes.ts'

export interface Pulse {
  /** Counts up with each sign that the work gets on. */
  readonly alive: number
  /** At something that waits for nobody: then no sign is needed. */
  readonly alone: boolean
}

const BEAT = 10_000

/** Empty pieces until the work is over, as long as it gets on. */
export async function* beats(work: Promise<unknown>, pulse: Pulse): Bytes {
  const over = work.then(
    () => true,
    () => true,
  )
  const timer = new AbortController()
  try {
    for (let last = -1; ;) {
      const ended = await Promise.race([over, sleep(BEAT, false, { signal: timer.signal, ref: false })])
      if (ended) return
      if (pulse.alone || pulse.alive !== last) yield new Uint8Array()
      last = pulse.alive
    }
  } finally {
    timer.abort()
  }
}
