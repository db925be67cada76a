// A clone is a database of its own with the same content; one that fails leaves nothing.

import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cast } from './cast.ts'
import { stage, type Stage } from './stage.ts'

describe.each(cast)('$engine, cloned', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  let scene: Stage
  let before = ''
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: actor.engine })
    await scene.project.start(['shop'])
    await actor.fill(scene.project, 'shop')
    before = await actor.dump(scene.project, 'shop')
  })
  afterAll(() => scene.close())

  it('from the live database: the same content, a login of its own, declared, and in use at once', async () => {
    const { project } = scene
    const plan = await project.clone({ from: 'shop', to: 'branch', dryRun: true })
    expect(plan).toMatchObject({ dryRun: true, database: null, replaced: false })
    expect((await project.list()).map(({ name }) => name)).toEqual(['shop'])
    const answer = await project.clone({ from: 'shop', to: 'branch' })
    expect(answer).toMatchObject({ from: 'shop', to: 'branch', snapshot: null, replaced: false, undo: 'hayai remove branch' })
    expect(Object.keys(answer.census?.tables ?? {}).length).toBeGreaterThan(0)
    expect(await actor.dump(project, 'branch')).toBe(before)
    const [own, model] = [await project.connect('branch'), await project.connect('shop')]
    expect([own.user, own.database]).toEqual([model.user, model.database])
    if (actor.servers > 0) {
      expect(own.port).not.toBe(model.port)
      expect(own.password?.reveal()).not.toBe(model.password?.reveal())
    } else expect(own.file).not.toBe(model.file)
    const view = (await project.list()).find(({ name }) => name === 'branch')
    expect(view?.status).toBe(actor.servers > 0 ? 'running' : 'file')
    expect(await readFile(join(scene.root, '.hayaidb'), 'utf8')).toContain('branch:')
    await expect(project.undo('branch')).rejects.toMatchObject({ code: 'WRONG_STATE' })
    expect(await readdir(join(scene.root, 'snapshots')).catch(() => [])).toEqual([])
  })

  it('is its own: what is done to one is not done to the other, and it starts again', async () => {
    const { project } = scene
    await actor.damage(project, 'branch')
    expect(await actor.dump(project, 'shop')).toBe(before)
    await project.stop(['branch'])
    await project.start(['branch'])
    expect(await actor.dump(project, 'branch')).not.toBe(before)
  })

  it('is not made over what is there, but for --force, which can be undone', async () => {
    const { project } = scene
    const damaged = await actor.dump(project, 'branch')
    await expect(project.clone({ from: 'shop', to: 'branch' })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await actor.dump(project, 'branch')).toBe(damaged)
    const answer = await project.clone({ from: 'shop', to: 'branch', force: true })
    expect(answer).toMatchObject({ replaced: true, undo: 'hayai undo branch' })
    expect(await actor.dump(project, 'branch')).toBe(before)
    await project.undo('branch')
    expect(await actor.dump(project, 'branch')).toBe(damaged)
    await expect(project.clone({ from: 'shop', to: 'shop' })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(project.clone({ from: 'nothing', to: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('from a snapshot, also while the database is stopped', async () => {
    const { project } = scene
    const { snapshot } = await project.snapshot({ database: 'shop', compression: 'zstd' })
    await actor.damage(project, 'shop')
    await project.stop(['shop'])
    const answer = await project.clone({ from: 'shop', to: 'then', snapshot: snapshot?.id.slice(0, 8) ?? '' })
    expect(answer).toMatchObject({ snapshot: { id: snapshot?.id }, instant: snapshot?.manifest?.instant })
    expect(await actor.dump(project, 'then')).toBe(before)
    if (actor.servers > 0) {
      await expect(project.clone({ from: 'shop', to: 'live' })).rejects.toMatchObject({ code: 'WRONG_STATE' })
      expect((await project.list()).map(({ name }) => name)).not.toContain('live')
    }
  })

  it('leaves nothing when it fails, and the name is free again', async () => {
    const { project, root } = scene
    await project.start(['shop'])
    const { snapshot } = await project.snapshot({ database: 'shop' })
    await appendFile(snapshot?.path ?? '', 'x')
    const declared = await readFile(join(root, '.hayaidb'), 'utf8')
    await expect(project.clone({ from: 'shop', to: 'spoilt', snapshot: snapshot?.id ?? '' })).rejects.toMatchObject({ code: 'CORRUPT' })
    const aborted = AbortSignal.timeout(30)
    await expect(project.clone({ from: 'shop', to: 'spoilt' }, { signal: aborted })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect((await project.list()).map(({ name }) => name)).not.toContain('spoilt')
    expect(await readFile(join(root, '.hayaidb'), 'utf8')).toBe(declared)
    for (const kind of ['data', 'run']) expect(existsSync(join(root, '.hayai', kind, 'spoilt')), kind).toBe(false)
    expect(existsSync(join(root, '.hayai', 'secrets', 'spoilt.json'))).toBe(false)
    await project.clone({ from: 'shop', to: 'spoilt' })
    expect(await actor.dump(project, 'spoilt')).toBe(await actor.dump(project, 'shop'))
  })
})

it('a clone takes the settings that .hayaidb declares for its source', async () => {
  const scene = await stage()
  const { project, root } = scene
  try {
    const environment = '\n    environment:\n      POSTGRES_USER: keeper\n      POSTGRES_DB: books\n      POSTGRES_WORK_MEM: 7MB\n'
    await writeFile(join(root, '.hayaidb'), `version: "1.0"\ndatabases:\n  shop:\n    engine: postgresql # ours${environment}`)
    await project.initDeclared()
    await project.start(['shop'])
    const { database } = await project.clone({
      from: 'shop',
      to: 'branch',
      port: await (await import('../../src/base/ports.ts')).freePort(),
    })
    expect(await project.connect('branch')).toMatchObject({ user: 'keeper', database: 'books', port: database?.port })
    const text = await readFile(join(root, '.hayaidb'), 'utf8')
    expect(text).toContain('engine: postgresql # ours')
    expect(text.slice(text.indexOf('branch:'))).toContain('POSTGRES_DB: books')
    const { postgresql } = await import('./cast.ts')
    expect(await postgresql.run(project, 'branch', 'SHOW work_mem')).toBe('7MB')
  } finally {
    await scene.close()
  }
})
