// Single keys of Redis, out of a snapshot into a live server that has gone on.

import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PiecesAnswer } from '../../src/index.ts'
import { NEWER } from '../fetched.ts'
import { redis } from '../trials/redis.ts'
import { stage, type Stage } from '../trials/stage.ts'

const FILL = [
  ...Array.from({ length: 2500 }, (_, n) => `SET session:${n} "user ${n}" PXAT ${4_000_000_000_000 + n}`),
  'HSET session:hash a 1 b "\\x00\\xff\\r\\n"',
  'RPUSH session:list one two three',
  'ZADD session:scores 1.5 a 2 b',
  'XADD session:stream 1-1 field value',
  'SET "session:\\xff\\x00 odd" "bytes \\x00\\xfe"',
  'SET other 1',
  'SELECT 3',
  'SET session:third three',
  'SADD session:set a b',
  'SET kept 1',
]

describe('Redis, key by key', () => {
  if (redis.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${redis.missing}`, () => {})

  let scene: Stage
  let reference = ''
  let before = ''
  const run = (...lines: readonly string[]): Promise<string> => redis.run(scene.project, 'cache', lines.join('\n'))
  const bring = (more: Partial<Parameters<typeof scene.project.restorePieces>[0]>): Promise<PiecesAnswer> =>
    scene.project.restorePieces({ reference, noun: 'key', pieces: [{ name: 'session:*' }], ...more })
  beforeEach(async () => {
    scene = await stage()
    await scene.project.init({ name: 'cache', engine: 'redis' })
    await scene.project.start(['cache'])
    await run(...FILL)
    before = await redis.dump(scene.project, 'cache')
    reference = (await scene.project.snapshot({ database: 'cache' })).snapshot?.id ?? ''
  })
  afterEach(() => scene.close())

  it('brings every kind of key back, in every db, with the moment at which it expires', async () => {
    await run('FLUSHALL', 'SET other 1', 'SELECT 3', 'SET kept 1')
    const answer = await bring({})
    expect(answer).toMatchObject({
      pieces: [{ name: 'session:*', count: 2507, replaced: 0 }],
      notes: [],
      safety: null,
      undo: 'hayai undo cache',
    })
    expect(await redis.dump(scene.project, 'cache')).toBe(before)
    expect(await run('PEXPIRETIME session:17')).toBe('4000000000017')
    await run('SET session:mine 1')
    await scene.project.undo()
    expect(await run('KEYS session:*', 'SELECT 3', 'KEYS session:*', 'GET kept')).toBe('session:mine\nOK\n\n1')
    await scene.project.redo()
    await run('DEL session:mine')
    expect(await redis.dump(scene.project, 'cache')).toBe(before)
  })

  it('takes nothing over what is there, unless it shall, and that can be taken back', async () => {
    await run('SET session:1 mine', 'DEL session:2', 'SELECT 3', 'SET session:third changed', 'SET new 1')
    const live = await redis.dump(scene.project, 'cache')
    await expect(bring({})).rejects.toMatchObject({ code: 'CONFLICT', hint: expect.stringContaining('--replace') as string })
    expect(await redis.dump(scene.project, 'cache')).toBe(live)
    expect(await bring({ replace: true, dryRun: true })).toMatchObject({ safety: null, pieces: [{ count: 2507, replaced: 2506 }] })
    expect(await redis.dump(scene.project, 'cache')).toBe(live)
    const answer = await bring({ replace: true })
    await run('SELECT 3', 'DEL new')
    expect(await redis.dump(scene.project, 'cache')).toBe(before)
    expect(answer.undo).toBe('hayai undo cache')
    await run('SELECT 3', 'SET new 1')
    expect(await scene.project.undo('cache')).toMatchObject({ what: 'pieces', notes: [], pieces: { replaced: ['session:*'] } })
    expect(await redis.dump(scene.project, 'cache')).toBe(live)
    await scene.project.redo('cache')
    await run('HSET session:hash c 3', 'DEL session:9')
    const later = await redis.dump(scene.project, 'cache')
    await expect(scene.project.undo('cache')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('1 of the 2507 keys was') as string,
    })
    expect(await redis.dump(scene.project, 'cache')).toBe(later)
    await scene.project.undo('cache', { force: true })
    expect(await redis.dump(scene.project, 'cache')).toBe(live)
  })

  it('knows one key, one db, and says when there is none', async () => {
    await run('FLUSHALL')
    expect((await bring({ pieces: [{ name: 'session:third' }, { name: 'session:[12]' }] })).pieces.map(({ count }) => count)).toEqual([
      1, 2,
    ])
    expect(await run('SELECT 3', 'KEYS *', 'SELECT 0', 'DBSIZE')).toBe('OK\nsession:third\nOK\n2')
    await run('FLUSHALL')
    expect((await bring({ db: 3 })).pieces).toMatchObject([{ count: 2 }])
    expect(await run('DBSIZE')).toBe('0')
    await expect(bring({ pieces: [{ name: 'nothing:*' }] })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(bring({ pieces: [{ name: 'other' }], db: 3 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(bring({ pieces: [{ name: 'other', as: 'mine' }] })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(bring({ noun: 'table' })).rejects.toMatchObject({ code: 'USAGE', hint: 'Use --key.' })
  })

  // What older servers have not: fields that expire, and vectors, whose DUMP is another after a RESTORE.
  it.skipIf(!existsSync(NEWER.redis.folder))(
    'of Redis 8: fields that expire, and vectors, are known again, and a change of them is seen',
    async () => {
      const path = process.env['PATH'] ?? ''
      process.env['PATH'] = `${NEWER.redis.folder}:${path}`
      try {
        await scene.project.init({ name: 'newer', engine: 'redis', version: NEWER.redis.version })
        await scene.project.start(['newer'])
        const tell = (...lines: readonly string[]): Promise<string> => redis.run(scene.project, 'newer', lines.join('\n'))
        const vectors = Array.from({ length: 40 }, (_, n) => `VADD vectors VALUES 3 ${n} ${n % 7} 1 e${n}`)
        await tell('HSET fields a 1 b 2 c 3', 'HPEXPIREAT fields 4102444800000 FIELDS 2 a b', ...vectors, 'VSETATTR vectors e7 "{}"')
        const whole = await redis.dump(scene.project, 'newer')
        const { snapshot } = await scene.project.snapshot({ database: 'newer' })
        await tell('DEL fields vectors')
        const put = async () =>
          scene.project.restorePieces({ reference: snapshot?.id ?? '', noun: 'key', pieces: [{ name: 'fields' }, { name: 'vectors' }] })
        await put()
        expect(await redis.dump(scene.project, 'newer')).toBe(whole)
        await scene.project.undo('newer')
        expect(await tell('EXISTS fields vectors')).toBe('0')
        for (const change of ['HPERSIST fields FIELDS 1 a', 'VREM vectors e3']) {
          await put()
          await tell(change)
          await expect(scene.project.undo('newer'), change).rejects.toMatchObject({ code: 'CONFLICT' })
          await scene.project.undo('newer', { force: true })
        }
      } finally {
        process.env['PATH'] = path
      }
    },
  )
})
