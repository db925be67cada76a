// A disk that is full: a small tmpfs, in a snapshot and in a restore. An error of its own, and everything as it was.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { heavy } from './acts.ts'
import { mayMount, smallDisk, type SmallDisk } from './small-disk.ts'
import { stageIn, type Stage } from './stage.ts'

let scene: Stage | undefined
let disk: SmallDisk | undefined
afterEach(async () => {
  await scene?.close().catch(() => {}) // the mount point itself cannot be removed while it is mounted
  scene = undefined
  await disk?.close()
  disk = undefined
})

describe.each(heavy)('$engine as $format, on a full disk', (actor) => {
  const reason = actor.missing ?? (mayMount ? undefined : 'no file system can be mounted here')
  if (reason !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${reason}`, () => {})
  if (!mayMount) return it.skip('is tried: no file system can be mounted here, not even in CI', () => {})

  it('a snapshot fails, says so, and leaves nothing', async () => {
    disk = await smallDisk('4m')
    const small = disk.place
    scene = await stageIn(await mkdtemp(join(tmpdir(), 'hayai-disk-project-')))
    await scene.project.init({ name: 'shop', engine: actor.engine })
    await scene.project.start(['shop'])
    await actor.ballast(scene.project, 'shop', 12)
    const before = await actor.dump(scene.project, 'shop')
    for (const compression of ['none', 'gzip']) {
      await expect(scene.project.snapshot({ database: 'shop', format: actor.format, output: small, compression })).rejects.toMatchObject({
        code: 'STORE_FAILED',
      })
      expect(await readdir(small)).toEqual([])
    }
    expect(await scene.project.snapshots({ folder: small })).toEqual([])
    expect(await actor.dump(scene.project, 'shop')).toBe(before)
  })

  it('a restore fails, says so, and leaves the live database as it was', async () => {
    disk = await smallDisk(`${actor.disk.megabytes}m`)
    const small = disk.place
    scene = await stageIn(small)
    await scene.project.init({ name: 'shop', engine: actor.engine })
    await scene.project.start(['shop'])
    await actor.ballast(scene.project, 'shop', 20)
    const elsewhere = disk.beside
    await scene.project.snapshot({ database: 'shop', format: actor.format, output: elsewhere })
    const [snapshot] = await scene.project.snapshots({ folder: elsewhere })
    await actor.halve(scene.project, 'shop')
    const before = await actor.dump(scene.project, 'shop')
    const filler = join(small, 'filler')
    fill(filler, small, actor.disk.enough * 1024)
    await expect(scene.project.restore({ reference: snapshot?.path ?? '' })).rejects.toMatchObject({
      code: expect.stringMatching(/STORE_FAILED|TOOL_FAILED/) as string,
    })
    await rm(filler)
    expect(await actor.dump(scene.project, 'shop')).toBe(before)
    await scene.project.restore({ reference: snapshot?.path ?? '' })
    expect(await actor.weight(scene.project, 'shop')).toBe(20_000)
  })
})

/** Takes the disk's space but for so many KiB: enough for the first looks, too little for the rows. */
function fill(file: string, place: string, leave: number): void {
  const free = Number(execFileSync('df', ['--output=avail', '-k', place], { encoding: 'utf8' }).split('\n')[1])
  execFileSync('fallocate', ['-l', `${Math.max(1, free - leave)}K`, file])
}
