// SQLite as SQL text: every value, every kind of table, back through Hayai and through the stock program; and cut files known.

import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqlite } from '../../src/engines/sqlite.ts'
import { decoderFor, literal } from '../../src/engines/sqlite/literals.ts'
import { statements } from '../../src/engines/sqlite/statements.ts'
import { all, bytesOf, chinook, client, folder, format, pieces, sql, targetOf, type Client } from './sqlite/ground.ts'

let place = ''
const clients: Client[] = []
const at = (name: string) => join(place, name)
const signal = () => new AbortController().signal

beforeEach(async () => {
  place = await folder()
})
afterEach(async () => {
  for (const each of clients.splice(0)) await each.kill()
  await rm(place, { recursive: true, force: true })
})

async function snapshot(file: string) {
  const target = await targetOf(file, at('scratch'))
  try {
    const dump = await sqlite.dump(target, format('sql'), signal())
    try {
      return { text: await bytesOf(dump, 'sql'), facts: await dump.facts() }
    } finally {
      await dump.close()
    }
  } finally {
    await target.close()
  }
}

async function load(text: Uint8Array, file: string) {
  const target = await targetOf(file, at('scratch-load'))
  await sqlite.load(target, format('sql'), sqlite.check(format('sql'), pieces(text, 1000)), signal())
  return sqlite.inspect(target)
}

async function survey(file: string) {
  return sqlite.survey(await targetOf(file, at('scratch-survey')), 'rows', signal())
}

/** Into a new file by Hayai, and into another by hand; both with the census of the first. */
async function thereAndBack(): Promise<readonly string[]> {
  const { text, facts } = await snapshot(at('live.db'))
  expect((await load(text, at('twin.db'))).census).toEqual(facts.census)
  const [live, twin] = [await survey(at('live.db')), await survey(at('twin.db'))]
  expect(live.outline).toEqual(facts.outline)
  expect({ ...twin.outline, bytes: 0 }).toEqual({ ...facts.outline, bytes: 0 })
  expect(twin.digests).toEqual(live.digests)
  expect(Object.keys(live.digests ?? {})).toEqual(Object.keys(facts.census.tables))
  writeFileSync(at('snapshot.sql'), text)
  for (const line of format('sql').byHand('snapshot.sql', facts.census)) execFileSync('bash', ['-ec', line], { cwd: place, stdio: 'pipe' })
  expect(sql(at('NEW.db'), 'PRAGMA integrity_check')).toBe(sql(at('live.db'), 'PRAGMA integrity_check'))
  return [at('twin.db'), at('NEW.db')]
}

describe('a snapshot as SQL', () => {
  it.each(['UTF-8', 'UTF-16le', 'UTF-16be'])('brings back every value as it was, in %s', async (encoding) => {
    const values = [
      'NULL',
      '0',
      '-1',
      '9223372036854775807',
      '-9223372036854775808',
      '0.1',
      '-1.5e-300',
      '1e20',
      '9007199254740993.0',
      '5e-324',
      '1.7976931348623157e308',
      '9e999',
      '-9e999',
      '0.1 + 0.2',
      '1.0',
      `''`,
      `'it''s'`,
      `'a' || char(10) || 'b'`,
      `'a' || char(13) || char(10) || 'b'`,
      `'\\n and ' || char(10)`,
      `'\\r' || char(13)`,
      `'x' || char(0) || 'y'`,
      `'ünï → 日本 🦊'`,
      `CAST(X'FF41FE42' AS TEXT)`,
      `X''`,
      `X'00FF0A0D27'`,
      `'-- no comment; /* none */'`,
      `'CREATE TRIGGER; END;'`,
      `char(65279) || 'mark'`,
      `'.quit' || char(10) || '.quit'`,
      `char(10) || '/' || char(10)`,
    ]
    sql(
      at('live.db'),
      `PRAGMA encoding = '${encoding}'; CREATE TABLE v (id integer PRIMARY KEY, a, t text, r real, "odd ""name""" blob);
      ${values.map((value) => `INSERT INTO v (a, t, r, "odd ""name""") VALUES (${value}, ${value}, ${value}, ${value});`).join('\n')}`,
    )
    const columns = ['a', 't', 'r', `"odd ""name"""`]
    const look = `PRAGMA encoding; SELECT id, ${columns.map((each) => `typeof(${each}), hex(CAST(${each} AS BLOB)), CASE WHEN typeof(${each}) = 'real' THEN printf('%!.26g', ${each}) END`).join(', ')} FROM v ORDER BY id`
    const before = sql(at('live.db'), look)
    expect(before.split('\n')).toHaveLength(values.length + 1)
    for (const file of await thereAndBack()) expect(sql(file, look)).toBe(before)
  })

  it('brings back every kind of table, and the things around them', async () => {
    const statements = [
      `PRAGMA page_size = 8192; PRAGMA auto_vacuum = 2; PRAGMA user_version = 42; PRAGMA application_id = 7;`,
      `CREATE TABLE plain (id integer PRIMARY KEY AUTOINCREMENT, a text UNIQUE -- with a remark; and a semicolon
        , b DEFAULT 'x;y', g AS (a || b) STORED, h AS (length(a)));`,
      `CREATE TABLE keyed (k text, v, PRIMARY KEY (k, v)) WITHOUT ROWID;`,
      `CREATE TABLE loose (a);`,
      `CREATE TABLE hides (rowid, _rowid_, a);`,
      `CREATE TABLE hides_all (rowid, _rowid_, oid);`,
      `CREATE TABLE down (a INTEGER PRIMARY KEY DESC, b);`,
      `CREATE TABLE parent (id integer PRIMARY KEY REFERENCES child (id));`,
      `CREATE TABLE child (id integer PRIMARY KEY REFERENCES parent (id));`,
      `CREATE VIRTUAL TABLE words USING fts5 (a, content='plain', content_rowid='id');`,
      `CREATE VIRTUAL TABLE own USING fts4 (body);`,
      `CREATE VIRTUAL TABLE boxes USING rtree (id, x0, x1);`,
      `CREATE UNIQUE INDEX by_length ON plain (length(a) DESC, a COLLATE NOCASE) WHERE a IS NOT NULL;`,
      `CREATE VIEW "a view" AS SELECT *, 'semi;colon' FROM plain -- remark`,
      `;CREATE TRIGGER t AFTER INSERT ON loose WHEN new.a = 1 BEGIN UPDATE keyed SET v = CASE WHEN v THEN 1 ELSE 2 END; DELETE FROM loose WHERE a = 99; END;`,
      `CREATE TRIGGER v INSTEAD OF DELETE ON "a view" BEGIN SELECT 1; END;`,
      `INSERT INTO plain (a) VALUES ('x'), ('yy'), ('zzz'); DELETE FROM plain WHERE a = 'zzz';`,
      `INSERT INTO keyed VALUES ('k', 1), ('k', 2); INSERT INTO loose (rowid, a) VALUES (7, 5), (99, 6); INSERT INTO hides VALUES (1, 2, 3); INSERT INTO hides_all VALUES (1, 2, 3);`,
      `INSERT INTO down VALUES (5, 'five'), (3, 'three'); INSERT INTO parent VALUES (1);`,
      `INSERT INTO words (words) VALUES ('rebuild'); INSERT INTO own VALUES ('one two'), ('three'); INSERT INTO boxes VALUES (1, 2, 3);`,
      `ANALYZE;`,
    ]
    sql(at('live.db'), statements.join('\n'))
    const look = `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_autoindex%' ORDER BY type, name;
      SELECT * FROM plain; SELECT * FROM sqlite_sequence; SELECT * FROM keyed; SELECT rowid, * FROM loose; SELECT oid, * FROM hides; SELECT * FROM hides_all; SELECT rowid, * FROM down;
      SELECT rowid, a FROM words WHERE words MATCH 'yy'; SELECT rowid, body FROM own WHERE own MATCH 'three'; SELECT * FROM boxes WHERE x0 > 1; SELECT * FROM "a view"; SELECT * FROM parent;
      SELECT * FROM sqlite_stat1 ORDER BY 1, 2; PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA user_version; PRAGMA application_id; PRAGMA integrity_check;`
    const before = sql(at('live.db'), look)
    expect(before).toContain('three')
    for (const file of await thereAndBack()) expect(sql(file, look)).toBe(before)
  })

  it('of nothing is a database all the same', async () => {
    sql(at('live.db'), 'PRAGMA user_version = 3')
    for (const file of await thereAndBack()) expect(sql(file, '.dump\nPRAGMA user_version')).toContain('\n3')
  })

  it('says at once when the text could not be read without the application', async () => {
    const app = client(at('live.db'))
    clients.push(app)
    await app.tell(`c.create_collation('uni', lambda a, b: (a > b) - (a < b)) or q('CREATE TABLE t (a text COLLATE uni PRIMARY KEY)')`)
    await expect(snapshot(at('live.db'))).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      hint: expect.stringContaining('--format db') as string,
    })
  })

  it('keeps a row that breaks a rule of its table', async () => {
    sql(at('live.db'), 'CREATE TABLE t (a CHECK (a > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (-1)')
    for (const file of await thereAndBack()) expect(sql(file, 'SELECT a FROM t')).toBe('-1')
  })

  const withChinook = chinook === undefined ? it.skip : it
  withChinook('of the Chinook database is the same there and back, and reads a dump of the stock program', async () => {
    copyFileSync(chinook ?? '', at('live.db'))
    const before = sql(at('live.db'), '.dump')
    for (const file of await thereAndBack()) expect(sql(file, '.dump')).toBe(before)
    expect((await load(Buffer.from(`${before}\n`), at('foreign.db'))).census.tables).toMatchObject({ Track: 3503 })
    expect(sql(at('foreign.db'), '.dump')).toBe(before)
    const { text, facts } = await snapshot(at('live.db'))
    const again = await snapshot(at('twin.db'))
    expect(again.text.equals(text)).toBe(true)
    expect(again.facts.census).toEqual(facts.census)
  })
})

describe('a text that is not whole', () => {
  const check = (text: string | Uint8Array, size?: number) => all(sqlite.check(format('sql'), pieces(Buffer.from(text), size)))

  it.each([1, 10, 1 << 20])('is told from a whole one, in pieces of %d bytes', async (size) => {
    sql(at('live.db'), `CREATE TABLE t (a); INSERT INTO t VALUES ('COMMIT;')`)
    const { text } = await snapshot(at('live.db'))
    expect((await check(text, size)).equals(text)).toBe(true)
    for (let length = 0; length < text.byteLength; length += 7) {
      await expect(check(text.subarray(0, length), size), `${length} bytes`).rejects.toMatchObject({ code: 'CORRUPT' })
    }
    await expect(check(text.subarray(0, -1), size)).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('is refused when it is of the stock program, and when it is no SQL', async () => {
    sql(at('live.db'), 'CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    const dump = sql(at('live.db'), '.dump')
    await check(`${dump}\n`)
    await expect(check(dump.slice(0, -3))).rejects.toMatchObject({ code: 'CORRUPT' })
    await expect(check('')).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it.each([
    ['fails in the middle', 'BEGIN; CREATE TABLE t (a); INSERT INTO nothing VALUES (1);\nCOMMIT;', 'nothing'],
    ['has a word too many', 'BEGIN; CREATE TABLE t (a); CREATE GARBAGE;\nCOMMIT;', 'GARBAGE'],
    ['ends within a text', `BEGIN; CREATE TABLE t (a); INSERT INTO t VALUES ('x);\nCOMMIT;`, 'unrecognized token'],
  ])('is not loaded when it %s', async (_, text, words) => {
    await expect(load(Buffer.from(text), at('twin.db'))).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining(words) as string,
    })
  })

  it('is not loaded when it is not UTF-8', async () => {
    const text = Buffer.concat([
      Buffer.from(`BEGIN; CREATE TABLE t (a); INSERT INTO t VALUES ('`),
      Buffer.from([0xff, 0x41]),
      Buffer.from(`');\nCOMMIT;`),
    ])
    await expect(load(text, at('twin.db'))).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('UTF-8') as string })
  })
})

describe('statements', () => {
  const SOURCE = `PRAGMA a = 1; -- one; two
    CREATE TABLE "t;1" (a DEFAULT 'x;''y', [b;c], \`d;e\`); /* ; ' */ ;
    CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT ';'; END;
    EXPLAIN CREATE TRIGGER y BEFORE DELETE ON t BEGIN DELETE FROM t; end ; SELECT 1 - -1 / 2 * 3;`
  const EXPECTED = [
    'PRAGMA a = 1;',
    `CREATE TABLE "t;1" (a DEFAULT 'x;''y', [b;c], \`d;e\`);`,
    ';',
    `CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT ';'; END;`,
    'EXPLAIN CREATE TRIGGER y BEFORE DELETE ON t BEGIN DELETE FROM t; end ;',
    'SELECT 1 - -1 / 2 * 3;',
  ]

  it('are cut where SQLite would cut them, one sign at a time', () => {
    const cutter = statements()
    const found = [...`${SOURCE}\n`].map((sign) => cutter.push(sign)).filter((each) => each !== '')
    expect(found.map((each) => each.replaceAll(/--.*\n|\/\*.*\*\//g, '').trim())).toEqual(EXPECTED)
  })

  it('lose nothing, however they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...`ab ;'"\`[]-/*\n`, 'create ', 'trigger ', 'end', '--', '/*', '*/')),
        fc.array(fc.nat(9)),
        (parts, sizes) => {
          const text = parts.join('')
          const cutter = statements()
          let [rest, given] = [text, '']
          for (const size of sizes) {
            given += cutter.push(rest.slice(0, size))
            rest = rest.slice(size)
          }
          given += cutter.push(rest)
          expect(given + cutter.rest()).toBe(text)
        },
      ),
    )
  })

  it('take one long text in many pieces as it comes', () => {
    const cutter = statements()
    const piece = 'x'.repeat(65_536)
    cutter.push(`INSERT INTO t VALUES ('`)
    for (let i = 0; i < 2000; i++) expect(cutter.push(piece)).toBe('')
    expect(cutter.push(`');`) + cutter.rest()).toHaveLength(2000 * 65_536 + 26)
  })
})

describe('a number', () => {
  it('is read by the stock program as the one it was', () => {
    const numbers = fc.sample(fc.double({ noNaN: true }), { numRuns: 500, seed: 5 })
    const decoder = decoderFor('UTF-8')
    const values = numbers.map((value) => `(${literal(value, decoder)})`).join()
    const rows = sql(at('n.db'), `SELECT printf('%!.26g', column1) FROM (VALUES ${values})`).split('\n')
    // The stock program's own reading and printing may err in the last place.
    const wrong = numbers.filter(
      (value, index) => Math.abs(Number(rows[index]?.replace('Inf', 'Infinity')) - value) > Math.abs(value * 3e-16),
    )
    expect(wrong).toEqual([])
  })
})
