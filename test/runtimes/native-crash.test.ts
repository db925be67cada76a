// A command of the native runtime killed at each moment that leaves something different behind; then the next command.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freeBytes } from '../../src/base/files.ts'
import { freePort } from '../../src/base/ports.ts'
import { native } from '../../src/runtimes/native.ts'
import type { Moment } from '../../src/runtimes/native/home.ts'
import type { Placement, Site } from '../../src/runtimes/runtime.ts'
import {
  ask,
  cleanUp,
  commandOf,
  copyWithOwners,
  endpointOf,
  leftovers,
  never,
  parentOf,
  placeIn,
  processesIn,
  rootOf,
  tiny,
} from './native/tiny.ts'
import { bundled } from '../programs.ts'

type Killed = Moment | 'filled'

/** Runs a command in another process; the signal that ended it, or null, and what it said. */
async function command(placement: Placement, verb: string, moment: Killed | '-', time = 1, account: { uid?: number; gid?: number } = {}) {
  const script = bundled('test/runtimes/native/command.ts')
  const child = spawn(process.execPath, [script, rootOf(placement), String(placement.port), verb, moment, String(time)], {
    ...account,
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (words: string) => (said += words))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, said }
}

async function killed(placement: Placement, verb: string, moment: Killed, time = 1): Promise<void> {
  const { signal, said, code } = await command(placement, verb, moment, time)
  expect(signal, `it was to die at "${moment}", and ended with ${code}: ${said}`).toBe('SIGKILL')
}

let model = ''
beforeAll(async () => {
  model = await mkdtemp(join(tmpdir(), 'hayai-crash-model-'))
  const placement = placeIn(model, await freePort())
  const site = native.site(placement, tiny)
  await site.create()
  await site.start(never)
  await ask(endpointOf(placement), `create table t as select 'old' as v`)
  await site.stop()
})
afterAll(async () => {
  await rm(model, { recursive: true, force: true })
})

/** A database that holds `old`. */
async function database(state: 'running' | 'stopped'): Promise<{ placement: Placement; site: Site }> {
  const { placement, site } = await nothing()
  copyWithOwners(model, rootOf(placement))
  if (state === 'running') await site.start(never)
  return { placement, site }
}

async function nothing(): Promise<{ placement: Placement; site: Site }> {
  const root = await mkdtemp(join(tmpdir(), 'hayai-crash-'))
  const placement = placeIn(root, await freePort())
  const site = native.site(placement, tiny)
  onTestFinished(() => cleanUp(placement, site))
  return { placement, site }
}

/** A text that holds these words, or matches. */
function saying(words: string | RegExp): string {
  return (typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words)) as string
}

const value = async (placement: Placement): Promise<unknown> => (await ask(endpointOf(placement), 'select v from t'))[0]

/** The servers, without their children: one that was just forked goes by its parent's command line for a moment. */
function servers(placement: Placement): readonly number[] {
  const found = processesIn(rootOf(placement)).filter((pid) => commandOf(pid).includes(' -p '))
  return found.filter((pid) => !found.includes(parentOf(pid)))
}

async function expectOrder({ placement, site }: { placement: Placement; site: Site }): Promise<void> {
  expect(await leftovers(placement, site)).toEqual([])
  expect(servers(placement)).toHaveLength((await site.status()) === 'running' ? 1 : 0)
}

// The twin's server is the first to be spawned, the live one is the second.
const restoring: readonly (readonly [Killed, number, 'old' | 'new'])[] = [
  ['folder made', 1, 'old'],
  ['data made', 1, 'old'],
  ['server spawned', 1, 'old'],
  ['server recorded', 1, 'old'],
  ['server released', 1, 'old'],
  ['filled', 1, 'old'],
  ['twin stopped', 1, 'old'],
  ['twin durable', 1, 'old'],
  ['switch announced', 1, 'old'],
  ['live stopped', 1, 'old'],
  ['switched', 1, 'new'],
  ['server spawned', 2, 'new'],
  ['server recorded', 2, 'new'],
  ['server released', 2, 'new'],
  ['live started', 1, 'new'],
  ['switch done', 1, 'new'],
]

describe('a restore of a running database that is killed', () => {
  test.each(restoring)('at "%s" (time %i) leaves what was there or what was restored, running: %s', async (moment, time, expected) => {
    const both = await database('running')
    await killed(both.placement, 'restore', moment, time)
    await both.site.recover()
    expect(await both.site.status()).toBe('running')
    expect(await value(both.placement)).toBe(expected)
    await expectOrder(both)
    if (expected === 'new') {
      await both.site.switchTo('g0001')
      expect(await value(both.placement)).toBe('old')
    }
  })

  test.each(['data made', 'switch announced', 'switched'] as const)('at "%s" is no obstacle to the next restore', async (moment) => {
    const both = await database('running')
    await killed(both.placement, 'restore', moment)
    expect(await command(both.placement, 'restore', '-')).toMatchObject({ code: 0, said: '' })
    expect(await value(both.placement)).toBe('new')
    await expectOrder(both)
  })

  test('and whose recovery is killed as well, is recovered by the next', async () => {
    const both = await database('running')
    await killed(both.placement, 'restore', 'live stopped')
    await killed(both.placement, 'drop', 'server recorded') // the recovery starts the server that was running
    await both.site.recover()
    expect(await value(both.placement)).toBe('old')
    await expectOrder(both)
  })

  test('and whose new data does not start, goes back to the data before, and says so', async () => {
    const both = await database('running')
    await killed(both.placement, 'restore', 'switched')
    await rm(join(both.placement.dataDir, 'g0002', 'server', 'PG_VERSION'))
    await expect(both.site.recover()).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: saying(/a switch of "mydb" to g0002 was cut short, and taken back to g0001: .*PG_VERSION/s),
    })
    expect(await value(both.placement)).toBe('old')
    await both.site.recover()
    await expectOrder(both)
    expect((await both.site.generations()).map(({ name }) => name)).toEqual(['g0001'])
  })
})

test('a killed restore that cannot be finished because the port was taken meanwhile says so, and is finished by the next start', async () => {
  const both = await database('running')
  await killed(both.placement, 'restore', 'switched')
  const other = createServer().listen(both.placement.port, '127.0.0.1')
  await once(other, 'listening')
  await expect(both.site.recover()).rejects.toMatchObject({ code: 'CONFLICT', message: saying('was running when a command was killed') })
  other.close()
  await once(other, 'close')
  await both.site.recover()
  expect(await both.site.status()).toBe('stopped')
  await both.site.start(never)
  expect(await value(both.placement)).toBe('new')
  await expectOrder(both)
})

describe('a restore of a stopped database that is killed', () => {
  test.each([
    ['data made', 'old'],
    ['twin durable', 'old'],
    ['switched', 'new'],
  ] as const)('at "%s" leaves it stopped, with the data of one or the other: %s', async (moment, expected) => {
    const both = await database('stopped')
    await killed(both.placement, 'restore', moment)
    await both.site.recover()
    expect(await both.site.status()).toBe('stopped')
    await expectOrder(both)
    await both.site.start(never)
    expect(await value(both.placement)).toBe(expected)
  })
})

describe('an undo that is killed', () => {
  test.each([
    ['switch announced', 'new'],
    ['live stopped', 'new'],
    ['switched', 'old'],
    ['server released', 'old'],
  ] as const)('at "%s" leaves the database running on one or the other: %s', async (moment, expected) => {
    const both = await database('running')
    expect(await command(both.placement, 'restore', '-')).toMatchObject({ code: 0 })
    await killed(both.placement, 'undo', moment)
    await both.site.recover()
    expect(await value(both.placement)).toBe(expected)
    await expectOrder(both)
    expect((await both.site.generations()).map(({ name }) => name)).toEqual(['g0001', 'g0002'])
  })
})

test.each([['folder made'], ['data made'], ['switched']] as const)(
  'a creation that is killed at "%s" is whole, or was never there',
  async (moment) => {
    const both = await nothing()
    await killed(both.placement, 'create', moment)
    await both.site.recover()
    if (moment === 'switched') {
      expect(await both.site.status()).toBe('stopped')
    } else {
      expect(await both.site.status()).toBe('missing')
      expect(await readdir(both.placement.dataDir)).toEqual([])
      await both.site.create()
    }
    await both.site.start(never)
    await expectOrder(both)
  },
)

test.each([['server spawned'], ['server recorded'], ['server released']] as const)(
  'a start that is killed at "%s" leaves no server that nobody knows',
  async (moment) => {
    const both = await database('stopped')
    await killed(both.placement, 'start', moment)
    const status = await both.site.status()
    expect(status === 'stopped' ? servers(both.placement) : []).toEqual([])
    await both.site.recover()
    await both.site.start(never)
    expect(await value(both.placement)).toBe('old')
    await expectOrder(both)
  },
)

test.each([
  ['drop announced', 2],
  ['dropped', 1],
] as const)('a drop that is killed at "%s" has happened, or has not', async (moment, kept) => {
  const both = await database('stopped')
  expect(await command(both.placement, 'restore', '-')).toMatchObject({ code: 0 })
  await both.site.switchTo('g0001')
  await killed(both.placement, 'drop', moment)
  await both.site.recover()
  expect(await both.site.generations()).toHaveLength(kept)
  await expectOrder(both)
  await both.site.start(never)
  expect(await value(both.placement)).toBe('old')
})

test('what a live command is making is left to it', async () => {
  const both = await database('stopped')
  const twin = await both.site.twin()
  const target = await twin.target()
  await both.site.recover()
  expect(await readdir(both.placement.dataDir)).toContain(twin.name)
  expect(await readdir(target.scratch)).toEqual([])
  await target.close()
  await twin.close()
  await expectOrder(both)
})

test('two commands that start one database at once get one server', async () => {
  const both = await database('stopped')
  const answers = await Promise.all([command(both.placement, 'start', '-'), command(both.placement, 'start', '-')])
  expect(answers.map(({ code, said }) => ({ code, said }))).toEqual([
    { code: 0, said: '' },
    { code: 0, said: '' },
  ])
  await expectOrder(both)
  expect(await value(both.placement)).toBe('old')
})

test.runIf(process.getuid?.() === 0)('without root, everything belongs to who runs it', async ({ skip }) => {
  const both = await nothing()
  const nobody = { uid: 65534, gid: 65534 }
  await chown(rootOf(both.placement), nobody.uid, nobody.gid)
  const script = bundled('test/runtimes/native/command.ts')
  if (spawnSync('test', ['-r', script], nobody).status !== 0) skip('the checkout is closed to other accounts')
  for (const verb of ['create', 'start', 'restore', 'undo', 'drop', 'start']) {
    expect(await command(both.placement, verb, '-', 1, nobody), verb).toMatchObject({ code: 0, said: '' })
  }
  const [server] = servers(both.placement)
  expect((await stat(`/proc/${server}`)).uid).toBe(nobody.uid)
  expect((await stat(join(both.placement.dataDir, 'g0001', 'server', 'PG_VERSION'))).uid).toBe(nobody.uid)
  expect(commandOf(server ?? 0)).toContain(join(both.placement.dataDir, 'g0001', 'server'))
})

test.runIf(process.getuid?.() === 0)('a disk without room for a server to start again stops a swap before it begins', async ({ skip }) => {
  const both = await nothing()
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=120m,mode=700', 'none', rootOf(both.placement)]).status !== 0)
    skip('mount is not allowed here')
  onTestFinished(async () => {
    await both.site.stop()
    execFileSync('umount', [rootOf(both.placement)])
  })
  copyWithOwners(model, rootOf(both.placement))
  await both.site.start(never)
  const twin = await both.site.twin()
  await twin.wake(never)
  const ballast = (await freeBytes(rootOf(both.placement))) - 10_000_000
  execFileSync('fallocate', ['-l', String(ballast), join(rootOf(both.placement), 'ballast')])
  await expect(twin.swap('x')).rejects.toMatchObject({ code: 'STORE_FAILED', message: saying('too little to start a server again') })
  await twin.close()
  expect(await both.site.status()).toBe('running')
  expect(await value(both.placement)).toBe('old')
  await expectOrder(both)
  execFileSync('fallocate', ['-l', String((await freeBytes(rootOf(both.placement))) - 8_000_000), join(rootOf(both.placement), 'more')])
  const cramped = await both.site.twin()
  await expect(cramped.wake(never)).rejects.toMatchObject({ code: 'TOOL_FAILED', message: saying('No space left on device') })
  await cramped.close()
  await expectOrder(both)
})
