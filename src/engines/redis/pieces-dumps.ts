// Keys as DUMP tells them, in batches that are small where values are large.

import { HayaiError } from '../../base/errors.ts'
import { answers, asText, isList, type Answer } from './keys.ts'
import type { Session } from './session.ts'

export interface Dumped {
  readonly key: Buffer
  /** Milliseconds since 1970; less than 0: never. */
  readonly expires: number
  readonly dumped: Buffer
}

const AT_ONCE = { keys: 100, bytes: 4 * 1024 * 1024 }

/** Those that have expired meanwhile are left out. */
export async function* dumps(twin: Session, keys: readonly Buffer[]): AsyncIterable<readonly Dumped[]> {
  let size = 8
  for (let at = 0; at < keys.length;) {
    const some = keys.slice(at, at + size)
    at += some.length
    const replies = await answers(twin, [
      ['TIME'],
      ...some.flatMap((key) => [
        ['DUMP', key],
        ['PTTL', key],
      ]),
    ])
    const now = millisecondsOf(replies[0])
    const found: Dumped[] = []
    for (const [index, key] of some.entries()) {
      const [dumped, left] = [replies[1 + 2 * index], replies[2 + 2 * index]]
      if (dumped instanceof HayaiError) throw dumped
      if (Buffer.isBuffer(dumped)) found.push({ key, dumped, expires: typeof left === 'number' && left >= 0 ? now + left : -1 })
    }
    const bytes = found.reduce((sum, { dumped }) => sum + dumped.length, 0)
    size = Math.max(1, Math.min(AT_ONCE.keys, Math.floor((AT_ONCE.bytes * some.length) / Math.max(bytes, 1))))
    yield await exact(twin, found)
  }
}

// Version 7 tells the very millisecond; before it, the clock and what is left of the time give it but for one or two.
async function exact(twin: Session, found: readonly Dumped[]): Promise<readonly Dumped[]> {
  const expiring = found.filter(({ expires }) => expires >= 0)
  if (expiring.length === 0) return found
  const replies = await answers(
    twin,
    expiring.map(({ key }) => ['PEXPIRETIME', key]),
  )
  const known = new Map(expiring.map(({ key }, at) => [key, replies[at]]))
  return found.map((each) => {
    const moment = known.get(each.key)
    return typeof moment === 'number' && moment > 0 ? { ...each, expires: moment } : each
  })
}

function millisecondsOf(time: Answer | undefined): number {
  const [seconds, microseconds] = isList(time) ? time.map((part) => Number(asText(part))) : []
  if (seconds === undefined || microseconds === undefined) throw new HayaiError('TOOL_FAILED', 'the server does not tell the time')
  return seconds * 1000 + Math.floor(microseconds / 1000)
}

export function restoring({ key, expires, dumped }: Dumped, replace: boolean): readonly (string | Uint8Array)[] {
  return ['RESTORE', key, expires < 0 ? '0' : String(expires), dumped, 'ABSTTL', ...(replace ? ['REPLACE'] : [])]
}

export async function present(session: Session, keys: readonly Buffer[]): Promise<readonly Buffer[]> {
  const replies = await answers(
    session,
    keys.map((key) => ['EXISTS', key]),
  )
  return keys.filter((_, at) => replies[at] === 1)
}

export async function inDb(db: number, ...sessions: readonly Session[]): Promise<void> {
  for (const session of sessions) await session.ask('SELECT', String(db))
}
