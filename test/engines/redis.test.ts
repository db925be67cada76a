// Snapshots of a real Redis server and what comes back from them: every type, one instant, times to live, refusals.

import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { redis } from '../../src/engines/redis.ts'
import { crc64 } from '../../src/engines/redis/crc64.ts'
import { collect, endAll, fillRichly, formatOf, never, noServer, PASSWORD, start, type Standing } from './redis-server.ts'

const ANY: unknown = expect.stringMatching(/^\d+$/)

describe.skipIf(noServer)('redis (needs redis-server)', () => {
  afterEach(endAll)
  const rdb = formatOf(redis)

  /** The process that writes the data for a replica. */
  const child = async ({ pid }: Standing): Promise<number | undefined> => {
    const found = readFileSync(`/proc/${await pid()}/task/${await pid()}/children`, 'utf8').trim()
    return found === '' ? undefined : Number(found.split(' ')[0])
  }

  /** A server whose dump takes about `seconds`. */
  async function slow(seconds: number, environment = {}): Promise<Standing> {
    const server = await start({ environment })
    server.tell(Array.from({ length: 1000 }, (_, n) => `SET key:${n} ${n}-${randomBytes(1000).toString('hex')}`).join('\n'))
    server.cli('CONFIG', 'SET', 'rdb-key-save-delay', String(seconds * 1000)) // microseconds for each key
    return server
  }

  describe('a snapshot', () => {
    it('brings back every type, every db, names and values of every byte, times to live and functions, to the byte', async () => {
      const server = await start({ environment: { REDIS_ENABLE_DEBUG_COMMAND: 'local' } })
      fillRichly(server)
      const before = server.everything()
      const digest = server.cli('DEBUG', 'DIGEST')
      expect(before.split('\n').length).toBeGreaterThan(30)
      const { bytes, facts } = await server.dumped()
      expect(facts).toMatchObject({ product: 'Redis', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string, notes: [] })
      server.tell('FLUSHALL\nFUNCTION FLUSH\nSET wreck 1')
      await server.restored(bytes, (found) => expect(found.census).toEqual(facts.census))
      expect(server.everything()).toBe(before)
      expect(server.cli('DEBUG', 'DIGEST')).toBe(digest)
      expect(server.cli('FCALL', 'twice', '0', '21')).toBe('42')
      expect(server.cli('XREADGROUP', 'GROUP', 'readers', 'bob', 'STREAMS', 'events', '0')).toContain('end')
    })

    it('is made of the same keys of each type, and of the same libraries, as the server and as what comes back', async () => {
      const server = await start()
      fillRichly(server)
      const survey = async () => {
        const target = await server.site.open()
        try {
          return await redis.survey(target, 'rows', never)
        } finally {
          await target.close()
        }
      }
      const before = await survey()
      const { bytes, facts } = await server.dumped()
      expect(facts.outline.tables['db0']?.parts['keys of the type']).toMatchObject({
        hash: ANY,
        list: ANY,
        set: ANY,
        string: ANY,
        zset: ANY,
        stream: ANY,
      })
      expect(Object.keys(facts.outline.objects['function library'] ?? {})).toHaveLength(facts.census.objects['function libraries'] ?? 0)
      const { bytes: _, ...outline } = before.outline
      expect(facts.outline).toMatchObject(outline)
      await server.restored(bytes, (found) => {
        expect(found.outline).toMatchObject(outline)
        expect(found.digests).toEqual(before.digests)
      })
      server.tell('SET one 1\nSET two 2')
      const one = await survey()
      server.tell('SET one 2\nSET two 1')
      const other = await survey()
      expect(other.outline.tables).toEqual(one.outline.tables)
      expect(other.digests).not.toEqual(one.digests)
      server.tell('DEL two one\nSET two 2\nSET one 1')
      expect((await survey()).digests).toEqual(one.digests)
    })

    it('of an empty server is one, and comes back as such', async () => {
      const server = await start()
      const { bytes, facts } = await server.dumped()
      expect(facts.census).toEqual({ tables: { db0: 0 }, objects: { 'db0/keys that expire': 0, 'function libraries': 0 } })
      server.cli('SET', 'wreck', '1')
      await server.restored(bytes, (found) => expect(found.census).toEqual(facts.census))
      expect(server.cli('DBSIZE')).toBe('0')
    })

    it('is of the instant at which it began, also when it takes longer than 5 s: what is written meanwhile is not in it', async () => {
      const server = await slow(5.5)
      const target = await server.site.open()
      const began = Date.now()
      const dump = await redis.dump(target, rdb, never)
      expect(Date.now() - began).toBeLessThan(5000) // before the save has ended
      server.tell('SET later 1\nDEL key:1 key:2 key:3\nSET key:4 changed')
      const bytes = await collect(redis.check(rdb, dump.bytes))
      expect(Date.now() - began).toBeGreaterThan(5000)
      expect((await dump.facts()).census.tables).toEqual({ db0: 1000 })
      await dump.close()
      await target.close()
      await server.restored(bytes)
      expect([server.cli('DBSIZE'), server.cli('EXISTS', 'later'), server.cli('GET', 'key:4').slice(0, 2)]).toEqual(['1000', '0', '4-'])
    })

    it('under a writer is of one instant', async () => {
      const server = await start()
      server.tell(`MSET plus 0 minus 0\n${Array.from({ length: 3000 }, (_, n) => `SET ballast:${n} ${'x'.repeat(500)}`).join('\n')}`)
      const writer = spawn('redis-cli', ['-p', String(server.placement.port)], {
        env: { ...process.env, REDISCLI_AUTH: PASSWORD },
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      writer.stdin.on('error', () => {}) // it is killed at the end
      writer.stdin.write('MULTI\nINCR plus\nDECR minus\nEXEC\n'.repeat(100_000))
      while (Number(server.cli('GET', 'plus')) < 100) await sleep(10)
      const { bytes } = await server.dumped()
      const at = Number(server.cli('GET', 'plus'))
      while (Number(server.cli('GET', 'plus')) === at) await sleep(10) // it still writes
      writer.kill('SIGKILL')
      await once(writer, 'exit')
      await server.restored(bytes)
      const plus = Number(server.cli('GET', 'plus'))
      expect(plus).toBeGreaterThanOrEqual(100)
      expect(plus + Number(server.cli('GET', 'minus'))).toBe(0)
    })

    it('is whole when the server makes a file of it first', async () => {
      const server = await start()
      fillRichly(server)
      const before = server.everything()
      server.cli('CONFIG', 'SET', 'repl-diskless-sync', 'no')
      const { bytes } = await server.dumped()
      await server.restored(bytes)
      expect(server.everything()).toBe(before)
    })

    it('waits for a save that is under way', async () => {
      const server = await slow(2)
      server.cli('BGSAVE')
      const { facts } = await server.dumped()
      expect(facts.census.tables).toEqual({ db0: 1000 })
    })

    it('says which users it does not carry', async () => {
      const server = await start()
      server.cli('ACL', 'SETUSER', 'alice', 'on', '>secret', '~*', '+@read')
      server.cli('ACL', 'SETUSER', 'bob')
      expect((await server.dumped()).facts.notes).toEqual(['Users made by ACL SETUSER are not in the snapshot: "alice", "bob".'])
    })

    it('of a server that refuses is an error with its words, and never an empty file', async () => {
      const server = await start()
      server.cli('SET', 'a', '1')
      server.cli('REPLICAOF', '127.0.0.1', '0')
      await expect(server.dumped()).rejects.toMatchObject({
        code: 'TOOL_FAILED',
        message: expect.stringContaining('NOMASTERLINK') as string,
      })
      server.cli('REPLICAOF', 'NO', 'ONE')
      expect((await server.dumped()).facts.census.tables).toEqual({ db0: 1 })
    })

    it.each(['yes', 'no'])('whose writing process dies half-way is an error (straight to the connection: %s)', async (diskless) => {
      const server = await slow(5)
      server.cli('CONFIG', 'SET', 'repl-diskless-sync', diskless)
      const dumping = server.dumped()
      dumping.catch(() => {}) // it is looked at below
      let writing = await child(server)
      for (; writing === undefined; writing = await child(server)) await sleep(20)
      await sleep(500)
      process.kill(writing, 'SIGKILL')
      await expect(dumping).rejects.toMatchObject({ code: 'TOOL_FAILED' })
      server.cli('CONFIG', 'SET', 'rdb-key-save-delay', '0')
      expect((await server.dumped()).facts.census.tables).toEqual({ db0: 1000 })
    })

    it('ends with its signal, and leaves nobody writing', async () => {
      const server = await slow(20)
      const target = await server.site.open()
      const abort = new AbortController()
      const dump = await redis.dump(target, rdb, abort.signal)
      const reading = collect(dump.bytes)
      reading.catch(() => {}) // it is looked at below
      await sleep(200)
      expect(await child(server)).toBeDefined()
      abort.abort(new Error('enough'))
      await expect(reading).rejects.toThrow('enough')
      await expect(dump.facts()).rejects.toThrow('enough')
      await dump.close()
      await target.close()
      for (let tries = 0; (await child(server)) !== undefined; tries += 1) {
        expect(tries).toBeLessThan(100)
        await sleep(50)
      }
    })

    it('that nobody reads lets go of the server', async () => {
      const server = await slow(20)
      const target = await server.site.open()
      const dump = await redis.dump(target, rdb, never)
      await dump.close()
      await expect(dump.facts()).rejects.toMatchObject({ code: 'INTERRUPTED' })
      await target.close()
      for (let tries = 0; (await child(server)) !== undefined; tries += 1) {
        expect(tries).toBeLessThan(100)
        await sleep(50)
      }
    })
  })

  describe('a restore', () => {
    it('of keys whose time has come since is a good one: they were there to be counted, and are gone for who asks', async () => {
      const server = await start()
      server.tell('SET stays 1\nSET soon 1 PX 300\nSET later 1 PX 100000000\nSELECT 2\nSET soon 1 PX 300')
      const expires = server.cli('PEXPIRETIME', 'later')
      const { bytes, facts } = await server.dumped()
      expect(facts.census.tables).toEqual({ db0: 3, db2: 1 })
      await sleep(400)
      await server.restored(bytes, (found) => expect(found.census).toEqual(facts.census))
      expect(server.cli('KEYS', '*').split('\n').toSorted()).toEqual(['later', 'stays'])
      expect(server.cli('PEXPIRETIME', 'later')).toBe(expires)
      expect(server.cli('INFO', 'replication')).toContain('role:master')
      await sleep(1500) // time enough for the server to look for what has expired
      expect((await server.dumped()).facts.census.tables).toEqual({ db0: 2 })
    })

    it('of a file by a newer server is refused with the words of this one, and nothing is touched', async () => {
      const server = await start()
      server.cli('SET', 'a', '1')
      const { bytes } = await server.dumped()
      const content = Buffer.concat([Buffer.from('REDIS0099'), bytes.subarray(9, -8)])
      const crc = crc64()
      crc.feed(content)
      const restoring = server.restored(Buffer.concat([content, crc.value()]))
      await expect(restoring).rejects.toMatchObject({
        code: 'TOOL_FAILED',
        message: expect.stringContaining("Can't handle RDB format version 99") as string,
      })
      expect(server.cli('GET', 'a')).toBe('1')
      expect(await server.site.generations()).toHaveLength(1)
    })

    it('with more dbs than the database has is taken back, with the words of the server', async () => {
      const many = await start({ environment: { REDIS_DATABASES: '40' } })
      many.tell('SELECT 33\nSET a 1')
      const { bytes, facts } = await many.dumped()
      const few = await start()
      few.cli('SET', 'b', '2')
      const restoring = few.restored(bytes, (found) => expect(found.census).toEqual(facts.census))
      await expect(restoring).rejects.toThrow('more than 16 databases')
      expect(few.cli('GET', 'b')).toBe('2')
      await many.restored(bytes)
      expect(many.cli('-n', '33', 'GET', 'a')).toBe('1')
    })

    it('into a folder with data is refused', async () => {
      const server = await start()
      server.tell('SET a 1\nSAVE')
      const { bytes } = await server.dumped()
      const target = await server.site.open()
      await expect(redis.load(target, rdb, collectable(bytes), never)).rejects.toMatchObject({ code: 'CONFLICT' })
      await target.close()
    })
  })

  describe('the login', () => {
    it('is real: without the password, and with another one, nobody gets in', async () => {
      const server = await start()
      const ask = (password?: string): string =>
        execFileSync('redis-cli', ['-p', String(server.placement.port), 'PING'], {
          encoding: 'utf8',
          env: { PATH: process.env['PATH'], ...(password === undefined ? {} : { REDISCLI_AUTH: password }) },
          stdio: ['ignore', 'pipe', 'ignore'],
        })
      expect(ask()).toContain('NOAUTH')
      expect(ask('another')).toContain('NOAUTH')
      expect(ask(PASSWORD)).toBe('PONG\n')
      const wrong = { host: '127.0.0.1', port: server.placement.port, user: 'default', password: new Secret('another'), database: '0' }
      if (redis.recipe.shape !== 'server') throw new Error('no server')
      await expect(redis.recipe.answers(wrong)).rejects.toThrow('WRONGPASS')
    })

    it('shows nowhere: not among the arguments or in the environment of any process, not in the log, not in a file', async () => {
      const server = await start({ environment: { REDIS_AOF_ENABLED: 'yes' } })
      server.tell('SET a 1\nSAVE')
      await server.dumped()
      const ours = String(await server.pid())
      const cmdline = readFileSync(`/proc/${ours}/cmdline`, 'latin1')
      expect(cmdline).toContain('redis-server')
      const seen = [cmdline, readFileSync(`/proc/${ours}/environ`, 'latin1'), readFileSync(server.placement.logFile, 'latin1')]
      const folder = server.placement.dataDir
      for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
        if (entry.isFile()) seen.push(readFileSync(`${entry.parentPath}/${entry.name}`, 'latin1'))
      }
      expect(seen.length).toBeGreaterThan(5)
      for (const each of seen) expect(each).not.toContain('pass:word')
    })

    it('makes a URI that the stock client understands', async () => {
      const server = await start()
      const { port, settings } = server.placement
      const uri = redis.uri({ host: '127.0.0.1', port, user: settings.user, password: settings.password, database: settings.database }, '')
      expect(execFileSync('redis-cli', ['--no-auth-warning', '-u', uri, 'PING'], { encoding: 'utf8' })).toBe('PONG\n')
    })
  })
})

async function* collectable(bytes: Uint8Array) {
  yield bytes
}
