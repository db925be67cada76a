// A snapshot is restorable without Hayai: by the very lines that its manifest gives, with the stock tools.

import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { acts } from './acts.ts'
import { stage, type Stage } from './stage.ts'

describe.each(acts)('$engine as $format, by hand', (actor) => {
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

  // Unpacking is the same for all formats.
  it.each(actor.first ? ['none', 'gzip', 'zstd'] : ['gzip'])('from a snapshot compressed with %s', async (compression) => {
    const { project } = scene
    const bare = async (): Promise<string> => {
      const name = `bare-${compression}`
      await project.init({ name, engine: actor.engine })
      await project.start([name])
      return name
    }
    const output = join(scene.root, compression)
    const { snapshot } = await project.snapshot({ database: 'shop', format: actor.format, compression, output })
    const lines = snapshot?.manifest?.byHand ?? []
    expect(lines.length).toBeGreaterThan(compression === 'none' ? 0 : 1)
    const restored = await actor.byHand(project, bare, lines, dirname(snapshot?.path ?? ''), actor.format)
    expect(restored.trim()).toBe(before.trim())
    expect((await readFile(snapshot?.path ?? '')).length).toBe(snapshot?.bytes)
  })
})
