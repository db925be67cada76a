// DuckDB: the rows of a script of Hayai's own are read past DuckDB's parser, and are what its parser would make of them.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../src/base/exec.ts'
import { childFor } from '../../src/engines/duckdb/ask.ts'
import { openNew, type Database } from '../../src/engines/duckdb/connection.ts'
import { ownRows } from '../../src/engines/duckdb/own-rows.ts'
import { statements } from '../../src/engines/duckdb/statements.ts'
import { onFile } from './duckdb-program.ts'

let top = ''
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'hayai-duckdb-rows-'))
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

/** All that has a literal of its own kind, which is no call of a function. */
const PLAIN = `${readFileSync(join(import.meta.dirname, 'duckdb-rich.sql'), 'utf8')}
  CREATE OR REPLACE TABLE scalars AS SELECT * REPLACE (CASE WHEN isfinite(tstz) THEN TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' ELSE tstz END AS tstz)
    FROM scalars WHERE NOT coalesce(contains(v, chr(0)) OR date_part('day', iv) < -1000000, false);
  CREATE OR REPLACE TABLE nested AS SELECT * EXCLUDE (u, lu, su, mb) REPLACE (CAST([] AS VARCHAR[]) AS te, CAST([] AS INTERVAL[]) AS iv) FROM nested;
  DROP TABLE geo; DROP TABLE "my schema"."child ""t";
  INSERT INTO nested (te, mm) VALUES (['', '''', E'\\n\\r\\\\', '"', '],[', '\\u0041', chr(1) || chr(127) || E'\\t', '🦆'], MAP {'2020-01-01': NULL});
  INSERT INTO s2.x (l, mp, j, e) VALUES ([NULL], MAP {'a "b''': [1], '\\': NULL, '{"c0":null}': []}, '{"a": ["\\n", 1e400, null]}', 'q'), (NULL, NULL, 'null', NULL);
  CREATE TABLE texts (a VARCHAR, "b'"" c" STRUCT("k""'\\" VARCHAR, l STRUCT(m VARCHAR[], n INTEGER)[]));
  INSERT INTO texts SELECT t, {'k"''\\': reverse(t), 'l': [{'m': [t, NULL], 'n': i}, NULL, {'m': NULL, 'n': NULL}]}
  FROM (SELECT i, string_agg([chr(10), chr(13), chr(39), chr(34), chr(92), ', ', 'NULL', '{', '}', '[', ']', '(', ')', ';', 'E', 'ü', '🦆', chr(9), chr(1), 'n', '--', '/*']
    [1 + (hash(i * 100 + k) % 22)::INTEGER], '') AS t FROM range(3000) r (i), range(8) s (k) GROUP BY i);`

async function scriptOf(file: string): Promise<string> {
  return text(run(childFor('writeSql', { file, spill: join(top, 'spill') })))
}

describe('rows as Hayai writes them', () => {
  it('become what the parser makes of them, and it is the stock program that is followed', async () => {
    const file = join(top, 'shop.duckdb')
    await onFile(file, PLAIN)
    const script = await scriptOf(file)
    const copy = join(top, 'copy.duckdb')
    const db = await openNew(copy)
    const left: string[] = []
    const rows = ownRows(db, () => Promise.resolve())
    for (const sql of statements().push(script)) {
      const step = await rows.step(sql)
      if (step === undefined && /^\s*INSERT/.test(sql)) left.push(sql)
      await (step?.() ?? db.run(sql))
    }
    db.close()
    expect(left).toEqual([])
    const before = await onFile(file, '.dump', true)
    expect(await onFile(copy, '.dump', true)).toBe(before)
    const stock = join(top, 'stock.duckdb')
    await onFile(stock, script)
    expect(await onFile(stock, '.dump', true)).toBe(before)
  }, 60_000)

  it('are run as they stand when anything about them is another', async () => {
    const db: Database = await openNew(':memory:')
    await db.run('CREATE TABLE t (i INTEGER, v VARCHAR, b BOOLEAN, l INTEGER[], s STRUCT(a INTEGER, b VARCHAR), u UNION(x INTEGER))')
    const rows = ownRows(db, () => Promise.resolve())
    const insert = (values: string, columns = '"i", "v", "b", "l", "s"', table = '"t"'): string =>
      `\nINSERT INTO ${table} (${columns}) VALUES\n${values};`
    const ours = `(1, 'x', true, [1, NULL], {'a': 1, 'b': 'y'})`
    await (
      await rows.step(insert(`${ours},\n(NULL, E'\\n', NULL, [], NULL)`))
    )?.()
    expect(await db.rows('SELECT i, v, b, l, s FROM t')).toEqual([
      [1, 'x', true, [1, null], { a: 1, b: 'y' }],
      [null, '\n', null, [], null],
    ])
    for (const other of [
      insert(`${ours}, ${ours}`),
      insert(`${ours},\n${ours}\n`),
      insert(`${ours} ON CONFLICT DO NOTHING`),
      insert(`(1 + 1${ours.slice(2)}`),
      insert(`('1'${ours.slice(2)}`),
      insert(`(DEFAULT${ours.slice(2)}`),
      insert(ours.replace(`'x'`, '5')),
      insert(ours.replace(`'x'`, `'x' || 'y'`)),
      insert(ours.replace(`'x'`, `E'\\t'`)),
      insert(ours.replace(`'x'`, `E'\\''`)),
      insert(ours.replace(`'x'`, `$$x$$`)),
      insert(ours.replace(`'x'`, `decode('x'::BLOB)`)),
      insert(ours.replace(`'x'`, 'null')),
      insert(ours.replace('true', 'TRUE')),
      insert(ours.replace('[1, NULL]', '[1,NULL]')),
      insert(ours.replace(`'a': 1, `, '')),
      insert(ours.replace(`'a': 1, 'b': 'y'`, `'b': 'y', 'a': 1`)),
      insert(ours.replace(')', ', 1)')),
      insert('(5)', '"u"'),
      insert(ours, undefined, 't'),
      insert(ours, undefined, '"missing"'),
      insert(ours, '"i", "v", "b", "l", "missing"'),
      'SELECT 1;',
    ]) {
      expect(await rows.step(other), other).toBeUndefined()
    }
    expect(await rows.step(insert(ours))).toBeDefined()
    db.close()
  })
})
