// A snapshot is restorable without Hayai: by the very lines that its manifest gives, with the stock tools.

import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { acts } from './acts.ts'
import { stage, type Stage } from './stage.ts'

let scene: Stage
afterEach(() => scene.close())

describe.each(acts)('$engine as $format, by hand', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  // Unpacking is the same for all formats.
  it.each(actor.first ? ['none', 'gzip', 'zstd'] : ['gzip'])('from a snapshot compressed with %s', async (compression) => {
    scene = await stage()
    const { project } = scene
    for (const name of ['shop', 'bare']) await project.init({ name, engine: actor.engine })
    await project.start([])
    await actor.fill(project, 'shop')
    const before = await actor.dump(project, 'shop')
    const { snapshot } = await project.snapshot({ database: 'shop', format: actor.format, compression })
    const lines = snapshot?.manifest?.byHand ?? []
    expect(lines.length).toBeGreaterThan(compression === 'none' ? 0 : 1)
    const restored = await actor.byHand(project, 'bare', lines, dirname(snapshot?.path ?? ''), actor.format)
    expect(restored.trim()).toBe(before.trim())
    expect((await readFile(snapshot?.path ?? '')).length).toBe(snapshot?.bytes)
  })
})
