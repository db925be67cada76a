// A dump is of one instant, whatever others do meanwhile, and lets go of everything when it ends.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drain } from '../../src/base/bytes.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { format, never, restored } from './postgresql-copies.ts'
import { collect, noServer, startServer, type Server } from './postgresql-server.ts'

describe.skipIf(noServer)('PostgreSQL (needs its server programs)', () => {
  describe('the instant', () => {
    let server: Server
    beforeAll(async () => {
      server = await startServer()
      await server.psql(
        `CREATE TABLE t AS SELECT i, repeat('x', 200) AS x FROM generate_series(1, 50000) i; CREATE TABLE u (i integer); CREATE DATABASE two`,
      )
      await server.psql('CREATE TABLE v AS SELECT 1', 'two')
    })
    afterAll(() => server[Symbol.asyncDispose]())

    test('is fixed when dump() returns: what is written later is not in it, nor what a writer does meanwhile', async () => {
      const dump = await postgresql.dump(server.target, format, never)
      await server.psql(`INSERT INTO u VALUES (1); INSERT INTO t SELECT i FROM generate_series(1, 10) i`)
      await server.psql(`INSERT INTO v VALUES (2)`, 'two')
      const bytes = await collect(dump.bytes)
      const facts = await dump.facts()
      await dump.close()
      expect(facts.census.tables).toMatchObject({ 'public.t': 50_000, 'public.u': 0, 'two/public.v': 1 })
      expect(Math.abs(dump.instant.getTime() - Date.now())).toBeLessThan(60_000)
      expect(dump.expectedBytes).toBeGreaterThan(bytes.length / 4)
      await using copy = await restored({ bytes, facts })
      expect((await postgresql.inspect(copy.target)).census).toEqual(facts.census)
    })

    test('a session that waits to change a table neither hangs the dump nor spoils its counts', async () => {
      const dump = await postgresql.dump(server.target, format, never)
      const bytes = dump.bytes[Symbol.asyncIterator]()
      for (let seen = 0; seen < 100_000;) {
        const next = await bytes.next()
        seen += next.done === true ? 100_000 : next.value.length // pg_dump holds its locks now
      }
      const truncated = server.psql('TRUNCATE t, u')
      while ((await server.psql('SELECT count(*) FROM pg_locks WHERE NOT granted')) === '0');
      while ((await bytes.next()).done !== true);
      expect((await dump.facts()).census.tables['public.t']).toBeGreaterThanOrEqual(50_000)
      await dump.close()
      await truncated
      expect((await postgresql.inspect(server.target)).census.tables['public.t']).toBe(0)
    })

    const held = `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    const nobodyLeft = async (): Promise<void> => expect.poll(() => server.psql(held), { timeout: 10_000 }).toBe('0')

    test('is let go of when the bytes were never read, or not to their end', async () => {
      const unread = await postgresql.dump(server.target, format, never)
      expect(Number(await server.psql(held))).toBeGreaterThanOrEqual(2)
      await unread.close()
      await nobodyLeft()
      await expect(unread.facts()).rejects.toMatchObject({ code: 'INTERRUPTED' })
      const begun = await postgresql.dump(server.target, format, never)
      for await (const _ of begun.bytes) break
      await begun.close()
      await nobodyLeft()
      await expect(begun.facts()).rejects.toMatchObject({ code: 'INTERRUPTED' })
    })

    test('a signal ends a dump that waits for a lock, and everything it started', async () => {
      const locker = server.psql(`BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT`)
      await expect
        .poll(() => server.psql(`SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 't'::regclass`))
        .toBe('1')
      const stop = new AbortController()
      const reason = new Error('enough')
      const dumping = (async () => {
        const dump = await postgresql.dump(server.target, format, stop.signal)
        try {
          await drain(dump.bytes)
        } finally {
          await dump.close()
        }
      })()
      setTimeout(() => stop.abort(reason), 700)
      const began = Date.now()
      await expect(dumping).rejects.toBe(reason)
      expect(Date.now() - began).toBeLessThan(3500)
      await locker
      await nobodyLeft()
    })

    test('a server that goes away in the middle is a failure', async () => {
      const dump = await postgresql.dump(server.target, format, never)
      await server.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hayai'`)
      await expect(drain(dump.bytes)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      await expect(dump.facts()).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      await dump.close()
    })
  })
})
