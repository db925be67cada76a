// The whole journey, the same for every engine and each of its formats: declare, fill, snapshot, damage, restore, undo, redo, verify, remove, return.

import { createHash } from 'node:crypto'
import { copyFile, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SnapshotView } from '../../src/index.ts'
import type { Act } from './acts.ts'
import { serversOf, stage, type Stage } from './stage.ts'

const SINGLE = {
  table: {
    make: 'CREATE TABLE single (id integer); INSERT INTO single VALUES (7)',
    change: 'UPDATE single SET id = 8',
    look: 'SELECT id FROM single',
  },
  key: { make: 'SET single 7', change: 'SET single 8', look: 'GET single' },
}

export function goTheJourney(acts: readonly Act[]): void {
  describe.each(acts)('$engine as $format, $where, from init to undo', { timeout: 240_000 }, (actor) => {
    if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

    let scene: Stage
    let before = ''
    let snapshot: SnapshotView
    const name = 'shop'
    const { format } = actor
    beforeAll(async () => {
      scene = await stage()
      await scene.project.init({ name, engine: actor.engine, ...actor.place })
      await scene.project.start([name])
      await actor.fill(scene.project, name)
      before = await actor.dump(scene.project, name)
      expect(before.length).toBeGreaterThan(10_000)
    })
    afterAll(() => scene.close())

    it('takes a snapshot with a manifest, and lists it', async () => {
      const answer = await scene.project.snapshot({ database: name, format, comment: 'before the migration', tags: ['release'] })
      if (answer.snapshot === null) throw new Error('no snapshot')
      snapshot = answer.snapshot
      const bytes = await readFile(snapshot.path)
      expect(snapshot.path).toMatch(/\/snapshots\/shop-snapshot-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.[a-z]+$/)
      expect(snapshot.path.endsWith(actor.extension)).toBe(true)
      expect(snapshot.format).toBe(format)
      expect(snapshot.manifest?.files[0]?.stored.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
      expect(Object.values(snapshot.manifest?.census.tables ?? {}).reduce((sum, rows) => sum + rows, 0)).toBeGreaterThan(1000)
      expect(await scene.project.snapshots()).toMatchObject([
        { id: snapshot.id, database: name, comment: 'before the migration', verified: null },
      ])
      expect((await readdir(join(scene.root, 'snapshots'))).filter((each) => each.startsWith('.'))).toEqual([])
    })

    it('brings everything back after damage, and takes that back again, again and again', async () => {
      await actor.damage(scene.project, name)
      const damaged = await actor.dump(scene.project, name)
      expect(damaged).not.toBe(before)
      const answer = await scene.project.restore({ reference: `${name}@latest` })
      expect(answer.undo).toBe('hayai undo shop')
      expect(await actor.dump(scene.project, name)).toBe(before)
      await scene.project.undo(name)
      expect(await actor.dump(scene.project, name)).toBe(damaged)
      await expect(scene.project.undo(name)).rejects.toMatchObject({ code: 'WRONG_STATE' })
      await scene.project.redo(name)
      expect(await actor.dump(scene.project, name)).toBe(before)
      await scene.project.undo()
      expect(await actor.dump(scene.project, name)).toBe(damaged)
      await scene.project.restore({ reference: snapshot.id.slice(0, 8) })
      expect(await actor.dump(scene.project, name)).toBe(before)
      await scene.project.undo(name)
      await scene.project.redo(name)
      expect(await actor.dump(scene.project, name)).toBe(before)
    })

    it.runIf(actor.whole)('plans without touching anything', async () => {
      const generation = (await scene.project.list())[0]?.generation
      const answer = await scene.project.restore({ reference: snapshot.path, dryRun: true })
      expect(answer).toMatchObject({ dryRun: true, generation: null, database: name })
      expect(answer.plan.length).toBeGreaterThan(2)
      expect(answer.checks.every(({ ok }) => ok)).toBe(true)
      expect((await scene.project.list())[0]?.generation).toBe(generation)
    })

    it('proves a snapshot by restoring it aside, and remembers the verdict', async () => {
      const answer = await scene.project.verify({ reference: snapshot.id })
      expect(answer.ok).toBe(true)
      expect((await scene.project.snapshots())[0]?.verified).toMatchObject({ ok: true })
      expect(await readdir(join(scene.root, '.hayai', 'trials'))).toEqual([])
    })

    it.runIf(actor.whole)('refuses a file that was cut, emptied or changed by one bit, and touches nothing', async () => {
      const good = await readFile(snapshot.path)
      const spoils: readonly [string, () => Promise<void>][] = [
        ['cut', () => truncate(snapshot.path, good.length - 100)],
        ['emptied', () => truncate(snapshot.path, 0)],
        ['flipped', () => writeFile(snapshot.path, flipped(good, Math.floor(good.length / 2)))],
        ['gone', () => rm(snapshot.path)],
      ]
      for (const [how, spoil] of spoils) {
        await spoil()
        await expect(scene.project.restore({ reference: snapshot.id }), how).rejects.toMatchObject({
          code: 'CORRUPT',
          message: expect.stringContaining('is not as it was written') as string,
        })
        if (how !== 'gone') expect((await scene.project.verify({ reference: snapshot.id })).ok, how).toBe(false)
        await writeFile(snapshot.path, good)
      }
      expect(await actor.dump(scene.project, name)).toBe(before)
      expect((await scene.project.verify({ reference: snapshot.id })).ok).toBe(true)
      expect(await readdir(join(scene.root, '.hayai', 'data', name))).not.toContainEqual(expect.stringContaining('partial'))
    })

    it.runIf(actor.whole)('restores compressed snapshots, whatever the file is called', async () => {
      for (const compression of ['gzip', 'zstd']) {
        const { snapshot: packed } = await scene.project.snapshot({
          database: name,
          format,
          compression,
          output: join(scene.root, 'packed'),
        })
        if (packed === null) throw new Error('no snapshot')
        expect(packed.bytes).toBeLessThan(snapshot.bytes / 2)
        await actor.damage(scene.project, name)
        await scene.project.restore({ reference: packed.id.slice(0, 10) })
        expect(await actor.dump(scene.project, name)).toBe(before)
      }
    })

    it.runIf(actor.whole)('restores a foreign file, made by the stock tool, when the engine can be told', async () => {
      const foreign = join(scene.root, `by-hand${snapshot.path.slice(snapshot.path.lastIndexOf('.'))}`)
      await copyFile(snapshot.path, foreign)
      await actor.damage(scene.project, name)
      await expect(scene.project.restore({ reference: foreign })).rejects.toMatchObject({ code: 'USAGE' })
      await scene.project.restore({ reference: foreign, to: name })
      expect(await actor.dump(scene.project, name)).toBe(before)
    })

    it('restores into another database, which it makes', async () => {
      await scene.project.restore({ reference: snapshot.id, to: 'copy' })
      expect(await actor.dump(scene.project, 'copy')).toBe(before)
      await scene.project.stop(['copy'])
      await scene.project.remove('copy')
    })

    it('is removed, and comes back with its rows', async () => {
      await scene.project.remove(name)
      expect(await scene.project.list()).toEqual([])
      await expect(scene.project.connect(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await scene.project.undo(name)
      await scene.project.start([name])
      expect(await actor.dump(scene.project, name)).toBe(before)
      expect(await readFile(join(scene.root, '.hayaidb'), 'utf8')).toContain('shop')
    })

    // On this machine each engine's own tests go into it.
    it.runIf(actor.place.runtime === 'compose' && actor.first)('has a single table or key back, and takes that back', async () => {
      const noun = actor.engine === 'redis' ? 'key' : 'table'
      const { make, change, look } = SINGLE[noun]
      await actor.run(scene.project, name, make)
      const reference = (await scene.project.snapshot({ database: name })).snapshot?.id ?? ''
      await actor.run(scene.project, name, change)
      const changed = await actor.dump(scene.project, name)
      await scene.project.restorePieces({ reference, noun, pieces: [{ name: 'single' }], replace: true })
      expect(await actor.run(scene.project, name, look)).toBe('7')
      await scene.project.undo(name)
      expect(await actor.dump(scene.project, name)).toBe(changed)
      expect(await serversOf(scene.root)).toHaveLength(1)
      if (!actor.whole) return
      await scene.project.redo(name)
      expect(await actor.run(scene.project, name, look)).toBe('7')
    })
  })

  function flipped(content: Buffer, at: number): Buffer {
    const copy = Buffer.from(content)
    copy[at] = (copy[at] ?? 0) ^ 1
    return copy
  }
}
