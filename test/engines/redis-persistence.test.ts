// What is restored, or was written, is there after the next start too: with a log of changes (AOF) and without, with a schedule
// of saves and without, after a clean stop and after a kill, and when the settings were changed in between.

import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { redis } from '../../src/engines/redis.ts'
import type { Engine } from '../../src/engines/engine.ts'
import { isAlive, identify } from '../../src/base/processes.ts'
import { endAll, never, noServer, start, type Standing } from './redis-server.ts'

const AOF = { REDIS_AOF_ENABLED: 'yes' }
const NOTHING = { REDIS_AOF_ENABLED: 'no', REDIS_RDB_ENABLED: 'no' }
const SCHEDULE = { REDIS_SAVE: '900 1 300 10 60 10000' }
const BOTH = { ...AOF, ...SCHEDULE }
const ALL = [
  ['a log', AOF],
  ['a schedule', SCHEDULE],
  ['both', BOTH],
  ['neither', NOTHING],
  ['the default', {}],
] as const

describe.skipIf(noServer)('redis keeps its data (needs redis-server)', () => {
  afterEach(endAll)

  const setting = (server: Standing, name: string): string => server.cli('CONFIG', 'GET', name).split('\n')[1] ?? ''
  const folderOf = async ({ placement, site }: Standing): Promise<string> => {
    const live = (await site.generations()).find((each) => each.live)
    return join(placement.dataDir, live?.name ?? '', 'server')
  }

  it.each(ALL)('over a stop and a start, with %s', async (_, environment) => {
    const server = await start({ environment })
    server.tell('SET a 1\nSELECT 4\nSET b 2 PX 1000000')
    const before = server.everything()
    await server.site.stop()
    expect(await server.site.status()).toBe('stopped')
    await server.site.start(never)
    expect(server.everything()).toBe(before)
  })

  it.each(ALL)('that was restored over the next starts, and what was written since, with %s', async (_, environment) => {
    const server = await start({ environment })
    server.tell('SET a 1\nSELECT 4\nSET b 2 PX 1000000')
    const before = server.everything()
    const { bytes } = await server.dumped()
    server.tell('FLUSHALL\nSET wreck 1')
    await server.restored(bytes)
    expect(server.everything()).toBe(before)
    for (let times = 0; times < 2; times += 1) {
      await server.site.stop()
      await server.site.start(never)
      expect(server.everything(), `at start ${times + 1}`).toBe(before)
    }
    server.cli('SET', 'since', '1')
    const since = server.everything()
    await server.site.stop()
    await server.site.start(never)
    expect(server.everything()).toBe(since)
    await server.site.switchTo('g0001')
    expect([server.cli('DBSIZE'), server.cli('GET', 'wreck')]).toEqual(['1', '1'])
    await server.site.switchTo('g0002')
    expect(server.everything()).toBe(since)
  })

  it('that was restored, and what was written since, over a kill, where there is a log', async () => {
    const server = await start({ environment: { ...AOF, REDIS_APPENDFSYNC: 'always' } })
    server.tell('SET a 1')
    const { bytes } = await server.dumped()
    server.tell('FLUSHALL')
    await server.restored(bytes)
    expect([setting(server, 'appendonly'), server.cli('GET', 'a')]).toEqual(['yes', '1'])
    server.cli('SET', 'since', '1')
    await server.kill()
    expect(await server.site.status()).toBe('stopped')
    await server.site.start(never)
    expect(server.cli('KEYS', '*').split('\n').toSorted()).toEqual(['a', 'since'])
  })

  it('whatever the settings were when it was written: the log comes and goes, and no key with it', async () => {
    const first = await start({ environment: SCHEDULE })
    const settings = [AOF, NOTHING, AOF, SCHEDULE, BOTH, {}]
    const expected: string[] = ['first']
    first.cli('SET', 'first', '1')
    let server = first
    for (const [at, environment] of settings.entries()) {
      await server.site.stop()
      server = server.with(environment)
      await server.site.start(never)
      expect(server.cli('KEYS', '*').split('\n').toSorted(), `at change ${at}`).toEqual(expected.toSorted())
      expect(setting(server, 'appendonly')).toBe('REDIS_AOF_ENABLED' in environment ? environment.REDIS_AOF_ENABLED : 'no')
      const hasLog = (await readdir(await folderOf(server))).includes('appendonlydir')
      expect(hasLog).toBe(setting(server, 'appendonly') === 'yes')
      server.cli('SET', `key:${at}`, '1')
      expected.push(`key:${at}`)
    }
  })

  it('when the log is given up after a crash: what is only in the log is not lost', async () => {
    const server = await start({ environment: { ...AOF, REDIS_APPENDFSYNC: 'always' } })
    server.tell('SET old 1\nBGSAVE')
    await sleep(500)
    server.cli('SET', 'only:in:the:log', '1')
    await server.kill()
    const without = server.with(NOTHING)
    await without.site.start(never)
    expect(without.cli('KEYS', '*').split('\n').toSorted()).toEqual(['old', 'only:in:the:log'])
    expect(setting(without, 'appendonly')).toBe('no')
    without.cli('SET', 'later', '1')
    await without.site.stop()
    const again = without.with(AOF)
    await again.site.start(never)
    expect(again.cli('DBSIZE')).toBe('3')
  })

  it('and lets clients write again when the log was given up', async () => {
    const server = await start({ environment: AOF })
    await server.site.stop()
    const without = server.with({})
    await without.site.start(never)
    expect(without.cli('SET', 'a', '1')).toBe('OK')
  })

  it('and gives up the log of a running server, after a save that is under way', async () => {
    const server = await start({ environment: AOF })
    server.tell(Array.from({ length: 100 }, (_, n) => `SET key:${n} ${n}`).join('\n'))
    server.cli('CONFIG', 'SET', 'rdb-key-save-delay', '10000')
    server.cli('BGSAVE')
    const without = server.with({})
    await without.site.start(never)
    expect(setting(without, 'appendonly')).toBe('no')
    await without.kill()
    await without.site.start(never)
    expect(without.cli('DBSIZE')).toBe('100')
  })

  it('takes the settings as they are meant', async () => {
    const scheduled = await start({ environment: BOTH })
    expect([setting(scheduled, 'save'), setting(scheduled, 'appendonly')]).toEqual(['900 1 300 10 60 10000', 'yes'])
    const without = await start({ environment: NOTHING })
    expect([setting(without, 'save'), setting(without, 'appendonly')]).toEqual(['', 'no'])
    const plain = await start({
      environment: {
        REDIS_MAXMEMORY: '100mb',
        REDIS_MAXMEMORY_POLICY: 'allkeys-lru',
        REDIS_NOTIFY_KEYSPACE_EVENTS: 'KEA',
        REDIS_CLIENT_OUTPUT_BUFFER_LIMIT: 'pubsub 32mb 8mb 60',
      },
    })
    expect([setting(plain, 'save'), setting(plain, 'maxmemory'), setting(plain, 'maxmemory-policy'), setting(plain, 'bind')]).toEqual([
      '3600 1 300 100 60 10000',
      '104857600',
      'allkeys-lru',
      '127.0.0.1',
    ])
    expect(setting(plain, 'client-output-buffer-limit')).toContain('pubsub 33554432 8388608 60')
  })

  it('tells in its own words why it does not start with a setting that makes no sense', async () => {
    const server = await start()
    await server.site.stop()
    const failed = server.with({ REDIS_MAXMEMORY: 'much' }).site.start(never)
    await expect(failed).rejects.toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('maxmemory') as string })
    await expect(failed).rejects.not.toThrow('pass')
    await server.site.start(never)
  })

  describe('while it is stopped', () => {
    it('is given the time it needs to write', async () => {
      const server = await start({ options: { patience: { stop: 300, insist: 300 } } })
      server.tell(Array.from({ length: 300 }, (_, n) => `SET key:${n} ${n}`).join('\n'))
      server.cli('CONFIG', 'SET', 'rdb-key-save-delay', '10000')
      const before = server.everything()
      const began = Date.now()
      await server.site.stop()
      expect(Date.now() - began).toBeGreaterThan(2900)
      await server.site.start(never)
      expect(server.everything()).toBe(before)
    })

    it('is left running with its data when it cannot write, and a restore leaves it too', async () => {
      const server = await start({ options: { patience: { insist: 1500 } } })
      server.tell('SET a 1')
      const { bytes } = await server.dumped()
      server.tell('SET b 2\nSET c 3')
      const folder = await folderOf(server)
      await chmod(folder, 0o500)
      const process = identify(await server.pid())
      try {
        await expect(server.site.stop()).rejects.toMatchObject({
          code: 'TOOL_FAILED',
          message: expect.stringContaining('Permission denied') as string,
        })
        expect(process !== undefined && isAlive(process)).toBe(true)
        await expect(server.restored(bytes)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
        expect(server.cli('MGET', 'a', 'b', 'c').split('\n')).toEqual(['1', '2', '3'])
        expect(await server.site.status()).toBe('running')
        expect(await server.site.generations()).toHaveLength(1)
      } finally {
        await chmod(folder, 0o700)
      }
      await server.site.stop()
      await server.site.start(never)
      expect(server.cli('DBSIZE')).toBe('3')
    })
  })

  it('is waited for while it reads its data, as long as that takes', async () => {
    const { recipe } = redis
    if (recipe.shape !== 'server') throw new Error('no server')
    let delay = 0
    const slowly: Engine = {
      ...redis,
      recipe: {
        ...recipe,
        serve(place, purpose) {
          const serving = recipe.serve(place, purpose)
          return { ...serving, input: `${serving.input ?? ''}key-load-delay ${delay}\n` } // microseconds for each key
        },
      },
    }
    const server = await start({ engine: slowly, options: { patience: { start: 1500 } } })
    server.cli('EVAL', `for n = 1, 20000 do redis.call('SET', n, string.rep(n .. 'x', 300)) end`, '0')
    server.cli('CONFIG', 'SET', 'rdbcompression', 'no')
    await server.site.stop()
    delay = 200
    const began = Date.now()
    await server.site.start(never)
    expect(Date.now() - began).toBeGreaterThan(3000)
    expect(server.cli('DBSIZE')).toBe('20000')
  })

  it('with a file that is readable by nobody else', async () => {
    const server = await start({ environment: BOTH })
    server.tell('SET a 1\nSAVE')
    const folder = await folderOf(server)
    expect((await stat(folder)).mode & 0o077).toBe(0)
    expect((await readdir(folder)).toSorted()).toEqual(['appendonlydir', 'dump.rdb'])
  })
})
