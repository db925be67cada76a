// Clients that are connected, read and write while a snapshot is taken and while a restore is swapped in.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { program } from '../engines/mariadb-server.ts'
import { pg, postgresql, sqlite } from './cast.ts'
import { mariadb } from './mariadb.ts'
import { redis } from './redis.ts'
import { sh, stage, type Stage } from './stage.ts'

let scene: Stage
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await scene.close()
})

async function until(ask: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await ask()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`waited in vain until ${what}`)
}

describe('postgresql', () => {
  if (postgresql.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${postgresql.missing}`, () => {})

  it('a client that writes all the while doubles no row, spoils nothing and hangs nobody', async () => {
    scene = await stage()
    const { project } = scene
    await project.init({ name: 'shop', engine: 'postgresql' })
    await project.start(['shop'])
    const ask = (statement: string) => postgresql.run(project, 'shop', statement)
    await ask('CREATE TABLE item (id bigint PRIMARY KEY, note text); CREATE TABLE noise (id bigserial, at timestamptz DEFAULT now())')
    await ask(`INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 50000) i`)
    await project.snapshot({ database: 'shop' })
    await ask('DELETE FROM item WHERE id > 10')
    const { host, port, user, password, database } = await project.connect('shop')
    const login = ['-h', String(host), '-p', String(port), '-U', String(user), '-d', String(database)]
    const env = { ...process.env, PGPASSWORD: password?.reveal() ?? '' }
    const writer = spawn(
      'sh',
      [
        '-c',
        `while :; do ${pg('psql')} ${login.join(' ')} -qc "INSERT INTO noise DEFAULT VALUES; INSERT INTO item VALUES (-1, 'spoiled') ON CONFLICT DO NOTHING"; done`,
      ],
      { env, stdio: 'ignore', detached: true },
    )
    const holder = spawn(pg('psql'), [...login, '-c', 'BEGIN; LOCK TABLE item; SELECT pg_sleep(600)'], { env, stdio: 'ignore' })
    children.push(writer, holder)
    try {
      await until(
        async () => (await ask(`SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'item'::regclass`)) !== '0',
        'the table is locked',
      )
      await project.restore({ reference: 'shop', latest: true })
    } finally {
      process.kill(-(writer.pid ?? 0), 'SIGKILL')
    }
    expect(await ask('SELECT count(*), count(DISTINCT id) FROM item WHERE id > 0')).toBe('50000|50000')
  })

  it('a snapshot taken under a writer is of one instant', async () => {
    scene = await stage()
    const { project } = scene
    await project.init({ name: 'bank', engine: 'postgresql' })
    await project.start(['bank'])
    const ask = (statement: string) => postgresql.run(project, 'bank', statement)
    await ask(
      'CREATE TABLE a (v bigint); CREATE TABLE b (v bigint); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0); CREATE TABLE ballast AS SELECT i, md5(i::text) FROM generate_series(1, 300000) i',
    )
    const { host, port, user, password, database } = await project.connect('bank')
    const script = 'BEGIN; UPDATE a SET v = v + 1; UPDATE b SET v = v - 1; COMMIT;\n'.repeat(100_000)
    const writer = spawn(pg('psql'), ['-q', '-h', String(host), '-p', String(port), '-U', String(user), '-d', String(database)], {
      env: { ...process.env, PGPASSWORD: password?.reveal() ?? '' },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    children.push(writer)
    writer.stdin?.on('error', () => {}) // it is killed at the end
    writer.stdin?.write(script)
    await until(async () => (await ask('SELECT v FROM a')) !== '0', 'the writer writes')
    const { snapshot } = await project.snapshot({ database: 'bank' })
    await project.restore({ reference: snapshot?.id ?? '', to: 'copy' })
    const sums = await postgresql.run(project, 'copy', 'SELECT (SELECT v FROM a) + (SELECT v FROM b), (SELECT v FROM a) > 0')
    expect(sums).toBe('0|t')
    const before = await ask('SELECT v FROM a')
    await until(async () => (await ask('SELECT v FROM a')) !== before, 'the writer still writes')
  })
})

describe('sqlite', () => {
  if (sqlite.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${sqlite.missing}`, () => {})

  it.each(['WAL', 'DELETE'])('a writer in %s mode goes on through snapshot and restore, and spoils nothing', async (mode) => {
    scene = await stage()
    const { project } = scene
    await project.init({ name: 'shop', engine: 'sqlite' })
    const ask = (statement: string) => sqlite.run(project, 'shop', statement)
    await ask(`PRAGMA journal_mode = ${mode}; CREATE TABLE a (v); CREATE TABLE b (v); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0);`)
    await ask(
      `CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i, hex(randomblob(20)) h FROM n`,
    )
    const { file } = await project.connect('shop')
    const program = `
      import sqlite3, sys, time
      while True:
          try:
              c = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None)
              for _ in range(50):
                  c.execute('BEGIN IMMEDIATE'); c.execute('UPDATE a SET v = v + 1'); c.execute('UPDATE b SET v = v - 1'); c.execute('COMMIT')
                  time.sleep(0.001)
          except sqlite3.Error:
              time.sleep(0.01)
    `.replaceAll(/^ {6}/gm, '')
    const writer = spawn('python3', ['-c', program, String(file)], { stdio: 'ignore' })
    children.push(writer)
    await until(
      async () => Number(await ask('PRAGMA busy_timeout = 5000; SELECT v FROM a').then((text) => text.split('\n').at(-1))) > 100,
      'the writer writes',
    )
    const { snapshot } = await project.snapshot({ database: 'shop' })
    expect(
      sh('sqlite3', [
        snapshot?.path ?? '',
        'SELECT (SELECT v FROM a) + (SELECT v FROM b), (SELECT v FROM a) > 0; PRAGMA integrity_check',
      ]).trim(),
    ).toBe('0|1\nok')
    await project.restore({ reference: 'shop', latest: true })
    const value = async () => Number((await ask('PRAGMA busy_timeout = 5000; SELECT v FROM a')).split('\n').at(-1))
    const now = await value()
    await until(async () => (await value()) > now, 'the writer writes to the restored file')
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    expect(await ask('SELECT (SELECT v FROM a) + (SELECT v FROM b); PRAGMA integrity_check')).toBe('0\nok')
    await project.undo('shop')
    expect(await ask('SELECT (SELECT v FROM a) + (SELECT v FROM b); PRAGMA integrity_check')).toBe('0\nok')
  })

  it('commits that a killed writer left in a hot -wal come back by undo, and are not replayed onto the restored file', async () => {
    scene = await stage()
    const { project } = scene
    await project.init({ name: 'shop', engine: 'sqlite' })
    const ask = (statement: string) => sqlite.run(project, 'shop', statement)
    await ask('PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES (1)')
    await project.snapshot({ database: 'shop' })
    const { file } = await project.connect('shop')
    const program = `import sqlite3, sys, os, signal
c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA wal_autocheckpoint = 0'); c.execute('UPDATE t SET v = 2'); c.commit(); os.kill(os.getpid(), signal.SIGKILL)`
    const writer = spawn('python3', ['-c', program, String(file)], { stdio: 'ignore' })
    await once(writer, 'exit')
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0)
    await project.restore({ reference: 'shop', latest: true })
    expect(await ask('SELECT v FROM t')).toBe('1')
    await project.undo('shop')
    expect(await ask('SELECT v FROM t')).toBe('2')
    await project.redo('shop')
    expect(await ask('SELECT v FROM t; PRAGMA integrity_check')).toBe('1\nok')
    expect((await readFile(String(file))).subarray(0, 15).toString()).toBe('SQLite format 3')
    expect((await readdir(join(scene.root, 'snapshots'))).filter((each) => !each.includes('-latest.'))).toHaveLength(2)
  })
})

describe('redis', () => {
  if (redis.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${redis.missing}`, () => {})

  it('a client that writes all the while is served again after a restore, and spoils nothing of it', async () => {
    scene = await stage()
    const { project } = scene
    await project.init({ name: 'cache', engine: 'redis' })
    await project.start(['cache'])
    const ask = (commands: string) => redis.run(project, 'cache', commands)
    await ask(`${Array.from({ length: 5000 }, (_, n) => `SET item:${n} good`).join('\n')}\nMSET plus 0 minus 0`)
    const { port, password } = await project.connect('cache')
    // One command, for redis-cli connects again in the middle of a MULTI, and goes on without it.
    const both = 'EVAL "redis.call(KEYS[3], KEYS[1]) redis.call(KEYS[4], KEYS[2])" 4 plus minus INCR DECR'
    const commands = `${both}\nSET item:1 spoiled\nDEL item:2\n`
    const writer = spawn(
      'sh',
      ['-c', `while :; do printf '${commands.repeat(200).replaceAll('\n', '\\n')}' | redis-cli -p ${port} >/dev/null 2>&1; done`],
      {
        env: { ...process.env, REDISCLI_AUTH: password?.reveal() ?? '' },
        stdio: 'ignore',
        detached: true,
      },
    )
    children.push(writer)
    try {
      await until(async () => Number(await ask('GET plus')) > 100, 'the writer writes')
      const { snapshot } = await project.snapshot({ database: 'cache' })
      await project.restore({ reference: 'cache', latest: true })
      const after = Number(await ask('GET plus'))
      await until(async () => Number(await ask('GET plus')) > after, 'the writer writes to the restored server')
      await project.restore({ reference: snapshot?.id ?? '', to: 'copy' })
    } finally {
      process.kill(-(writer.pid ?? 0), 'SIGKILL')
    }
    const [plus, minus] = (await redis.run(project, 'copy', 'MGET plus minus')).split('\n').map(Number)
    expect(plus).toBeGreaterThan(100)
    expect((plus ?? 0) + (minus ?? 0)).toBe(0)
    const [live, other] = (await ask('MGET plus minus')).split('\n').map(Number)
    expect((live ?? 0) + (other ?? 0)).toBe(0)
    expect(await ask('DBSIZE')).toBe('5001')
  })
})

describe('mariadb', () => {
  if (mariadb.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${mariadb.missing}`, () => {})

  it('a client that writes all the while doubles no row, spoils nothing and hangs nobody; what it sees is of one instant', async () => {
    scene = await stage()
    const { project } = scene
    await project.init({ name: 'shop', engine: 'mariadb' })
    await project.start(['shop'])
    const ask = (statements: string) => mariadb.run(project, 'shop', statements)
    await ask(`CREATE TABLE item (id bigint PRIMARY KEY, note text); INSERT INTO item SELECT seq, CONCAT('item ', seq) FROM seq_1_to_50000;
      CREATE TABLE a (v bigint); CREATE TABLE b (v bigint); CREATE TABLE m (v bigint) ENGINE = MyISAM; INSERT INTO a VALUES (0); INSERT INTO b VALUES (0); INSERT INTO m VALUES (0)`)
    const { port, password } = await project.connect('shop')
    const env = { ...process.env, MYSQL_PWD: password?.reveal() ?? '' }
    const login = ['--no-defaults', '--skip-ssl', '--host=127.0.0.1', `--port=${port}`, '--user=admin', '--database=database']
    const statements =
      'START TRANSACTION; UPDATE a SET v = v + 1; UPDATE b SET v = v - 1; COMMIT; UPDATE m SET v = v + 1; REPLACE INTO item VALUES (0, NULL);\n'
    const writer = spawn(
      'sh',
      ['-c', `while :; do printf '${statements.repeat(100)}' | ${program('mariadb')} ${login.join(' ')} >/dev/null 2>&1; done`],
      {
        env,
        stdio: 'ignore',
        detached: true,
      },
    )
    const holder = spawn(
      program('mariadb'),
      [
        ...login,
        '-e',
        'SELECT * FROM item WHERE id = 7 FOR UPDATE; START TRANSACTION; UPDATE item SET note = 1 WHERE id = 8; DO SLEEP(600)',
      ],
      { env, stdio: 'ignore' },
    )
    children.push(writer, holder)
    try {
      await until(async () => (await ask('SELECT v FROM m')) !== '0', 'the writer writes')
      await until(
        async () => (await ask(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'`)) !== '0',
        'a row is held',
      )
      const { snapshot } = await project.snapshot({ database: 'shop' })
      await project.restore({ reference: 'shop', latest: true })
      const before = await ask('SELECT v FROM m')
      await until(async () => (await ask('SELECT v FROM m')) !== before, 'the writer writes to the restored server')
      await project.restore({ reference: snapshot?.id ?? '', to: 'copy' })
    } finally {
      process.kill(-(writer.pid ?? 0), 'SIGKILL')
    }
    const sums = `SELECT (SELECT v FROM a) + (SELECT v FROM b), (SELECT v FROM a) > 0, (SELECT v FROM a) - (SELECT v FROM m) IN (0, 1)`
    expect(await mariadb.run(project, 'copy', sums)).toBe('0\t1\t1')
    expect(await ask('SELECT COUNT(*), COUNT(DISTINCT id), SUM(note IS NULL) FROM item WHERE id > 0')).toBe('50000\t50000\t0')
  })
})
