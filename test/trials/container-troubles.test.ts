// What happens to containers while something is done with them: killed in the middle, a port that somebody takes, a volume that is full.

import { createServer, type Server } from 'node:net'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Progress } from '../../src/index.ts'
import { docker, labelled, noDocker } from '../runtimes/compose/docker.ts'
import { postgresql } from './cast.ts'
import { containersOf, stage, type Stage } from './stage.ts'

const missing = noDocker ?? postgresql.missing

describe('troubles of containers', { timeout: 120_000 }, () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  let scene: Stage
  let good = ''
  let container = ''
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'postgresql', runtime: 'compose', version: '15' })
    await scene.project.start(['shop'])
    await postgresql.fill(scene.project, 'shop')
    good = await postgresql.dump(scene.project, 'shop')
    container = containersOf(scene.root)[0] ?? ''
  })
  afterAll(() => scene.close())

  /** Does it once, when that stage begins. */
  function when(stage: string, act: () => void) {
    let done = false
    const onProgress = (progress: Progress): void => {
      if (done || progress.stage !== stage) return
      done = true
      act()
    }
    return { onProgress }
  }

  const labelOf = (name: string): string => docker('inspect', '--format', `{{index .Config.Labels "org.hayai.${name}"}}`, container)

  it('a server that is killed in the middle of a snapshot leaves none, and has all its rows when it runs again', async () => {
    const killed = when('dumping', () => docker('kill', container))
    await expect(scene.project.snapshot({ database: 'shop' }, killed)).rejects.toMatchObject({
      code: expect.stringMatching(/TOOL_FAILED|WRONG_STATE/) as string,
    })
    expect(await scene.project.snapshots()).toEqual([])
    expect(await scene.project.list()).toMatchObject([{ name: 'shop', status: 'stopped' }])
    await scene.project.start(['shop'])
    expect(await postgresql.dump(scene.project, 'shop')).toBe(good)
    await scene.project.snapshot({ database: 'shop' })
  })

  it('a volume that is full fails a restore with the words of the server, and is taken away; the live data stays', async () => {
    await postgresql.ballast(scene.project, 'shop', 30)
    const full = await postgresql.dump(scene.project, 'shop')
    await scene.project.snapshot({ database: 'shop', tags: ['heavy'] })
    // The name that the next volume would have is taken, and the one that it has instead is small.
    const { name, mark } = JSON.parse(readFileSync(join(scene.root, '.hayai/compose/project.json'), 'utf8')) as {
      name: string
      mark: string
    }
    const [id, base] = [labelOf('database'), `${name}_shop-g0002`]
    docker('volume', 'create', base)
    const labels = [`project=${mark}`, `database=${id}`, 'generation=g0002'].flatMap((each) => ['--label', `org.hayai.${each}`])
    const small = ['type=tmpfs', 'device=tmpfs', 'o=size=64m'].flatMap((each) => ['--opt', each])
    docker('volume', 'create', ...labels, ...small, `${base}-${id.slice(-8)}`)
    const before = labelled(`org.hayai.database=${id}`).filter((each) => !each.includes('g0002'))
    try {
      await expect(scene.project.restore({ reference: 'shop', latest: true })).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringContaining('No space left on device') as string,
      })
    } finally {
      docker('volume', 'rm', base)
    }
    expect(labelled(`org.hayai.database=${id}`)).toEqual(before)
    expect(await postgresql.dump(scene.project, 'shop')).toBe(full)
  })

  it('a port that is taken while a restore switches is told; with the port come the data of before', async () => {
    await postgresql.run(scene.project, 'shop', 'DROP TABLE ballast')
    await scene.project.snapshot({ database: 'shop' })
    await postgresql.damage(scene.project, 'shop')
    const damaged = await postgresql.dump(scene.project, 'shop')
    const { port } = await scene.project.connect('shop')
    let thief: Server | undefined
    const steal = (): void => {
      const server = createServer()
      server.once('error', () => setTimeout(steal, 5))
      server.listen(port ?? 0, '127.0.0.1', () => (thief = server))
    }
    await expect(scene.project.restore({ reference: 'shop', latest: true }, when('switching', steal))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`taken by process ${process.pid}`) as string,
    })
    expect(await scene.project.list()).toMatchObject([{ name: 'shop', status: 'stopped' }])
    await new Promise((resolve) => thief?.close(resolve) ?? resolve(undefined))
    await scene.project.start(['shop'])
    expect(await postgresql.dump(scene.project, 'shop')).toBe(damaged)
    await scene.project.restore({ reference: 'shop', latest: true })
    expect(await postgresql.dump(scene.project, 'shop')).toBe(good)
  })
})
