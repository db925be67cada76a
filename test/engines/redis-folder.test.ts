// The data folder as a tar archive: whole, restored with and without a log of changes, by Hayai and by hand.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../src/base/ports.ts'
import { tarEnd, tarHeader } from '../../src/base/tar.ts'
import { redis } from '../../src/engines/redis.ts'
import { collect, endAll, fillRichly, formatOf, inPieces, never, noServer, start, type Standing } from './redis-server.ts'

const tar = formatOf(redis, 'tar')

describe.skipIf(noServer)('redis as a folder (needs redis-server)', () => {
  const folders: string[] = []
  afterEach(async () => {
    await endAll()
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
  })
  const folder = async (): Promise<string> => {
    const made = await mkdtemp(join(tmpdir(), 'hayai-redis-tar-'))
    folders.push(made)
    return made
  }
  const liveFolder = async ({ placement, site }: Standing): Promise<string> => {
    const live = (await site.generations()).find((each) => each.live)
    return join(placement.dataDir, live?.name ?? '', 'server')
  }

  it.each([{}, { REDIS_AOF_ENABLED: 'yes' }])('brings back everything, over the next starts too: %o', async (environment) => {
    const server = await start({ environment })
    fillRichly(server)
    const before = server.everything()
    const { bytes, facts } = await server.dumped('tar')
    expect(facts.census.tables).toMatchObject({ db3: 2, db15: 1 })
    server.tell('FLUSHALL\nFUNCTION FLUSH\nSET wreck 1')
    await server.restored(bytes, (found) => expect(found.census).toEqual(facts.census), 'tar')
    expect(server.everything()).toBe(before)
    expect(server.cli('CONFIG', 'GET', 'appendonly').split('\n')[1]).toBe(environment.REDIS_AOF_ENABLED ?? 'no')
    expect((await readdir(await liveFolder(server))).includes('appendonlydir')).toBe(environment.REDIS_AOF_ENABLED === 'yes')
    server.cli('SET', 'since', '1')
    for (let times = 0; times < 2; times += 1) {
      await server.site.stop()
      await server.site.start(never)
      expect(server.cli('GET', 'since')).toBe('1')
    }
    server.cli('DEL', 'since')
    expect(server.everything()).toBe(before)
  })

  it.each(['yes', 'no'])('is unpacked and served by the stock programs, with appendonly %s', async (appendonly) => {
    const server = await start()
    fillRichly(server)
    const { bytes } = await server.dumped('tar')
    const place = await folder()
    execFileSync('tar', ['-xf', '-', '-C', place], { input: bytes })
    const port = String(await freePort())
    const other = spawn('redis-server', ['--bind', '127.0.0.1', '--port', port, '--dir', place, '--appendonly', appendonly], {
      stdio: 'ignore',
    })
    try {
      const script = join(import.meta.dirname, 'redis-everything.lua')
      const ask = (): string =>
        execFileSync('redis-cli', ['-e', '-p', port, '--eval', script, ',', '16'], { encoding: 'latin1', stdio: 'pipe' })
      let found = ''
      for (let tries = 0; found === ''; tries += 1) {
        try {
          found = ask()
        } catch (error) {
          if (tries > 100) throw error
          await sleep(50)
        }
      }
      expect(server.everything().startsWith(found.trimEnd())).toBe(true)
    } finally {
      other.kill('SIGKILL')
      await once(other, 'exit')
    }
  })

  it('of a stopped server, packed by the stock tar, is restored with what is only in its log', async () => {
    const server = await start({ environment: { REDIS_AOF_ENABLED: 'yes', REDIS_APPENDFSYNC: 'always' } })
    server.tell('SET a 1\nBGREWRITEAOF')
    await sleep(500)
    server.tell('SET only:in:the:log 1\nLPUSH list x y')
    const before = server.everything()
    await server.kill()
    const packed = execFileSync('tar', ['-C', await liveFolder(server), '-cf', '-', '.'])
    await server.site.start(never)
    server.cli('FLUSHALL')
    await server.restored(packed, (found) => expect(found.census.tables).toEqual({ db0: 3 }), 'tar')
    expect(server.everything()).toBe(before)
    const without = await start()
    await without.restored(packed, (found) => expect(found.census.tables).toEqual({ db0: 3 }), 'tar')
    expect(without.everything()).toBe(before)
  })

  it('of keys whose time has come since is a good one', async () => {
    const server = await start({ environment: { REDIS_AOF_ENABLED: 'yes' } })
    server.tell('SET stays 1\nSET soon 1 PX 500')
    const { bytes, facts } = await server.dumped('tar')
    expect(facts.census.tables).toEqual({ db0: 2 })
    await sleep(600)
    await server.restored(bytes, (found) => expect(found.census).toEqual(facts.census), 'tar')
    expect(server.cli('KEYS', '*')).toBe('stays')
  })

  it('is refused when it is cut, prolonged, or the file in it is changed', async () => {
    const server = await start()
    fillRichly(server)
    const { bytes } = await server.dumped('tar')
    const check = (content: Buffer): Promise<Buffer> => collect(redis.check(tar, inPieces(content, 1000)))
    expect((await check(bytes)).equals(bytes)).toBe(true)
    for (const cut of [1, 512, 1024, 2048, 5000, bytes.length])
      await expect(check(bytes.subarray(0, -cut)), `${cut}`).rejects.toMatchObject({ code: 'CORRUPT' })
    await expect(check(Buffer.concat([bytes, bytes]))).rejects.toMatchObject({ code: 'CORRUPT' })
    for (const at of [600, 3000, 20_000]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      await expect(check(changed), `byte ${at}`).rejects.toThrow('checksum')
    }
  })

  it('is refused when it holds anything else, and nothing of it is written', async () => {
    const server = await start()
    const entry = (name: string, kind: 'file' | 'symlink' | 'folder' | 'link', target = ''): Buffer =>
      tarHeader({ name, kind, size: 0, mode: 0o600, target })
    const strangers = [
      entry('redis.conf', 'file'),
      entry('dump.rdb', 'symlink', '/etc/passwd'),
      entry('appendonlydir/a/b', 'file'),
      entry('data/dump.rdb', 'file'),
    ]
    for (const each of strangers) {
      await expect(server.restored(Buffer.concat([each, tarEnd()]), undefined, 'tar')).rejects.toMatchObject({ code: 'CONFLICT' })
    }
    await expect(server.restored(Buffer.concat([entry('appendonlydir', 'folder'), tarEnd()]), undefined, 'tar')).rejects.toThrow(
      'holds no dump.rdb',
    )
    const place = await folder()
    await writeFile(join(place, 'out'), 'secret')
    const link = Buffer.concat([entry('appendonlydir', 'folder'), entry('appendonlydir/x', 'link', '../../out'), tarEnd()])
    await expect(server.restored(link, undefined, 'tar')).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await server.site.generations()).toHaveLength(1)
    expect(server.cli('PING')).toBe('PONG')
  })
})
