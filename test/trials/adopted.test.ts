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
