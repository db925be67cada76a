// PostgreSQL's physical format, where it differs from SQL: what is written while it is made, whose login it is restored for, what it
// cannot hold, and servers that are not set for it.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openProject, type Project, type SnapshotView } from '../../src/index.ts'
import { pg, postgresql } from './cast.ts'
import { serversBelow, sh, stage, type Stage } from './stage.ts'

describe('postgresql as a base backup', { timeout: 180_000 }, () => {
  if (postgresql.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${postgresql.missing}`, () => {})

  let scene: Stage
  const children: ChildProcess[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      process.kill(-(child.pid ?? 0), 'SIGKILL')
      await once(child, 'exit')
    }
    await scene.close()
  })

  async function shop(environment: Readonly<Record<string, string>> = {}, prefix?: string): Promise<Project> {
    scene = await stage(prefix)
    const lines = Object.entries(environment).map(([key, value]) => `      ${key}: "${value}"\n`)
    const declared = lines.length === 0 ? '' : `    environment:\n${lines.join('')}`
    await writeFile(join(scene.root, '.hayaidb'), `version: "1.0"\ndatabases:\n  shop:\n    engine: postgresql\n${declared}`)
    const project = await openProject({ cwd: scene.root })
    await project.initDeclared()
    await project.start(['shop'])
    return project
  }

  async function taken(project: Project): Promise<SnapshotView> {
    const { snapshot } = await project.snapshot({ database: 'shop', format: 'tar' })
    if (snapshot === null) throw new Error('no snapshot')
    return snapshot
  }

  const ask = (project: Project, statements: string, name = 'shop') => postgresql.run(project, name, statements)

  async function writer(project: Project, script: string): Promise<void> {
    const { host, port, user, password, database } = await project.connect('shop')
    const login = `-h ${host} -p ${port} -U ${user} -d ${database}`
    const file = join(scene.root, `writer-${children.length}.sql`)
    await writeFile(file, script)
    const child = spawn('sh', ['-c', `while :; do ${pg('psql')} ${login} -q -f '${file}' >/dev/null 2>&1; done`], {
      env: { ...process.env, PGPASSWORD: password?.reveal() ?? '' },
      stdio: 'ignore',
      detached: true,
    })
    children.push(child)
  }

  it('is restored below a path that means something else to a shell', async () => {
    const project = await shop({}, 'hayai "$HOME" `trial` \\')
    await ask(project, 'CREATE TABLE t AS SELECT 1 AS v')
    const { id } = await taken(project)
    await ask(project, 'DROP TABLE t')
    await project.restore({ reference: id })
    expect(await ask(project, 'SELECT v FROM t')).toBe('1')
  })

  it('of a server that is written to is of one instant, and is not taken for damaged', async () => {
    const project = await shop({ POSTGRES_MAX_WAL_SIZE: '32MB', POSTGRES_MIN_WAL_SIZE: '32MB', POSTGRES_CHECKPOINT_TIMEOUT: '30s' })
    await ask(
      project,
      `CREATE TABLE a (v bigint); CREATE TABLE b (v bigint); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0); CREATE TABLE queue (v text);
      CREATE TABLE ballast AS SELECT i, md5(i::text) FROM generate_series(1, 150000) i`,
    )
    // Rows that come and go, tables that come and go, and much more log than the server keeps by itself.
    await writer(project, 'BEGIN; UPDATE a SET v = v + 1; UPDATE b SET v = v - 1; COMMIT; SELECT pg_sleep(0.002);\n'.repeat(500))
    await writer(
      project,
      `INSERT INTO queue SELECT repeat(md5(i::text), 50) FROM generate_series(1, 3000) i; CREATE TABLE passing (v int); DELETE FROM queue; DROP TABLE passing; CHECKPOINT; SELECT pg_sleep(0.05);\n`,
    )
    await writer(project, `BEGIN; LOCK TABLE queue; SELECT pg_sleep(0.2); COMMIT;\n`)
    for (let tries = 0; Number(await ask(project, 'SELECT v FROM a')) < 100; tries += 1) expect(tries).toBeLessThan(1000)
    const least = Number(await ask(project, 'SELECT v FROM a'))
    const snapshot = await taken(project)
    expect(snapshot.manifest?.census.moving).toBe(true)
    expect(Object.keys(snapshot.manifest?.census.tables ?? {})).toEqual(
      expect.arrayContaining(['public.a', 'public.ballast', 'public.queue']),
    )
    expect(snapshot.manifest?.notes.join()).toContain('Others wrote while the copy was made')
    expect((await project.verify({ reference: snapshot.id })).checks.at(-1)?.detail).toContain('every table is there')
    await project.restore({ reference: snapshot.id, to: 'copy' })
    const sums = await ask(
      project,
      `SELECT (SELECT v FROM a) + (SELECT v FROM b), (SELECT v FROM a) >= ${least}, (SELECT count(*) FROM ballast)`,
      'copy',
    )
    expect(sums).toBe('0|t|150000')
    await project.restore({ reference: snapshot.id })
    for (let tries = 0; Number(await ask(project, 'SELECT v FROM a')) <= least; tries += 1) expect(tries).toBeLessThan(1000)
  })

  it('of a quiet server is counted to the row, with every database, role and password; unlogged tables are empty and named', async () => {
    const project = await shop({ POSTGRES_DB: 'app', POSTGRES_USER: 'owner', POSTGRES_PASSWORD: 'of the snapshot' })
    await ask(project, `CREATE ROLE reader LOGIN PASSWORD 'read only'; CREATE DATABASE "Zweite Ä"`)
    await ask(
      project,
      `CREATE TABLE t AS SELECT generate_series(1, 1000) i; GRANT SELECT ON t TO reader; CREATE UNLOGGED TABLE fleeting AS SELECT 1 AS v; CREATE SEQUENCE s; SELECT nextval('s')`,
    )
    const { host, port, password } = await project.connect('shop')
    sh(pg('psql'), ['-h', String(host), '-p', String(port), '-U', 'owner', '-d', 'Zweite Ä', '-qc', 'CREATE TABLE u AS SELECT 7 AS v'], {
      PGPASSWORD: password?.reveal() ?? '',
    })
    const snapshot = await taken(project)
    expect(snapshot.manifest?.census).toMatchObject({
      tables: { 'public.t': 1000, 'public.fleeting': 0, 'Zweite Ä/public.u': 1 },
      objects: { roles: 1, sequences: 1 },
    })
    expect(snapshot.manifest?.census.moving).toBeUndefined()
    expect(snapshot.manifest?.notes.join()).toContain('Unlogged tables are empty in a physical copy: "public.fleeting"')
    expect((await project.verify({ reference: snapshot.id })).ok).toBe(true)

    // Into a database with a login, a password and a main database of its own.
    await project.restore({ reference: snapshot.id, to: 'other' })
    const other = await project.connect('other')
    expect([other.user, other.database]).not.toContain('owner')
    expect(await ask(project, 'SELECT count(*) FROM t', 'other')).toBe('1000')
    const as = (user: string, secret: string, database: string) =>
      sh(pg('psql'), ['-h', '127.0.0.1', '-p', String(other.port), '-U', user, '-d', database, '-Atc', 'SELECT current_user'], {
        PGPASSWORD: secret,
      }).trim()
    expect(as('reader', 'read only', String(other.database))).toBe('reader')
    expect(as('owner', 'of the snapshot', 'Zweite Ä')).toBe('owner')
    expect(() => as('reader', 'another', String(other.database))).toThrow('password authentication failed')
    await project.stop(['other'])
    await project.start(['other'])
    expect(await ask(project, `SELECT count(*) FROM t; SELECT nextval('s')`, 'other')).toMatch(/^1000\n\d+$/)
  })

  it('that cannot be given its place says why, and shows no password, whatever it was told to log', async () => {
    const project = await shop({ POSTGRES_DB: 'app' })
    await ask(project, `CREATE DATABASE "database"`)
    await ask(project, `ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()`)
    const snapshot = await taken(project)
    expect(snapshot.manifest?.notes.join()).toContain('Set by ALTER SYSTEM, and carried: "log_statement"')
    const error: unknown = await project.restore({ reference: snapshot.id, to: 'other' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('"database" already exists') as string })
    expect(JSON.stringify(error) + String(error)).not.toContain('PASSWORD')
    expect((await project.list()).map(({ name }) => name)).toEqual(['shop'])
    await project.restore({ reference: snapshot.id })
    expect(await ask(project, 'SHOW log_statement')).toBe('all')
    expect(await readFile(join(scene.root, '.hayai/logs/shop.log'), 'utf8')).not.toContain('PASSWORD')
  })

  it('is restored with the password of the database, after it was changed', async () => {
    const project = await shop({ POSTGRES_USER: 'owner' })
    const snapshot = await taken(project)
    await ask(project, `CREATE TABLE t (v int); ALTER ROLE owner PASSWORD 'changed by hand'`)
    await expect(ask(project, 'SELECT 1')).rejects.toThrow('password authentication failed')
    const { port } = await project.connect('shop')
    const secret = join(scene.root, '.hayai/secrets/shop.json')
    expect(await readFile(secret, 'utf8')).not.toContain('changed by hand')
    await project.restore({ reference: snapshot.id })
    expect((await project.connect('shop')).port).toBe(port)
    expect(await ask(project, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`)).toBe('0')
  })

  it('fits the same major version only, which is said before anything is made', async () => {
    const project = await shop()
    const snapshot = await taken(project)
    const manifest = snapshot.path.replace(/\.tar$/, '.json')
    const written = await readFile(manifest, 'utf8')
    for (const other of ['9.6.24', '99.1']) {
      await writeFile(manifest, written.replace(/"version": "[^"]+"/, `"version": "${other}"`))
      await expect(project.restore({ reference: snapshot.id, dryRun: true })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('the same major version only') as string,
      })
      await expect(project.restore({ reference: snapshot.id, to: 'other' })).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining(`PostgreSQL ${other.split('.')[0]}`) as string,
      })
      expect((await project.list()).map(({ name, generation }) => [name, generation])).toEqual([['shop', 'g0001']])
    }
  })

  it('takes prepared transactions along, and says what they need', async () => {
    const project = await shop({ POSTGRES_MAX_PREPARED_TRANSACTIONS: '5' })
    await ask(project, `CREATE TABLE t (v int); BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'half'`)
    const snapshot = await taken(project)
    expect(snapshot.manifest?.notes.join()).toContain('need a server with POSTGRES_MAX_PREPARED_TRANSACTIONS: "half"')
    expect(snapshot.manifest?.census).toMatchObject({ tables: { 'public.t': 0 } })
    expect(snapshot.manifest?.census.moving).toBeUndefined()
    expect((await project.verify({ reference: snapshot.id })).ok).toBe(true)
    await project.restore({ reference: snapshot.id })
    expect(await ask(project, `COMMIT PREPARED 'half'; SELECT count(*) FROM t`)).toBe('1')
  })

  it.each([
    [{ POSTGRES_WAL_LEVEL: 'minimal', POSTGRES_MAX_WAL_SENDERS: '0' }, 'wal_level = minimal'],
    [{ POSTGRES_MAX_WAL_SENDERS: '0' }, 'max_wal_senders = 0'],
  ])('of a server with %o is refused, with what to do', async (environment, said) => {
    const project = await shop(environment)
    await expect(taken(project)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(said) as string,
      hint: expect.stringContaining('--format sql') as string,
    })
    expect(await project.snapshots()).toEqual([])
  })

  it('needs no replication slot; a server with tablespaces, or without an entry for replication, is refused with what to do', async () => {
    const project = await shop({ POSTGRES_MAX_REPLICATION_SLOTS: '0' })
    expect((await taken(project)).bytes).toBeGreaterThan(1_000_000)
    const rules = await ask(project, 'SHOW hba_file')
    const before = await ask(project, `SELECT pg_read_file('${rules}')`)
    const data = await ask(project, 'SHOW data_directory')
    const [server] = await serversBelow(scene.root)
    const file = join(`/proc/${server}/cwd`, 'pg_hba.conf')
    expect(data).not.toBe('')
    await writeFile(file, before.replaceAll(/^host +replication.*$/gm, ''))
    await ask(project, 'SELECT pg_reload_conf()')
    await expect(taken(project)).rejects.toMatchObject({ code: 'TOOL_FAILED', hint: expect.stringContaining('pg_hba.conf') as string })
    await writeFile(file, before)
    await ask(project, 'SELECT pg_reload_conf()')

    const space = join(scene.root, 'space')
    await mkdir(space)
    sh('sh', ['-c', `chmod 755 '${scene.root}'; [ $(id -u) != 0 ] || chown postgres '${space}'`])
    await ask(project, `CREATE TABLESPACE fast LOCATION '${space}'`)
    await expect(taken(project)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('(fast)') as string })
    await ask(project, 'DROP TABLESPACE fast')
  })

  it('that was made elsewhere is restored by its file; one that leads out of its folder, lacks its log or was changed is refused', async () => {
    const project = await shop()
    await ask(project, 'CREATE TABLE t AS SELECT generate_series(1, 1000) i')
    const { host, port, user, password } = await project.connect('shop')
    const foreign = join(scene.root, 'foreign.tar')
    const env = { PGPASSWORD: password?.reveal() ?? '' }
    const backup = (method: string) =>
      `${pg('pg_basebackup')} -h ${host} -p ${port} -U ${user} -D - -F tar -X ${method} -c fast > '${foreign}'`
    sh('sh', ['-c', backup('fetch')], env)
    await ask(project, 'DELETE FROM t')
    await project.restore({ reference: foreign, to: 'shop' })
    expect(await ask(project, 'SELECT count(*) FROM t')).toBe('1000')
    await ask(project, 'DELETE FROM t')
    const good = await readFile(foreign)

    const refused = async (code: string): Promise<void> => {
      await expect(project.restore({ reference: foreign, to: 'shop' })).rejects.toMatchObject({ code })
      expect(await ask(project, 'SELECT count(*) FROM t')).toBe('0')
      expect(await serversBelow(scene.root)).toHaveLength(1)
      await writeFile(foreign, good)
    }
    const link = join(scene.root, 'pg_tblspc')
    sh('sh', ['-c', `mkdir '${link}' && ln -s /tmp '${link}/16999' && tar -C '${scene.root}' -rf '${foreign}' pg_tblspc/16999`])
    await refused('CONFLICT')
    await rm(link, { recursive: true })
    sh('sh', ['-c', `cd '${scene.root}' && touch evil && tar -P --transform 's,evil,../evil,' -rf '${foreign}' evil`])
    await refused('CORRUPT')
    sh('sh', ['-c', `cd '${scene.root}' && touch extra && tar -rf '${foreign}' extra`])
    await refused('CORRUPT')
    // One bit of a page; the tar's own header knows nothing of it.
    const changed = Buffer.from(good)
    const at = changed.indexOf('PG_VERSION') + 512
    changed[at] = (changed[at] ?? 0) ^ 1
    await writeFile(foreign, changed)
    await refused('CORRUPT')
    sh('sh', ['-c', backup('none')], env)
    await refused('CORRUPT')
  })
})
