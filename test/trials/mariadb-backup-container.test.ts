// MariaDB's physical format in a container: its program works in a container beside the server's, of which nothing is left.

import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker, labelled, noDocker } from '../runtimes/compose/docker.ts'
import { mariadb } from './mariadb.ts'
import { containersOf, stage, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

describe('mariadb as a physical copy, in a container', { timeout: 120_000 }, () => {
  const missing = mariadb.missing ?? noDocker
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  let server = ''
  let label = ''
  let before: readonly string[] = []
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'mariadb', runtime: 'compose', version: '10.11' })
    await scene.project.start(['shop'])
    await mariadb.fill(scene.project, 'shop')
    server = containersOf(scene.root)[0] ?? ''
    label = `org.hayai.database=${docker('inspect', '--format', '{{index .Config.Labels "org.hayai.database"}}', server)}`
    before = labelled(label)
    expect(before.length).toBeGreaterThan(1)
  })
  afterAll(() => scene.close())

  it('leaves no container and no volume behind, also when it is killed in the middle', async () => {
    const doomed = spawnSync(process.execPath, [bundled('test/trials/doomed.ts'), scene.root, 'snapshot', 'bytes:1', 'shop', 'tar'])
    expect(doomed.signal).toBe('SIGKILL')
    for (let tries = 0; tries < 100 && labelled(label).length > before.length; tries += 1) await sleep(100)
    expect(labelled(label)).toEqual(before)
    await scene.project.snapshot({ database: 'shop', format: 'tar' })
    expect(labelled(label)).toEqual(before)
    expect(await scene.project.snapshots()).toHaveLength(1)
  })

  it('is made of a container that others made, and verified', async () => {
    const other = await stage()
    try {
      await other.project.init({ name: 'theirs', engine: 'mariadb', container: server })
      const { snapshot } = await other.project.snapshot({ database: 'theirs', format: 'tar' })
      expect(await other.project.verify({ reference: snapshot?.id ?? '' })).toMatchObject({ ok: true })
      expect(labelled(label)).toEqual(before)
    } finally {
      await other.close()
    }
  })
})
