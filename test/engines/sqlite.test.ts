// SQLite as an engine: what a snapshot holds while others write, what it counts, and what it refuses. On real files, with the
// stock programs on the other side.

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { sqlite } from '../../src/engines/sqlite.ts'
import {
  all,
  ballast,
  bytesOf,
  chinook,
  client,
  folder,
  format,
  MODES,
  PAIR,
  pieces,
  sql,
  targetOf,
  writer,
  type Client,
} from './sqlite/ground.ts'

let place = ''
const clients: { kill(): Promise<void> }[] = []
const signal = () => new AbortController().signal
const at = (name: string) => join(place, name)

beforeEach(async () => {
  place = await folder()
})
afterEach(async () => {
  for (const each of clients.splice(0)) await each.kill()
  await rm(place, { recursive: true, force: true })
})

async function snapshot(file: string, name = 'db') {
  const target = await targetOf(file, at('scratch'))
  try {
    const dump = await sqlite.dump(target, format(name), signal())
    try {
      return { bytes: await bytesOf(dump, name), facts: await dump.facts(), dump }
    } finally {
      await dump.close()
    }
  } finally {
    await target.close()
  }
}

async function load(bytes: Uint8Array, file: string, name = 'db') {
  const target = await targetOf(file, at('scratch-load'))
  await sqlite.load(target, format(name), sqlite.check(format(name), pieces(bytes)), signal())
  return sqlite.inspect(target)
}

function opened(file: string, patience?: number): Client {
  const it = client(file, patience)
  clients.push(it)
  return it
}

describe('facts', () => {
  it('a file has no users, and nothing to be set from outside', () => {
    const { unknown, user, database } = sqlite.settings({ SQLITE_USER: 'x' }, new Secret('y'))
    expect({ unknown, user, database }).toEqual({ unknown: ['SQLITE_USER'], user: '', database: '' })
  })

  it('its URI is its path', () => {
    expect(sqlite.uri(undefined, '/srv/my app/shop.db')).toBe('sqlite:///srv/my%20app/shop.db')
  })

  it('names the library that Node brings', async () => {
    if (sqlite.recipe.shape !== 'file') throw new Error('SQLite is a file')
    expect(await sqlite.recipe.version()).toBe(process.versions['sqlite'])
  })
})

describe('a snapshot', () => {
  it.each(MODES)('in %s mode is of one instant, while a writer goes on', async (mode) => {
    const live = at('live.db')
    sql(live, `PRAGMA journal_mode = ${mode}; ${PAIR} ${ballast(20_000)}`)
    const busy = await writer(live)
    clients.push(busy)
    for (let round = 0; round < 3; round++) {
      const { bytes, facts } = await snapshot(live)
      const copy = at(`copy-${round}.db`)
      writeFileSync(copy, bytes)
      expect(sql(copy, 'PRAGMA integrity_check; SELECT a = b, a > 0 OR a = 0 FROM pair')).toBe('ok\n1|1')
      expect(sql(copy, 'SELECT count(*) FROM rows')).toBe(String(facts.census.tables['rows']))
    }
    const { commits, failures, last } = await busy.stop()
    expect({ failures, last }).toEqual({ failures: 0, last: '' })
    expect(commits).toBeGreaterThan(10)
    expect(sql(live, 'PRAGMA integrity_check; SELECT a = b, a FROM pair')).toBe(`ok\n1|${commits}`)
  })

  it('is of the instant when dump() returned, not of the one when it was read', async () => {
    const live = at('live.db')
    sql(live, `PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES ('before')`)
    const target = await targetOf(live, at('scratch'))
    const dump = await sqlite.dump(target, format('db'), signal())
    sql(live, `INSERT INTO t VALUES ('after')`)
    writeFileSync(at('copy.db'), await bytesOf(dump))
    expect(sql(at('copy.db'), 'SELECT a FROM t')).toBe('before')
    expect((await dump.facts()).census.tables).toEqual({ t: 1 })
    expect(Math.abs(Date.now() - dump.instant.getTime())).toBeLessThan(60_000)
    await dump.close()
    expect(readdirSync(target.scratch)).toEqual([])
  })

  it('holds what a killed writer left in a hot -wal', async () => {
    const live = at('live.db')
    sql(live, 'PRAGMA journal_mode = WAL; CREATE TABLE t (a)')
    const doomed = opened(live)
    await doomed.tell(`q('PRAGMA wal_autocheckpoint = 0') and q("INSERT INTO t VALUES ('in the wal')")`)
    await doomed.kill()
    expect(statSync(`${live}-wal`).size).toBeGreaterThan(0)
    const { bytes } = await snapshot(live)
    writeFileSync(at('copy.db'), bytes)
    expect(sql(at('copy.db'), 'SELECT a FROM t')).toBe('in the wal')
  })

  it('leaves a rolled-back journal of a killed writer out', async () => {
    const live = at('live.db')
    sql(live, `${PAIR} ${ballast(3000)}`)
    const doomed = opened(live)
    await doomed.tell(
      `q('PRAGMA cache_size = 5') or q('BEGIN') or q('UPDATE pair SET a = 7') or q('UPDATE rows SET content = zeroblob(950)')`,
    )
    await doomed.kill()
    expect(existsSync(`${live}-journal`)).toBe(true)
    const { bytes } = await snapshot(live)
    writeFileSync(at('copy.db'), bytes)
    expect(sql(at('copy.db'), `PRAGMA integrity_check; SELECT a FROM pair; SELECT count(*) FROM rows WHERE content = zeroblob(950)`)).toBe(
      'ok\n0\n0',
    )
  })

  it('of a database in which nothing was ever made is a database all the same', async () => {
    writeFileSync(at('live.db'), '')
    const { bytes, facts } = await snapshot(at('live.db'))
    expect(facts.census).toEqual({ tables: {}, objects: { indexes: 0, triggers: 0, views: 0 } })
    expect(await load(bytes, at('twin.db'))).toMatchObject({ census: facts.census })
    expect(statSync(at('live.db')).size).toBe(0)
  })

  it('says about how many bytes will come, and reads the same twice', async () => {
    sql(at('live.db'), `${PAIR} ${ballast(500)}`)
    const first = await snapshot(at('live.db'))
    const second = await snapshot(at('live.db'))
    expect(first.dump.expectedBytes).toBe(first.bytes.byteLength)
    expect(first.bytes.equals(second.bytes)).toBe(true)
  })

  it('names the process that does not let go of the file', async () => {
    sql(at('live.db'), PAIR)
    const holder = opened(at('live.db'))
    await holder.tell(`q('BEGIN EXCLUSIVE')`)
    const error = snapshot(at('live.db'))
    await expect(error).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`process ${holder.pid} (python3)`) as string,
    })
    expect(existsSync(at('scratch/copy.db'))).toBe(false)
  })

  it('says that the file is not there, and does not make one', async () => {
    await expect(snapshot(at('nothing.db'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(readdirSync(place)).toEqual([])
  })

  it('ends at once when it is told to, and leaves nothing', async () => {
    sql(at('live.db'), `${PAIR} ${ballast(40_000)}`)
    const target = await targetOf(at('live.db'), at('scratch'))
    const controller = new AbortController()
    const dump = await sqlite.dump(target, format('db'), controller.signal)
    controller.abort(new Error('enough'))
    await expect(all(dump.bytes)).rejects.toThrow('enough')
    await dump.close()
    expect(readdirSync(target.scratch)).toEqual([])
  })

  it('closed without having been read lets the database go', async () => {
    sql(at('live.db'), `${PAIR} ${ballast(20_000)}`)
    const target = await targetOf(at('live.db'), at('scratch'))
    const dump = await sqlite.dump(target, format('db'), signal())
    await dump.close()
    expect(readdirSync(target.scratch)).toEqual([])
    sql(at('live.db'), '.timeout 0\nBEGIN EXCLUSIVE; ROLLBACK')
  })

  it('of a damaged database is refused', async () => {
    sql(at('live.db'), `${PAIR} ${ballast(200)}`)
    const content = readFileSync(at('live.db'))
    content.fill(0xab, 4096 * 3, 4096 * 6)
    writeFileSync(at('live.db'), content)
    await expect(snapshot(at('live.db'))).rejects.toMatchObject({ code: 'CORRUPT', hint: expect.stringContaining('.recover') as string })
  })
})

describe('the census', () => {
  it('counts tables of all kinds once, and the things around them', async () => {
    sql(
      at('live.db'),
      `CREATE TABLE plain (id integer PRIMARY KEY AUTOINCREMENT, a text UNIQUE);
       CREATE TABLE keyed (k text PRIMARY KEY, v) WITHOUT ROWID;
       CREATE TABLE "odd ""name" (a) STRICT;
       CREATE VIRTUAL TABLE words USING fts5 (body);
       CREATE VIRTUAL TABLE boxes USING rtree (id, x0, x1);
       CREATE INDEX by_a ON plain (a);
       CREATE VIEW both AS SELECT * FROM plain, keyed;
       CREATE TRIGGER t AFTER INSERT ON plain BEGIN INSERT INTO keyed VALUES (new.a, 1); END;
       INSERT INTO plain (a) VALUES ('x'), ('y'); INSERT INTO words VALUES ('one two'), ('three'), ('four'); INSERT INTO boxes VALUES (1, 2, 3);
       ANALYZE;`.replaceAll(' STRICT', ''),
    )
    const { facts, bytes } = await snapshot(at('live.db'))
    expect(facts.census).toEqual({
      tables: { plain: 2, keyed: 2, 'odd "name': 0, words: 3, boxes: 1 },
      objects: { indexes: 1, triggers: 1, views: 1 },
    })
    expect(facts).toMatchObject({ product: 'SQLite', version: process.versions['sqlite'], notes: [] })
    expect((await load(bytes, at('twin.db'))).census).toEqual(facts.census)
  })

  it('goes on where only the application has a collation or a function, and says so', async () => {
    const app = opened(at('live.db'))
    await app.tell(
      `c.create_collation('uni', lambda a, b: (a > b) - (a < b)) or c.create_function('f', 1, lambda x: x, deterministic=True)`,
    )
    for (const statement of [
      'CREATE TABLE t (a text COLLATE uni, b)',
      'CREATE INDEX ti ON t (a)',
      'CREATE TABLE w (a text COLLATE uni PRIMARY KEY) WITHOUT ROWID',
      'CREATE TABLE e (a CHECK (f(a) > 0))',
      'CREATE TABLE plain (a)',
      `INSERT INTO t VALUES ('x', 1), ('y', 2)`,
      `INSERT INTO w VALUES ('z')`,
      'INSERT INTO e VALUES (1)',
      'INSERT INTO plain VALUES (1)',
    ]) {
      await app.tell(`q(${JSON.stringify(statement)})`)
    }
    const { facts, bytes } = await snapshot(at('live.db'))
    expect(facts.census.tables).toEqual({ t: 2, e: 1, plain: 1 })
    expect(facts.notes.join('\n')).toMatch(/"w" could not be counted.*uni/)
    expect(facts.notes.filter((note) => note.includes('could not be checked'))).toHaveLength(2)
    await load(bytes, at('twin.db'))
    const reader = opened(at('twin.db'))
    await reader.tell(
      `c.create_collation('uni', lambda a, b: (a > b) - (a < b)) or c.create_function('f', 1, lambda x: x, deterministic=True)`,
    )
    expect(await reader.tell(`q('PRAGMA integrity_check') + q('SELECT a FROM w') + q('SELECT a FROM t')`)).toEqual([
      ['ok'],
      ['z'],
      ['x'],
      ['y'],
    ])
  })

  it('takes a row that breaks a rule of its table for a warning, not for damage', async () => {
    const schema = (a: string) => `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a ${a}, b CHECK (b > 0))'`
    sql(
      at('live.db'),
      `CREATE TABLE t (a, b CHECK (b > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (NULL, -1); ${schema('NOT NULL')}`,
    )
    const { facts, bytes } = await snapshot(at('live.db'))
    expect(facts.notes).toEqual(['A row breaks a rule of its table: NULL value in t.a.'])
    expect((await load(bytes, at('twin.db'))).census).toEqual(facts.census)
  })
})

describe('the Chinook database', () => {
  if (chinook === undefined) return it.skip('is not beside this checkout', () => {})
  const source = chinook

  it('comes back table by table the same, by Hayai and by hand', async () => {
    copyFileSync(source, at('live.db'))
    const { bytes, facts } = await snapshot(at('live.db'))
    expect(facts.census.tables).toMatchObject({ Artist: 275, Track: 3503 })
    expect((await load(bytes, at('twin.db'))).census).toEqual(facts.census)
    writeFileSync(at('snapshot.db'), bytes)
    for (const line of format('db').byHand('snapshot.db', facts.census)) execFileSync('bash', ['-ec', line], { cwd: place })
    const before = sql(at('live.db'), '.dump')
    expect(before.length).toBeGreaterThan(500_000)
    expect(sql(at('twin.db'), '.dump')).toBe(before)
    expect(sql(at('NEW.db'), '.dump')).toBe(before)
    const tables = Object.keys(facts.census.tables)
    expect(sql(at('twin.db'), tables.map((table) => `.sha3sum "${table}"`).join('\n'))).toBe(
      sql(at('live.db'), tables.map((table) => `.sha3sum "${table}"`).join('\n')),
    )
  })
})

describe('a file that is not whole', () => {
  const check = (content: Uint8Array, size?: number) => all(sqlite.check(format('db'), pieces(content, size)))
  const whole = async (): Promise<Buffer> => {
    sql(at('whole.db'), `${PAIR} ${ballast(100)}`)
    return (await snapshot(at('whole.db'))).bytes
  }

  it.each([1, 7, 99, 100, 4096, 1 << 20])('is told from a whole one in pieces of %d bytes', async (size) => {
    const content = await whole()
    expect((await check(content, size)).equals(content)).toBe(true)
    for (const length of [0, 1, 16, 99, 100, 4096, content.byteLength - 4096, content.byteLength - 1]) {
      await expect(check(content.subarray(0, length), size), `${length} bytes`).rejects.toMatchObject({ code: 'CORRUPT' })
    }
  })

  it('is refused when it begins otherwise, or ends with something else', async () => {
    const content = await whole()
    const otherwise = Buffer.from(content)
    otherwise[3] = 0x20
    await expect(check(otherwise)).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('does not begin') as string })
    await expect(check(Buffer.concat([content, Buffer.from('x')]))).rejects.toMatchObject({ code: 'CORRUPT' })
    await expect(check(Buffer.from('-- a dump of another kind\n'.repeat(500)))).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('is not loaded, though its length is right, when its pages are wrong', async () => {
    const content = await whole()
    const page = Buffer.from(content)
    page.fill(0xff, 4096 * 4, 4096 * 4 + 16)
    await expect(load(page, at('twin.db'))).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('damaged') as string,
    })
  })

  it('is not loaded over what is there', async () => {
    const content = await whole()
    sql(at('there.db'), 'CREATE TABLE precious (a)')
    await expect(load(content, at('there.db'))).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(sql(at('there.db'), '.tables')).toBe('precious')
  })

  it('is not recognised as a database that could be adopted', async () => {
    if (sqlite.recipe.shape !== 'file') throw new Error('SQLite is a file')
    writeFileSync(at('notes.db'), 'Dear diary')
    await expect(sqlite.recipe.recognise(at('notes.db'))).rejects.toMatchObject({ code: 'CONFLICT' })
    sql(at('cut.db'), PAIR)
    truncateSync(at('cut.db'), 10)
    await expect(sqlite.recipe.recognise(at('cut.db'))).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(sqlite.recipe.recognise(place)).rejects.toMatchObject({ code: 'CONFLICT' })
    writeFileSync(at('empty.db'), '')
    await sqlite.recipe.recognise(at('empty.db'))
  })
})
