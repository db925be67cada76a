// Taking and restoring as Hayai does it, for the tests of the engine.

import { expect } from 'vitest'
import type { Bytes } from '../../src/base/bytes.ts'
import type { Outlined } from '../../src/engines/engine.ts'
import { mariadb } from '../../src/engines/mariadb.ts'
import { collect, startServer, type Making, type Server } from './mariadb-server.ts'

export const format = mariadb.formats[0] ?? expect.fail('no format')
export const never = new AbortController().signal
export const saying = (part: string): unknown => expect.stringContaining(part)
export const DOTTED: unknown = expect.stringMatching(/^\d+\.\d+\.\d+$/)

export interface Taken {
  readonly facts: Outlined
  readonly bytes: Buffer
}

export async function snapshot(server: Server): Promise<Taken> {
  const dump = await mariadb.dump(server.target, format, never)
  try {
    const bytes = await collect(mariadb.check(format, dump.bytes))
    return { bytes, facts: await dump.facts() }
  } finally {
    await dump.close()
  }
}

export async function* cut(bytes: Buffer, size = 65_536): Bytes {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Filled, counted as a twin is before it is swapped in, and started again. */
export async function restored({ bytes, facts }: Taken, making: Making = {}): Promise<Server> {
  const server = await startServer({ purpose: 'filling', ...making })
  await mariadb.load(server.target, format, mariadb.check(format, cut(bytes)), never)
  expect((await mariadb.inspect(server.target)).census).toEqual(facts.census)
  await server.restart('live')
  return server
}
