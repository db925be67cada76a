// Single tables of MariaDB, out of a snapshot into a live server that has gone on.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PiecesAnswer } from '../../src/index.ts'
import { mariadb } from '../trials/mariadb.ts'
import { stage, type Stage } from '../trials/stage.ts'

const SCHEMA = `
  CREATE USER clerk@'%' IDENTIFIED BY 'x'; GRANT ALL ON *.* TO clerk@'%';
  CREATE TABLE city (id int PRIMARY KEY, name text); INSERT INTO city SELECT seq, CONCAT('city ', seq) FROM seq_1_to_20;
  CREATE TABLE users (id int AUTO_INCREMENT PRIMARY KEY, name varchar(100) CHARACTER SET utf8mb4 NOT NULL COMMENT 'the name', city int, boss int,
    twice int GENERATED ALWAYS AS (id * 2) VIRTUAL, bytes blob, at timestamp(6) NULL, mood enum('glad', 'sad') DEFAULT 'glad', doc json, touched text,
    KEY by_name (name), FULLTEXT KEY texts (name), CONSTRAINT lives FOREIGN KEY (city) REFERENCES city (id), FOREIGN KEY (boss) REFERENCES users (id), CONSTRAINT long_names CHECK (LENGTH(name) > 1)) COMMENT 'the people';
  DELIMITER //
  CREATE TRIGGER touch BEFORE INSERT ON users FOR EACH ROW BEGIN SET NEW.touched = CONCAT('by trigger; ', NEW.name); END//
  CREATE DEFINER = clerk@'%' TRIGGER touch_too BEFORE INSERT ON users FOR EACH ROW SET NEW.mood = 'sad'//
  DELIMITER ;
  INSERT INTO users (name, city, boss, bytes, at, doc) SELECT CONCAT('näme 😀 ', seq), seq % 20 + 1, 1, UNHEX(MD5(seq)), '2026-01-02 03:04:05.678', '{"a": 1}' FROM seq_1_to_1000;
  CREATE TABLE orders (id int PRIMARY KEY, buyer int NOT NULL, CONSTRAINT bought FOREIGN KEY (buyer) REFERENCES users (id) ON DELETE CASCADE);
  INSERT INTO orders SELECT seq, seq FROM seq_1_to_900;
  CREATE VIEW people AS SELECT id, name FROM users;
  CREATE TABLE \`we\`\`ird täble.x\` (a int, \`b\`\`c\` int) ENGINE = MyISAM; INSERT INTO \`we\`\`ird täble.x\` VALUES (1, 2), (3, 4);
  CREATE DATABASE beside; CREATE TABLE beside.things (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3; INSERT INTO beside.things SELECT seq FROM seq_1_to_50;
  CREATE TABLE told (x int) WITH SYSTEM VERSIONING; INSERT INTO told VALUES (1), (2); UPDATE told SET x = 5 WHERE x = 1;
`

describe('MariaDB, table by table', () => {
  if (mariadb.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${mariadb.missing}`, () => {})

  let scene: Stage
  let reference = ''
  let before = ''
  const run = (sql: string): Promise<string> => mariadb.run(scene.project, 'shop', sql)
  const rows = (table: string): Promise<string> =>
    run(`SELECT id, name, city, boss, twice, HEX(bytes), at, mood, doc, touched FROM ${table} ORDER BY id`)
  const bring = (more: Partial<Parameters<typeof scene.project.restorePieces>[0]>): Promise<PiecesAnswer> =>
    scene.project.restorePieces({ reference, noun: 'table', pieces: [], ...more })
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'mariadb' })
    await scene.project.start(['shop'])
    await run(SCHEMA)
    before = await rows('users')
    reference = (await scene.project.snapshot({ database: 'shop' })).snapshot?.id ?? ''
  })
  afterAll(() => scene.close())
  let first = true
  beforeEach(async () => {
    if (!first) await scene.project.restore({ reference })
    first = false
  })

  it('beside what is there, with all that belongs to it, under names that are free', async () => {
    await run(`UPDATE users SET name = 'wrong'; DELETE FROM users WHERE id > 5`)
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
    const made = async (table: string): Promise<readonly string[]> => {
      const statement = (await run(`SHOW CREATE TABLE ${table}`)).replaceAll('users_old_lives', 'lives').replaceAll('users_old', 'users')
      return statement.split(/,?\n/).toSorted()
    }
    expect(await made('users_old')).toEqual(await made('users'))
    expect(await run(`INSERT INTO users_old (name) VALUES ('newly'); SELECT mood, touched FROM users_old WHERE name = 'newly'`)).toBe(
      'sad\tby trigger; newly',
    )
    expect(
      await run(
        `SELECT TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_TABLE = 'users_old' ORDER BY ACTION_ORDER`,
      ),
    ).toMatch(/^users_old_touch\t.*\nusers_old_touch_too\tclerk@%$/)
    await expect(run('INSERT INTO users_old (name, city) VALUES (77, 77)')).rejects.toThrow(/foreign key/)
    expect(await run(`SHOW TABLES LIKE 'hayai%'`)).toBe('')
  })

  it('is not put over what is there, unless it shall be: keys and views of others stay, and it can be taken back', async () => {
    await run(
      `UPDATE users SET name = 'wrong'; DELETE FROM users WHERE id = 7; INSERT INTO users (id, name) VALUES (2000, 'later'); INSERT INTO orders VALUES (2000, 2000)`,
    )
    const spoilt = await rows('users')
    await expect(bring({ pieces: [{ name: 'users' }] })).rejects.toMatchObject({
      code: 'CONFLICT',
      hint: expect.stringMatching(/--as .*--replace/) as string,
    })
    expect(await rows('users')).toBe(spoilt)
    const answer = await bring({ pieces: [{ name: 'users' }], replace: true })
    expect(await rows('users')).toBe(before)
    expect(answer).toMatchObject({ notes: [], safety: { manifest: { askedBy: 'safety' } } })
    expect(await run('SELECT COUNT(*) FROM people')).toBe('1000')
    expect(await run('SHOW CREATE TABLE users')).toContain('CONSTRAINT `lives` FOREIGN KEY (`city`)')
    expect(await run(`SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_TABLE = 'users' ORDER BY ACTION_ORDER`)).toBe(
      'touch\ntouch_too',
    )
    await expect(run('INSERT INTO orders VALUES (3000, 5000)')).rejects.toThrow(/foreign key/)
    await run('DELETE FROM users WHERE id = 899')
    expect(await run('SELECT COUNT(*) FROM orders WHERE id = 899')).toBe('0') // ON DELETE CASCADE leads to the new table
    expect(answer.undo).toBe('hayai undo shop')
    const later = await rows('users')
    await expect(scene.project.undo('shop')).rejects.toMatchObject({ code: 'CONFLICT', hint: expect.stringContaining('--force') as string })
    expect(await rows('users')).toBe(later)
    const forced = await scene.project.undo('shop', { force: true })
    expect(forced).toMatchObject({ pieces: { added: [], replaced: ['users'], safety: { manifest: { askedBy: 'safety' } } } })
    expect(await rows('users')).toBe(spoilt)
    await scene.project.redo('shop')
    expect(await rows('users')).toBe(before)
    await scene.project.undo('shop')
    expect(await rows('users')).toBe(spoilt)
    expect(await run('SHOW CREATE TABLE users')).toContain('CONSTRAINT `lives` FOREIGN KEY (`city`)')
  })

  it('several at once, that are gone, that change places, of other databases, with history', async () => {
    await run('DROP TABLE orders, users, city, told; DROP TABLE `we``ird täble.x`; DROP TABLE beside.things; DROP USER clerk')
    const answer = await bring({
      pieces: [
        { name: 'orders', as: 'users' },
        { name: 'users', as: 'orders' },
        { name: '`we``ird täble.x`' },
        { name: 'beside.things', as: 'beside.`o``k`' },
        { name: 'told' },
      ],
    })
    expect(answer.pieces.map(({ as, count }) => [as, count])).toEqual([
      ['users', 900],
      ['orders', 1000],
      ['`we``ird täble.x`', 2],
      ['beside.`o``k`', 50],
      ['told', 2],
    ])
    expect(await rows('orders')).toBe(before)
    expect(answer.notes.join('\n')).toMatch(/foreign key lives .*could not be made[^]*no account clerk@%/)
    expect(await run('SHOW CREATE TABLE users')).toContain(
      'CONSTRAINT `bought` FOREIGN KEY (`buyer`) REFERENCES `orders` (`id`) ON DELETE CASCADE',
    )
    expect(await run('SELECT COUNT(*) FROM told FOR SYSTEM_TIME ALL')).toBe('3')
    expect(await run('SELECT COUNT(*) FROM beside.`o``k`')).toBe('50')
  })

  it('with its rows alone where it counts its history in transactions, and never over a history that undo could not bring back', async () => {
    const all = (table: string): Promise<string> => run(`SELECT id, x FROM ${table} FOR SYSTEM_TIME ALL ORDER BY id, x`)
    await run('DROP TABLE `we``ird täble.x`') // mariadb-backup cannot lock a table with that sign in its name
    await run(`CREATE TABLE counted (id int PRIMARY KEY, x int, s bigint unsigned GENERATED ALWAYS AS ROW START,
      e bigint unsigned GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING;
      INSERT INTO counted (id, x) VALUES (1, 1), (2, 2)`)
    const { snapshot } = await scene.project.snapshot({ database: 'shop' })
    const { snapshot: copied } = await scene.project.snapshot({ database: 'shop', format: 'tar' })
    const from = { reference: snapshot?.id ?? '' }
    expect(await bring({ ...from, pieces: [{ name: 'counted', as: 'counted_old' }] })).toMatchObject({ notes: [], pieces: [{ count: 2 }] })
    expect(await all('counted_old')).toBe('1\t1\n2\t2')
    await run('UPDATE counted_old SET x = 3 WHERE id = 1; DELETE FROM counted_old WHERE id = 2')
    expect(await all('counted_old')).toBe('1\t1\n1\t3\n2\t2') // it goes on counting

    expect((await bring({ ...from, pieces: [{ name: 'counted' }], replace: true })).notes).toEqual([]) // there was no history yet
    await run('UPDATE counted SET x = 4 WHERE id = 1')
    for (const name of ['counted', 'told']) {
      await expect(bring({ ...from, pieces: [{ name }], replace: true })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining(`the history of ${name} would be lost`) as string,
        hint: expect.stringContaining(`--as ${name}_old`) as string,
      })
    }
    expect(await all('counted')).toBe('1\t1\n1\t4\n2\t2')

    const copy = { reference: copied?.id ?? '', pieces: [{ name: 'told', as: 'told_old' }] }
    expect((await bring(copy)).notes).toEqual([])
    expect(await run('SELECT COUNT(*) FROM told_old FOR SYSTEM_TIME ALL')).toBe('3')
    await scene.project.snapshot({ database: 'shop', format: 'tar' })
    const late = await bring({ reference: 'shop@latest', pieces: [{ name: 'counted', as: 'late' }] })
    expect(late.notes).toEqual(['The history of counted is not carried, only the rows of the moment.'])
    expect(await all('late')).toBe('1\t4\n2\t2')
  })

  it('refuses what it cannot do, and changes nothing', async () => {
    const dump = await mariadb.dump(scene.project, 'shop')
    await expect(bring({ pieces: [{ name: 'user' }] })).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'Did you mean users?' })
    await expect(bring({ pieces: [{ name: 'people', as: 'x' }] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('a view') as string,
    })
    await expect(bring({ pieces: [{ name: 'users', as: 'people' }], replace: true })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(bring({ pieces: [{ name: 'users', as: 'nowhere.users' }] })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await mariadb.dump(scene.project, 'shop')).toBe(dump)
  })
})
