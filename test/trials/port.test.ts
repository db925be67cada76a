// A port that is changed in `.hayaidb` after the database was made.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, lowestPort } from '../../src/base/ports.ts'
import { redis } from './redis.ts'
import { stage, type Stage } from './stage.ts'

describe('a port in .hayaidb', { timeout: 60_000 }, () => {
  if (redis.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${redis.missing}`, () => {})

  let scene: Stage
  let first = 0
  beforeAll(async () => {
    scene = await stage()
    first = await freePort()
    await scene.project.init({ name: 'shop', engine: 'redis', port: first })
    await scene.project.start(['shop'])
    await redis.run(scene.project, 'shop', 'SET kept yes')
  })
  afterAll(() => scene.close())

  async function declare(port: number): Promise<void> {
    const file = join(scene.root, '.hayaidb')
    const lines = await readFile(file, 'utf8')
    await writeFile(file, lines.replace(/port: \d+\n/, `port: ${port}\n`))
    expect(await readFile(file, 'utf8')).toContain(`port: ${port}\n`)
  }

  it('is refused where no server could listen on it, before anything is made', async () => {
    const lowest = await lowestPort()
    if (lowest <= 1) return // everybody may listen everywhere
    const refused = { code: 'ENVIRONMENT', message: expect.stringContaining(`port ${lowest - 1} cannot be had`) as string }
    await expect(scene.project.init({ name: 'low', engine: 'redis', port: lowest - 1 })).rejects.toMatchObject(refused)
    expect((await scene.project.list()).map(({ name }) => name)).toEqual(['shop'])
    await scene.project.stop(['shop'])
    await declare(lowest - 1)
    await expect((await scene.reopen()).start(['shop'])).rejects.toMatchObject(refused)
    await declare(first)
    expect(await (await scene.reopen()).start(['shop'])).toMatchObject([{ port: first, status: 'running' }])
  })

  it('is the database’s from its next start on, and not under its clients', async () => {
    const next = await freePort()
    await declare(next)
    expect(await (await scene.reopen()).start(['shop'])).toMatchObject([{ port: first }])
    await scene.project.stop(['shop'])
    expect(await (await scene.reopen()).start(['shop'])).toMatchObject([{ port: next, status: 'running' }])
    expect(await redis.run(await scene.reopen(), 'shop', 'GET kept')).toContain('yes')
    first = next
  })

  it('that another program has is refused, and the old one stays', async () => {
    await scene.project.init({ name: 'other', engine: 'redis' })
    const [, other] = await scene.project.list()
    await declare(other?.port ?? 0)
    await scene.project.stop(['shop'])
    await expect((await scene.reopen()).start(['shop'])).rejects.toMatchObject({ code: 'CONFLICT' })
    await declare(first)
    expect(await (await scene.reopen()).start(['shop'])).toMatchObject([{ port: first, status: 'running' }])
  })
})
