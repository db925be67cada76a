// `kill -9` at each moment of what the embedded runtime does: afterwards the database is as it was or as it should become, the
// ledger says the same, the application that has the file open goes on, nothing is left lying about, and the next command works.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Site } from '../../src/runtimes/runtime.ts'
import { ballast, client, MODES, PAIR, sql, writer, type Client } from '../engines/sqlite/ground.ts'
import { placement, restore, root, site, snapshot, undo } from './embedded/ground.ts'
import { bundled } from '../programs.ts'

let top = ''
const clients: { kill(): Promise<void> }[] = []
const dataDir = () => placement(top).dataDir
const saved = () => join(top, 'snapshot')

beforeEach(() => {
  top = root()
})
afterEach(async () => {
  for (const each of clients.splice(0)) await each.kill()
  rmSync(top, { recursive: true, force: true })
})

async function doomed(verb: string, moment: string): Promise<void> {
  const child = spawn(process.execPath, [bundled('test/runtimes/embedded/doomed.ts'), top, verb, moment, saved()], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  // Not 'close': the child's own child may outlive it, and has its stderr.
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect({ signal, printed }).toEqual({ signal: 'SIGKILL', printed: '' })
}

function opened(file: string): Client {
  const it = client(file)
  clients.push(it)
  return it
}

/** `first` in the snapshot, `second` in the live database. */
async function stand(mode: string, more = ''): Promise<Site> {
  const it = site(top)
  await it.create()
  sql(it.path, `PRAGMA journal_mode = ${mode}; CREATE TABLE t (v); INSERT INTO t VALUES ('first'); ${more}`)
  writeFileSync(saved(), await snapshot(it))
  sql(it.path, `UPDATE t SET v = 'second'`)
  return it
}

const live = async (it: Site) => (await it.generations()).find((each) => each.live)?.name
const value = (it: Site) => sql(it.path, 'SELECT v FROM t; PRAGMA integrity_check').replaceAll('\n', ' ')

function expectTidy(...generations: readonly string[]): void {
  const names = readdirSync(dataDir()).filter((name) => !name.startsWith('shop.db-')) // those are the connected application's
  expect(names.toSorted()).toEqual(['generations.json', 'shop.db', ...generations].toSorted())
  for (const name of generations) expect(readdirSync(join(dataDir(), name))).toEqual(['shop.db'])
  expect(sql(join(dataDir(), 'shop.db'), `SELECT count(*) FROM sqlite_schema WHERE name LIKE 'hayai%'`)).toBe('0')
}

const BEFORE = ['folder made', 'announced', 'ready'] as const
const AFTER = ['exchanged', 'recorded', 'unmarked', 'cleared'] as const

describe.each(MODES)('in %s mode, killed', (mode) => {
  it.each([...BEFORE, ...AFTER])('when a restore is at "%s"', async (moment) => {
    const it = await stand(mode)
    const app = opened(it.path)
    await app.tell(`q('SELECT v FROM t')`)
    await doomed('restore', moment)
    const expected = BEFORE.includes(moment as 'ready') ? 'second' : 'first'
    expect(await app.tell(`q('SELECT v FROM t')`)).toEqual([[expected]])
    await it.recover()
    expect(await app.tell(`q('SELECT v FROM t')`)).toEqual([[expected]])
    expect([await live(it), value(it)]).toEqual([expected === 'first' ? 'g0002' : 'g0001', `${expected} ok`])
    expectTidy(...(expected === 'first' ? ['g0001'] : []))
    await app.tell(`q("UPDATE t SET v = 'third'")`)
    await restore(it, await snapshot(it))
    await undo(it)
    expect(await app.tell(`q('SELECT v FROM t')`)).toEqual([['third']])
  })

  it.each([0, 30, 100, 400])('%d ms after the permission was given, when the child goes on alone', async (milliseconds) => {
    const it = await stand(mode, `${PAIR} ${ballast(30_000)}`)
    await doomed('restore', `ready+${milliseconds}`)
    await it.recover()
    const [now, seen] = [await live(it), value(it)]
    expect([`g0001 second ok`, `g0002 first ok`]).toContain(`${now} ${seen}`)
    expectTidy(...(now === 'g0002' ? ['g0001'] : []))
    await sleep(1500)
    expect([await live(it), value(it)]).toEqual([now, seen])
    if (now === 'g0002') await undo(it)
    expect(value(it)).toBe('second ok')
  })

  it.each(['ready', 'exchanged'])('at "%s" with an application that goes on writing: no commit of it is lost', async (moment) => {
    const it = await stand(mode, `${PAIR} ${ballast(2000)}`)
    const busy = await writer(it.path)
    clients.push(busy)
    await sleep(200)
    await doomed('restore', moment)
    await sleep(300)
    await it.recover()
    await sleep(200)
    const { commits, failures, last } = await busy.stop()
    expect({ failures, last }).toEqual({ failures: 0, last: '' })
    const files = [it.path, join(dataDir(), 'g0001/shop.db')].filter((file) => existsSync(file))
    expect(files).toHaveLength(moment === 'ready' ? 1 : 2)
    const counted = files.map((file) => Number(sql(file, 'SELECT a FROM pair WHERE a = b')))
    expect(counted.reduce((sum, each) => sum + each, 0)).toBe(commits)
  })
})

describe.each(['missing', 'damaged'])('with a live file that is %s, killed', (state) => {
  it.each(['announced', 'ready', 'moved aside', 'exchanged', 'recorded', 'unmarked', 'cleared'])(
    'when a restore is at "%s"',
    async (moment) => {
      const it = await stand('delete')
      if (state === 'missing') rmSync(it.path)
      else writeFileSync(it.path, 'rubbish')
      await doomed('restore', moment)
      await it.recover()
      if (['announced', 'ready', 'moved aside'].includes(moment)) {
        expect(await live(it)).toBe('g0001')
        expect(existsSync(it.path) ? statSync(it.path).size : 'missing').toBe(state === 'missing' ? 'missing' : 'rubbish'.length)
        expect(readdirSync(dataDir()).toSorted()).toEqual(['generations.json', ...(state === 'missing' ? [] : ['shop.db'])])
        await restore(it, await snapshotOf())
      }
      expect(value(it)).toBe('first ok')
      expect((await it.generations()).filter((each) => each.live)).toHaveLength(1)
      expectTidy(...(state === 'missing' ? [] : ['g0001']))
    },
  )

  async function snapshotOf(): Promise<Uint8Array> {
    const { readFile } = await import('node:fs/promises')
    return readFile(saved())
  }
})

describe('killed', () => {
  it.each([...BEFORE.slice(1), ...AFTER])('when an undo is at "%s"', async (moment) => {
    const it = await stand('wal')
    await restore(it, await snapshot(it))
    sql(it.path, `UPDATE t SET v = 'third'`)
    await doomed('undo', moment)
    await it.recover()
    const expected = BEFORE.includes(moment as 'ready') ? 'third' : 'second'
    expect([await live(it), value(it)]).toEqual([expected === 'third' ? 'g0002' : 'g0001', `${expected} ok`])
    expectTidy(expected === 'third' ? 'g0001' : 'g0002')
    await undo(it, expected === 'third' ? -1 : 1)
    expect(value(it)).toBe(expected === 'third' ? 'second ok' : 'third ok')
    expect(sql(join(dataDir(), expected === 'third' ? 'g0002/shop.db' : 'g0001/shop.db'), '.schema')).toBe('CREATE TABLE t (v);')
  })

  it.each(['created'])('when a creation is at "%s", the next one succeeds', async (moment) => {
    await doomed('create', moment)
    const it = site(top)
    await it.recover()
    expect(await it.generations()).toEqual([])
    await it.create()
    expect(sql(it.path, 'PRAGMA integrity_check')).toBe('ok')
    expect(await it.generations()).toHaveLength(1)
    expectTidy()
  })

  it.each(['drop announced', 'dropped'])('when a generation is being dropped, at "%s", it is there or gone', async (moment) => {
    const it = await stand('wal')
    await restore(it, await snapshot(it))
    await doomed('drop', moment)
    await it.recover()
    expectTidy(...(moment === 'dropped' ? [] : ['g0001']))
    expect((await it.generations()).map(({ name }) => name)).toEqual(moment === 'dropped' ? ['g0002'] : ['g0001', 'g0002'])
    if (moment !== 'dropped') await undo(it)
    expect(value(it)).toBe('second ok')
  })
})
