// The engine against a real server: what is dumped is what comes back, all of it, and nothing of later.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drain, once } from '../../src/base/bytes.ts'
import { output, run } from '../../src/base/exec.ts'
import { mariadb } from '../../src/engines/mariadb.ts'
import { collect, noServer, program, startServer, type Server } from './mariadb-server.ts'
import { DOTTED, format, never, restored, saying, snapshot, type Taken } from './mariadb-taking.ts'

const chinook = new URL('../../../shared/data/chinook/Chinook_MySql.sql', import.meta.url)
const BROKEN = ['broken', 'over_broken']
const SECOND = 'second `Dé'

describe.skipIf(noServer)('MariaDB (needs its server programs)', () => {
  describe('a server that uses everything', () => {
    const databases = ['database', 'empty_one', SECOND]
    let rich: Server
    let taken: Taken
    beforeAll(async () => {
      rich = await startServer()
      await rich.sql(await readFile(new URL('mariadb-rich.sql', import.meta.url), 'utf8'))
      taken = await snapshot(rich)
    })
    afterAll(() => rich[Symbol.asyncDispose]())

    test('comes back the same: by mariadb-dump, by checksums, by the rights of every account, by every count', async () => {
      await using copy = await restored(taken)
      expect(await copy.sql('SELECT COUNT(*) FROM mem')).toBe('0') // as after every start, which the notes tell
      await copy.sql('INSERT INTO mem VALUES (1), (2)')
      // Views that are broken kill mariadb-dump, and so does one whose owner is gone unless the dump is one transaction.
      const options = ['--single-transaction', ...BROKEN.map((view) => `--ignore-table=database.${view}`)]
      expect(await copy.everything(databases, options)).toBe(await rich.everything(databases, options))
      expect(await copy.rights()).toBe(
        (await rich.rights())
          .replaceAll(/^GRANT .* ON `database`\.`soon_gone`.*\n/gm, '')
          .replaceAll('SELECT (`a`, `b`), INSERT (`b`)', 'SELECT (`a`)'),
      )
      expect((await mariadb.inspect(copy.target)).census).toEqual(taken.facts.census)
      const checked = await copy.checksums(databases)
      expect(checked).toBe(await rich.checksums(databases))
      expect(checked).toMatch(/^database\.people\tcheck\tstatus\tOK$/m)
      expect(await copy.sql(`SELECT plugin_name, plugin_status FROM information_schema.PLUGINS WHERE plugin_name = 'ed25519'`)).toBe(
        'ed25519\tACTIVE',
      )
      expect(await copy.sql(`SELECT Host, Db, Username, Port FROM mysql.servers`)).toBe(`127.0.0.1\tit's\tu\t1234`)
      expect(await copy.sql(`SELECT COUNT(*) FROM mysql.innodb_index_stats WHERE table_name = 'people' AND stat_name = 'size'`)).not.toBe(
        '0',
      ) // analysed
    })

    test('what it is made of, and digests of its rows, are the same in the dump, in the server and in a copy', async () => {
      await using copy = await restored(taken)
      await copy.sql('INSERT INTO mem VALUES (1), (2)') // as after every start
      const [here, there] = [await mariadb.survey(rich.target, 'rows', never), await mariadb.survey(copy.target, 'rows', never)]
      const { bytes: _, ...ofDump } = taken.facts.outline
      const { broken: _broken, over_broken: _over, ...views } = here.outline.objects['view'] ?? {}
      expect({ tables: here.outline.tables, objects: { ...here.outline.objects, view: views } }).toEqual(ofDump)
      expect({ tables: there.outline.tables, objects: there.outline.objects }).toEqual(ofDump)
      expect(Object.keys(ofDump.tables)).toEqual(expect.arrayContaining(Object.keys(taken.facts.census.tables)))
      expect(Object.keys(ofDump.objects)).toEqual(expect.arrayContaining(['view', 'function', 'procedure', 'event', 'sequence']))
      expect(there.digests).toEqual(here.digests)
      expect(Object.keys(here.digests ?? {})).toEqual(Object.keys(here.census.tables))
      await copy.sql(
        `CREATE TABLE moved AS SELECT * FROM isam ORDER BY 1 DESC; DELETE FROM isam; INSERT INTO isam SELECT * FROM moved; DROP TABLE moved; UPDATE aria SET a = 7 LIMIT 1`,
      )
      const { digests } = await mariadb.survey(copy.target, 'rows', never)
      expect(Object.keys(digests ?? {}).filter((table) => digests?.[table] !== there.digests?.[table])).toEqual(['aria'])
    })

    test('the counts of the dump are those the server itself counts, but for views that are broken', async () => {
      const facts = await mariadb.inspect(rich.target)
      const { views = 0, ...objects } = facts.census.objects
      expect({ tables: facts.census.tables, objects: { ...objects, views: views - BROKEN.length } }).toEqual(taken.facts.census)
      expect(facts).toMatchObject({ product: 'MariaDB', version: DOTTED })
      expect(taken.facts.tools['mariadb-dump']).toMatch(/^\d+\.\d+\.\d+$/)
      expect(taken.facts.census.tables).toMatchObject({
        people: 1004,
        isam: 500,
        aria: 3,
        mem: 2,
        versions: 3,
        types: 5,
        '`q``b; (`': 3,
        '`line\nbreak`': 2,
        empty_table: 0,
        parts: 600,
        '`second ``Dé`/latin é': 300,
        '`second ``Dé`/people': 1,
      })
      expect(taken.facts.census.objects).toMatchObject({
        routines: 5,
        triggers: 3,
        events: 2,
        sequences: 2,
        roles: 2,
        servers: 1,
        'other databases': 2,
        partitions: 2,
      })
    })

    test('what cannot be carried is said', () => {
      const said = taken.facts.notes.join('\n')
      expect(taken.facts.notes).toEqual([
        expect.stringMatching(/^The view broken is broken.*soon_gone' doesn't exist\.$/),
        expect.stringMatching(/^The view over_broken is broken/),
        saying('outside of the database, and only their definitions are carried: merged.'),
        saying('rows in memory, and are empty whenever the server has started, as it has after a restore: mem.'),
        ...(taken.facts.version.startsWith('10.') ? [saying('by hand, all of their rows would be history there: versions.')] : []),
        saying('do not come back with a restore after it: once.'),
        saying('These name the database `database` themselves, and go on naming it wherever the snapshot is restored: counted.'),
        saying('INSERT (`b`) ON `database`.`narrowed` TO `reader`; SELECT (`a`), INSERT ON `database`.`soon_gone` TO `reader`'),
      ])
      expect(said).not.toContain(rich.endpoint.password.reveal())
    })

    test('by hand: one mariadb into an empty database of another name, where another is the owner', async () => {
      await using other = await startServer({ environment: { MARIADB_USER: 'boss', MARIADB_DATABASE: 'else where`s_1' } })
      await other.sql(`CREATE USER 'app'@'%' IDENTIFIED BY 'mine'`)
      const passwords = `SELECT User, Host, authentication_string FROM mysql.user WHERE User IN ('boss', 'app') AND Host = '%' ORDER BY 1`
      const before = await other.sql(passwords)
      const file = join(other.folder, 'snapshot.sql')
      await writeFile(file, taken.bytes)
      const { endpoint } = other
      const login = `--no-defaults --skip-ssl --host=${endpoint.host} --port=${endpoint.port} --user=boss`
      await output({
        file: 'sh',
        args: [
          '-c',
          `${program('mariadb')} ${login} --binary-mode --max-allowed-packet=1G --database="$1" < "$2"`,
          'sh',
          endpoint.database,
          file,
        ],
        env: { MYSQL_PWD: endpoint.password },
      })
      expect((await mariadb.inspect(other.target)).census).toEqual(taken.facts.census)
      expect(await other.sql(passwords)).toBe(before)
      // The owner of the snapshot's things is there, so that they work, and nobody can be it.
      expect(await other.sql(`SHOW CREATE USER admin@'%'`)).toBe('CREATE USER `admin`@`%` ACCOUNT LOCK')
      expect((await other.sql(`SHOW GRANTS FOR admin@'%'`)).split('\n').toSorted()).toEqual(
        [
          'ALL PRIVILEGES ON `else where``s_1`.*',
          'ALL PRIVILEGES ON `empty_one`.*',
          'ALL PRIVILEGES ON `second ``Dé`.*',
          'USAGE ON *.*',
        ].map((what) => `GRANT ${what} TO \`admin\`@\`%\``),
      )
      expect(
        await other.sql(
          'SELECT COUNT(*) FROM across; SELECT COUNT(*) FROM `second ``Dé`.back; SELECT COUNT(*) FROM shouting; SELECT COUNT(*) FROM a_names; SELECT COUNT(*) FROM called',
        ),
      ).toBe('300\n1004\n1004\n9\n1004')
      expect(
        await other.sql(
          `SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()`,
        ),
      ).toBe('utf8mb4\tutf8mb4_unicode_ci\ta /* main */ one')
      // Rights on the main database are rights on the one that it is now: as the application, with its own password.
      expect(await other.sql('SELECT COUNT(*) FROM people; CALL everything(1, @b); SELECT @b', { user: 'app', password: 'mine' })).toBe(
        '1004\n2',
      )
      await expect(other.sql('SELECT 1', { user: 'admin', password: '' })).rejects.toThrow('Access denied')
    })

    test('any damage shows in the counts', async () => {
      await using copy = await restored(taken)
      const wreck = async (sql: string, where: 'tables' | 'objects', key: string): Promise<void> => {
        await copy.sql(sql)
        expect((await mariadb.inspect(copy.target)).census[where][key], sql).not.toBe(taken.facts.census[where][key])
      }
      await wreck('DELETE FROM people WHERE id = 5', 'tables', 'people')
      await wreck('DROP TABLE zeros', 'tables', 'zeros')
      await wreck('DROP INDEX name ON people', 'objects', 'indexes')
      await wreck('ALTER TABLE people DROP CONSTRAINT long_enough', 'objects', 'constraints')
      await wreck('DO SETVAL(untouched, 500)', 'objects', 'sequence positions')
      await wreck('DROP TRIGGER people_first', 'objects', 'triggers')
      await wreck('DROP FUNCTION of_nobody', 'objects', 'routines')
      await wreck('DROP EVENT daily', 'objects', 'events')
      await wreck('DROP VIEW across', 'objects', 'views')
      await wreck('DROP DATABASE `second ``Dé`', 'tables', '`second ``Dé`/latin é')
      await wreck('DROP DATABASE empty_one', 'objects', 'other databases')
      await wreck('DROP ROLE reader', 'objects', 'roles')
    })
  })

  test('Chinook comes back byte for byte', async (context) => {
    if (!existsSync(chinook)) context.skip('the Chinook database is not beside this checkout')
    const environment = { MARIADB_DATABASE: 'Chinook', MARIADB_ROOT_PASSWORD: 'top' }
    await using source = await startServer({ environment })
    expect(source.endpoint.user).toBe('root')
    await source.sql((await readFile(chinook, 'utf8')).replaceAll(/^(?:DROP|CREATE) DATABASE .*$|^USE .*$/gm, ''))
    const taken = await snapshot(source)
    await source.sql(`DROP TABLE InvoiceLine; UPDATE Track SET Name = 'x'`)
    await using copy = await restored(taken, { environment })
    const again = await snapshot(copy)
    expect(again.bytes.toString()).toBe(taken.bytes.toString())
    expect(again.facts.census).toEqual(taken.facts.census)
    expect(taken.facts.census.tables['Track']).toBe(3503)
    expect(taken.facts.notes).toEqual([])
  })

  describe('what bites', () => {
    test('a value larger than any packet of the stock settings', async () => {
      await using server = await startServer({ environment: { MARIADB_MAX_ALLOWED_PACKET: '128M' } })
      await server.sql(
        `CREATE TABLE large (id int, b longblob); SET SESSION group_concat_max_len = 1; INSERT INTO large VALUES (1, REPEAT('x', 40000000)), (2, REPEAT('\\0', 1000))`,
      )
      const taken = await snapshot(server)
      expect(taken.bytes.length).toBeGreaterThan(80_000_000)
      await using copy = await startServer({ purpose: 'filling' })
      await mariadb.load(copy.target, format, mariadb.check(format, once(taken.bytes)), never)
      expect(await copy.sql('SELECT id, LENGTH(b), MD5(b) FROM large')).toBe(await server.sql('SELECT id, LENGTH(b), MD5(b) FROM large'))
    })

    test('time zones: moments stay the same moments, and the names of zones that events are in are known', async () => {
      await using server = await startServer({ environment: { MARIADB_DEFAULT_TIME_ZONE: '+05:00' } })
      await drain(
        run({
          file: 'sh',
          args: [
            '-c',
            `${program('mariadb-tzinfo-to-sql')} /usr/share/zoneinfo 2>/dev/null | ${program('mariadb')} --no-defaults --skip-ssl --host=127.0.0.1 --port=${server.endpoint.port} --user=admin mysql`,
          ],
          env: { MYSQL_PWD: server.endpoint.password },
        }),
      )
      await server.sql(`CREATE TABLE moments (at timestamp, local datetime); INSERT INTO moments VALUES ('2024-06-01 12:00:00', '2024-06-01 12:00:00');
        SET time_zone = 'Europe/Berlin'; CREATE EVENT berlin ON SCHEDULE EVERY 1 DAY STARTS '2026-10-25 02:30:00' DO SELECT 1`)
      const taken = await snapshot(server)
      await using copy = await restored(taken, { environment: { MARIADB_DEFAULT_TIME_ZONE: '-03:00' } })
      expect(await copy.sql(`SELECT UNIX_TIMESTAMP(at), local, at FROM moments`)).toBe(
        '1717225200\t2024-06-01 12:00:00\t2024-06-01 04:00:00',
      )
      expect(
        await copy.sql(
          `SELECT TIME_ZONE, STARTS FROM information_schema.EVENTS; SELECT CONVERT_TZ('2024-07-01 12:00:00', 'UTC', 'America/New_York')`,
        ),
      ).toBe('Europe/Berlin\t2026-10-25 02:30:00\n2024-07-01 08:00:00')
    })

    test('FLOAT: what the stock program rounds is said', async () => {
      await using server = await startServer()
      await server.sql('CREATE TABLE measures (rough float, exact double, fixed float(10, 3))')
      expect((await snapshot(server)).facts.notes).toEqual([
        saying('six digits, as mariadb-dump does; DOUBLE and DECIMAL are exact: measures.rough.'),
      ])
    })

    test('databases and tables that are called by what is a command elsewhere', async () => {
      await using server = await startServer({ environment: { MARIADB_DATABASE: '--all' } })
      await server.sql(
        'CREATE TABLE `--where` (a int); INSERT INTO `--where` VALUES (1); CREATE DATABASE `a.b`; CREATE VIEW `a.b`.`c.d` AS SELECT 1; CREATE TABLE `a.b`.`x/y` (`%s` int)',
      )
      const taken = await snapshot(server)
      await using copy = await restored(taken)
      expect((await mariadb.inspect(copy.target)).census).toEqual(taken.facts.census)
      expect(taken.facts.census.tables).toEqual({ '--where': 1, '`a.b`/`x/y`': 0 })
    })
  })

  describe('dumps of others', () => {
    async function foreign(server: Server, args: readonly string[]): Promise<Buffer> {
      const { endpoint } = server
      const login = ['--no-defaults', '--skip-ssl', `--host=${endpoint.host}`, `--port=${endpoint.port}`, `--user=${endpoint.user}`]
      return collect(run({ file: program('mariadb-dump'), args: [...login, ...args], env: { MYSQL_PWD: endpoint.password } }))
    }

    test('of one database, by the stock program with its stock options', async () => {
      await using server = await startServer()
      await server.sql(
        `CREATE TABLE t (a int, b blob); INSERT INTO t SELECT seq, UNHEX(LPAD(HEX(seq), 4, '0')) FROM seq_0_to_999; CREATE VIEW v AS SELECT a FROM t`,
      )
      const bytes = await foreign(server, ['database'])
      expect(bytes.toString('latin1')).toMatch(/^\/\*M!999999\\- enable the sandbox mode \*\/ \n/)
      await using copy = await startServer({ purpose: 'filling', environment: { MARIADB_DATABASE: 'other' } })
      await mariadb.load(copy.target, format, mariadb.check(format, once(bytes)), never)
      expect(await copy.sql('CHECKSUM TABLE t; SELECT COUNT(*) FROM v')).toBe(
        (await server.sql('CHECKSUM TABLE t; SELECT COUNT(*) FROM v')).replace('database.t', 'other.t'),
      )
    })

    test('of all databases, with accounts in which the login has another password, or is not there', async () => {
      await using server = await startServer({ environment: { MARIADB_USER: 'boss', MARIADB_PASSWORD: 'theirs' } })
      await server.sql(
        `CREATE TABLE t (a int); CREATE USER admin@localhost IDENTIFIED BY 'not ours'; CREATE USER app IDENTIFIED BY 'secret'`,
      )
      const bytes = await foreign(server, ['--all-databases'])
      await using copy = await startServer({ purpose: 'filling' })
      await mariadb.load(copy.target, format, mariadb.check(format, once(bytes)), never)
      expect(await copy.sql('SELECT COUNT(*) FROM t')).toBe('0')
      await copy.restart('live')
      expect(await copy.sql('SHOW TABLES')).toBe('t')
      expect(await copy.sql('SELECT CURRENT_USER()', { user: 'app', password: 'secret', database: '' })).toBe('app@%')
    })
  })
})
