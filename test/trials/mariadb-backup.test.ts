// MariaDB's physical format, where it differs from SQL: what is written while it is made, whose accounts it brings, what it cannot
// hold, and programs that are not there or not of the server's version.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { collect, fakeProgram, program, startServer, type Server } from '../engines/mariadb-server.ts'
import { openProject, type Project, type SnapshotView } from '../../src/index.ts'
import { run } from '../../src/base/exec.ts'
import { mariadb as engine } from '../../src/engines/mariadb.ts'
import { backUp } from '../../src/engines/mariadb/backup.ts'
import { MARIADB } from '../../src/engines/mariadb/dialect.ts'
import { mariadb } from './mariadb.ts'
import { serversBelow, sh, stage, type Stage } from './stage.ts'

const never = new AbortController().signal
const tar = engine.formats.find(({ name }) => name === 'tar') ?? expect.fail('no tar')
const saying = (part: string): unknown => expect.stringContaining(part)

describe('mariadb as a physical copy', () => {
  if (mariadb.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${mariadb.missing}`, () => {})

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

  /** Databases by name, each with its environment. */
  async function databases(declared: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<Project> {
    scene = await stage()
    const lines = Object.entries(declared).map(([name, environment]) => {
      const set = Object.entries(environment).map(([key, value]) => `      ${key}: "${value}"\n`)
      return `  ${name}:\n    engine: mariadb\n${set.length === 0 ? '' : `    environment:\n${set.join('')}`}`
    })
    await writeFile(join(scene.root, '.hayaidb'), `version: "1.0"\ndatabases:\n${lines.join('')}`)
    const project = await openProject({ cwd: scene.root })
    await project.initDeclared()
    await project.start([])
    return project
  }

  async function taken(project: Project): Promise<SnapshotView> {
    const { snapshot } = await project.snapshot({ database: 'shop', format: 'tar' })
    if (snapshot === null) throw new Error('no snapshot')
    return snapshot
  }

  const ask = (project: Project, statements: string, name = 'shop') => mariadb.run(project, name, statements)

  async function as(project: Project, user: string, password: string, statement: string, name = 'shop'): Promise<string> {
    const { port } = await project.connect(name)
    const login = ['--no-defaults', '--skip-ssl', '--host=127.0.0.1', `--port=${port}`, `--user=${user}`]
    return sh(program('mariadb'), [...login, '--batch', '--skip-column-names', '-e', statement], { MYSQL_PWD: password }).trim()
  }

  /** Says the statements again and again, over one connection, whether they fail or not. */
  async function writer(project: Project, statements: string): Promise<void> {
    const { port, user, password, database } = await project.connect('shop')
    const login = `--no-defaults --skip-ssl --host=127.0.0.1 --port=${port} --user=${user} --database=${database} --force`
    const child = spawn('sh', ['-c', `yes "$STATEMENTS" | ${program('mariadb')} ${login} >/dev/null 2>&1`], {
      env: { ...process.env, MYSQL_PWD: password?.reveal() ?? '', STATEMENTS: statements },
      stdio: 'ignore',
      detached: true,
    })
    children.push(child)
  }

  it('of a server that is written to is of one instant, and is not taken for damaged', async () => {
    const project = await databases({ shop: {} })
    await ask(
      project,
      `CREATE TABLE a (i int PRIMARY KEY AUTO_INCREMENT, x varchar(200)); CREATE TABLE b LIKE a; CREATE TABLE c LIKE a; CREATE TABLE isam (i int PRIMARY KEY AUTO_INCREMENT) ENGINE = MyISAM;
       INSERT INTO a (x) SELECT REPEAT('x', 200) FROM seq_1_to_20000; INSERT INTO b SELECT * FROM a; DO SLEEP(3)`,
    )
    await writer(
      project,
      `BEGIN; INSERT INTO a (x) VALUES (REPEAT('y', 200)); INSERT INTO b (x) VALUES (REPEAT('y', 200)); COMMIT; INSERT INTO isam VALUES (NULL);`,
    )
    await writer(project, 'CREATE TABLE fleeting (i int); INSERT INTO fleeting VALUES (1); DROP TABLE fleeting;')
    await writer(project, 'ALTER TABLE c ADD COLUMN more int; ALTER TABLE c DROP COLUMN more; DO SLEEP(0.2);')
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const snapshot = await taken(project)
      expect(snapshot.manifest?.census.moving).toBe(true)
      expect(Object.keys(snapshot.manifest?.census.tables ?? {})).toEqual(expect.arrayContaining(['a', 'b']))
      expect(snapshot.manifest?.notes.join('\n')).toContain('Others wrote while the copy was made')
      expect(await project.verify({ reference: snapshot.id })).toMatchObject({ ok: true })
      await project.restore({ reference: snapshot.id, to: `copy${attempt}` })
      const counted = await ask(
        project,
        'SELECT COUNT(*) FROM a; SELECT COUNT(*) FROM b; CHECK TABLE a, b, isam EXTENDED',
        `copy${attempt}`,
      )
      const [inA, inB, ...checked] = counted.split('\n')
      expect(inA).toBe(inB)
      expect(Number(inA)).toBeGreaterThan(20_000)
      expect(checked.filter((line) => line.endsWith('\tOK'))).toHaveLength(3)
      await project.stop([`copy${attempt}`])
    }
  }, 240_000)

  it('of a server at rest is counted exactly, and tells of tables without transactions and of those in memory', async () => {
    const project = await databases({ shop: {} })
    await ask(
      project,
      `CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2); CREATE TABLE isam (i int) ENGINE = MyISAM; INSERT INTO isam VALUES (1);
       CREATE TABLE mem (i int) ENGINE = MEMORY; INSERT INTO mem VALUES (1); CREATE SEQUENCE s; SELECT NEXTVAL(s); CREATE DATABASE other; CREATE TABLE other.o (i int)`,
    )
    const { manifest, id } = await taken(project)
    expect(manifest?.census.tables).toEqual({ t: 2, isam: 1, mem: 0, 'other/o': 0 })
    expect(manifest?.census.moving).toBeUndefined()
    expect(manifest?.tools['mariadb-backup']).toBe(manifest?.version)
    const notes = manifest?.notes.join('\n') ?? ''
    expect(notes).toContain('so that they are of the same instant: isam (MyISAM)')
    expect(notes).toMatch(/keep their rows in memory.*: mem\./)
    expect(notes).toContain('accounts and passwords')
    expect((await project.verify({ reference: id })).ok).toBe(true)
  })

  it('with a transaction under way is not counted exactly: nobody knows on which side it ends', async () => {
    const project = await databases({ shop: {} })
    await ask(project, 'CREATE TABLE t (i int)')
    await writer(project, 'BEGIN; INSERT INTO t VALUES (1); DO SLEEP(100);')
    // Asked more often than ten times a second, the server answers from memory.
    await expect
      .poll(() => ask(project, 'SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0'), { interval: 300 })
      .toBe('1')
    expect((await taken(project)).manifest?.census.moving).toBe(true)
  })

  it('brings its accounts and passwords, and the login of the place opens it, whatever they were', async () => {
    const project = await databases({
      shop: { MYSQL_USER: 'owner', MYSQL_PASSWORD: 'old', MYSQL_ROOT_PASSWORD: 'rooted' },
      other: { MYSQL_USER: 'somebody', MYSQL_PASSWORD: 'else' },
    })
    await ask(
      project,
      `CREATE TABLE t (i int); INSERT INTO t VALUES (1); CREATE USER reader@localhost IDENTIFIED BY 'read only'; GRANT SELECT ON \`database\`.* TO reader@localhost;
       CREATE USER ''@localhost IDENTIFIED BY 'nobody'; CREATE USER owner@localhost IDENTIFIED BY 'old'; CREATE ROLE somebody_else; GRANT ALL ON *.* TO owner@localhost WITH GRANT OPTION`,
    )
    await as(project, 'root', 'rooted', `ALTER USER owner@'%' IDENTIFIED BY 'changed by hand'`)
    const snapshot = await taken(project)
    await as(project, 'root', 'rooted', `ALTER USER owner@localhost ACCOUNT LOCK; ALTER USER owner@'%' PASSWORD EXPIRE`)

    await project.restore({ reference: snapshot.id })
    expect(await ask(project, 'SELECT COUNT(*) FROM t; SELECT SUBSTRING_INDEX(USER(), "@", 1)')).toBe('1\nowner')
    await project.restore({ reference: snapshot.id, to: 'other' })
    expect(await ask(project, 'SELECT COUNT(*) FROM t; SELECT SUBSTRING_INDEX(USER(), "@", 1)', 'other')).toBe('1\nsomebody')
    await ask(project, 'CREATE DATABASE more; DROP DATABASE more; CREATE USER x; DROP USER x', 'other')
    await project.stop(['other'])
    await project.start(['other'])
    expect(await as(project, 'reader', 'read only', 'SELECT COUNT(*) FROM `database`.t', 'other')).toBe('1')
    expect(await as(project, 'root', 'rooted', 'SELECT 1', 'other')).toBe('1')
    await expect(as(project, 'reader', 'wrong', 'SELECT 1', 'other')).rejects.toThrow('Access denied')
  })

  it('of a main database with another name is refused, with what to do', async () => {
    const project = await databases({ shop: { MYSQL_DATABASE: 'blog' }, other: {} })
    await ask(project, 'CREATE TABLE t (i int)')
    const snapshot = await taken(project)
    await ask(project, 'CREATE TABLE mine (i int)', 'other')
    await expect(project.restore({ reference: snapshot.id, to: 'other' })).rejects.toMatchObject({
      message: saying('the copy has no database "database"; set MYSQL_DATABASE'),
    })
    expect(await ask(project, 'SHOW TABLES', 'other')).toBe('mine')
    expect(await serversBelow(scene.root)).toHaveLength(2)
  })

  it('of tables whose files lie elsewhere is refused, with what to do', async () => {
    const project = await databases({ shop: {} })
    const place = await mkdtemp(join(tmpdir(), 'hayai-elsewhere-'))
    try {
      sh('sh', ['-c', `chmod 777 '${place}'`])
      await ask(project, `CREATE TABLE away (i int) DATA DIRECTORY = '${place}'`)
      await expect(taken(project)).rejects.toMatchObject({ code: 'CONFLICT', message: saying('away.isl'), hint: saying('--format sql') })
      expect(await project.snapshots()).toEqual([])
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  })

  it('that was made elsewhere is restored by its file; one that was not prepared, or leads out of its folder, is refused', async () => {
    const project = await databases({ shop: {} })
    await ask(project, 'CREATE TABLE t AS SELECT seq FROM seq_1_to_1000')
    const foreign = join(scene.root, 'foreign.tar')
    const { bytes } = await taken(project)
    expect(bytes).toBeGreaterThan(10_000_000)
    const folder = join(scene.root, 'unpacked')
    await mkdir(folder)
    const [snapshot] = await project.snapshots()
    sh('tar', ['-C', folder, '-xf', snapshot?.path ?? ''])
    const pack = (): string => sh('tar', ['-C', folder, '-cf', foreign, '.'])
    pack()
    await ask(project, 'DELETE FROM t')
    await project.restore({ reference: foreign, to: 'shop' })
    expect(await ask(project, 'SELECT COUNT(*) FROM t')).toBe('1000')
    await ask(project, 'DELETE FROM t')

    const refused = async (code: string, part: string): Promise<void> => {
      await expect(project.restore({ reference: foreign, to: 'shop' })).rejects.toMatchObject({ code, message: saying(part) })
      expect(await ask(project, 'SELECT COUNT(*) FROM t')).toBe('0')
      expect(await serversBelow(scene.root)).toHaveLength(1)
    }
    const [checkpoints = ''] = ['xtrabackup', 'mariadb_backup']
      .map((by) => join(folder, `${by}_checkpoints`))
      .filter((file) => existsSync(file)) // so and, from 11 on, so
    const good = await readFile(checkpoints, 'utf8')
    await writeFile(checkpoints, good.replace('log-applied', 'full-backuped'))
    pack()
    await refused('CORRUPT', 'was not prepared')
    await writeFile(checkpoints, good)
    sh('ln', ['-s', '/etc', join(folder, 'database', 'link')])
    pack()
    await refused('CONFLICT', 'link leads to it')
    await rm(join(folder, 'database', 'link'))
    await rm(join(folder, 'ibdata1'))
    pack()
    await refused('CORRUPT', 'holds no ibdata1')
  })
})

describe('mariadb-backup', () => {
  if (mariadb.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${mariadb.missing}`, () => {})

  let server: Server
  let fakes: string
  beforeAll(async () => {
    server = await startServer()
    fakes = await mkdtemp(join(tmpdir(), 'hayai-fakes-'))
  })
  afterEach(() => rm(join(server.folder, 'copy'), { recursive: true, force: true }))
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await rm(fakes, { recursive: true, force: true })
  })

  const dumped = async (target: Server['target']): Promise<Buffer> => {
    const dump = await engine.dump(target, tar, never)
    try {
      return await collect(dump.bytes)
    } finally {
      await dump.close()
    }
  }

  it('that is not there is said so, with the package that brings it', async () => {
    const without = { ...server.target, run: ({ args }: { args: readonly string[] }) => run({ file: '/nonexistent/mariadb-backup', args }) }
    await expect(dumped(without)).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: 'mariadb-backup is not on this machine',
      hint: saying('apt-get install mariadb-backup'),
    })
  })

  it('of another version than the server is an error', async () => {
    await fakeProgram(
      fakes,
      'mariadb-backup',
      `'${program('mariadb-backup')}' "$@" || exit; for a in "$@"; do case $a in --target-dir=*) sed -i 's/^tool_version = .*/tool_version = 10.4.1-MariaDB/' "\${a#--target-dir=}"/*_info;; esac; done`,
    )
    await expect(dumped(server.targetWith(fakes))).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: saying('mariadb-backup is of version 10.4.1, and the server is'),
    })
  })

  it('that has to wait for a locked table gives up in the end, and lets everybody go on', async () => {
    await server.sql('CREATE TABLE IF NOT EXISTS isam (i int) ENGINE = MyISAM')
    const holder = server.sql('LOCK TABLES isam WRITE; DO SLEEP(25)')
    await expect.poll(() => server.sql(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'`)).toBe('1')
    const dump = await backUp(MARIADB, server.target, never, 5)
    await expect(collect(dump.bytes)).rejects.toMatchObject({ code: 'LOCKED', hint: saying('SHOW PROCESSLIST') })
    await dump.close()
    await holder
    await server.sql('INSERT INTO isam VALUES (1); CREATE TABLE since (i int)')
  })

  it.each([
    ['fails while it copies', '--backup'],
    ['fails while it prepares', '--prepare'],
  ])('that %s is an error with its last words', async (_, step) => {
    await fakeProgram(
      fakes,
      'mariadb-backup',
      `case "$*" in *${step}*) echo "FATAL ERROR: no luck" >&2; exit 3;; esac; exec '${program('mariadb-backup')}' "$@"`,
    )
    await expect(dumped(server.targetWith(fakes))).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('FATAL ERROR: no luck') })
  })

  it('is told no password in its arguments', async () => {
    const seen = join(fakes, 'seen')
    await fakeProgram(fakes, 'mariadb-backup', `echo "$@" >> '${seen}'; exec '${program('mariadb-backup')}' "$@"`)
    await dumped(server.targetWith(fakes))
    const said = await readFile(seen, 'utf8')
    expect(said).toContain('--prepare')
    expect(said).not.toContain("it's a pass")
  })
})
