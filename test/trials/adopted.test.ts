// A database file that was there before Hayai: adopted where it is, and never moved, deleted or left behind changed.

import { copyFile, mkdir, readFile, realpath, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresql, sqlite } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'

let scene: Stage
let file = ''
beforeEach(async () => {
  scene = await stage()
  file = join(scene.root, 'existing.db')
  sh('sqlite3', [file, 'CREATE TABLE t (v); INSERT INTO t VALUES (1), (2), (3)'])
})
afterEach(() => scene.close())

const rows = (path: string): string => sh('sqlite3', [path, 'SELECT group_concat(v) FROM t']).trim()

describe('an adopted SQLite file', () => {
  if (sqlite.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${sqlite.missing}`, () => {})

  it('is not changed by the adoption, is restored in its place, and stays when it is removed', async () => {
    const { project } = scene
    const before = await readFile(file)
    await project.init({ name: 'mine', engine: 'sqlite', file })
    expect(await readFile(file)).toEqual(before)
    expect(await readFile(join(scene.root, '.hayaidb'), 'utf8')).toContain('file: ./existing.db')
    await project.snapshot({ database: 'mine' })
    sh('sqlite3', [file, 'DELETE FROM t'])
    await project.restore({ reference: 'mine', latest: true })
    expect(rows(file)).toBe('1,2,3')
    await project.undo('mine')
    expect(rows(file)).toBe('')
    await project.redo('mine')
    const { dataKept } = await project.remove('mine')
    expect(dataKept).toBe(true)
    expect(rows(file)).toBe('1,2,3')
    await project.undo('mine')
    expect(rows(file)).toBe('1,2,3')
    await project.undo('mine')
    expect(rows(file)).toBe('')
  })

  it.each([
    ['is cut', (sql: string) => sql.slice(0, -20)],
    ['cannot be read', (sql: string) => sql.replace('INSERT', 'INSRT')],
  ])('that is declared and not known yet stays as it is when what shall be restored into it %s', async (_, spoil) => {
    const { project, root } = scene
    await project.init({ name: 'other', engine: 'sqlite' })
    const { snapshot } = await project.snapshot({ database: 'other', format: 'sql' })
    const good = await readFile(snapshot?.path ?? '', 'utf8')
    const bad = join(root, 'bad.sql')
    await writeFile(bad, spoil(`${good.slice(0, good.indexOf('COMMIT'))}CREATE TABLE u (v);\nINSERT INTO u VALUES (1);\nCOMMIT;\n`))
    const config = join(root, '.hayaidb')
    await writeFile(config, `${await readFile(config, 'utf8')}  mine:\n    engine: sqlite\n    file: ./existing.db # ours\n`)
    const before = { file: await readFile(file), config: await readFile(config, 'utf8') }
    await expect(project.restore({ reference: bad, engine: 'sqlite', to: 'mine' })).rejects.toMatchObject({ code: 'CORRUPT' })
    expect({ file: await readFile(file), config: await readFile(config, 'utf8') }).toEqual(before)
    expect((await project.list()).map(({ name }) => name)).toEqual(['other'])
    const { undo } = await project.restore({ reference: snapshot?.path ?? '', to: 'mine' })
    expect({ undo, tables: sh('sqlite3', [file, '.tables']).trim() }).toEqual({ undo: 'hayai undo mine', tables: '' })
    await project.undo('mine')
    expect(rows(file)).toBe('1,2,3')
  })

  it('that is no SQLite file is refused and left alone', async () => {
    const text = join(scene.root, 'notes.txt')
    await writeFile(text, 'not a database\n')
    await expect(scene.project.init({ name: 'mine', engine: 'sqlite', file: text })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await readFile(text, 'utf8')).toBe('not a database\n')
    expect(await scene.project.list()).toEqual([])
  })

  it('behind a link is restored where the link leads, with its mode', async () => {
    const real = join(scene.root, 'elsewhere', 'real.db')
    await mkdir(join(scene.root, 'elsewhere'))
    await copyFile(file, real)
    const link = join(scene.root, 'link.db')
    await symlink(real, link)
    sh('chmod', ['640', real])
    await scene.project.init({ name: 'mine', engine: 'sqlite', file: link })
    await scene.project.snapshot({ database: 'mine' })
    sh('sqlite3', [real, 'DELETE FROM t'])
    await scene.project.restore({ reference: 'mine', latest: true })
    expect(rows(real)).toBe('1,2,3')
    expect(await realpath(link)).toBe(await realpath(real))
    expect((await stat(real)).mode & 0o777).toBe(0o640)
  })
})

it('data that a removal has kept is there still when something shall be restored into its name', async () => {
  const { project, root } = scene
  await project.init({ name: 'mine', engine: 'sqlite' })
  const { file: own } = (await project.connect('mine')) as { readonly file: string }
  sh('sqlite3', [own, 'CREATE TABLE t (v); INSERT INTO t VALUES (4), (5)'])
  await project.remove('mine', { keepData: true })
  const bad = join(root, 'bad.sql')
  await writeFile(bad, 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE u (v);\nINSRT INTO u VALUES (1);\nCOMMIT;\n')
  await expect(project.restore({ reference: bad, engine: 'sqlite', to: 'mine' })).rejects.toMatchObject({
    code: 'CONFLICT',
    hint: expect.stringContaining('hayai init -n mine --exists-ok') as string,
  })
  expect(await project.list()).toEqual([])
  await project.init({ name: 'mine', engine: 'sqlite', existsOk: true })
  expect(rows(own)).toBe('4,5')
})

describe('a snapshot of another engine', () => {
  if (postgresql.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${postgresql.missing}`, () => {})

  it('is refused, and nothing is touched', async () => {
    const { project } = scene
    await project.init({ name: 'mine', engine: 'sqlite', file })
    await project.init({ name: 'server', engine: 'postgresql' })
    const { snapshot } = await project.snapshot({ database: 'mine' })
    await expect(project.restore({ reference: snapshot?.id ?? '', to: 'server' })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(project.restore({ reference: snapshot?.path ?? '', to: 'server', engine: 'postgresql' })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(await project.list()).toMatchObject([{ generation: 'g0001' }, { generation: 'g0001' }])
  })

  it('without a manifest is refused when the engine that was named cannot read it', async () => {
    const { project } = scene
    await project.init({ name: 'server', engine: 'postgresql' })
    const foreign = join(scene.root, 'foreign.db')
    await copyFile(file, foreign)
    await expect(project.restore({ reference: foreign, to: 'server' })).rejects.toMatchObject({
      code: expect.stringMatching(/CORRUPT|TOOL_FAILED|CONFLICT/) as string,
    })
    expect(await project.list()).toMatchObject([{ generation: 'g0001' }])
  })
})
