// The instant of a dump: what it holds still, whom it makes wait, and that it lets go.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drain } from '../../src/base/bytes.ts'
import { mariadb } from '../../src/engines/mariadb.ts'
import { MARIADB } from '../../src/engines/mariadb/dialect.ts'
import { dump } from '../../src/engines/mariadb/dump.ts'
import { giveWay } from '../../src/engines/mariadb/hold.ts'
import { connect } from '../../src/engines/mariadb/session.ts'
import { collect, noServer, startServer, type Server } from './mariadb-server.ts'
import { format, never, restored, saying } from './mariadb-taking.ts'

describe.skipIf(noServer)('the instant of MariaDB (needs its server programs)', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
    await server.sql(`CREATE TABLE t (i int PRIMARY KEY, x varchar(200)); INSERT INTO t SELECT seq, REPEAT('x', 200) FROM seq_1_to_50000; CREATE TABLE u (i int);
      CREATE TABLE isam (i int) ENGINE = MyISAM; CREATE TABLE aria (i int) ENGINE = Aria; CREATE TABLE mem (i int) ENGINE = MEMORY; CREATE TABLE doomed (i int);
      CREATE DATABASE two; CREATE TABLE two.v (i int); INSERT INTO two.v VALUES (1)`)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const waiting = (what: string): Promise<string> =>
    server.sql(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '${what}%' AND STATE LIKE 'Waiting for%'`)
  const nobodyLeft = async (): Promise<void> =>
    expect
      .poll(() => server.sql(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'admin'`), {
        timeout: 10_000,
      })
      .toBe('0')

  test('is fixed when dump() returns: what is written later is not in it', async () => {
    const held = await mariadb.dump(server.target, format, never)
    await server.sql(
      `INSERT INTO u VALUES (1); UPDATE t SET x = 'later' WHERE i = 50000; DELETE FROM t WHERE i = 49999; INSERT INTO two.v VALUES (2)`,
    )
    const bytes = await collect(held.bytes)
    const facts = await held.facts()
    await held.close()
    expect(facts.census.tables).toMatchObject({ t: 50_000, u: 0, 'two/v': 1 })
    expect(bytes.includes('later')).toBe(false)
    expect(Math.abs(held.instant.getTime() - Date.now())).toBeLessThan(60_000)
    expect(held.expectedBytes).toBeGreaterThan(0)
    await using copy = await restored({ bytes, facts })
    expect(await copy.sql('SELECT COUNT(*), SUM(LENGTH(x)) FROM t')).toBe('50000\t10000000')
  })

  test('whoever writes to a table without transactions waits, and changes of the structure wait; then they go on', async () => {
    const held = await mariadb.dump(server.target, format, never)
    const writes = ['INSERT INTO isam', 'INSERT INTO aria', 'INSERT INTO mem'].map((statement) => server.sql(`${statement} VALUES (1)`))
    const changes = ['ALTER TABLE u ADD COLUMN more int', 'DROP TABLE doomed', 'TRUNCATE TABLE two.v', 'CREATE TABLE new_one (i int)'].map(
      (statement) => server.sql(statement),
    )
    for (const statement of ['INSERT INTO isam', 'INSERT INTO aria', 'INSERT INTO mem', 'ALTER', 'DROP', 'TRUNCATE', 'CREATE']) {
      await expect.poll(() => waiting(statement), { timeout: 10_000 }).toBe('1')
    }
    await drain(held.bytes)
    const { census } = await held.facts()
    await held.close()
    await Promise.all([...writes, ...changes])
    expect(census.tables).toMatchObject({ isam: 0, aria: 0, mem: 0, doomed: 0 })
    expect(census.tables).not.toHaveProperty('new_one')
    expect(Number((await server.sql('SELECT COUNT(*) FROM isam')) + (await server.sql('SELECT COUNT(*) FROM mem')))).toBe(11)
  })

  test('is one for tables with and without transactions, whatever a writer does meanwhile', async () => {
    await server.sql(
      `CREATE TABLE a (v int); CREATE TABLE z (v int) ENGINE = MyISAM; CREATE TABLE b (v int); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0); INSERT INTO z VALUES (0)`,
    )
    let writing = true
    const writer = (async () => {
      while (writing)
        await server.sql('START TRANSACTION; UPDATE a SET v = v + 1; UPDATE b SET v = v - 1; COMMIT; UPDATE z SET v = v + 1;'.repeat(200))
    })()
    await expect.poll(async () => Number(await server.sql('SELECT v FROM z')) > 0).toBe(true)
    for (let n = 0; n < 3; n += 1) {
      const held = await mariadb.dump(server.target, format, never)
      const text = (await collect(held.bytes)).toString()
      await held.close()
      const value = (table: string): number =>
        Number(new RegExp(`^INSERT INTO \`${table}\` VALUES\\n\\((-?\\d+)\\);$`, 'm').exec(text)?.[1])
      expect(value('a')).toBe(-value('b'))
      expect(value('a')).toBeGreaterThan(0)
      expect([0, 1]).toContain(value('a') - value('z')) // the writer may be between the two
    }
    writing = false
    await writer
  })

  describe('an ALTER TABLE that is under way', () => {
    beforeAll(() =>
      server.sql(
        `CREATE TABLE wide (i int PRIMARY KEY, x varchar(200)); INSERT INTO wide SELECT seq, REPEAT('x', 200) FROM seq_1_to_400000`,
      ),
    )
    const altering = async (): Promise<{ readonly done: Promise<string> }> => {
      const done = server.sql('ALTER TABLE wide FORCE, ALGORITHM = INPLACE')
      await expect
        .poll(() => server.sql(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'ALTER TABLE wide%'`), { interval: 10 })
        .toBe('1')
      return { done }
    }

    test('is waited for', async () => {
      const { done } = await altering()
      let altered = false
      const watched = done.then(() => (altered = true))
      const held = await mariadb.dump(server.target, format, never)
      expect(altered).toBe(true)
      await drain(held.bytes)
      expect((await held.facts()).census.tables['wide']).toBe(400_000)
      await held.close()
      await watched
    })

    test('is not waited for without end', async () => {
      const { done } = await altering()
      const impatient = dump(MARIADB, server.target, never, undefined, { change: 0, lock: 1 })
      await expect(impatient).rejects.toMatchObject({ code: 'LOCKED', hint: saying('PROCESSLIST') })
      await done
      await nobodyLeft()
    })

    test('and waits for the dump with its table locked is given way to', async () => {
      const { done } = await altering()
      const guarding = await connect(MARIADB, server.endpoint)
      for (const step of MARIADB.guard) await guarding.query(step)
      await expect.poll(() => waiting('ALTER TABLE wide'), { timeout: 30_000 }).toBe('1')
      const reading = server.sql('SELECT COUNT(*) FROM wide')
      await expect.poll(() => waiting('SELECT COUNT(*) FROM wide')).toBe('1')
      await expect.poll(() => giveWay(guarding, MARIADB), { timeout: 10_000 }).toBe(true)
      await done
      expect(await reading).toBe('400000')
      expect(await giveWay(guarding, MARIADB)).toBe(false)
      await guarding.close()
    })
  })

  test('a client that does not finish writing to a table without transactions is told of in a note', async () => {
    const client = server.sql('INSERT INTO mem SELECT SLEEP(5)')
    await expect.poll(() => server.sql(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'`)).toBe('1')
    const held = await dump(MARIADB, server.target, never, undefined, { change: 10, lock: 1 })
    await drain(held.bytes)
    expect((await held.facts()).notes).toContainEqual(
      expect.stringMatching(/^These tables know no transactions, and could not be locked.*mem \(MEMORY\)/),
    )
    await held.close()
    await client
    await nobodyLeft()
  })

  test('a client that holds a table locked for writing is waited for, but not without end', async () => {
    const client = await connect(MARIADB, server.endpoint)
    await client.query('LOCK TABLES t WRITE')
    await expect(dump(MARIADB, server.target, never, undefined, { change: 1, lock: 1 })).rejects.toMatchObject({ code: 'LOCKED' })
    const patient = dump(MARIADB, server.target, never)
    await expect.poll(() => waiting('BACKUP')).toBe('1')
    await client.close()
    await (await patient).close()
    await nobodyLeft()
  })

  test('is let go of when the bytes were never read, or not to their end', async () => {
    const unread = await mariadb.dump(server.target, format, never)
    await unread.close()
    await nobodyLeft()
    await expect(unread.facts()).rejects.toMatchObject({ code: 'INTERRUPTED' })
    const begun = await mariadb.dump(server.target, format, never)
    for await (const _ of begun.bytes) break
    await begun.close()
    await nobodyLeft()
    await expect(begun.facts()).rejects.toMatchObject({ code: 'INTERRUPTED' })
    await server.sql('CREATE TABLE free_again (i int); DROP TABLE free_again')
  })

  test('a signal ends a dump that waits for a lock, and everything it started', async () => {
    const client = await connect(MARIADB, server.endpoint)
    await client.query('LOCK TABLES isam WRITE')
    const stop = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => stop.abort(reason), 700)
    const began = Date.now()
    await expect(mariadb.dump(server.target, format, stop.signal)).rejects.toBe(reason)
    expect(Date.now() - began).toBeLessThan(5000)
    await client.close()
    await nobodyLeft()
  })

  test('a server that ends the connection of the dump in the middle is a failure', async () => {
    const held = await mariadb.dump(server.target, format, never)
    const bytes = held.bytes[Symbol.asyncIterator]()
    await bytes.next()
    const ids = await server.sql(`SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'admin'`)
    await server.sql(
      ids
        .split('\n')
        .map((id) => `KILL ${id}`)
        .join(';'),
    )
    await expect(
      (async () => {
        while ((await bytes.next()).done !== true);
      })(),
    ).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    await expect(held.facts()).rejects.toMatchObject({ code: 'TOOL_FAILED' })
    await held.close()
  })
})
