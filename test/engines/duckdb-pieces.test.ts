// Single tables of DuckDB, out of a snapshot into a live file that has gone on.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PiecesAnswer } from '../../src/index.ts'
import { duckdb } from '../trials/duckdb.ts'
import { stage, type Stage } from '../trials/stage.ts'

const SCHEMA = `
  CREATE TYPE mood AS ENUM ('glad', 'it''s sad'); CREATE SEQUENCE ids START 500;
  CREATE TABLE city (id integer PRIMARY KEY, name text); INSERT INTO city SELECT i, 'city ' || i FROM range(20) r (i);
  CREATE TABLE users (id integer PRIMARY KEY DEFAULT nextval('ids'), name text NOT NULL CHECK (length(name) > 1), city integer REFERENCES city (id), feels mood,
    twice integer GENERATED ALWAYS AS (id * 2), bytes blob, list integer[], moment timestamptz DEFAULT now());
  CREATE INDEX users_name ON users (name); CREATE UNIQUE INDEX by_both ON users (name, city);
  COMMENT ON TABLE users IS 'the people'; COMMENT ON COLUMN users.name IS 'who';
  INSERT INTO users (id, name, city, feels, bytes, list, moment) SELECT i, 'näme ' || i, i % 20, 'it''s sad', encode('b' || i), [i, NULL], TIMESTAMP '2026-01-02 03:04:05' FROM range(1000) r (i);
  CREATE VIEW people AS SELECT id, name FROM users;
  CREATE SCHEMA "Odd.Schema"; CREATE TABLE "Odd.Schema"."we""ird täble.x" (a integer); INSERT INTO "Odd.Schema"."we""ird täble.x" VALUES (1), (NULL);
`

describe('DuckDB, table by table', () => {
  if (duckdb.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${duckdb.missing}`, () => {})

  let scene: Stage
  let reference = ''
  let before = ''
  const run = (sql: string): Promise<string> => duckdb.run(scene.project, 'shop', sql)
  const rows = (table: string): Promise<string> =>
    run(`SELECT md5(string_agg(t::varchar, '|' ORDER BY t::varchar)), count(*) FROM ${table} t`)
  const bring = (more: Partial<Parameters<typeof scene.project.restorePieces>[0]>): Promise<PiecesAnswer> =>
    scene.project.restorePieces({ reference, noun: 'table', pieces: [], ...more })
  beforeEach(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'duckdb' })
    await run(SCHEMA)
    before = await rows('users')
    reference = (await scene.project.snapshot({ database: 'shop' })).snapshot?.id ?? ''
  })
  afterEach(() => scene.close())

  it('beside what is there, with indexes, comments and keys, under names that are free', async () => {
    await run(`UPDATE users SET name = 'wrong ' || id; DELETE FROM users WHERE id > 5`)
    const spoilt = await rows('users')
    await bring({ pieces: [{ name: 'users', as: 'old.users' }] })
    const answer = await bring({ pieces: [{ name: 'users', as: 'users_old' }] })
    expect(answer).toMatchObject({
      pieces: [{ name: 'users', as: 'users_old', count: 1000, replaced: 0 }],
      notes: [],
      safety: null,
    })
    for (const table of ['old.users', 'users_old']) expect(await rows(table)).toBe(before)
    expect(await rows('users')).toBe(spoilt)
    expect(await run(`SELECT index_name FROM duckdb_indexes() WHERE schema_name = 'main' AND table_name = 'users_old' ORDER BY 1`)).toBe(
      'users_old_by_both\nusers_old_name',
    )
    expect(await run(`SELECT comment FROM duckdb_columns() WHERE table_name = 'users_old' AND comment IS NOT NULL`)).toBe('who')
    expect(await run(`INSERT INTO users_old (id, name) VALUES (5000, 'newly') RETURNING twice >= 1000`)).toBe('true')
    await expect(run(`INSERT INTO users_old (id, name, city) VALUES (5001, 'newly', 99)`)).rejects.toThrow(/foreign key/i)
  })

  it('is not put over what is there, unless it shall be, and that can be taken back', async () => {
    await run(`DELETE FROM users WHERE id = 7; INSERT INTO users (id, name) VALUES (5000, 'later')`)
    const spoilt = await rows('users')
    await expect(bring({ pieces: [{ name: 'users' }] })).rejects.toMatchObject({
      code: 'CONFLICT',
      hint: expect.stringMatching(/--as .*--replace/) as string,
    })
    const answer = await bring({ pieces: [{ name: 'users' }], replace: true })
    expect(await rows('users')).toBe(before)
    expect(await run('SELECT count(*) FROM people')).toBe('1000')
    expect(answer.undo).toBe('hayai undo shop')
    expect(await scene.project.undo('shop', { dryRun: true })).toMatchObject({ what: 'pieces', to: 'users' })
    expect(await scene.project.undo('shop')).toMatchObject({ pieces: { added: [], replaced: ['users'] }, again: 'hayai redo shop' })
    expect(await rows('users')).toBe(spoilt)
    await scene.project.redo('shop')
    expect(await rows('users')).toBe(before)
    await run(`UPDATE users SET name = 'later still' WHERE id = 3`)
    const later = await rows('users')
    await expect(scene.project.undo('shop')).rejects.toMatchObject({ code: 'CONFLICT', hint: expect.stringContaining('--force') as string })
    expect(await rows('users')).toBe(later)
    const forced = await scene.project.undo('shop', { force: true })
    expect(forced.pieces?.safety?.manifest?.askedBy).toBe('safety')
    expect(await rows('users')).toBe(spoilt)
  })

  it('comes with what it needs and says what it cannot have, or is refused and nothing has changed', async () => {
    await run('DROP VIEW people; DROP TABLE users; DROP TABLE city; DROP TYPE mood; DROP SEQUENCE ids; DROP SCHEMA "Odd.Schema" CASCADE')
    const answer = await bring({ pieces: [{ name: 'users' }, { name: '"Odd.Schema"."we""ird täble.x"' }] })
    expect(await rows('users')).toBe(before)
    expect(answer.pieces.map(({ count }) => count)).toEqual([1000, 2])
    expect(answer.notes).toEqual([expect.stringMatching(/foreign key of users was not carried.*city/) as string])
    const dump = await duckdb.dump(scene.project, 'shop')
    await expect(bring({ pieces: [{ name: 'user' }] })).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'Did you mean users?' })
    await run('CREATE VIEW people AS SELECT 1')
    await expect(bring({ pieces: [{ name: 'users', as: 'people' }] })).rejects.toMatchObject({ code: 'CONFLICT' })
    await run('DROP VIEW people')
    expect(await duckdb.dump(scene.project, 'shop')).toBe(dump)
  })
})
