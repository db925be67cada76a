// MySQL where its programs are (scripts/fetch-servers.sh fetches them). What can be tried without them is tried everywhere.

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NOTHING_AROUND } from '../../src/engines/engine.ts'
import { output } from '../../src/base/exec.ts'
import { Secret } from '../../src/base/secret.ts'
import { cachingSha2Hash, shaCrypt } from '../../src/engines/mariadb/sha-crypt.ts'
import { mysqlRecipe } from '../../src/engines/mariadb/mysql-recipe.ts'
import { mysql } from '../../src/engines/mysql.ts'
import { openProject } from '../../src/index.ts'
import { native } from '../../src/runtimes/native.ts'

const why = await native.probe(mysql, undefined).then(
  () => undefined,
  (error: unknown) => String(error),
)

describe.skipIf(why !== undefined)('MySQL (needs its server programs)', () => {
  test('comes back the same', { timeout: 240_000 }, async () => {
    const root = await mkdtemp(join(tmpdir(), 'hayai-mysql-'))
    const project = await openProject({ cwd: root, create: true })
    try {
      await project.init({ name: 'shop', engine: 'mysql' })
      await project.start(['shop'])
      const { port, password } = await project.connect('shop')
      const { createConnection } = await import('mysql2/promise')
      const connection = await createConnection({
        host: '127.0.0.1',
        port: Number(port),
        user: 'admin',
        password: password?.reveal() ?? '',
        multipleStatements: true,
      })
      await connection.query(`USE \`database\`; CREATE TABLE t (i int PRIMARY KEY, b blob); INSERT INTO t VALUES (1, x'00ff0a27'), (2, NULL); CREATE TABLE m (i int) ENGINE = MyISAM;
        CREATE VIEW v AS SELECT i FROM t; CREATE FUNCTION f(n int) RETURNS int DETERMINISTIC RETURN n; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.i = NEW.i;
        CREATE USER app IDENTIFIED BY 'secret'; GRANT SELECT ON \`database\`.* TO app; CREATE DATABASE other; CREATE TABLE other.o (i int); CREATE VIEW other.w AS SELECT i FROM \`database\`.t`)
      await connection.end()
      const { snapshot } = await project.snapshot({ database: 'shop' })
      expect(snapshot?.manifest?.census.tables).toEqual({ t: 2, m: 0, 'other/o': 0 })
      expect(await project.verify({ reference: 'shop', latest: true })).toMatchObject({ ok: true })
      await project.restore({ reference: 'shop', latest: true })
      await project.undo('shop')
      // All writers are stopped for a moment here, and the table without transactions is locked.
      expect((await project.backup({})).backup?.databases.map(({ rows }) => rows)).toEqual([2])
      expect(await project.diff({ before: 'shop@latest', after: 'shop', data: true })).toMatchObject({
        rowsCompared: true,
        different: false,
      })
    } finally {
      await project.remove('shop', { missingOk: true })
      await rm(root, { recursive: true, force: true })
    }
  })
})

describe('MySQL, without its programs', () => {
  test.skipIf(!existsSync('/usr/sbin/mysqld'))('is not taken for found where MariaDB lends its name', async () => {
    const printed = await output({ file: '/usr/sbin/mysqld', args: ['--version'] })
    if (/mariadb/i.test(printed)) {
      const alone = native.probe({ ...mysql, recipe: { ...mysqlRecipe, folders: ['/usr/sbin'] } }, undefined)
      if (why === undefined) expect((await alone).version).not.toMatch(/mariadb/i)
      else await expect(alone).rejects.toThrow(/MySQL is not on this machine.*mysqld does not tell its version: it is MariaDB/)
    } else expect(why).toBeUndefined()
  })

  test('keeps passwords as caching_sha2_password does', async () => {
    const salt = 'abcdefghijklmnop'
    for (const password of ['p', 'password', "it's a pass:word \\ é", 'x'.repeat(100)]) {
      const stock = await output({ file: 'openssl', args: ['passwd', '-5', '-salt', salt, password] })
      expect(`$5$${salt}$${shaCrypt(password, salt)}`).toBe(stock)
    }
    expect(cachingSha2Hash('password')).toMatch(/^\$A\$005\$[./0-9A-Za-z]{20}[./0-9A-Za-z]{43}$/)
  })

  test('is told nothing in clear, and everything it needs', () => {
    const settings = mysql.settings(
      { MYSQL_DATABASE: 'shop', MYSQL_ROOT_PASSWORD: 'hush-root', MYSQL_USER: 'u', MARIADB_USER: 'x', MYSQL_LOG_BIN: 'on' },
      new Secret('hush-hush'),
    )
    expect(settings).toMatchObject({ user: 'u', database: 'shop', unknown: ['MARIADB_USER'] })
    const place = { dataDir: '/data', port: 1, passwordFile: '/password', settings, found: [], around: NOTHING_AROUND }
    const file = mysqlRecipe.secretFile?.(settings) ?? ''
    expect(JSON.stringify([mysqlRecipe.create(place), mysqlRecipe.serve(place, 'live'), file])).not.toContain('hush')
    expect(file).toMatch(
      /^UPDATE mysql.user SET plugin = .caching_sha2_password., authentication_string = 0x[0-9a-f]{140}, .* account_locked = .N. WHERE User = .u. AND Host = .%.;$/m,
    )
    expect(mysqlRecipe.serve(place, 'live').args).toContain('--log-bin=binlog')
    expect(mysqlRecipe.serve(place, 'filling').args).toContain('--skip-log-bin')
    expect(mysqlRecipe.versionOf('mysqld  Ver 8.4.2 for Linux on x86_64 (MySQL Community Server - GPL)')).toBe('8.4.2')
    expect(mysqlRecipe.majorOf('8.4.2')).toBe('8.4')
  })
})
