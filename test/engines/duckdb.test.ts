// DuckDB: dump, load and check by every format, on everything that a database of it can hold; and the traps that its files have.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freeBytes } from '../../src/base/files.ts'
import { once } from '../../src/base/bytes.ts'
import { duckdb } from '../../src/engines/duckdb.ts'
import { statements } from '../../src/engines/duckdb/statements.ts'
import type { Format, Survey, Target } from '../../src/engines/engine.ts'
import { killedWith, onFile, type Holder } from './duckdb-program.ts'

const RICH = readFileSync(join(import.meta.dirname, 'duckdb-rich.sql'), 'utf8')
const never = new AbortController().signal

let top = ''
let file = ''
const holders: Holder[] = []
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'hayai-duckdb-'))
  file = join(top, 'shop.duckdb')
})
afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.kill()
  rmSync(top, { recursive: true, force: true })
})

function format(name: string): Format {
  return duckdb.formats.find((each) => each.name === name) ?? expect.fail(`no format ${name}`)
}

async function within<T>(path: string, work: (target: Target) => Promise<T>): Promise<T> {
  const scratch = join(top, 'scratch')
  await mkdir(scratch)
  const run = () => expect.fail('DuckDB needs no program of its place')
  try {
    const done = await work({
      endpoint: undefined,
      inner: undefined,
      path,
      scratch,
      run,
      freeBytes: () => freeBytes(scratch),
      version: null,
      layDown: () => Promise.reject(new Error('nothing is laid down in it')),
      copyAtRest: () => Promise.reject(new Error('it is not copied at rest')),
      workshop: () => Promise.reject(new Error('nobody works beside it')),
      close: () => Promise.resolve(),
    })
    expect(readdirSync(scratch).filter((name) => name !== 'spill')).toEqual([])
    return done
  } finally {
    await rm(scratch, { recursive: true })
  }
}

async function dumped(path: string, name: string): Promise<{ readonly bytes: Uint8Array; readonly facts: Survey }> {
  return within(path, async (target) => {
    const dump = await duckdb.dump(target, format(name), never)
    try {
      const bytes = await buffer(duckdb.check(format(name), dump.bytes))
      return { bytes, facts: (await dump.facts()) as Survey }
    } finally {
      await dump.close()
    }
  })
}

async function loaded(path: string, name: string, bytes: Uint8Array): Promise<string> {
  await within(path, (target) => duckdb.load(target, format(name), duckdb.check(format(name), once(bytes)), never))
  expect(existsSync(`${path}.wal`)).toBe(false)
  return onFile(path, '.dump', true)
}

describe('a database with everything in it', () => {
  it.each(['db', 'sql', 'tar'])('is the same after %s: every value, type, default, key, comment, macro and sequence', async (name) => {
    await onFile(file, RICH)
    const before = await onFile(file, '.dump', true)
    const { bytes, facts } = await dumped(file, name)
    const copy = join(top, 'copy.duckdb')
    expect(await loaded(copy, name, bytes)).toBe(before)
    const found = await within(copy, (target) => duckdb.survey(target, 'rows', never))
    const live = await within(file, (target) => duckdb.survey(target, 'rows', never))
    expect(found.census).toEqual(facts.census)
    expect(facts.census.objects).toMatchObject({ schemas: 2, views: 3, indexes: 2, sequences: 5, types: 3, macros: 4 })
    expect({ ...found.outline, bytes: 0 }).toEqual({ ...facts.outline, bytes: 0 })
    expect(found.digests).toEqual(live.digests)
    expect(Object.keys(found.digests ?? {})).toHaveLength(Object.keys(facts.census.tables).length)
    // Sequences go on where they stood, keys hold, generated columns are generated, macros know their defaults.
    const asks = `SELECT nextval('sq'); SELECT nextval('sq'); SELECT nextval('s2.sq2'); SELECT nextval('round'); SELECT nextval('round'); SELECT add2(1); SELECT g FROM odd_names`
    expect(await onFile(copy, asks)).toBe(await onFile(file, asks))
    await expect(onFile(copy, `SELECT nextval('used_up')`)).rejects.toThrow(/reached maximum/)
    for (const spoil of [
      `INSERT INTO tree VALUES (9, 8)`,
      `INSERT INTO parent (name) VALUES (NULL)`,
      `INSERT INTO parent (id) VALUES (10)`,
    ]) {
      await expect(onFile(copy, spoil)).rejects.toThrow(/Constraint Error/)
    }
  })

  it('is written as the same text again', async () => {
    await onFile(file, RICH)
    const { bytes } = await dumped(file, 'sql')
    const again = join(top, 'again', 'shop.duckdb')
    await mkdir(join(top, 'again'))
    await within(again, (target) => duckdb.load(target, format('sql'), once(bytes), never))
    const lines = (text: Uint8Array) => Buffer.from(text).toString().split('\n').toSorted()
    expect(lines((await dumped(again, 'sql')).bytes)).toEqual(lines(bytes))
  })
})

describe('as sql', () => {
  it('what has no exact text is refused, before a byte is written', async () => {
    const instance = await DuckDBInstance.create(file, { storage_compatibility_version: 'latest' })
    const connection = await instance.connect()
    await connection.run('CREATE TABLE t (v VARIANT)')
    connection.closeSync()
    instance.closeSync()
    await expect(dumped(file, 'sql')).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringMatching(/"t"\."v".*VARIANT/) as string,
      hint: expect.stringContaining('--format db') as string,
    })
    await dumped(file, 'db')
  })

  it('text of other programs is read; the first statement that fails ends it', async () => {
    const text = `CREATE TABLE a (v VARCHAR); /* ; /* nested */ ; */ INSERT INTO a VALUES ('x;y'), ($$;'$$), (E'\\';'); -- ; end\nCREATE VIEW w AS SELECT 1`
    await loaded(file, 'sql', Buffer.from(`${text};\n`))
    expect(await onFile(file, 'SELECT v FROM a; FROM w')).toBe(`x;y\n;'\n';\n1`)
    for (const [bad, why] of [
      ['CREATE TABLE a (v INTEGER); INSERT INTO b VALUES (1);', /b does not exist/],
      ['BEGIN; CREATE TABLE a (v INTEGER);', /does not end/],
      ['SELECT \xff;', /UTF-8/],
    ] as const) {
      const path = join(top, `bad-${why.source.length}.duckdb`)
      await expect(loaded(path, 'sql', Buffer.from(bad, 'latin1'))).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringMatching(why) as string,
      })
    }
  })

  it.each([1, 7, 64])('statements are found in pieces of %d characters', (size) => {
    const text = `SELECT 'a;b'; SELECT "c;""d"; SELECT $x$;$$;$x$, E'\\';', 1-1 -- ;\n, 2/2; /* /* ; */ ; */ SELECT 3;\n`
    const cutter = statements()
    const found: string[] = []
    for (let at = 0; at < text.length; at += size) found.push(...cutter.push(text.slice(at, at + size)))
    expect(found.map((each) => each.trim())).toEqual([
      `SELECT 'a;b';`,
      `SELECT "c;""d";`,
      `SELECT $x$;$$;$x$, E'\\';', 1-1 -- ;\n, 2/2;`,
      `/* /* ; */ ; */ SELECT 3;`,
    ])
    expect(cutter.rest()).toBe('')
  })

  it('a text with signs in it ends where DuckDB ends it, wherever a piece is cut', () => {
    const text = `SELECT E''';', E'a''\\'; ''', e'\\\\';SELECT name'\\';SELECT 'E'';'e'\\';';`
    for (let cut = 1; cut < text.length; cut++) {
      const cutter = statements()
      expect([...cutter.push(text.slice(0, cut)), ...cutter.push(text.slice(cut)), ...cutter.push('\n')]).toEqual([
        `SELECT E''';', E'a''\\'; ''', e'\\\\';`,
        `SELECT name'\\';`,
        `SELECT 'E'';'e'\\';';`,
      ])
    }
  })
})

describe('a snapshot', () => {
  it('has what only the .wal holds, of a program that was killed, and leaves file and .wal as they are', async () => {
    await onFile(file, 'CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (1)')
    await killedWith(file, ['INSERT INTO t VALUES (2)'], 'dies')
    const before = [readFileSync(file), readFileSync(`${file}.wal`)]
    expect(before[1]?.length).toBeGreaterThan(0)
    const { bytes, facts } = await dumped(file, 'db')
    expect([readFileSync(file), readFileSync(`${file}.wal`)]).toEqual(before)
    expect(facts.census.tables).toEqual({ t: 2 })
    await loaded(join(top, 'copy.duckdb'), 'db', bytes)
    expect(await onFile(join(top, 'copy.duckdb'), 'SELECT sum(v) FROM t')).toBe('3')
  })

  it('is taken beside readers, and names a writer that does not let go', async () => {
    await onFile(file, 'CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (1)')
    holders.push(await killedWith(file, ['SELECT 1'], 'stays', true))
    expect((await dumped(file, 'db')).facts.census.tables).toEqual({ t: 1 })
    await holders.pop()?.kill()
    const writer = await killedWith(file, ['INSERT INTO t VALUES (2)'], 'stays')
    holders.push(writer)
    await expect(dumped(file, 'db')).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`process ${writer.pid} (`) as string,
      hint: expect.stringContaining('one program write') as string,
    })
    await writer.kill()
    expect((await dumped(file, 'db')).facts.census.tables).toEqual({ t: 2 })
  }, 60_000)

  it('waits for a program that has the file open for a moment, and keeps no writer out for longer than the copy takes', async () => {
    await onFile(file, 'CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (0)')
    let going = true
    let commits = 0
    const busy = (async () => {
      while (going) {
        try {
          await onFile(file, 'UPDATE t SET v = v + 1')
          commits++
        } catch (error) {
          expect(String(error)).toMatch(/lock/)
        }
      }
    })()
    const { bytes } = await dumped(file, 'db')
    const at = commits
    while (commits < at + 3) await new Promise((resolve) => setTimeout(resolve, 20))
    going = false
    await busy
    await loaded(join(top, 'copy.duckdb'), 'db', bytes)
    const seen = Number(await onFile(join(top, 'copy.duckdb'), 'SELECT v FROM t'))
    expect(seen).toBeLessThanOrEqual(at + 1)
    expect(Number(await onFile(file, 'SELECT v FROM t'))).toBe(commits)
  }, 60_000)

  it('of a file with a damaged block fails, and says so', async () => {
    await onFile(file, 'CREATE TABLE t AS SELECT i, hash(i) AS h FROM range(200000) r (i)')
    const content = readFileSync(file)
    content.fill(0x5a, 12_288 + 262_144 + 5000, 12_288 + 262_144 + 5100)
    writeFileSync(file, content)
    await expect(dumped(file, 'db')).rejects.toMatchObject({ code: 'CORRUPT', hint: expect.stringContaining('earlier snapshot') as string })
  })
})

describe('a file', () => {
  it('whose last blocks are free, and not there any more, is sound', async () => {
    await onFile(file, `CREATE TABLE t (v VARCHAR); INSERT INTO t VALUES ('first'); CREATE TABLE b AS FROM range(100000)`)
    for (const turn of ['second', 'third', 'fourth']) {
      await onFile(file, `UPDATE t SET v = '${turn}'`)
      await loaded(join(top, `${turn}.duckdb`), 'db', (await dumped(file, 'db')).bytes)
    }
  })

  const { recipe } = duckdb
  if (recipe.shape !== 'file') throw new Error('DuckDB is a file')

  it('of a newer DuckDB is refused with its version, and is left alone', async () => {
    await recipe.create(file)
    const content = Buffer.from(readFileSync(file))
    content.writeBigUInt64LE(9999n, 12)
    content.write('v9.8.7\0', 52, 'latin1')
    writeFileSync(file, withChecksum(content))
    for (const attempt of [() => dumped(file, 'db'), () => recipe.recognise(file), () => recipe.look(file)]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining('v9.8.7') as string,
        hint: expect.stringContaining('npm install') as string,
      })
    }
    await expect(loaded(join(top, 'new.duckdb'), 'db', readFileSync(file))).rejects.toMatchObject({ code: 'ENVIRONMENT' })
  })

  it('that is none is not adopted; one that its program has open is', async () => {
    writeFileSync(file, 'not a database')
    await expect(recipe.recognise(file)).rejects.toMatchObject({ code: 'CONFLICT' })
    writeFileSync(file, '')
    await expect(recipe.recognise(file)).rejects.toMatchObject({ code: 'CONFLICT' })
    rmSync(file)
    await onFile(file, 'CREATE TABLE t (v INTEGER)')
    holders.push(await killedWith(file, ['INSERT INTO t VALUES (1)'], 'stays'))
    await recipe.recognise(file)
    expect(await recipe.look(file)).toEqual({ state: 'sound', users: [] })
  })

  it('that is cut or no longer what it was is damaged, and is not restored', async () => {
    await onFile(file, 'CREATE TABLE t AS FROM range(100000)')
    const bytes = readFileSync(file)
    const size = statSync(file).size
    truncateSync(file, size - 1000)
    expect((await recipe.look(file)).state).toBe('damaged')
    for (const [name, cut] of [
      ['db', bytes.subarray(0, size - 1000)],
      ['db', bytes.subarray(0, size - 2 * 262_144)],
      ['db', bytes.subarray(0, 100)],
      ['db', Buffer.alloc(0)],
      ['tar', bytes],
      ['sql', Buffer.from('-- DuckDB database, written by Hayai\nBEGIN TRANSACTION;\n')],
    ] as const) {
      await expect(loaded(join(top, 'copy.duckdb'), name, cut), `${name} of ${cut.length} bytes`).rejects.toMatchObject({ code: 'CORRUPT' })
      rmSync(join(top, 'copy.duckdb'), { force: true })
    }
    expect(existsSync(`${file}.wal`)).toBe(false)
  })
})

/** DuckDB's checksum of a block: of each 8 bytes a product, and of what is left another one; here of a header of 4088 bytes. */
function withChecksum(content: Buffer): Buffer {
  const mask = (1n << 64n) - 1n
  let sum = 5381n
  for (let at = 8; at < 4096; at += 8) sum ^= (content.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n) & mask
  content.writeBigUInt64LE(sum, 0)
  return content
}
