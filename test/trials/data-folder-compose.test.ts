// The same engines in containers: their folder is packed by Docker while the container is stopped, and counted before and after.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWith } from '../../src/core/open.ts'
import type { SnapshotView } from '../../src/index.ts'
import { parts } from '../../src/parts.ts'
import { composeRuntime } from '../../src/runtimes/compose.ts'
import { docker, image, noDocker } from '../runtimes/compose/docker.ts'
import { folderActors, portableJourney } from './data-folder.ts'
import { sh, stage, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

const DOOMED = bundled('test/trials/doomed-at-rest.ts')
const IMAGES = { etcd: image('etcd'), influxdb1: image('influxdb'), victoriametrics: image('victoria-metrics') }

describe.each(folderActors)('$engine in a container', (actor) => {
  const reason = actor.missing ?? noDocker
  if (reason !== undefined) return it.skip(`is tried: ${reason}`, () => {})

  const name = 'shop'
  let scene: Stage
  let before = ''
  let snapshot: SnapshotView
  const dump = async (database = name): Promise<string> => actor.dump((await scene.project.connect(database)).port ?? 0)
  beforeAll(async () => {
    scene = await stage('hayai-trial-folder-')
    const entry = `{ engine: ${actor.engine}, runtime: compose, image: "${IMAGES[actor.engine]}" }`
    await writeFile(join(scene.root, '.hayaidb'), `databases:\n  ${name}: ${entry}\n  copy: ${entry}\n`)
    await scene.project.init({ name, engine: actor.engine })
    await scene.project.start([name])
    await actor.fill((await scene.project.connect(name)).port ?? 0)
    before = await dump()
  })
  afterAll(async () => {
    for (const { name: each } of await scene.project.list()) await scene.project.remove(each)
    const label = ['--filter', 'label=org.hayai.database', '--format', '{{.Names}}']
    expect(
      docker('ps', ...label)
        .split('\n')
        .filter((line) => line.includes(scene.root.split('/').at(-1) ?? '')),
    ).toEqual([])
    await scene.close()
  })

  it('is a compressed tar of all of it, counted, and runs again right after', async () => {
    const answer = await scene.project.snapshot({ database: name })
    if (answer.snapshot === null) throw new Error('no snapshot')
    snapshot = answer.snapshot
    expect(snapshot.path).toMatch(/\.tar\.gz$/)
    expect(snapshot.manifest?.census).toMatchObject({ tables: actor.tables })
    expect(snapshot.manifest?.census.moving).toBeUndefined()
    expect((await scene.project.list())[0]?.status).toBe('running')
    expect(await dump()).toBe(before)
  })

  it('comes back after damage, and the damage after that', async () => {
    await actor.damage((await scene.project.connect(name)).port ?? 0)
    const damaged = await dump()
    expect(damaged).not.toBe(before)
    await scene.project.restore({ reference: name, latest: true })
    expect(await dump()).toBe(before)
    await scene.project.undo(name)
    expect(await dump()).toBe(damaged)
    await scene.project.redo(name)
    expect(await dump()).toBe(before)
  })

  it('is proven aside, and cloned', async () => {
    expect((await scene.project.verify({ reference: snapshot.id })).ok).toBe(true)
    await scene.project.clone({ from: name, to: 'copy' })
    expect(await dump('copy')).toBe(before)
    await scene.project.stop(['copy'])
  })

  const portable = actor.engine === 'influxdb1' ? it : it.skip
  portable('is taken by its own backup while it runs, and restored, counted before and after', async () => {
    await portableJourney(scene.project, name, dump, async () => actor.damage((await scene.project.connect(name)).port ?? 0))
    await scene.project.restore({ reference: snapshot.id })
    expect(await dump()).toBe(before)
  })

  // How it is brought back is the same for all of them.
  const forOne = actor.engine === 'etcd' ? it : it.skip
  forOne('runs again by the next command, when the one that stopped it was killed', async () => {
    const child = spawn(process.execPath, [DOOMED, scene.root, name], { stdio: ['ignore', 'ignore', 'inherit'] })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    expect((await scene.project.list()).find((each) => each.name === name)?.status).toBe('stopped')
    await scene.project.start([name])
    expect(await dump()).toBe(before)
    expect(sh('find', [join(scene.root, '.hayai'), '-name', '*.partial'])).toBe('')
  })

  forOne('runs again when it was interrupted, and nothing is left of the copy', async () => {
    const stop = new AbortController()
    const at = (moment: string): void => void (moment === 'at rest' && stop.abort())
    const hurried = await openWith({ ...parts, runtimes: { ...parts.runtimes, compose: composeRuntime({ at }) } }, { cwd: scene.root })
    await expect(hurried.snapshot({ database: name }, { signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(await dump()).toBe(before)
    expect(sh('find', [join(scene.root, '.hayai'), '-name', '*.partial'])).toBe('')
  })
})
