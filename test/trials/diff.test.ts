// What has changed, told the same way for every engine: between a snapshot and the database, between two snapshots with the
// database stopped, and down to the rows where it is asked for.

import { readFile, rename, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DiffAnswer, SnapshotView } from '../../src/index.ts'
import { cast } from './cast.ts'
import { stage, type Stage } from './stage.ts'

/** Rows that can be changed in their place. */
const KEPT: Readonly<Record<string, readonly [make: string, change: string, table: string]>> = {
  postgresql: ['CREATE TABLE kept AS SELECT 1 AS a, 2 AS b', 'UPDATE kept SET b = 3', 'public.kept'],
  sqlite: ['CREATE TABLE kept (a, b); INSERT INTO kept VALUES (1, 2)', 'UPDATE kept SET b = 3', 'kept'],
  duckdb: ['CREATE TABLE kept AS SELECT 1 AS a, 2 AS b', 'UPDATE kept SET b = 3', 'kept'],
  mariadb: ['CREATE TABLE kept AS SELECT 1 AS a, 2 AS b', 'UPDATE kept SET b = 3', 'kept'],
  redis: ['SELECT 5\nSET kept 2', 'SELECT 5\nSET kept 3', 'db5'],
}

describe.each(cast)('$engine, what has changed', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  let scene: Stage
  const name = 'shop'
  const [make = '', change = '', kept = ''] = KEPT[actor.engine] ?? []
  const snapshot = async (): Promise<SnapshotView> => {
    const answer = await scene.project.snapshot({ database: name })
    return answer.snapshot ?? expect.fail('no snapshot')
  }
  const names = ({ tables }: DiffAnswer, how: string): readonly string[] =>
    tables.filter((each) => each.how === how).map((each) => each.name)
  let first: SnapshotView
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name, engine: actor.engine })
    await scene.project.start([name])
    await actor.fill(scene.project, name)
    await actor.run(scene.project, name, make)
    first = await snapshot()
  })
  afterAll(() => scene.close())

  it('is nothing where nothing has, also down to the rows', async () => {
    const quick = await scene.project.diff({ before: name })
    expect(quick).toMatchObject({ different: false, tables: [], objects: [], counts: [], rowsCompared: false })
    expect(quick.sameTables).toBeGreaterThan(1)
    expect(quick.before).toMatchObject({ database: name, restoredAside: false, snapshot: { id: first.id } })
    expect(quick.after).toMatchObject({ database: name, snapshot: null })
    const whole = await scene.project.diff({ before: first.id.slice(0, 8), data: true })
    expect(whole).toMatchObject({ different: false, tables: [], rowsCompared: true, sameTables: quick.sameTables })
    expect(whole.before.restoredAside).toBe(true)
  })

  it('is found in rows that were changed in their place, but only when rows are compared', async () => {
    await actor.run(scene.project, name, change)
    expect(await scene.project.diff({ before: name })).toMatchObject({ different: false })
    const answer = await scene.project.diff({ before: `${name}@latest`, after: name, data: true })
    expect(answer.tables).toMatchObject([{ name: kept, how: 'changed', content: 'different', columns: [], parts: [] }])
    expect(answer).toMatchObject({ different: true, objects: [] })
  })

  it('is told of two snapshots with the database stopped, and the other way round', async () => {
    await actor.damage(scene.project, name)
    const second = await snapshot()
    const live = await scene.project.diff({ before: first.id, after: name })
    await scene.project.stop([name])
    const there = await scene.project.diff({ before: first.path, after: `${name}@latest` })
    expect(there.tables).toEqual(live.tables)
    expect(there.objects).toEqual(live.objects)
    const back = await scene.project.diff({ before: second.id, after: first.id })
    expect([names(there, 'added'), names(there, 'removed')]).toEqual([names(back, 'removed'), names(back, 'added')])
    expect(there.tables.some(({ rows }) => (rows.after ?? 0) < (rows.before ?? 0))).toBe(true)
    if (actor.engine !== 'redis') {
      expect(names(there, 'added')).toEqual([kept.replace('kept', 'wreck')])
      expect(names(there, 'removed')).toHaveLength(1)
    }
    if (actor.servers > 0) await expect(scene.project.diff({ before: name })).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await scene.project.start([name])
  })

  it('is the same when the manifest does not tell, as one of an older version: then it is restored aside and asked', async () => {
    const path = first.path.replace(/\.[a-z]+$/, '.json')
    const written = await readFile(path, 'utf8')
    const manifest = JSON.parse(written) as Record<string, unknown>
    expect(manifest['outline']).toMatch(/^[A-Za-z0-9+/]+=*$/)
    const known = await scene.project.diff({ before: first.id, after: name })
    const { outline: _, ...older } = manifest
    await writeFile(path, JSON.stringify(older))
    const asked = await scene.project.diff({ before: first.id, after: name })
    expect(asked.before.restoredAside).toBe(true)
    expect(asked.tables).toEqual(known.tables)
    expect(asked.objects).toEqual(known.objects)
    await writeFile(path, JSON.stringify({ ...manifest, outline: 'H4sIAAAA' }))
    await expect(scene.project.diff({ before: first.id })).rejects.toMatchObject({ code: 'CORRUPT' })
    await writeFile(path, written)
  })

  it('of a file without a manifest can be asked too', async () => {
    const elsewhere = first.path.replace('snapshots/', 'snapshots/by-hand-')
    await rename(first.path.replace(/\.[a-z]+$/, '.json'), `${first.path}.aside`)
    await rename(first.path, elsewhere)
    await expect(scene.project.diff({ before: elsewhere, after: name })).rejects.toMatchObject({ code: 'USAGE' })
    const answer = await scene.project.diff({ before: elsewhere, after: name, engine: actor.engine })
    expect(answer.before).toMatchObject({ restoredAside: true, snapshot: { foreign: true } })
    expect(answer.different).toBe(true)
    await rename(elsewhere, first.path)
    await rename(`${first.path}.aside`, first.path.replace(/\.[a-z]+$/, '.json'))
  })

  it('cannot be told of different engines, or of what is not there', async () => {
    const other = actor.engine === 'sqlite' ? undefined : 'sqlite'
    if (other !== undefined) {
      await scene.project.init({ name: 'other', engine: other, existsOk: true })
      await expect(scene.project.diff({ before: name, after: 'other' })).rejects.toMatchObject({ code: 'CONFLICT' })
    }
    await expect(scene.project.diff({ before: 'nothing' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(scene.project.diff({ before: 'nothing@latest' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
