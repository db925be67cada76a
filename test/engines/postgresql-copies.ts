// What the tests of PostgreSQL do again and again: take a snapshot into memory, and restore one into a new server.

import { expect } from 'vitest'
import type { Bytes } from '../../src/base/bytes.ts'
import type { Format, Outlined } from '../../src/engines/engine.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { collect, startServer, type Making, type Server } from './postgresql-server.ts'

export const format: Format = postgresql.formats[0] ?? expect.fail('no format')
export const never = new AbortController().signal
export const saying = (part: string): unknown => expect.stringContaining(part)

export interface Taken {
  readonly facts: Outlined
  readonly bytes: Buffer
}

export async function snapshot(server: Server): Promise<Taken> {
  const dump = await postgresql.dump(server.target, format, never)
  try {
    const bytes = await collect(postgresql.check(format, dump.bytes))
    return { bytes, facts: await dump.facts() }
  } finally {
    await dump.close()
  }
}

async function* cut(bytes: Buffer, size = 65_536): Bytes {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function restored({ bytes }: Taken, making: Making = {}): Promise<Server> {
  const server = await startServer({ purpose: 'filling', ...making })
  try {
    await postgresql.load(server.target, format, postgresql.check(format, cut(bytes)), never)
    await server.restart('live')
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}
