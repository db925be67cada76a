// Living with snapshots, the same for every engine: named, pinned, deleted and had back, handed to a colleague, and always to be
// found under the name of the newest.

import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProject, type SnapshotView } from '../../src/index.ts'
import { cast } from './cast.ts'
import { sh, stage, stageIn, type Stage } from './stage.ts'

describe.each(cast)('$engine, living with snapshots', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  let scene: Stage
  let before = ''
  const name = 'shop'
  const folder = (): string => join(scene.root, 'snapshots')
  const latestNames = async (): Promise<readonly string[]> => (await readdir(folder())).filter((each) => each.includes('-latest'))
  const take = async (compression?: string): Promise<SnapshotView> => {
    const { snapshot, latest } = await scene.project.snapshot({ database: name, ...(compression !== undefined && { compression }) })
    if (snapshot === null) throw new Error('no snapshot')
    expect(latest?.obstacle).toBeNull()
    return snapshot
  }
  const sameAs = async ({ path }: SnapshotView): Promise<void> => {
    const [latest = '', ...more] = await latestNames()
    expect(more).toEqual([])
    expect((await readFile(join(folder(), latest))).equals(await readFile(path))).toBe(true)
  }
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name, engine: actor.engine })
    await scene.project.start([name])
    await actor.fill(scene.project, name)
    before = await actor.dump(scene.project, name)
  })
  afterAll(() => scene.close())

  it('the newest has a name that is always the same, and lists do not show twice', async () => {
    const first = await take()
    await sameAs(first)
    expect(await latestNames()).toEqual([`shop-snapshot-latest${first.path.slice(first.path.lastIndexOf('.'))}`])
    expect(await scene.project.snapshots()).toHaveLength(1)
    const second = await take('gzip')
    await sameAs(second)
    expect((await latestNames())[0]).toMatch(/^shop-snapshot-latest\.(sql|db|rdb)\.gz$/)
    expect((await scene.project.snapshots()).map(({ id }) => id)).toEqual([second.id, first.id])
    expect((await scene.project.showSnapshot({ reference: (await latestNames())[0] ?? '' })).id).toBe(second.id)
    expect((await scene.project.showSnapshot({ reference: join(folder(), (await latestNames())[0] ?? '') })).id).toBe(second.id)
    const { deleted } = await scene.project.deleteSnapshots({ references: [second.id] })
    expect(deleted.map(({ id }) => id)).toEqual([second.id])
    await sameAs(first)
    expect((await scene.project.undo()).what).toBe('undeleted')
    await sameAs(second)
  })

  it('a renamed one is restored by its new name, and by hand lines that name it', async () => {
    const { id, path, manifest } = await take()
    const { snapshot } = await scene.project.renameSnapshot({ reference: id, name: 'before-the-migration' })
    expect(basename(snapshot.path)).toBe(`before-the-migration${path.slice(path.lastIndexOf('.'))}`)
    expect(snapshot.manifest?.byHand).toEqual(
      manifest?.byHand.map((line) => line.replaceAll(/shop-snapshot-[-0-9TZ]+/g, 'before-the-migration')),
    )
    await sameAs(snapshot)
    await actor.damage(scene.project, name)
    await scene.project.restore({ reference: 'before-the-migration' })
    expect(await actor.dump(scene.project, name)).toBe(before)
    await expect(scene.project.renameSnapshot({ reference: id, name: '../out' })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(scene.project.renameSnapshot({ reference: id, name: 'shop-snapshot-latest' })).rejects.toMatchObject({ code: 'USAGE' })
    const other = await take()
    await expect(scene.project.renameSnapshot({ reference: other.id, name: 'before-the-migration' })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
  })

  it('what was deleted comes back, and is restored', async () => {
    const { id } = await take()
    await scene.project.annotateSnapshot({ reference: id, pinned: true, addTags: ['release'] })
    await expect(scene.project.deleteSnapshots({ references: [id] })).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await scene.project.annotateSnapshot({ reference: id, pinned: false })
    const { undo } = await scene.project.deleteSnapshots({ references: [id] })
    await expect(scene.project.restore({ reference: id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await scene.project.deletedSnapshots()).map((each) => each.id)).toContain(id)
    const [, deletion = ''] = /^hayai snapshot undelete ([0-9a-f]{8})$/.exec(undo ?? '') ?? []
    const { returned } = await scene.project.undeleteSnapshots({ references: [deletion] })
    expect(returned).toMatchObject([{ id, tags: ['release'] }])
    await actor.damage(scene.project, name)
    await scene.project.restore({ reference: id })
    expect(await actor.dump(scene.project, name)).toBe(before)
    expect(await scene.project.deletedSnapshots()).toEqual([])
  })

  it('a folder that is not there is not an empty one', async () => {
    await expect(scene.project.snapshots({ folder: join(scene.root, 'nowhere') })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('a tag is one word from the beginning on', async () => {
    for (const tag of ['two words', '#one', 'a,b', ''])
      await expect(scene.project.snapshot({ database: name, tags: [tag], dryRun: true }), tag).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('what many say of it at once is all kept', async () => {
    const { id } = await take()
    const tags = Array.from({ length: 12 }, (_, number) => `tag-${number}`)
    const projects = await Promise.all(tags.map(() => openProject({ cwd: scene.root })))
    await Promise.all(projects.map((project, number) => project.annotateSnapshot({ reference: id, addTags: [tags[number] ?? ''] })))
    expect((await scene.project.showSnapshot({ reference: id })).tags.toSorted()).toEqual(tags.toSorted())
  })

  it('one that fails its verification is not the newest whole one any more', async () => {
    const [good] = await scene.project.snapshots()
    const spoilt = await take()
    const content = await readFile(spoilt.path)
    await writeFile(spoilt.path, flipped(content))
    expect((await scene.project.verify({ reference: spoilt.id })).ok).toBe(false)
    if (good === undefined) throw new Error('no snapshots')
    await sameAs(good)
    const { verdicts } = await scene.project.prune({ policy: { last: 1 }, dryRun: true })
    expect(verdicts.find(({ snapshot }) => snapshot.id === spoilt.id)).toMatchObject({
      keep: false,
      reasons: ['damaged, or failed its verification'],
    })
    expect(verdicts.find(({ snapshot }) => snapshot.id === good.id)).toMatchObject({ keep: true })
    await scene.project.deleteSnapshots({ references: [spoilt.id] })
  })

  it('a colleague who has no such database imports it and restores it', async () => {
    const { id } = await take('zstd')
    const parcel = join(scene.root, 'for-ana.tar')
    await scene.project.exportSnapshot({ reference: id, file: parcel })
    const unpacked = join(scene.root, 'unpacked')
    await mkdir(unpacked)
    sh('tar', ['-xf', parcel, '-C', unpacked])
    const endings = (await readdir(unpacked)).map((each) => each.slice(each.lastIndexOf('.')))
    expect(endings.toSorted()).toEqual(['.json', '.zst'])

    const ana = await stage()
    try {
      const { snapshot, imported } = await ana.project.importSnapshot({ file: parcel })
      expect({ id: snapshot.id, imported }).toEqual({ id, imported: true })
      expect(await ana.project.importSnapshot({ file: parcel })).toMatchObject({ imported: false, snapshot: { id } })
      await expect(ana.project.restore({ reference: id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await ana.project.restore({ reference: id, to: 'ours' })
      expect(await actor.dump(ana.project, 'ours')).toBe(before)
    } finally {
      await ana.close()
    }
    const whole = await readFile(parcel)
    const bad = await stageIn(await mkdtemp(join(tmpdir(), 'hayai-trial-')))
    try {
      for (const length of [0, 100, 700, whole.length >> 1, whole.length - 1024, whole.length - 1]) {
        await truncate(parcel, length)
        await expect(bad.project.importSnapshot({ file: parcel }), `cut to ${length}`).rejects.toMatchObject({ code: 'CORRUPT' })
        await writeFile(parcel, whole)
      }
      const flipped = Buffer.from(whole)
      flipped[whole.length - 3000] = (flipped[whole.length - 3000] ?? 0) ^ 1
      await writeFile(parcel, flipped)
      await expect(bad.project.importSnapshot({ file: parcel })).rejects.toMatchObject({ code: 'CORRUPT' })
      await writeFile(parcel, 'CREATE TABLE t (i int);\n'.repeat(100))
      await expect(bad.project.importSnapshot({ file: parcel })).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringContaining('not what `hayai snapshot export` makes') as string,
      })
      expect(await bad.project.snapshots()).toEqual([])
      expect((await readdir(join(bad.root, 'snapshots')).catch(() => [])).filter((each) => !each.endsWith('.partial'))).toEqual([])
    } finally {
      await bad.close()
    }
  })

  it('prune keeps what it must, says why, and can be taken back', async () => {
    const all = await scene.project.snapshots()
    const oldest = all.at(-1)
    if (oldest === undefined) throw new Error('no snapshots')
    await scene.project.annotateSnapshot({ reference: oldest.id, pinned: true })
    const plan = await scene.project.prune({ policy: { last: 1 }, dryRun: true })
    expect(plan.verdicts).toHaveLength(all.length)
    expect(await scene.project.snapshots()).toHaveLength(all.length)
    const { verdicts, deleted, undo } = await scene.project.prune({ policy: { last: 1 } })
    expect(verdicts).toEqual(plan.verdicts)
    expect(verdicts.find(({ snapshot }) => snapshot.id === oldest.id)).toMatchObject({ keep: true, reasons: ['pinned'] })
    expect(verdicts[0]).toMatchObject({ keep: true, reasons: ['the newest whole one', 'the last'] })
    expect(deleted.length).toBe(all.length - 2)
    expect((await scene.project.prune({ policy: { last: 1 } })).deleted).toEqual([])
    await scene.project.undeleteSnapshots({ references: [undo?.split(' ').at(-1) ?? ''] })
    expect(new Set((await scene.project.snapshots()).map(({ id }) => id))).toEqual(new Set(all.map(({ id }) => id)))
    await expect(scene.project.prune({ policy: {} })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('one that is being read is neither deleted nor renamed, and prune keeps it', async () => {
    const [newest, older] = await scene.project.snapshots()
    if (newest === undefined || older === undefined) throw new Error('no snapshots')
    const other = await openProject({ cwd: scene.root })
    const code = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => 'done',
        (error: unknown) => (error as { code: string }).code,
      )
    let meanwhile: Promise<readonly unknown[]> | undefined
    const onProgress = (): void => {
      meanwhile ??= Promise.all([
        code(other.deleteSnapshots({ references: [newest.id, older.id] })),
        code(other.renameSnapshot({ reference: older.id, name: 'elsewhere' })),
        other
          .prune({ policy: { last: 1 }, dryRun: true })
          .then(({ verdicts }) => verdicts.find(({ snapshot }) => snapshot.id === older.id)?.keep),
      ])
    }
    expect((await scene.project.verify({ reference: older.id }, { onProgress })).ok).toBe(true)
    expect(await meanwhile).toEqual(['LOCKED', 'LOCKED', true])
    expect((await scene.project.snapshots()).map(({ id }) => id)).toContain(older.id)
    expect((await scene.project.deletedSnapshots()).map(({ id }) => id)).not.toContain(older.id)
  })

  it('leaves a file or a link alone that a person gave the name', async () => {
    const [latest = ''] = await latestNames()
    const path = join(folder(), latest)
    const ending = latest.slice('shop-snapshot-latest'.length)
    const elsewhere = join(scene.root, `elsewhere${ending}`)
    await writeFile(elsewhere, 'mine')
    await rm(path)
    await writeFile(path, 'mine too')
    const plain = ending.endsWith('.zst') ? 'zstd' : 'none'
    const { latest: first } = await scene.project.snapshot({ database: name, compression: plain })
    expect(first?.obstacle).toContain('left as it is')
    expect(await readFile(path, 'utf8')).toBe('mine too')
    expect((await scene.project.snapshots()).filter(({ foreign }) => foreign).map((each) => basename(each.path))).toEqual([latest])
    await rm(path)
    await symlink(elsewhere, path)
    const { latest: second } = await scene.project.snapshot({ database: name, compression: plain })
    expect(second?.obstacle).toContain('left as it is')
    expect(await readlink(path)).toBe(elsewhere)
    await rm(path)
    const { snapshot, latest: third } = await scene.project.snapshot({ database: name, compression: plain })
    expect(third).toMatchObject({ name: latest, obstacle: null })
    if (snapshot === null) throw new Error('no snapshot')
    await sameAs(snapshot)
    expect((await lstat(path)).isSymbolicLink()).toBe(!snapshot.path.endsWith('.rdb') && !snapshot.path.includes('.rdb.'))
  })
})

function flipped(content: Buffer): Buffer {
  const copy = Buffer.from(content)
  const at = copy.length >> 1
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
