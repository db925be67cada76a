// Engines that are copied as their data folder, at rest: counted before and after snapshot, damage, restore and undo; killed and
// interrupted while their server is stopped; and started by hand on what is in the archive.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync, truncateSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { openWith } from '../../src/core/open.ts'
import type { SnapshotView } from '../../src/index.ts'
import { parts } from '../../src/parts.ts'
import { nativeRuntime } from '../../src/runtimes/native.ts'
import { folderActors, portableJourney } from './data-folder.ts'
import { sh, stage, stageIn, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

const mayMount = (() => {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
const DOOMED = bundled('test/trials/doomed-at-rest.ts')

describe.each(folderActors)('$engine, its folder copied at rest', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  const name = 'shop'
  let scene: Stage
  let before = ''
  let snapshot: SnapshotView
  const portOf = async (database: string): Promise<number> => (await scene.project.connect(database)).port ?? 0
  const dump = async (database = name): Promise<string> => actor.dump(await portOf(database))
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name, engine: actor.engine })
    await scene.project.start([name])
    await actor.fill(await portOf(name))
    before = await dump()
  })
  afterAll(async () => {
    await scene.project.stop([]) // these servers do not work in their folder, by which close() would know them
    await scene.close()
  })

  it('is a compressed tar of all of it, counted, and runs again right after', async () => {
    const answer = await scene.project.snapshot({ database: name })
    if (answer.snapshot === null) throw new Error('no snapshot')
    snapshot = answer.snapshot
    expect(snapshot.path).toMatch(/\/shop-snapshot-[^/]+\.tar\.gz$/)
    expect(snapshot.manifest?.census).toMatchObject({ tables: actor.tables })
    expect(snapshot.manifest?.census.moving).toBeUndefined()
    expect(snapshot.manifest?.notes).toEqual([])
    expect((await scene.project.list())[0]?.status).toBe('running')
    expect(await dump()).toBe(before)
    const owners = sh('tar', ['--numeric-owner', '-tvzf', snapshot.path])
      .split('\n')
      .filter((line) => line !== '')
    const generation = (await scene.project.list())[0]?.generation ?? ''
    const owner = sh('stat', ['-c', '%u/%g', join(scene.root, '.hayai/data', name, generation, 'server')]).trim()
    expect(new Set(owners.map((line) => line.split(/\s+/)[1]))).toEqual(new Set([owner]))
  })

  it('comes back after damage, and the damage after that', async () => {
    await actor.damage(await portOf(name))
    const damaged = await dump()
    expect(damaged).not.toBe(before)
    const { checks } = await scene.project.restore({ reference: name, latest: true })
    expect(checks).toContainEqual({ what: 'census', ok: true, detail: 'every count as in the manifest' })
    expect(await dump()).toBe(before)
    await scene.project.undo(name)
    expect(await dump()).toBe(damaged)
    await scene.project.redo(name)
    expect(await dump()).toBe(before)
  })

  it('is proven aside, cloned, and restored into another, plain too', async () => {
    expect((await scene.project.verify({ reference: snapshot.id })).ok).toBe(true)
    await scene.project.clone({ from: name, to: 'copy' })
    expect(await dump('copy')).toBe(before)
    const { snapshot: plain } = await scene.project.snapshot({ database: 'copy', compression: 'none' })
    expect(plain?.path).toMatch(/\.tar$/)
    await scene.project.restore({ reference: plain?.id ?? '', to: 'third' })
    expect(await dump('third')).toBe(before)
    await scene.project.stop(['copy', 'third'])
    for (const each of ['copy', 'third']) await scene.project.remove(each)
  })

  const portable = actor.engine === 'influxdb1' ? it : it.skip
  portable('is taken by its own backup while it runs, and restored, counted before and after', async () => {
    await portableJourney(scene.project, name, dump, async () => actor.damage(await portOf(name)))
    await scene.project.restore({ reference: snapshot.id })
    expect(await dump()).toBe(before)
  })

  it('is started by hand on what is in the archive, by the lines of the manifest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hayai-by-hand-'))
    const port = await freePort()
    const lines = (snapshot.manifest?.byHand ?? []).map((line) => line.replaceAll('PORT', String(port)))
    const serving = lines.at(-1) ?? ''
    try {
      execFileSync('cp', [snapshot.path, folder])
      for (const line of lines.slice(0, -1)) execFileSync('sh', ['-ec', line], { cwd: folder })
      const at = serving.search(/\S+ *(?:--data-dir|run |-storage)/) // what stands before it are variables
      const server = spawn('sh', ['-c', `${serving.slice(0, at)} exec ${serving.slice(at)}`], { cwd: folder, stdio: 'ignore' })
      const ended = once(server, 'exit')
      try {
        expect(await eventually(() => actor.dump(port))).toBe(before)
      } finally {
        server.kill('SIGTERM')
        await ended
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('runs again by the next command, when the one that stopped it was killed', async () => {
    const child = spawn(process.execPath, [DOOMED, scene.root, name], { stdio: ['ignore', 'ignore', 'inherit'] })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    expect((await scene.project.list())[0]?.status).toBe('stopped')
    const { snapshot: next } = await scene.project.snapshot({ database: name })
    expect(next?.manifest?.census).toMatchObject({ tables: actor.tables })
    expect(await dump()).toBe(before)
    expect(sh('find', [join(scene.root, '.hayai'), '-name', '*.partial'])).toBe('')
  })

  it('runs again when it was interrupted, and nothing is left of the copy', async () => {
    const stop = new AbortController()
    const at = (moment: string): void => void (moment === 'at rest' && stop.abort())
    const hurried = await openWith({ ...parts, runtimes: { ...parts.runtimes, native: nativeRuntime({ at }) } }, { cwd: scene.root })
    const held = (await scene.project.snapshots()).length
    await expect(hurried.snapshot({ database: name }, { signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect((await scene.project.list())[0]?.status).toBe('running')
    expect(await dump()).toBe(before)
    expect(await scene.project.snapshots()).toHaveLength(held)
    expect(sh('find', [join(scene.root, '.hayai'), '-name', '*.partial'])).toBe('')
  })

  it('runs again when something was changed in its folder meanwhile, and the copy fails', async () => {
    const generation = (await scene.project.list())[0]?.generation ?? ''
    const folder = join(scene.root, '.hayai/data', name, generation, 'server')
    const writer = spawn('sh', ['-c', 'while :; do echo x >>"$0"; done', join(folder, 'meddler')], { stdio: 'ignore' })
    const ended = once(writer, 'exit')
    try {
      await expect(scene.project.snapshot({ database: name })).rejects.toMatchObject({ code: 'WRONG_STATE' })
    } finally {
      writer.kill('SIGKILL')
      await ended
      await rm(join(folder, 'meddler'))
    }
    expect(await dump()).toBe(before)
  })

  it('runs again on a disk that became full under the copy, and is not even stopped where that can be seen before', async ({ skip }) => {
    skip(!mayMount, 'no file system can be mounted here')
    const place = await mkdtemp(join(tmpdir(), 'hayai-folder-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', place])
    const small = await stageIn(place)
    try {
      await small.project.init({ name, engine: actor.engine })
      await small.project.start([name])
      const port = (await small.project.connect(name)).port ?? 0
      await actor.fill(port)
      const content = await actor.dump(port)
      const filler = join(place, 'filler')
      const fill = (): void => {
        try {
          execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M'], { stdio: 'ignore' })
        } catch {
          truncateSync(filler, Math.max(0, statSync(filler).size - 1024 * 1024)) // it is full now, but for what a server needs to write a note
        }
      }
      const at = (moment: string): void => void (moment === 'at rest' && fill())
      const hurried = await openWith({ ...parts, runtimes: { ...parts.runtimes, native: nativeRuntime({ at }) } }, { cwd: place })
      const generation = (await small.project.list())[0]?.generation ?? ''
      execFileSync('sh', [
        '-c',
        'head -c 20000000 /dev/zero | tr "\\0" x >"$0"',
        join(place, '.hayai/data', name, generation, 'server', 'ballast'),
      ])
      await expect(hurried.snapshot({ database: name, output: join(scene.root, 'elsewhere') })).rejects.toMatchObject({
        code: 'STORE_FAILED',
      })
      expect(await actor.dump(port)).toBe(content)
      const stops = sh('sh', ['-c', 'ls -i "$0"/.hayai/run/shop/server.json', place])
      await expect(small.project.snapshot({ database: name, output: join(scene.root, 'elsewhere') })).rejects.toMatchObject({
        code: 'STORE_FAILED',
      })
      expect(sh('sh', ['-c', 'ls -i "$0"/.hayai/run/shop/server.json', place])).toBe(stops)
      await rm(filler)
      const { snapshot: whole } = await small.project.snapshot({ database: name, output: join(scene.root, 'elsewhere') })
      expect(whole?.manifest?.census).toMatchObject({ tables: actor.tables })
    } finally {
      await small.project.stop([name])
      execFileSync('umount', ['-l', place])
      await rm(place, { recursive: true, force: true })
    }
  })

  it('refuses an archive that leads out of the folder, and touches nothing', async () => {
    const evil = join(scene.root, 'evil.tar')
    execFileSync('sh', ['-ec', 'mkdir e && ln -s /etc e/l && tar -cf evil.tar -C e . && rm -r e'], { cwd: scene.root })
    await expect(scene.project.restore({ reference: evil, to: name, engine: actor.engine })).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('/etc') as string,
    })
    expect(await dump()).toBe(before)
  })
})

async function eventually(look: () => Promise<string>): Promise<string> {
  for (let left = 100; ; left -= 1) {
    try {
      return await look()
    } catch (error) {
      if (left === 0) throw error
      await sleep(100)
    }
  }
}
