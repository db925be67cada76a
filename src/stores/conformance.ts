// The trials every store must pass: the five promises of store.ts, each tried in the ways in which stores break them.
// A trial throws when the store fails it. It works under a prefix of its own and cleans up after itself.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { once as bytesOf, text, type Bytes } from '../base/bytes.ts'
import { HayaiError, isCode, type Code } from '../base/errors.ts'
import { landed, type Landing } from '../base/landing.ts'
import type { Store } from './store.ts'

export interface Stand {
  readonly store: Store
  /** An expression of an ES module that gives the same store in another process: `(await import('...')).folderStore('...')`. */
  readonly elsewhere: string
}

export interface Trial {
  readonly name: string
  run(stand: Stand): Promise<void>
}

export const trials: readonly Trial[] = [
  trial('gives back what was put, byte for byte, whatever the pieces', async ({ store }, key) => {
    const content = randomBytes(3 * 1024 * 1024 + 17)
    for (const size of [content.length, 1_000_000, 65_536, 4093]) {
      await store.put(key('bytes'), pieces(content, size), { ifAbsent: false })
      assert.ok((await read(store, key('bytes'))).equals(content), `not the same bytes, put in pieces of ${size}`)
    }
    const { key: told, bytes, modified } = await store.stat(key('bytes'))
    assert.deepEqual([told, bytes], [key('bytes'), content.length])
    assert.ok(Math.abs(Date.now() - modified.getTime()) < 10 * 60_000, 'the time of the last change is not now')
  }),

  trial('lends a file, if it does, to whoever makes the bytes', async ({ store }, key) => {
    const content = randomBytes(2 * 1024 * 1024 + 3)
    const made = (into: Landing | undefined): Bytes =>
      into === undefined ? pieces(content, 65_536) : landed(pieces(content, 65_536), into)
    await store.put(key('made'), made, { ifAbsent: true })
    assert.ok((await read(store, key('made'))).equals(content))
    await fails('CONFLICT', () => store.put(key('made'), made, { ifAbsent: true }))
    const broken = (into: Landing | undefined): Bytes => brokenOff(made(into))
    await assert.rejects(store.put(key('broken'), broken, { ifAbsent: true }), /broke off/)
    await fails('NOT_FOUND', () => store.stat(key('broken')))
  }),

  trial('keeps no bytes as well as many', async ({ store }, key) => {
    await store.put(key('empty'), nothing(), { ifAbsent: true })
    assert.equal((await read(store, key('empty'))).length, 0)
    assert.equal((await store.stat(key('empty'))).bytes, 0)
  }),

  trial('takes a stream that is larger than its buffers', async ({ store }, key) => {
    const [put, got] = [createHash('sha256'), createHash('sha256')]
    await store.put(key('large'), seen(noise(96 * 1024 * 1024 + 5), put), { ifAbsent: true })
    for await (const chunk of store.get(key('large'))) got.update(chunk)
    assert.equal(got.digest('hex'), put.digest('hex'))
  }),

  trial('does not mind a source that uses its buffer again', async ({ store }, key) => {
    async function* reused(): Bytes {
      const buffer = Buffer.alloc(1000)
      for (let round = 0; round < 5000; round++) yield buffer.fill(round % 251)
    }
    await store.put(key('reused'), reused(), { ifAbsent: true })
    const got = await read(store, key('reused'))
    for (let round = 0; round < 5000; round++) assert.equal(got[round * 1000 + (round % 1000)], round % 251)
  }),

  trial('replaces a key as a whole, and a reader keeps what it began with', async ({ store }, key) => {
    const [before, after] = [randomBytes(2_000_000), randomBytes(1000)]
    await store.put(key('replaced'), bytesOf(before), { ifAbsent: false })
    const reader = store.get(key('replaced'))[Symbol.asyncIterator]()
    const first = await reader.next()
    await store.put(key('replaced'), bytesOf(after), { ifAbsent: false })
    const rest: Uint8Array[] = first.done === true ? [] : [first.value]
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) rest.push(next.value)
    assert.ok(Buffer.concat(rest).equals(before), 'a reader saw a mixture of two contents')
    assert.ok((await read(store, key('replaced'))).equals(after))
  }),

  trial('with ifAbsent leaves what is there', async ({ store }, key) => {
    await store.put(key('kept'), bytesOf('first'), { ifAbsent: true })
    await fails('CONFLICT', () => store.put(key('kept'), bytesOf('second'), { ifAbsent: true }))
    assert.equal(await text(store.get(key('kept'))), 'first')
  }),

  trial('copies a key to another one, which then lives by itself', async ({ store }, key) => {
    const content = randomBytes(300_000)
    await store.put(key('original'), bytesOf(content), { ifAbsent: true })
    await store.copy(key('original'), key('deep/copy'))
    await fails('CONFLICT', () => store.copy(key('original'), key('deep/copy')))
    await fails('NOT_FOUND', () => store.copy(key('nothing'), key('other')))
    await fails('NOT_FOUND', () => text(store.get(key('other'))))
    await store.put(key('original'), bytesOf('changed'), { ifAbsent: false })
    assert.ok((await read(store, key('deep/copy'))).equals(content))
    await store.delete(key('original'))
    assert.ok((await read(store, key('deep/copy'))).equals(content))
  }),

  trial('with ifAbsent lets exactly one of many writers win', async ({ store, elsewhere }, key) => {
    const here = Array.from({ length: 20 }, (_, number) => ({
      content: `here ${number} `.repeat(1000 + number),
      put: (content: string) => store.put(key('raced'), pieces(Buffer.from(content), 997), { ifAbsent: true }),
    }))
    const children = Array.from({ length: 3 }, (_, number) => ({
      content: `child ${number} `.repeat(1000),
      put: (content: string) => putElsewhere(elsewhere, key('raced'), content),
    }))
    const writers = [...here, ...children]
    const outcomes = await Promise.allSettled(writers.map(({ content, put }) => put(content)))
    const winners = writers.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    assert.equal(winners.length, 1, `${winners.length} writers believe that they have won`)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(isCode(outcome.reason, 'CONFLICT'), `a loser got ${String(outcome.reason)}`)
    }
    assert.equal(await text(store.get(key('raced'))), winners[0]?.content)
  }),

  trial('keeps nothing of a source that fails half-way', async ({ store }, key) => {
    async function* failing(): Bytes {
      yield* noise(5_000_000)
      throw new TypeError('the source failed')
    }
    for (const ifAbsent of [true, false]) {
      await assert.rejects(store.put(key('failed'), failing(), { ifAbsent }), TypeError, 'not the error of the source')
      await fails('NOT_FOUND', () => text(store.get(key('failed'))))
    }
    await store.put(key('failed'), bytesOf('old'), { ifAbsent: true })
    await assert.rejects(store.put(key('failed'), failing(), { ifAbsent: false }), TypeError)
    assert.equal(await text(store.get(key('failed'))), 'old')
    assert.deepEqual(await keysOf(store, key('')), [key('failed')])
  }),

  trial('shows nothing of a writer that is at work, or was killed', async ({ store, elsewhere }, key) => {
    await store.put(key('overwritten'), bytesOf('old'), { ifAbsent: true })
    for (const [name, ifAbsent] of [
      ['killed', true],
      ['overwritten', false],
    ] as const) {
      const child = endlessWriter(elsewhere, key(name), ifAbsent)
      try {
        await once(child.stdout, 'data') // it has handed over a first piece of some megabytes
        assert.deepEqual(await keysOf(store, key('')), [key('overwritten')])
      } finally {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      assert.deepEqual(await keysOf(store, key('')), [key('overwritten')])
    }
    await fails('NOT_FOUND', () => text(store.get(key('killed'))))
    assert.equal(await text(store.get(key('overwritten'))), 'old')
    await store.put(key('killed'), bytesOf('new'), { ifAbsent: true })
    assert.equal(await text(store.get(key('killed'))), 'new')
  }),

  trial('says NOT_FOUND of what is not there, and deletes it without a word', async ({ store }, key) => {
    await fails('NOT_FOUND', () => text(store.get(key('absent'))))
    await fails('NOT_FOUND', () => store.stat(key('absent')))
    await store.delete(key('absent'))
    await store.put(key('present'), bytesOf('x'), { ifAbsent: true })
    await store.delete(key('present'))
    await fails('NOT_FOUND', () => store.stat(key('present')))
    await store.put(key('present'), bytesOf('y'), { ifAbsent: true })
  }),

  trial('refuses keys that leave the store or are none', async ({ store }) => {
    for (const key of ['', '/', '/etc/passwd', '../x', 'a/../../x', 'a/..', '..', '.', './a', 'a//b', 'a/', 'a\0b']) {
      await fails('USAGE', () => store.put(key, bytesOf('x'), { ifAbsent: false }))
      await fails('USAGE', () => text(store.get(key)))
      await fails('USAGE', () => store.stat(key))
      await fails('USAGE', () => store.delete(key))
    }
    await fails('USAGE', () => store.list('../'))
  }),

  trial('takes any name for what it is', async ({ store }, key) => {
    for (const name of ['with space', 'ünïcödé', '%2e%2e', '-rf', '.hidden', 'a.b.c', '$(x)`y`', 'line\nbreak', '"quoted"', '*?']) {
      await store.put(key(name), bytesOf(name), { ifAbsent: true })
      assert.equal(await text(store.get(key(name))), name)
      assert.ok((await keysOf(store, key(''))).includes(key(name)), `${JSON.stringify(name)} is not listed`)
    }
  }),

  trial('lists by prefix, one level, in order', async ({ store }, key) => {
    for (const name of ['b', 'ab', 'a', 'deep/a', 'deep/down/b']) await store.put(key(name), bytesOf(name), { ifAbsent: true })
    assert.deepEqual(await keysOf(store, key('')), [key('a'), key('ab'), key('b')])
    assert.deepEqual(await keysOf(store, key('a')), [key('a'), key('ab')])
    assert.deepEqual(await keysOf(store, key('deep/')), [key('deep/a')])
    assert.deepEqual(await keysOf(store, key('none/')), [])
    const [entry] = await store.list(key('ab'))
    assert.equal(entry?.bytes, 2)
    for (const name of ['deep/a', 'deep/down/b']) await store.delete(key(name))
  }),
]

function trial(name: string, run: (stand: Stand, key: (name: string) => string) => Promise<void>): Trial {
  return {
    name,
    async run(stand) {
      const prefix = `trial-${randomBytes(6).toString('hex')}/`
      try {
        await run(stand, (name) => prefix + name)
      } finally {
        for (const { key } of await stand.store.list(prefix)) await stand.store.delete(key)
      }
    },
  }
}

async function fails(code: Code, work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => isCode(error, code) || assert.fail(`${code} was expected, and it was: ${String(error)}`))
}

async function keysOf(store: Store, prefix: string): Promise<readonly string[]> {
  return (await store.list(prefix)).map(({ key }) => key)
}

async function read(store: Store, key: string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of store.get(key)) parts.push(chunk)
  return Buffer.concat(parts)
}

async function* nothing(): Bytes {}

async function* pieces(content: Buffer, size: number): Bytes {
  for (let from = 0; from < content.length; from += size) yield content.subarray(from, from + size)
}

async function* brokenOff(source: Bytes): Bytes {
  yield* source
  throw new Error('it broke off')
}

async function* noise(total: number): Bytes {
  const block = randomBytes(65_537)
  for (let left = total; left > 0; left -= block.length) yield block.subarray(0, left)
}

async function* seen(source: Bytes, hash: ReturnType<typeof createHash>): Bytes {
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
}

function inChild(script: string) {
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

function endlessWriter(elsewhere: string, key: string, ifAbsent: boolean) {
  return inChild(`
    const store = ${elsewhere}
    async function* endless() {
      for (let piece = 0; ; piece++) {
        yield Buffer.alloc(65536, piece)
        if (piece === 100) console.log('at work')
        if (piece > 100) await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    await store.put(${JSON.stringify(key)}, endless(), { ifAbsent: ${ifAbsent} })`)
}

/** Puts in another process, and throws there what it threw here. */
async function putElsewhere(elsewhere: string, key: string, content: string): Promise<void> {
  const child = inChild(`
    const store = ${elsewhere}
    async function* content() { yield Buffer.from(${JSON.stringify(content)}) }
    try {
      await store.put(${JSON.stringify(key)}, content(), { ifAbsent: true })
      console.log('won')
    } catch (error) {
      console.log(error.code)
    }`)
  const said = (await text(child.stdout)).trim()
  if (said === 'CONFLICT') throw new HayaiError('CONFLICT', 'another writer won')
  assert.equal(said, 'won')
}
