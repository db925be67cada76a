// Single tables of SQLite, out of a snapshot into a live file that has gone on.

import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PiecesAnswer } from '../../src/index.ts'
import { sqlite } from '../trials/cast.ts'
import { stage, type Stage } from '../trials/stage.ts'

const SCHEMA = `
  CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT);
  CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE NOT NULL CHECK (length(name) > 1), city INT REFERENCES city, boss INT REFERENCES users,
    twice INT GENERATED ALWAYS AS (id * 2) STORED, bytes BLOB, anything);
  CREATE INDEX by_name ON users (lower(name)) WHERE id > 3;
  CREATE UNIQUE INDEX "odd ""index" ON users (name);
  CREATE TRIGGER touch AFTER UPDATE ON users WHEN old.name <> new.name BEGIN UPDATE users SET anything = 'touched; by' WHERE id = new.id; END;
  CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer INT REFERENCES users (id) ON DELETE CASCADE);
  CREATE VIEW people AS SELECT id, name FROM users;
  CREATE TABLE "we""ird täble.x" (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
  CREATE TABLE loose (a); INSERT INTO loose (rowid, a) VALUES (7, x'00ff'), (900, 3.0), (901, 'text'), (902, NULL);
  INSERT INTO city SELECT value, 'city ' || value FROM generate_series(1, 20);
  INSERT INTO users (name, city, boss, bytes, anything) SELECT 'näme ' || value, value % 20 + 1, 1, randomblob(9), CASE value % 3 WHEN 0 THEN 1.0 WHEN 1 THEN '1' END FROM generate_series(1, 1000);
  INSERT INTO users (id, name) VALUES (5000, 'gone'); DELETE FROM users WHERE id = 5000;
  INSERT INTO orders SELECT value, value FROM generate_series(1, 900);
  INSERT INTO "we""ird täble.x" VALUES (1, 'x'), (2, 'y');
  CREATE VIRTUAL TABLE texts USING fts5 (body);
`

describe('SQLite, table by table', () => {
  if (sqlite.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${sqlite.missing}`, () => {})

  let scene: Stage
  let reference = ''
  let before = ''
  const run = (sql: string): Promise<string> => sqlite.run(scene.project, 'shop', sql)
  const rows = (table: string): Promise<string> =>
    run(
      `SELECT rowid, quote(id), quote(name), city, boss, twice, quote(bytes), quote(anything), typeof(anything) FROM ${table} ORDER BY rowid`,
    )
  const bring = (more: Partial<Parameters<typeof scene.project.restorePieces>[0]>): Promise<PiecesAnswer> =>
    scene.project.restorePieces({ reference, noun: 'table', pieces: [], ...more })
  beforeEach(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'sqlite' })
    await run(SCHEMA)
    before = await rows('users')
    reference = (await scene.project.snapshot({ database: 'shop' })).snapshot?.id ?? ''
  })
  afterEach(() => scene.close())

  it('of the latest: the second comes from the same snapshot as the first, not from what was kept when that was replaced', async () => {
    await run('DELETE FROM loose; DELETE FROM city')
    for (const name of ['loose', 'city']) await bring({ reference: 'shop', latest: true, pieces: [{ name }], replace: true })
    expect(await run('SELECT count(*) FROM city')).toBe('20')
    const kept = (await scene.project.snapshots()).filter(({ manifest }) => manifest?.askedBy === 'safety')
    expect(kept).toHaveLength(2)
    expect(await readlink(join(scene.root, 'snapshots/shop-snapshot-latest.db'))).not.toBe(basename(kept[0]?.path ?? ''))
    expect((await scene.project.restore({ reference: 'shop', latest: true })).snapshot.id).toBe(reference)
  })

  it('beside what is there, with index, trigger, sequence, under names that are free', async () => {
    await run(`UPDATE users SET name = name || 'wrong'; DELETE FROM users WHERE id > 5`)
    const spoilt = await rows('users')
    const answer = await bring({ pieces: [{ name: 'users', as: 'users_old' }] })
    expect(answer).toMatchObject({
      pieces: [{ name: 'users', as: 'users_old', count: 1000, replaced: 0 }],
      notes: [],
      safety: null,
      undo: 'hayai undo shop',
    })
    expect(await rows('users_old')).toBe(before)
    expect(await rows('users')).toBe(spoilt)
    expect(await run(`SELECT type || ' ' || name FROM sqlite_schema WHERE tbl_name = 'users_old' AND sql IS NOT NULL ORDER BY 1`)).toBe(
      'index users_old_by_name\nindex users_old_odd "index\ntable users_old\ntrigger users_old_touch',
    )
    expect(await run(`INSERT INTO users_old (name) VALUES ('newly') RETURNING id`)).toBe('5001')
    expect(await run(`UPDATE users_old SET name = 'other' WHERE id = 5001; SELECT anything FROM users_old WHERE id = 5001`)).toBe(
      'touched; by',
    )
    expect(await run(`SELECT "table" FROM pragma_foreign_key_list('users_old') ORDER BY 1`)).toBe('city\nusers_old')
    await expect(scene.project.undo('shop')).rejects.toMatchObject({ code: 'CONFLICT' })
    await run('DELETE FROM users_old WHERE id = 5001')
    expect(await scene.project.undo('shop')).toMatchObject({ pieces: { added: ['users_old'], replaced: [] } })
    expect(await run(`SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'users_old'`)).toBe('0')
    expect(await rows('users')).toBe(spoilt)
    expect(await run('PRAGMA integrity_check')).toBe('ok')
    await expect(scene.project.undo('shop')).rejects.toMatchObject({ code: 'WRONG_STATE' })
  })

  it('is not put over what is there, unless it shall be, while a program has the file open; and it can be taken back', async () => {
    await run(
      `DELETE FROM users WHERE id = 7; UPDATE users SET name = 'x' || name; INSERT INTO users (id, name) VALUES (6000, 'later'); INSERT INTO orders VALUES (5000, 6000)`,
    )
    const spoilt = await rows('users')
    await expect(bring({ pieces: [{ name: 'Users' }] })).rejects.toMatchObject({
      code: 'CONFLICT',
      hint: expect.stringMatching(/--as .*--replace/) as string,
    })
    const { file } = await scene.project.connect('shop')
    const program = new DatabaseSync(file ?? '')
    try {
      const statement = program.prepare('SELECT count(*) AS n FROM users')
      expect(statement.get()).toEqual({ n: 1000 })
      const answer = await bring({ pieces: [{ name: 'users' }, { name: 'loose' }], replace: true })
      expect(await rows('users')).toBe(before)
      expect(answer.pieces.map(({ count, replaced }) => [count, replaced])).toEqual([
        [1000, 1],
        [4, 1],
      ])
      expect(answer.notes).toEqual(['1 row of orders refer to rows of users that are not there.'])
      expect(statement.get()).toEqual({ n: 1000 })
      expect(await run('SELECT count(*) FROM people')).toBe('1000')
      expect(await run(`SELECT rowid, quote(a), typeof(a) FROM loose`)).toBe(`7|X'00FF'|blob\n900|3.0|real\n901|'text'|text\n902|NULL|null`)
      expect(answer.undo).toBe('hayai undo shop')
      expect(await scene.project.undo('shop', { dryRun: true })).toMatchObject({ what: 'pieces', to: 'users, loose' })
      expect(await scene.project.undo('shop')).toMatchObject({
        pieces: { added: [], replaced: ['users', 'loose'] },
        again: 'hayai redo shop',
      })
      expect(await rows('users')).toBe(spoilt)
      await scene.project.redo('shop')
      expect(await rows('users')).toBe(before)
      await run(`UPDATE users SET name = 'later still' WHERE id = 3`)
      const later = await rows('users')
      await expect(scene.project.undo('shop')).rejects.toMatchObject({
        code: 'CONFLICT',
        hint: expect.stringContaining('--force') as string,
      })
      expect(await rows('users')).toBe(later)
      const forced = await scene.project.undo('shop', { force: true })
      expect(forced.pieces?.safety?.manifest?.askedBy).toBe('safety')
      expect(await rows('users')).toBe(spoilt)
    } finally {
      program.close()
    }
  })

  it('is a step of undo and redo, between the generations', async () => {
    await scene.project.restore({ reference })
    await run(`UPDATE users SET name = 'second' WHERE id = 2`)
    const second = await rows('users')
    await bring({ pieces: [{ name: 'users' }], replace: true })
    await bring({ pieces: [{ name: 'users', as: 'beside' }] })
    const tables = (): Promise<string> => run(`SELECT count(*) FROM sqlite_schema WHERE name = 'beside'`)
    expect(await scene.project.undo()).toMatchObject({ pieces: { added: ['beside'] } })
    expect(await scene.project.undo()).toMatchObject({ pieces: { replaced: ['users'] } })
    expect(await rows('users')).toBe(second)
    expect(await scene.project.undo()).toMatchObject({ what: 'switched' })
    expect(await scene.project.redo()).toMatchObject({ what: 'switched' })
    expect(await rows('users')).toBe(second)
    expect(await scene.project.redo()).toMatchObject({ pieces: { replaced: ['users'] } })
    expect(await rows('users')).toBe(before)
    expect(await scene.project.redo()).toMatchObject({ pieces: { added: ['beside'] } })
    expect(await tables()).toBe('1')
    await expect(scene.project.redo()).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await scene.project.undo()
    await bring({ pieces: [{ name: 'city', as: 'other' }] })
    await expect(scene.project.redo()).rejects.toMatchObject({ code: 'WRONG_STATE' }) // something else was done since
    await scene.project.undo()
    const { undo } = await bring({ pieces: [{ name: 'users' }], replace: true })
    expect(undo).toBe('hayai undo shop')
    const steps = join(scene.project.root, '.hayai/pieces')
    const [id = ''] = await readdir(steps)
    const journal = join(steps, id, 'steps.json')
    await writeFile(journal, (await readFile(journal, 'utf8')).replace(/"done"(?![^]*"done")/, '"begun"')) // as a killed command leaves it
    expect(await scene.project.undo()).toMatchObject({ pieces: { replaced: ['users'] } })
    expect(await rows('users')).toBe(before)
  })

  it('brings what is gone, names that change places, and odd ones', async () => {
    await run('DROP TABLE orders; DROP TABLE users; DROP TABLE city')
    const answer = await bring({
      pieces: [
        { name: 'orders', as: 'users' },
        { name: 'users', as: 'orders' },
        { name: '"we""ird täble.x"', as: 'o"k' },
      ],
    })
    expect(answer.pieces.map(({ as, count }) => [as, count])).toEqual([
      ['users', 900],
      ['orders', 1000],
      ['o"k', 2],
    ])
    expect(await rows('orders')).toBe(before)
    expect(await run(`SELECT "table" FROM pragma_foreign_key_list('users')`)).toBe('orders')
    expect(answer.notes).toEqual([expect.stringContaining('1000 rows of orders refer to rows of city') as string])
  })

  it('refuses what it cannot do, and changes nothing', async () => {
    const dump = await sqlite.dump(scene.project, 'shop')
    await expect(bring({ pieces: [{ name: 'user' }] })).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'Did you mean users?' })
    await expect(bring({ pieces: [{ name: 'texts', as: 'other' }] })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('virtual') as string,
    })
    await expect(bring({ pieces: [{ name: 'users', as: 'people' }] })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('a view') as string,
    })
    await expect(bring({ pieces: [{ name: 'users', as: 'sqlite_users' }] })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(bring({ noun: 'key', pieces: [{ name: 'users' }] })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(bring({ pieces: [{ name: 'users' }], db: 3 })).rejects.toMatchObject({ code: 'USAGE' })
    expect(await sqlite.dump(scene.project, 'shop')).toBe(dump)
    expect(await readdir(join(scene.root, '.hayai', 'trials'))).toEqual([])
  })
})
