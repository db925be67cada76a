// A dump that has stopped moving is a failure like any other: it must not hold the database's lock for ever.

import { HayaiError } from '../base/errors.ts'

export interface StallGuard {
  /** Aborts when the caller's signal does, or when nothing moved for too long. */
  readonly signal: AbortSignal
  alive(): void
  done(): void
}

const LIMIT_SECONDS = 600

/** HAYAI_STALL_SECONDS sets the limit; 0 means none. A dump waits for another's table lock as long as that. */
export function stallGuard(outer: AbortSignal, name: string): StallGuard {
  const inner = new AbortController()
  const seconds = limit()
  const onStall = (): void =>
    inner.abort(
      new HayaiError('TOOL_FAILED', `the dump of "${name}" gave no byte for ${seconds} second${seconds === 1 ? '' : 's'}, and was ended`, {
        hint: `Look for a session that holds a lock, or allow more time: HAYAI_STALL_SECONDS=${seconds * 6}`,
      }),
    )
  let timer: NodeJS.Timeout | undefined
  const rewind = (): void => {
    clearTimeout(timer)
    if (seconds > 0) timer = setTimeout(onStall, seconds * 1000).unref()
  }
  rewind()
  return { signal: AbortSignal.any([outer, inner.signal]), alive: rewind, done: () => clearTimeout(timer) }
}

function limit(): number {
  const given = process.env['HAYAI_STALL_SECONDS']
  if (given === undefined || given === '') return LIMIT_SECONDS
  const seconds = Number(given)
  if (Number.isFinite(seconds) && seconds >= 0) return seconds
  throw new HayaiError('USAGE', `HAYAI_STALL_SECONDS is ${JSON.stringify(given)}, which is no number of seconds`)
}
