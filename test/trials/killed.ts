// `kill -9` at each stage of a snapshot, a restore, a clone, an undo and a verification: the next command works, and nothing false is listed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Act } from './acts.ts'
import { serversOf, stage, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

async function doomed(
  root: string,
  verb: string,
  moment: string,
  reference: string,
  format = '',
): Promise<{ signal: string | null; printed: string }> {
  const child = spawn(process.execPath, [bundled('test/trials/doomed.ts'), root, verb, moment, reference, format], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { signal, printed }
}

export function killAtEachStage(acts: readonly Act[]): void {
  describe.each(acts)('$engine as $format, $where, killed', { timeout: 240_000 }, (actor) => {
    if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

    let scene: Stage
    let good = ''
    const name = 'shop'
    const { servers, format } = actor
    const isolated = actor.place.runtime === 'compose' // each stage takes long there; what is the same everywhere is tried here
    beforeAll(async () => {
      scene = await stage()
      await scene.project.init({ name, engine: actor.engine, ...actor.place })
      await scene.project.start([name])
      await actor.fill(scene.project, name)
      good = await actor.dump(scene.project, name)
    })
    afterAll(() => scene.close())

    it.each(actor.whole ? ['connecting', 'dumping', 'bytes:1'] : ['dumping'])(
      'while a snapshot is %s, leaves no snapshot',
      async (moment) => {
        const { signal, printed } = await doomed(scene.root, 'snapshot', moment, name, format)
        expect({ signal, printed }).toEqual({ signal: 'SIGKILL', printed: '' })
        expect(await scene.project.snapshots()).toEqual([])
        expect(await actor.dump(scene.project, name)).toBe(good)
      },
    )

    it('then takes the next snapshot, and sweeps up', async () => {
      await scene.project.snapshot({ database: name, format })
      expect(await scene.project.snapshots()).toHaveLength(1)
      expect((await readdir(join(scene.root, 'snapshots'))).filter((each) => each.startsWith('.'))).toEqual([])
    })

    it.each(actor.whole ? [...(actor.asleep ? [] : ['checking digests']), 'loading', 'counting', 'switching'] : ['loading', 'switching'])(
      'while a restore is %s, leaves the live database as it was',
      async (moment) => {
        await actor.damage(scene.project, name)
        const damaged = await actor.dump(scene.project, name)
        const { signal, printed } = await doomed(scene.root, 'restore', moment, name)
        expect({ signal, printed }).toEqual({ signal: 'SIGKILL', printed: '' })
        expect(await actor.dump(scene.project, name)).toBe(damaged)
        await scene.project.restore({ reference: name, latest: true })
        expect(await actor.dump(scene.project, name)).toBe(good)
        expect(await serversOf(scene.root)).toHaveLength(servers)
        if (isolated && moment !== 'switching') return
        await scene.project.undo(name)
        expect(await actor.dump(scene.project, name)).toBe(damaged)
        await scene.project.redo(name)
      },
    )

    it.runIf(actor.whole).each(isolated ? ['loading'] : ['checking digests', 'loading', 'counting'])(
      'while a verification is %s, leaves nothing running',
      async (moment) => {
        const { signal, printed } = await doomed(scene.root, 'verify', moment, name)
        expect({ signal, printed }).toEqual({ signal: 'SIGKILL', printed: '' })
        expect((await scene.project.verify({ reference: name, latest: true })).ok).toBe(true)
        expect(await serversOf(scene.root)).toHaveLength(servers)
        expect(await readdir(join(scene.root, '.hayai', 'trials'))).toEqual([])
      },
    )

    // A clone and an undo know nothing of the format.
    it.runIf(actor.first && actor.whole).each(isolated ? ['copying', 'switching'] : ['copying', 'counting', 'switching'])(
      'while a clone is %s, leaves the source as it is and the name to be had',
      async (moment) => {
        const { signal, printed } = await doomed(scene.root, 'clone', moment, name)
        expect({ signal, printed }).toEqual({ signal: 'SIGKILL', printed: '' })
        expect(await actor.dump(scene.project, name)).toBe(good)
        await scene.project.clone({ from: name, to: 'branch' })
        expect(await actor.dump(scene.project, 'branch')).toBe(good)
        expect(await serversOf(scene.root)).toHaveLength(2 * servers)
        await scene.project.remove('branch')
      },
    )

    it.runIf(actor.first && actor.whole)('while an undo is switching, leaves one generation or the other', async () => {
      const { signal } = await doomed(scene.root, 'undo', 'switching', name)
      expect(signal).toBe('SIGKILL')
      expect(await actor.dump(scene.project, name)).toBe(good)
      await scene.project.undo(name)
      await scene.project.redo(name)
      expect(await actor.dump(scene.project, name)).toBe(good)
    })
  })
}
