// A command of the compose runtime killed at each moment that leaves something different behind; then the next command.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Moment } from '../../src/runtimes/compose/home.ts'
import type { Placement } from '../../src/runtimes/runtime.ts'
import { docker, labelled, noDocker } from './compose/docker.ts'
import { composeText, fill, identityOf, made, nothing, rows, started, type Made } from './compose/ground.ts'
import { never } from './native/tiny.ts'
import { bundled } from '../programs.ts'

const script = bundled('test/runtimes/compose/command.ts')

async function command({ root, placement }: { root: string; placement: Placement }, verb: string, moment: Moment | '-', time = 1) {
  const child = spawn(process.execPath, [script, root, String(placement.port), verb, moment, String(time)], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (words: string) => (said += words))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, said }
}

async function killed(all: Made, verb: string, moment: Moment, time = 1): Promise<void> {
  const { signal, said, code } = await command(all, verb, moment, time)
  expect(signal, `it was to die at "${moment}", and ended with ${code}: ${said}`).toBe('SIGKILL')
}

/** One container at most, a volume for each generation, and no folder that is not one; the file tells the live one. */
async function expectOrder(all: Made): Promise<void> {
  const { name, mark } = identityOf(all.root)
  const generations = await all.site.generations()
  const volumes = generations.map((generation) => `${name}_mydb-${generation.name}`)
  expect(labelled(`org.hayai.project=${mark}`).filter((each) => each !== `${name}-mydb-1`)).toEqual(
    [...volumes, `${name}_hayai`].toSorted(),
  )
  expect(readdirSync(all.placement.dataDir).toSorted()).toEqual([...generations.map((generation) => generation.name), 'generations.json'])
  const live = generations.find((generation) => generation.live)?.name
  if (live !== undefined) expect(composeText(all.root)).toContain(`name: "${name}_mydb-${live}"`)
}

const restoring: readonly (readonly [Moment, number, 'old' | 'new'])[] = [
  ['folder made', 1, 'old'],
  ['volume made', 1, 'old'],
  ['container made', 1, 'old'],
  ['container started', 1, 'old'],
  ['twin stopped', 1, 'old'],
  ['twin durable', 1, 'old'],
  ['switch announced', 1, 'old'],
  ['live stopped', 1, 'old'],
  ['switched', 1, 'new'],
  ['service written', 1, 'new'],
  ['container started', 2, 'new'],
  ['live started', 1, 'new'],
  ['switch done', 1, 'new'],
]

describe.skipIf(noDocker !== undefined && process.env['CI'] === undefined)(
  `in containers${noDocker === undefined ? '' : ` (${noDocker})`}`,
  { timeout: 240_000 },
  () => {
    test('a restore of a running database that is killed leaves what was there or what was restored, running', async () => {
      const all = await started()
      await fill(all, 'old')
      for (const [moment, time, expected] of restoring) {
        await killed(all, 'restore', moment, time)
        await all.site.recover()
        expect(await all.site.status(), moment).toBe('running')
        expect(await rows(all), moment).toEqual([expected])
        await expectOrder(all)
        if (expected === 'new') await all.site.switchTo('g0001')
        for (const { name, live } of await all.site.generations()) if (!live) await all.site.drop(name)
      }
      await killed(all, 'restore', 'switch announced')
      expect(await command(all, 'restore', '-')).toMatchObject({ code: 0, said: '' })
      expect(await rows(all)).toEqual(['new'])
    }, 900_000)

    test.each([
      ['twin durable', 'old'],
      ['switched', 'new'],
    ] as const)(
      'a restore of a stopped database that is killed at "%s" leaves it stopped, with one or the other: %s',
      async (moment, expected) => {
        const all = await started()
        await fill(all, 'old')
        await all.site.stop()
        await killed(all, 'restore', moment)
        await all.site.recover()
        expect(await all.site.status()).toBe('stopped')
        await expectOrder(all)
        await all.site.start(never)
        expect(await rows(all)).toEqual([expected])
      },
    )

    test.each(['folder made', 'volume made', 'container started', 'switched'] as const)(
      'a creation that is killed at "%s" is whole, or was never there',
      async (moment) => {
        const all = await nothing()
        await killed(all, 'create', moment)
        await all.site.recover()
        if (moment !== 'switched') {
          expect(await all.site.status()).toBe('missing')
          expect(readdirSync(all.placement.dataDir)).toEqual([])
          await all.site.create()
        }
        await all.site.start(never)
        await expectOrder(all)
      },
    )

    test('a drop that is killed has happened, or has not', async () => {
      const all = await made()
      expect(await command(all, 'restore', '-')).toMatchObject({ code: 0, said: '' })
      await all.site.switchTo('g0001')
      await killed(all, 'drop', 'drop announced')
      await all.site.recover()
      expect(await all.site.generations()).toHaveLength(2)
      await expectOrder(all)
      await killed(all, 'drop', 'dropped')
      await all.site.recover()
      expect(await all.site.generations()).toHaveLength(1)
      await expectOrder(all)
    })

    test('a container that is killed while a twin is filled is told, and the live one stays', async () => {
      const all = await started()
      await fill(all, 'old')
      const twin = await all.site.twin()
      await twin.wake(never)
      const { mark } = identityOf(all.root)
      for (const name of labelled(`org.hayai.project=${mark}`).filter((each) => each.includes('g0002') && !each.includes('_')))
        docker('kill', name)
      await expect(twin.swap('x')).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      await twin.close()
      expect(await rows(all)).toEqual(['old'])
      await expectOrder(all)
    })
  },
)
