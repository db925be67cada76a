// A restore, an undo or a redo in an adopted container that is killed at each moment that leaves something different behind; then the
// next command. What is in the middle of the renames is tried by adopted-scripts.test.ts.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import type { Moment } from '../../src/runtimes/compose/home.ts'
import { docker, image, labelled, noDocker } from './compose/docker.ts'
import { fill, identityOf, nothing, rows, type Made } from './compose/ground.ts'
import { bundled } from '../programs.ts'

const script = bundled('test/runtimes/compose/command.ts')
const CONTAINER = `adopted-crash-${process.pid}`
const DATA = '/var/lib/postgresql/data'

async function command({ root, placement }: Made, verb: string, moment: Moment | '-') {
  const child = spawn(process.execPath, [script, root, String(placement.port), verb, moment, '1', CONTAINER], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (words: string) => (said += words))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, said }
}

async function killed(all: Made, verb: string, moment: Moment): Promise<void> {
  const { signal, said, code } = await command(all, verb, moment)
  expect(signal, `it was to die at "${moment}", and ended with ${code}: ${said}`).toBe('SIGKILL')
}

async function adopted(): Promise<Made> {
  const port = await freePort()
  const all = await nothing({ container: { adopted: CONTAINER }, changes: { port } })
  const made = { ...all, placement: { ...all.placement, port } }
  const variables = ['POSTGRES_USER=app', 'POSTGRES_DB=postgres', 'POSTGRES_PASSWORD=right horse'].map((each) => `--env=${each}`)
  docker('run', '--detach', `--name=${CONTAINER}`, `--publish=127.0.0.1:${port}:5432`, ...variables, image('postgres'))
  onTestFinished(() => void docker('rm', '--force', '--volumes', CONTAINER))
  await made.site.create()
  await fill(made, 'old')
  return made
}

/** A volume for each generation that is not live, and nothing besides: not in the container's own volume either. */
async function expectOrder({ root, placement, site }: Made): Promise<void> {
  const kept = (await site.generations()).filter(({ live }) => !live).map(({ name }) => name)
  const { name, mark } = identityOf(root)
  expect(labelled(`org.hayai.project=${mark}`)).toEqual([...kept.map((each) => `${name}_mydb-${each}`), `${name}_hayai`].toSorted())
  expect(readdirSync(placement.dataDir).toSorted()).toEqual([...kept, 'generations.json', 'keeping.json'].toSorted())
  expect(docker('exec', CONTAINER, 'ls', '-A', DATA)).not.toContain('hayai')
  expect(labelled('org.hayai.errand=id')).toEqual([])
}

const switching: readonly (readonly [Moment, 'before' | 'after'])[] = [
  ['switch announced', 'before'],
  ['incoming laid', 'before'],
  ['live stopped', 'before'],
  ['exchanged', 'after'],
  ['switched', 'after'],
  ['live started', 'after'],
  ['outgoing kept', 'after'],
]

describe.skipIf(noDocker !== undefined && process.env['CI'] === undefined)(
  `in a container of others${noDocker === undefined ? '' : ` (${noDocker})`}`,
  { timeout: 240_000 },
  () => {
    test('what is killed leaves what was there or what was to come, running; and the way back from a bad end is made again', async () => {
      const all = await adopted()
      const id = docker('inspect', '--format', '{{.Id}}', CONTAINER)
      await killed(all, 'restore', 'exchanged')
      await all.site.recover()
      expect(await rows(all)).toEqual(['new'])
      await expectOrder(all)

      const contents = { g0001: 'old', g0002: 'new' } as const
      for (const [moment, expected] of switching) {
        const from = (await all.site.generations()).find(({ live }) => live)?.name === 'g0001' ? 'g0001' : 'g0002'
        const to = from === 'g0001' ? 'g0002' : 'g0001'
        await killed(all, to === 'g0001' ? 'undo' : 'redo', moment)
        await all.site.recover()
        expect(await all.site.status(), moment).toBe('running')
        expect(await rows(all), moment).toEqual([contents[expected === 'after' ? to : from]])
        await expectOrder(all)
      }

      // What was kept does not start any more.
      const [live, kept] =
        (await all.site.generations()).find((each) => each.live)?.name === 'g0001' ? ['g0001', 'g0002'] : ['g0002', 'g0001']
      const volume = `${identityOf(all.root).name}_mydb-${kept}`
      docker(
        'run',
        '--rm',
        '--user=0',
        `--volume=${volume}:/v`,
        '--entrypoint=sh',
        image('postgres'),
        '-c',
        'echo no >/v/global/pg_control',
      )
      const before = await rows(all)
      await killed(all, kept === 'g0001' ? 'undo' : 'redo', 'back announced')
      await all.site.recover()
      expect(await rows(all)).toEqual(before)
      expect((await all.site.generations()).find((each) => each.live)?.name).toBe(live)
      await expectOrder(all)
      await all.site.drop(kept)
      await expectOrder(all)
      expect(docker('inspect', '--format', '{{.Id}}', CONTAINER)).toBe(id)
    })
  },
)
