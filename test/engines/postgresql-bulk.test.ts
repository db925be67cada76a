// The large tables of a dump, which the server writes itself: the same rows, the same instant, and pg_dump where that cannot be.

import { createHash } from 'node:crypto'
import { lchown, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drain } from '../../src/base/bytes.ts'
import { temporaryName } from '../../src/base/files.ts'
import { output } from '../../src/base/exec.ts'
import type { Dump } from '../../src/engines/engine.ts'
import { postgresql } from '../../src/engines/postgresql.ts'
import { tableRows } from '../../src/engines/postgresql/table-rows.ts'
import { format, never, restored, snapshot, type Taken } from './postgresql-copies.ts'
import { collect, noServer, startServer, type Server } from './postgresql-server.ts'

const ROWS = 400_000

// Whatever a COPY could get wrong: names, computed and dropped columns, a child, a partition, an own type, text that looks like its end.
const CONTENT = `
  CREATE SCHEMA "Odd ""Schema";
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
  CREATE TABLE "Odd ""Schema"."big 'table\\" (id bigint GENERATED ALWAYS AS IDENTITY, gone integer, "Select" text, at timestamptz, f float8,
    length integer GENERATED ALWAYS AS (length("Select")) STORED, m mood, raw bytea, nothing text);
  ALTER TABLE "Odd ""Schema"."big 'table\\" DROP COLUMN gone;
  INSERT INTO "Odd ""Schema"."big 'table\\" ("Select", at, f, m, raw)
    SELECT CASE i % 5 WHEN 0 THEN E'\\\\.' WHEN 1 THEN E'tab\\there\\nline \\\\N' WHEN 2 THEN '' WHEN 3 THEN 'ünï 漢字' ELSE repeat(md5(i::text), 10) END,
      '2024-01-01Z'::timestamptz + i * interval '1.37 s', i / 7.0::float8, (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood, decode(repeat(md5(i::text), 3), 'hex')
    FROM generate_series(1, ${ROWS}) i;
  ALTER TABLE "Odd ""Schema"."big 'table\\" ADD PRIMARY KEY (id);
  CREATE TABLE measures (day date NOT NULL, body text) PARTITION BY RANGE (day);
  CREATE TABLE measures_1 PARTITION OF measures FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE measures_2 PARTITION OF measures DEFAULT;
  INSERT INTO measures SELECT '2024-01-01'::date + i % 800, repeat(md5(i::text), 10) FROM generate_series(1, 40000) i;
  CREATE TABLE parent (a integer);
  CREATE TABLE child (b text) INHERITS (parent);
  INSERT INTO parent SELECT generate_series(1, 60000);
  INSERT INTO child SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
  CREATE TABLE small (a integer REFERENCES small_key); `

describe.skipIf(noServer)('PostgreSQL (needs its server programs): large tables', () => {
  let server: Server
  let taken: Taken
  beforeAll(async () => {
    server = await startServer()
    await server.psql(
      `CREATE TABLE small_key (a integer PRIMARY KEY); INSERT INTO small_key VALUES (1), (2); ${CONTENT} INSERT INTO small VALUES (1), (2);
       CREATE FUNCTION noisy() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'fired'; END$$;
       CREATE TRIGGER noisy BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION noisy();
       ALTER TABLE child ENABLE ROW LEVEL SECURITY; ALTER TABLE child FORCE ROW LEVEL SECURITY;
       ALTER DATABASE database SET extra_float_digits = 0; ALTER DATABASE database SET intervalstyle = sql_standard`,
    )
    taken = await snapshot(server)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const pipes = (): Promise<readonly string[]> => readdir(join(server.target.path, 'base', 'pgsql_tmp')).catch(() => [])
  // pg_dump quotes only the names that need it.
  const marked = (bytes: Buffer): boolean => bytes.includes('COPY "public"."child" (a, b) FROM stdin;')

  test('the server wrote them, every row is counted, and nothing is left over', async () => {
    expect(marked(taken.bytes)).toBe(true)
    expect(taken.facts.census.tables).toMatchObject({
      [`"Odd ""Schema"."big 'table\\"`]: ROWS,
      'public.measures_1': 18_300,
      'public.measures_2': 21_700,
      'public.parent': 60_000,
      'public.child': 60_000,
      'public.small': 2,
    })
    expect(await pipes()).toEqual([])
    expect(await readdir(server.folder)).not.toContain('archive')
  })

  test('restored, it is the same for pg_dumpall, row for row', async () => {
    await using copy = await restored(taken)
    expect((await postgresql.inspect(copy.target)).census).toEqual(taken.facts.census)
    expect(sorted(await copy.everything()) === sorted(await server.everything())).toBe(true)
  })

  test('as pg_dump itself says it', async () => {
    const rows = (dump: string): string =>
      sorted(
        dump
          .split('\n')
          .filter((line) => line.includes('\t'))
          .join('\n'),
      )
    expect(rows(taken.bytes.toString('latin1')) === rows(await server.everything())).toBe(true)
  })

  test('put into the file by two connections in turns, a range of pages each, they are the same in the same order', async () => {
    const path = join(server.folder, 'landed.sql')
    await using file = await open(path, 'ax+')
    const dump = await postgresql.dump(server.target, format, never)
    await drain(dump.land?.({ descriptor: file.fd }) ?? expect.fail('it cannot land'))
    expect((await dump.facts()).census).toEqual(taken.facts.census)
    await dump.close()
    const [landed, read] = [rowsOfTheBig(await readFile(path)), rowsOfTheBig(taken.bytes)]
    expect(landed.length).toBe(ROWS)
    expect(landed.join('\n') === read.join('\n')).toBe(true)
    const ids = landed.map((row) => row.slice(0, row.indexOf('\t')))
    const digest = createHash('md5').update(ids.join(',')).digest('hex')
    expect(await server.psql(`SELECT md5(string_agg(id::text, ',' ORDER BY ctid)) FROM "Odd ""Schema"."big 'table\\"`)).toBe(digest)
  })

  test('the rows of one of them are found in the file', async () => {
    const file = join(server.folder, 'dump.sql')
    await writeFile(file, taken.bytes)
    const rows = (await collect(tableRows(file, 'public.child', never))).toString()
    expect(rows).toMatch(/^SET client_encoding = 'UTF8';\n[^]*COPY "public"."child" \(a, b\) FROM stdin;\n1\t[^]*\n\\\.\n$/)
    expect(rows.split('\n').length).toBe(60_000 + 5)
  })

  test('is of the instant at which it was held, whatever is written and removed meanwhile', async () => {
    const dump = await postgresql.dump(server.target, format, never)
    await server.psql(`DELETE FROM measures; INSERT INTO parent SELECT 1 FROM generate_series(1, 500)`)
    const bytes = await collect(dump.bytes)
    expect((await dump.facts()).census).toEqual(taken.facts.census)
    await dump.close()
    expect(marked(bytes)).toBe(true)
    await server.psql(`DELETE FROM ONLY parent WHERE ctid IN (SELECT ctid FROM ONLY parent ORDER BY ctid DESC LIMIT 500);
      INSERT INTO measures SELECT '2024-01-01'::date + i % 800, repeat(md5(i::text), 10) FROM generate_series(1, 40000) i`)
  })

  test('somebody who waits to change such a table waits for its last row, and keeps nobody waiting', async () => {
    const dump = await postgresql.dump(server.target, format, never)
    const bytes = dump.bytes[Symbol.asyncIterator]()
    await bytes.next()
    const seen = [await bytes.next(), await bytes.next()]
    expect(seen.every(({ done }) => done !== true)).toBe(true)
    const altered = server.psql('ALTER TABLE parent ADD COLUMN late integer')
    while ((await server.psql('SELECT count(*) FROM pg_locks WHERE NOT granted')) === '0');
    while ((await bytes.next()).done !== true);
    await dump.close()
    await altered
    await server.psql('ALTER TABLE parent DROP COLUMN late')
  })

  test('a table that is being changed is left to pg_dump, which waits', async () => {
    const locked = `SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'parent'::regclass AND granted`
    const dump = await postgresql.dump(server.target, format, never)
    const locker = server.psql(`BEGIN; LOCK TABLE parent IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT`)
    await expect.poll(() => server.psql(locked)).toBe('1')
    const bytes = await collect(dump.bytes)
    expect((await dump.facts()).census).toEqual(taken.facts.census)
    await dump.close()
    await locker
    expect(marked(bytes)).toBe(false)
    expect(await pipes()).toEqual([])
  })

  test.each(['read', 'landed'])('a reader that goes away ends everything; so does a signal: %s', async (way) => {
    const held = `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    await using file = await open(join(server.folder, `gone-${way}.sql`), 'ax+')
    const bytesOf = ({ bytes, land }: Dump) => (way === 'read' ? bytes : (land?.({ descriptor: file.fd }) ?? expect.fail('it cannot land')))
    const begun = await postgresql.dump(server.target, format, never)
    let seen = 0
    for await (const piece of bytesOf(begun)) if ((seen += piece.length) > 5_000_000) break
    await begun.close()
    await expect.poll(() => server.psql(held)).toBe('0')
    const stop = new AbortController()
    const aborted = await postgresql.dump(server.target, format, stop.signal)
    const reading = drain(
      (async function* () {
        for await (const piece of bytesOf(aborted)) {
          if ((seen += piece.length) > 10_000_000) stop.abort(new Error('enough'))
          yield piece
        }
      })(),
    )
    await expect(reading).rejects.toThrow('enough')
    await aborted.close()
    await expect.poll(() => server.psql(held)).toBe('0')
    expect(await pipes()).toEqual([])
  })

  test('the pipe of a killed command is swept away, and with it who still waits in front of it', async () => {
    const name = temporaryName('copy').replace(/\.\d+-[0-9A-Za-z_]+-/, '.999999999-1-')
    const place = join(server.target.path, 'base', 'pgsql_tmp', `pgsql_tmp${name}`)
    await output({ file: 'mkfifo', args: [place] })
    await lchown(place, ...(await ownerOf(server)))
    const waiting = server.psql(`COPY (SELECT generate_series(1, 100000)) TO '${place}'`).catch((error: unknown) => error)
    await expect.poll(() => server.psql(`SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%'`)).toBe('1')
    await snapshot(server)
    expect(String(await waiting)).toContain('Broken pipe')
    expect(await pipes()).toEqual([])
  })
})

/** As they lie in the dump. */
function rowsOfTheBig(dump: Buffer): readonly string[] {
  const start = dump.indexOf('COPY "Odd ""Schema"')
  return dump.toString('utf8', start, dump.indexOf('\n\\.\n\n', start)).split('\n').slice(1)
}

// A table that is filled again fills its pages in another way.
const sorted = (dump: string): string => dump.split('\n').toSorted().join('\n')

async function ownerOf(server: Server): Promise<readonly [number, number]> {
  const { uid, gid } = await stat(server.target.path)
  return [uid, gid]
}
