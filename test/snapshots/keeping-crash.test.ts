// A snapshot that is renamed, thrown away or brought back, killed at each of its steps: it is there once, whole, under one name,
// or it waits in the trash, from where it comes back; never is it in neither place.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/snapshots/manifest.ts'
import { repository } from '../../src/snapshots/repository.ts'
import { bringBack, discards } from '../../src/snapshots/trash.ts'
import { clearUp } from '../../src/snapshots/unfinished.ts'
import { folderStore } from '../../src/stores/folder.ts'
import { draft, dumpOf, options } from './dumps.ts'
import { bundled } from '../programs.ts'

let ground = ''
let manifest: Manifest
beforeAll(async () => {
  ground = await mkdtemp(join(tmpdir(), 'hayai-keeping-'))
  manifest = await repository(folderStore(join(ground, 'model'))).save(draft(), dumpOf('seq 100000'), options())
})
afterAll(() => rm(ground, { recursive: true, force: true }))

async function doomed(folder: string, verb: string, step: number): Promise<boolean> {
  const child = spawn(process.execPath, [bundled('test/snapshots/doomed-keeping.ts'), folder, verb, String(step)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  expect(signal === 'SIGKILL' || (status === 0 && printed === 'survived\n'), `${status} ${signal} ${printed}`).toBe(true)
  return status === 0
}

async function wholeOnes(folder: string): Promise<readonly string[]> {
  const shelf = repository(folderStore(folder))
  const listed = await shelf.list()
  expect(listed.filter(({ kind }) => kind !== 'snapshot')).toEqual([])
  const stems: string[] = []
  for (const each of listed) {
    if (each.kind !== 'snapshot') continue
    expect(each.flaw).toBeUndefined()
    expect(each.manifest.id).toBe(manifest.id)
    await shelf.verifyDigest(each.manifest, () => {}, new AbortController().signal)
    stems.push(each.stem)
  }
  return stems
}

/** Every step at which the verb can be killed, each in a folder of its own. */
async function eachStep(name: string, prepare: (folder: string) => Promise<void>, verb: string, look: (folder: string) => Promise<void>) {
  for (let step = 0; ; step++) {
    const folder = join(ground, `${name}-${step}`)
    await cp(join(ground, 'model'), folder, { recursive: true })
    await prepare(folder)
    const survived = await doomed(folder, verb, step)
    await look(folder)
    if (survived) return step
  }
}

const nothing = (): Promise<void> => Promise.resolve()

describe('killed at any of its steps', () => {
  it('a renaming leaves it under the old name or the new one', async () => {
    const seen = new Set<string>()
    const steps = await eachStep('rename', nothing, 'rename', async (folder) => {
      const before = await wholeOnes(folder)
      expect(before).toHaveLength(1)
      await clearUp(folderStore(folder))
      const after = await wholeOnes(folder)
      expect(after).toEqual(before)
      expect((await readdir(folder)).toSorted()).toEqual([`${after[0]}.json`, `${after[0]}.sql`])
      seen.add(after[0] ?? '')
    })
    expect(steps).toBeGreaterThan(6)
    expect(seen.size).toBe(2)
  })

  it('a deletion leaves it in its place or in the trash', async () => {
    const where = new Set<string>()
    await eachStep('discard', nothing, 'discard', async (folder) => {
      const store = folderStore(folder)
      const before = await wholeOnes(folder)
      await clearUp(store)
      const after = await wholeOnes(folder)
      expect(after).toEqual(before)
      where.add(after.length === 1 ? 'place' : 'trash')
      for (const record of await discards(store)) await bringBack(store, record)
      expect(await wholeOnes(folder)).toHaveLength(1)
      expect(await discards(store)).toEqual([])
      expect((await readdir(join(folder, '.trash')).catch(() => [])).filter((name) => !name.endsWith('.partial'))).toEqual([])
    })
    expect(where.size).toBe(2)
  })

  it('a return from the trash leaves it there or brings it back', async () => {
    const prepare = async (folder: string): Promise<void> => {
      expect(await doomed(folder, 'discard', 1000)).toBe(true)
    }
    await eachStep('back', prepare, 'back', async (folder) => {
      const store = folderStore(folder)
      await clearUp(store)
      const there = (await wholeOnes(folder)).length
      expect(there + (await discards(store)).length).toBeGreaterThan(0)
      for (const record of await discards(store)) await bringBack(store, record)
      expect(await wholeOnes(folder)).toHaveLength(1)
      expect((await readdir(folder)).filter((name) => name.endsWith('.unfinished'))).toEqual([])
    })
  })
})
