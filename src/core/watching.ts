// What a long verb is watched by: a signal that ends it, and someone who wants to see how far it is.

import { HayaiError } from '../base/errors.ts'
import type { Watch } from './answers.ts'

export interface Watching {
  readonly signal: AbortSignal
  stage(name: string): void
  bytes(done: number, total?: number): void
}

/** Progress is told at most ten times a second, and at each new stage. */
export function watching(watch: Watch = {}): Watching {
  let stage = ''
  let last = 0
  return {
    signal: watch.signal ?? new AbortController().signal,
    stage(name) {
      stage = name
      watch.onProgress?.({ stage })
    },
    bytes(done, total) {
      const now = performance.now()
      if (now - last < 100) return
      last = now
      watch.onProgress?.({ stage, bytes: done, ...(total === undefined ? {} : { total }) })
    },
  }
}

/** What an abort looks like to the caller: INTERRUPTED, whatever the signal's own reason was. `left`: what there is now. */
export function interrupted(watch: Watch, error: unknown, left = 'nothing was changed'): unknown {
  if (watch.signal?.aborted !== true || (error instanceof HayaiError && error.code !== 'TOOL_FAILED')) return error
  return new HayaiError('INTERRUPTED', `interrupted; ${left}`, { cause: error })
}
