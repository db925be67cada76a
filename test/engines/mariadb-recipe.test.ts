// How the server is made and run: who may enter, where it listens, what it is told.

import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { NOTHING_AROUND, type ServerRecipe } from '../../src/engines/engine.ts'
import { mariadb as engine } from '../../src/engines/mariadb.ts'
import { recipe } from '../../src/engines/mariadb/recipe.ts'
import { openProject } from '../../src/index.ts'
import { findInstallation } from '../../src/runtimes/native/installation.ts'
import { NEWER } from '../fetched.ts'
import { mariadb } from '../trials/mariadb.ts'
import { serversBelow, stage, type Stage } from '../trials/stage.ts'
import { noServer, program, startServer } from './mariadb-server.ts'

describe.skipIf(noServer)('the recipe of MariaDB (needs its server programs)', () => {
  test('makes a server that only the password opens, on loopback, and on no socket', async () => {
    await using server = await startServer({
      environment: {
        MARIADB_DATABASE: "o'd`d db",
        MARIADB_USER: 'öwn` er',
        MARIADB_MAX_CONNECTIONS: '33',
        MARIADB_COLLATION_SERVER: 'latin1_german1_ci',
        MARIADB_INNODB_PAGE_SIZE: '8k',
      },
    })
    const ask = (sql: string): Promise<string> => server.sql(sql)
    expect(await ask('SELECT DATABASE(), CURRENT_USER()')).toBe("o'd`d db\töwn` er@%")
    expect(
      await ask(
        `SELECT @@bind_address, @@socket, @@max_connections, @@character_set_database, @@collation_database, @@innodb_page_size, @@innodb_flush_log_at_trx_commit`,
      ),
    ).toBe('127.0.0.1\t\t33\tlatin1\tlatin1_german1_ci\t8192\t1')
    expect(await ask('SELECT User, Host FROM mysql.global_priv ORDER BY 1')).toBe('mariadb.sys\tlocalhost\nroot\tlocalhost\nöwn` er\t%')
    for (const login of [
      { password: 'wrong' },
      { password: '' },
      { user: 'root', password: '' },
      { user: 'root', password: 'invalid' },
      { user: 'nobody', password: '' },
    ]) {
      await expect(server.sql('SELECT 1', login), JSON.stringify(login)).rejects.toThrow('Access denied')
    }
    // What is root's works all the same.
    await ask('CREATE TABLE t (i int); INSERT INTO t VALUES (1); CREATE DEFINER = root@localhost VIEW v AS SELECT i FROM t')
    expect(await ask('SELECT * FROM v')).toBe('1')
  })

  test('gives root its own password where one is given, from everywhere', async () => {
    await using server = await startServer({
      environment: { MYSQL_USER: 'app', MYSQL_PASSWORD: 'one', MYSQL_ROOT_PASSWORD: 'two', MYSQL_DATABASE: 'shop' },
    })
    expect(await server.sql('SELECT CURRENT_USER()', { password: 'one' })).toBe('app@%')
    expect(await server.sql('SELECT CURRENT_USER()', { user: 'root', password: 'two' })).toBe('root@localhost')
    await expect(server.sql('SELECT 1', { user: 'root', password: 'one' })).rejects.toThrow('Access denied')
  })

  test('never says the password in clear: not in arguments, nor in statements', () => {
    const settings = engine.settings({ MARIADB_ROOT_PASSWORD: 'hush-root', MARIADB_USER: 'u' }, new Secret('hush-hush'))
    const steps = recipe.create({ dataDir: '/data', port: 1, passwordFile: '/password', settings, found: [], around: NOTHING_AROUND })
    expect(JSON.stringify(steps)).not.toContain('hush')
    expect(steps.at(-1)?.input).toMatch(/"\*[0-9A-F]{40}"/)
    for (const purpose of ['live', 'filling'] as const)
      expect(
        JSON.stringify(recipe.serve({ dataDir: '/data', port: 1, passwordFile: '', settings, found: [], around: NOTHING_AROUND }, purpose)),
      ).not.toContain('hush')
  })

  test('is made in a folder whose path has blanks and quotes, and refuses one with a colon', async () => {
    await using server = await startServer({ prefix: `hayai maria "it's" $1 ` })
    expect(await server.sql('SELECT @@tmpdir')).toContain(server.folder)
    const settings = engine.settings({}, new Secret('one'))
    const place = { dataDir: '/a:b', port: 1, passwordFile: '', settings, found: [], around: NOTHING_AROUND }
    expect(() => recipe.create(place)).toThrow('several folders')
  })

  test('keeps temporary tables in its own folder: a server that starts clears them where it finds them', async () => {
    await using server = await startServer()
    const waiting = server.sql(
      'CREATE TEMPORARY TABLE passing (i int) ENGINE = Aria; INSERT INTO passing VALUES (1); SELECT SLEEP(6); SELECT i FROM passing',
    )
    await sleep(1000)
    expect((await readdir(join(server.folder, 'data'))).some((file) => file.startsWith('#sql'))).toBe(true)
    await using other = await startServer()
    expect(await other.sql('SELECT @@tmpdir')).toContain(other.folder)
    expect(await waiting).toBe('0\n1')
  })

  test('a filling server leaves what a live one takes over', async () => {
    await using server = await startServer({
      purpose: 'filling',
      environment: { MARIADB_LOG_BIN: 'on', MARIADB_SERVER_ID: '7', MARIADB_READ_ONLY: '1', MARIADB_EVENT_SCHEDULER: 'ON' },
    })
    expect(
      await server.sql('SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, @@log_bin, @@event_scheduler, @@read_only'),
    ).toMatch(/^0\t(?:0|OFF)\t0\tOFF\t0$/) // a word from 11 on
    await server.sql(`CREATE TABLE t (i int); INSERT INTO t SELECT seq FROM seq_1_to_1000; CREATE TABLE happened (i int);
      CREATE EVENT soon ON SCHEDULE EVERY 1 SECOND DO INSERT INTO happened VALUES (1)`)
    await sleep(1500)
    expect(await server.sql('SELECT COUNT(*) FROM happened')).toBe('0')
    await server.restart('live')
    expect(
      await server.sql(
        'SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, @@log_bin, @@event_scheduler; SELECT COUNT(*) FROM t',
      ),
    ).toBe('1\t1\t1\tON\n1000')
    expect(await readFile(server.log, 'utf8')).not.toMatch(/\[ERROR\]/)
  })

  test('tells MariaDB from MySQL', () => {
    const { versionOf } = recipe satisfies ServerRecipe
    expect(versionOf('mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)')).toBe('8.0.36')
    expect(program('mariadbd')).toMatch(/mariadbd$/)
  })

  describe('on the stage', () => {
    let scene: Stage
    const path = process.env['PATH'] ?? ''
    afterEach(async () => {
      process.env['PATH'] = path
      await scene.close()
    })

    test.skipIf(!existsSync(NEWER.mariadb.folder))(
      'one that was unpacked outside of /usr finds its own messages and plug-ins',
      async () => {
        const { version, folder } = NEWER.mariadb
        scene = await stage()
        // As it lies in an archive: all programs in one folder, but for the one that makes a folder of data.
        const unpacked = join(scene.root, 'un packed')
        await mkdir(join(unpacked, 'bin'), { recursive: true })
        await mkdir(join(unpacked, 'scripts'))
        await copyFile(join(folder, 'mariadbd'), join(unpacked, 'bin/mariadbd'))
        for (const name of ['mariadb', 'mariadb-dump']) await symlink(join(folder, '../bin', name), join(unpacked, 'bin', name))
        await symlink(join(folder, '../bin/mariadb-install-db'), join(unpacked, 'scripts/mariadb-install-db'))
        await symlink(join(folder, '../share'), join(unpacked, 'share'))
        expect(await findInstallation({ ...recipe, folders: [join(unpacked, 'bin')] }, 'MariaDB', version)).toMatchObject({
          base: unpacked,
          elsewhere: { 'mariadb-install-db': join(unpacked, 'scripts/mariadb-install-db') },
        })

        process.env['PATH'] = `${folder}:${path}`
        await scene.project.init({ name: 'shop', engine: 'mariadb', version })
        await scene.project.start(['shop'])
        expect(await mariadb.run(scene.project, 'shop', `INSTALL SONAME 'auth_ed25519'; SELECT @@basedir`)).toBe(join(folder, '..'))
        await scene.project.snapshot({ database: 'shop' })
        await scene.project.restore({ reference: 'shop', latest: true }) // the twin has that plug-in, too
      },
    )

    test.skipIf(process.getuid?.() !== 0)(
      'as root it runs as an unprivileged account, that may walk to its data and has no other right',
      async () => {
        scene = await stage()
        await scene.project.init({ name: 'shop', engine: 'mariadb' })
        await scene.project.start(['shop'])
        const [pid] = await serversBelow(scene.root)
        const status = await readFile(`/proc/${pid}/status`, 'utf8')
        expect(/^Uid:\t(\d+)\t(\d+)/m.exec(status)?.slice(1)).not.toContain('0')
        for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status).toContain(`${set}:\t0000000000000004`)
        expect(/^Groups:\t(.*)$/m.exec(status)?.[1]?.trim()).toBe('')
      },
    )

    test('a main database that was dropped by mistake neither keeps the server from starting, nor the snapshot from coming back', async () => {
      scene = await stage()
      await scene.project.init({ name: 'shop', engine: 'mariadb' })
      await scene.project.start(['shop'])
      const { port, password } = await scene.project.connect('shop')
      const { createConnection } = await import('mysql2/promise')
      const connection = await createConnection({
        host: '127.0.0.1',
        port: Number(port),
        user: 'admin',
        password: password?.reveal() ?? '',
      })
      await connection.query('CREATE TABLE `database`.t (i int)')
      await scene.project.snapshot({ database: 'shop' })
      await connection.query('DROP DATABASE `database`')
      await connection.end()
      await scene.project.stop(['shop'])
      const project = await openProject({ cwd: scene.root })
      await project.start(['shop'])
      await expect(project.snapshot({ database: 'shop' })).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      await project.restore({ reference: 'shop', latest: true })
      expect((await project.snapshot({ database: 'shop' })).snapshot?.manifest?.census.tables).toEqual({ t: 0 })
    })
  })
})
