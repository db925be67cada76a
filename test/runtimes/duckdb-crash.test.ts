// `kill -9` at each moment of an exchange of DuckDB files, which is a rename: afterwards the database is as it was or as it should
// become, the ledger says the same, nothing is left lying about, and the next command works.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { duckdb } from '../../src/engines/duckdb.ts'
import { bears, markOf } from '../../src/engines/duckdb/marks.ts'
import type { Site } from '../../src/runtimes/runtime.ts'
import { killedWith, onFile } from '../engines/duckdb-program.ts'
import { placement, restore, root, site, snapshot, undo } from './embedded/ground.ts'
import { bundled } from '../programs.ts'

let top = ''
const dataDir = () => placement(top).dataDir
const saved = () => join(top, 'snapshot')
const place = () => site(top, undefined, undefined, 5000, duckdb)
const back = (it: Site, bytes: Uint8Array) => restore(it, bytes, undefined, duckdb)

beforeEach(() => {
  top = root()
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

async function doomed(verb: string, moment: string): Promise<void> {
  const child = spawn(process.execPath, [bundled('test/runtimes/embedded/doomed.ts'), top, verb, moment, saved(), 'duckdb'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect({ signal, printed }).toEqual({ signal: 'SIGKILL', printed: '' })
}

/** `first` in the snapshot, `second` in the live database. */
async function stand(): Promise<Site> {
  const it = place()
  await it.create()
  await onFile(it.path, `CREATE TABLE t (v VARCHAR); INSERT INTO t VALUES ('first'); CREATE TABLE b AS FROM range(100000)`)
  writeFileSync(saved(), await snapshot(it, duckdb))
  await onFile(it.path, `UPDATE t SET v = 'second'`)
  return it
}

const live = async (it: Site) => (await it.generations()).find((each) => each.live)?.name
/** A child that was left alone may still hold the file for a moment. */
const value = async (it: Site): Promise<string> => {
  for (;;) {
    try {
      return await onFile(it.path, 'SELECT v FROM t')
    } catch (error) {
      if (!String(error).includes('lock')) throw error
      await sleep(20)
    }
  }
}

function expectTidy(...generations: readonly string[]): void {
  expect(readdirSync(dataDir()).toSorted()).toEqual(['generations.json', 'shop.duckdb', ...generations].toSorted())
  for (const name of generations) expect(readdirSync(join(dataDir(), name))).toEqual(['shop.duckdb'])
}

const BEFORE = ['folder made', 'announced', 'ready'] as const
const AFTER = ['exchanged', 'recorded', 'unmarked', 'cleared'] as const

describe('killed', () => {
  it.each([...BEFORE, ...AFTER])('when a restore is at "%s"', async (moment) => {
    const it = await stand()
    await doomed('restore', moment)
    const expected = BEFORE.includes(moment as 'ready') ? 'second' : 'first'
    await it.recover()
    expect([await live(it), await value(it)]).toEqual([expected === 'first' ? 'g0002' : 'g0001', expected])
    expectTidy(...(expected === 'first' ? ['g0001'] : []))
    await onFile(it.path, `UPDATE t SET v = 'third'`)
    await back(it, await snapshot(it, duckdb))
    await undo(it)
    expect(await value(it)).toBe('third')
  })

  it.each([0, 1, 3, 10, 50])('%d ms after the permission was given, when the child goes on alone', async (milliseconds) => {
    const it = await stand()
    await doomed('restore', `ready+${milliseconds}`)
    await it.recover()
    const [now, seen] = [await live(it), await value(it)]
    expect(['g0001 second', 'g0002 first']).toContain(`${now} ${seen}`)
    expectTidy(...(now === 'g0002' ? ['g0001'] : []))
    await sleep(500)
    expect([await live(it), await value(it)]).toEqual([now, seen])
    if (now === 'g0002') await undo(it)
    expect(await value(it)).toBe('second')
  })

  it.each([...BEFORE.slice(1), ...AFTER])('when an undo is at "%s"', async (moment) => {
    const it = await stand()
    await back(it, readFileSync(saved()))
    await onFile(it.path, `UPDATE t SET v = 'third'`)
    await doomed('undo', moment)
    await it.recover()
    const expected = BEFORE.includes(moment as 'ready') ? 'third' : 'second'
    expect([await live(it), await value(it)]).toEqual([expected === 'third' ? 'g0002' : 'g0001', expected])
    expectTidy(expected === 'third' ? 'g0001' : 'g0002')
    await undo(it, expected === 'third' ? -1 : 1)
    expect(await value(it)).toBe(expected === 'third' ? 'second' : 'third')
  })

  it('after the rename, with an application that has the restored file open by now: it is finished all the same', async () => {
    const it = await stand()
    await doomed('restore', 'exchanged')
    const app = await killedWith(it.path, [`UPDATE t SET v = 'by the application'`], 'stays')
    await it.recover()
    expect(await live(it)).toBe('g0002')
    await app.kill()
    expect(await value(it)).toBe('by the application') // it lies in the .wal of the file it belongs to
    await undo(it)
    expect(await value(it)).toBe('second')
  })
})

describe.each(['missing', 'damaged'])('with a live file that is %s, killed', (state) => {
  it.each(['announced', 'ready', 'exchanged', 'recorded', 'unmarked', 'cleared'])('when a restore is at "%s"', async (moment) => {
    const it = await stand()
    if (state === 'missing') rmSync(it.path)
    else writeFileSync(it.path, 'rubbish')
    await doomed('restore', moment)
    await it.recover()
    if (['announced', 'ready'].includes(moment)) {
      expect(await live(it)).toBe('g0001')
      expect(existsSync(it.path) ? statSync(it.path).size : 'missing').toBe(state === 'missing' ? 'missing' : 'rubbish'.length)
      await back(it, readFileSync(saved()))
    }
    expect(await value(it)).toBe('first')
    expect((await it.generations()).filter((each) => each.live)).toHaveLength(1)
    const kept = readdirSync(dataDir()).filter((name) => /^g\d+$/.test(name))
    if (state === 'missing') expect(kept).toEqual([])
    else expect(kept.map((name) => readFileSync(join(dataDir(), name, 'shop.duckdb'), 'utf8'))).toEqual(['rubbish'])
    expect(readdirSync(dataDir()).filter((name) => name.startsWith('.'))).toEqual([])
  })
})

describe('the mark', () => {
  it('is asked for the last time: what has not happened by then cannot happen any more', async () => {
    const it = await stand()
    const paths = markOf(it.path, 'm')
    linkSync(saved(), paths.next)
    linkSync(saved(), paths.mark)
    expect(bears(it.path, 'm')).toBe(false)
    expect([existsSync(paths.next), existsSync(paths.mark)]).toEqual([false, false])
    linkSync(it.path, paths.mark)
    expect(bears(it.path, 'm')).toBe(true)
    expect(existsSync(paths.mark)).toBe(true)
  })
})
