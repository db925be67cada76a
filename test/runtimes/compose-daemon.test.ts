// Docker itself is stopped in the middle of things: a Docker of this test's own, so that nobody else's is hurt.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { text } from '../../src/base/bytes.ts'
import type { Progress } from '../../src/index.ts'
import { postgresql } from '../trials/cast.ts'
import { containersOf, stage, type Stage } from '../trials/stage.ts'
import { noDocker } from './compose/docker.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'docker-for-tests.sh')
const missing = noDocker ?? postgresql.missing ?? (process.getuid?.() === 0 ? undefined : 'only root can start another Docker')

describe('Docker that is stopped', { timeout: 300_000 }, () => {
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})

  const folder = mkdtempSync('/tmp/hayai-dockerd-')
  const before = process.env['DOCKER_HOST']
  let scene: Stage
  let good = ''

  const startDocker = (): void => void execFileSync('bash', [SCRIPT, 'start', folder], { stdio: ['ignore', 'pipe', 'pipe'] })
  const stopDocker = (): void => {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    process.kill(pid, 'SIGTERM')
    while (spawnSync('kill', ['-0', String(pid)]).status === 0) spawnSync('sleep', ['0.1'])
  }
  /** Stops it as soon as a stage begins. */
  const stopAt = (stage: string) => {
    let done = false
    return {
      onProgress(progress: Progress) {
        if (done || progress.stage !== stage) return
        done = true
        stopDocker()
      },
    }
  }

  beforeAll(async () => {
    startDocker()
    process.env['DOCKER_HOST'] = `unix://${folder}/docker.sock`
    scene = await stage()
    await scene.project.init({ name: 'shop', engine: 'postgresql', runtime: 'compose', version: '15' })
    await scene.project.start(['shop'])
    await postgresql.fill(scene.project, 'shop')
    good = await postgresql.dump(scene.project, 'shop')
  }, 300_000)
  afterAll(async () => {
    await scene.close()
    execFileSync('bash', [SCRIPT, 'stop', folder], { stdio: 'ignore' })
    rmSync(folder, { recursive: true, force: true })
    if (before === undefined) delete process.env['DOCKER_HOST']
    else process.env['DOCKER_HOST'] = before
  }, 120_000)

  it('in the middle of a snapshot leaves no snapshot, and is said to be stopped', async () => {
    await expect(scene.project.snapshot({ database: 'shop' }, stopAt('dumping'))).rejects.toMatchObject({
      code: expect.stringMatching(/TOOL_FAILED|ENVIRONMENT/) as string,
    })
    expect(await scene.project.snapshots()).toEqual([])
    expect(await scene.project.list()).toMatchObject([{ name: 'shop', status: 'unreachable' }])
    await expect(scene.project.snapshot({ database: 'shop' })).rejects.toMatchObject({ code: 'ENVIRONMENT' })
    await expect(scene.project.logs('shop').then(text)).rejects.toMatchObject({ code: 'ENVIRONMENT' })
    startDocker()
    await scene.project.start(['shop'])
    expect(await postgresql.dump(scene.project, 'shop')).toBe(good)
    await scene.project.snapshot({ database: 'shop' })
    expect(await scene.project.snapshots()).toHaveLength(1)
  })

  it('in the middle of a restore leaves the live data as it was, and nothing beside it', async () => {
    await postgresql.damage(scene.project, 'shop')
    const damaged = await postgresql.dump(scene.project, 'shop')
    await expect(scene.project.restore({ reference: 'shop', latest: true }, stopAt('loading'))).rejects.toMatchObject({
      code: expect.stringMatching(/TOOL_FAILED|ENVIRONMENT/) as string,
    })
    startDocker()
    await scene.project.start(['shop'])
    expect(await postgresql.dump(scene.project, 'shop')).toBe(damaged)
    expect(readdirSync(join(scene.root, '.hayai/data/shop')).toSorted()).toEqual(['g0001', 'generations.json'])
    expect(containersOf(scene.root)).toHaveLength(1)
    await scene.project.restore({ reference: 'shop', latest: true })
    expect(await postgresql.dump(scene.project, 'shop')).toBe(good)
  })
})
