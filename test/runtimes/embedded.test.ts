// The embedded runtime: the live file that applications know, and the generations behind it.

import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openersOf } from '../../src/base/openers.ts'
import { sqlite } from '../../src/engines/sqlite.ts'
import { embedded } from '../../src/runtimes/embedded.ts'
import type { Site } from '../../src/runtimes/runtime.ts'
import { ballast, client, MODES, PAIR, sql, type Client } from '../engines/sqlite/ground.ts'
import { placement, restore, root, site, snapshot, undo } from './embedded/ground.ts'

let top = ''
const clients: Client[] = []
const dataDir = () => placement(top).dataDir
const sha = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

beforeEach(() => {
  top = root()
})
afterEach(async () => {
  for (const each of clients.splice(0)) await each.kill()
  rmSync(top, { recursive: true, force: true })
})

function opened(file: string): Client {
  const it = client(file)
  clients.push(it)
  return it
}

/** A created database with one row, and a snapshot of it; then the row says otherwise. */
async function stand(it: Site, mode = 'wal'): Promise<Uint8Array> {
  await it.create()
  sql(it.path, `PRAGMA journal_mode = ${mode}; CREATE TABLE t (v); INSERT INTO t VALUES ('first')`)
  const bytes = await snapshot(it)
  sql(it.path, `UPDATE t SET v = 'second'`)
  return bytes
}

const value = (it: Site) => sql(it.path, 'SELECT v FROM t; PRAGMA integrity_check').replaceAll('\n', ' ')
const origins = async (it: Site) => (await it.generations()).map(({ name, origin, live }) => `${name} ${origin}${live ? ' *' : ''}`)

describe('the runtime', () => {
  it('tells the version, and takes a shorter one that fits', async () => {
    const version = process.versions['sqlite'] ?? ''
    expect(await embedded.probe(sqlite, undefined)).toEqual({ version })
    expect(await embedded.probe(sqlite, '3')).toEqual({ version })
    await expect(embedded.probe(sqlite, '2')).rejects.toMatchObject({ code: 'ENVIRONMENT' })
  })
})

describe('a creation', () => {
  it('makes an empty database for its owner alone, and one generation', async () => {
    const it = site(top)
    expect(await it.status()).toBe('missing')
    expect(await it.generations()).toEqual([])
    await it.create()
    expect(await it.status()).toBe('file')
    expect(it.path).toBe(join(dataDir(), 'shop.db'))
    expect(sql(it.path, '.tables\nPRAGMA integrity_check')).toBe('ok')
    expect(statSync(it.path).mode & 0o777).toBe(0o600)
    expect(await origins(it)).toEqual(['g0001 created *'])
    expect(readdirSync(dataDir()).toSorted()).toEqual(['generations.json', 'shop.db'])
    await expect(it.create()).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('adopts a file that is there, and changes nothing in it', async () => {
    const file = join(top, 'existing.db')
    sql(file, `PRAGMA journal_mode = WAL; ${PAIR} ${ballast(50)}`)
    const before = { sha: sha(file), stat: statSync(file) }
    const it = site(top, file)
    await it.create()
    expect(sha(file)).toBe(before.sha)
    const { ino, size, mode, mtimeMs, ctimeMs } = before.stat
    expect(statSync(file)).toMatchObject({ ino, size, mode, mtimeMs, ctimeMs })
    expect(await origins(it)).toEqual(['g0001 adopted *'])
  })

  it('refuses a file that is no database, and leaves no trace', async () => {
    const file = join(top, 'letter.db')
    writeFileSync(file, 'Dear Sir or Madam')
    await expect(site(top, file).create()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('letter.db') as string,
    })
    expect(readFileSync(file, 'utf8')).toBe('Dear Sir or Madam')
    expect(await site(top, file).generations()).toEqual([])
    expect(existsSync(dataDir())).toBe(false)
  })

  it('makes the declared file where there is none, with its folder', async () => {
    const it = site(top, join(top, 'var/app/store.sqlite'))
    await it.create()
    expect(sql(it.path, 'PRAGMA integrity_check')).toBe('ok')
    expect(await origins(it)).toEqual(['g0001 created *'])
    expect(readdirSync(join(top, 'var/app'))).toEqual(['store.sqlite'])
  })

  it('does not put a new file beside what is left of another, which would spoil it', async () => {
    writeFileSync(join(top, 'store.db-wal'), 'left')
    await expect(site(top, join(top, 'store.db')).create()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('-wal') as string,
    })
    expect(existsSync(join(top, 'store.db'))).toBe(false)
  })
})

describe.each(MODES)('a restore in %s mode', (mode) => {
  it('can be undone and redone, again and again', async () => {
    const it = site(top)
    const bytes = await stand(it, mode)
    const before = statSync(it.path)
    expect(await restore(it, bytes, 'restored from abc')).toMatchObject({ name: 'g0002', origin: 'restored from abc', live: true })
    expect(value(it)).toBe('first ok')
    expect(await origins(it)).toEqual(['g0001 created', 'g0002 restored from abc *'])
    sql(it.path, `UPDATE t SET v = 'third'`)
    for (let round = 0; round < 2; round++) {
      expect(await undo(it)).toMatchObject({ name: 'g0001', live: true })
      expect(value(it)).toBe('second ok')
      expect(await it.neighbour(-1)).toBeUndefined()
      expect(await undo(it, 1)).toMatchObject({ name: 'g0002', live: true })
      expect(value(it)).toBe('third ok')
    }
    expect(sql(it.path, 'SELECT name FROM sqlite_schema')).toBe('t')
    const { ino, mode: bits, uid } = statSync(it.path)
    expect({ ino, bits, uid }).toEqual({ ino: before.ino, bits: before.mode, uid: before.uid })
    expect(readdirSync(dataDir()).toSorted()).toEqual(['g0001', 'generations.json', 'shop.db'])
    expect(readdirSync(join(dataDir(), 'g0001'))).toEqual(['shop.db'])
  })

  it('reaches a program that has the file open, and what that writes then can be undone, too', async () => {
    const it = site(top)
    const bytes = await stand(it, mode)
    const app = opened(it.path)
    expect(await app.tell(`q('SELECT v FROM t')`)).toEqual([['second']])
    await restore(it, bytes)
    expect(await app.tell(`q('SELECT v FROM t')`)).toEqual([['first']])
    await app.tell(`q("UPDATE t SET v = 'by the app'")`)
    await undo(it)
    expect(await app.tell(`q('SELECT v FROM t')`)).toEqual([['second']])
    await undo(it, 1)
    expect(await app.tell(`q('SELECT v FROM t')`)).toEqual([['by the app']])
    expect(value(it)).toBe('by the app ok')
  })

  it('refused by a program that does not let go leaves all as it was', async () => {
    const it = site(top, undefined, undefined, 400)
    const bytes = await stand(it, mode)
    const app = opened(it.path)
    await app.tell(`q('BEGIN IMMEDIATE') or q("UPDATE t SET v = 'third'")`)
    await expect(restore(it, bytes)).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining(String(app.pid)) as string })
    expect(await origins(it)).toEqual(['g0001 created *'])
    expect(readdirSync(dataDir()).filter((name) => !name.startsWith('shop.db'))).toEqual(['generations.json'])
    await app.tell(`q('COMMIT')`)
    expect(value(it)).toBe('third ok')
    await it.recover()
    await restore(it, bytes)
    expect(value(it)).toBe('first ok')
  })
})

describe('a twin', () => {
  it('that is not swapped in leaves nothing, and its name is not given again', async () => {
    const it = site(top)
    await stand(it)
    const twin = await it.twin()
    const target = await twin.target()
    sql(target.path, 'CREATE TABLE x (a)')
    expect(target.endpoint).toBeUndefined()
    expect(readdirSync(target.scratch)).toEqual([])
    await target.close()
    expect(existsSync(target.scratch)).toBe(false)
    await twin.close()
    expect(value(it)).toBe('second ok')
    expect(readdirSync(dataDir()).toSorted()).toEqual(['generations.json', 'shop.db'])
  })

  it('can be had without a live database: for a trial of a snapshot', async () => {
    const other = site(top)
    const bytes = await stand(other)
    const trial = site(join(top, 'trial'))
    const twin = await trial.twin()
    const target = await twin.target()
    writeFileSync(target.path, bytes)
    expect((await sqlite.inspect(target)).census.tables).toEqual({ t: 1 })
    await target.close()
    await twin.close()
    expect(await trial.status()).toBe('missing')
    await trial.recover()
  })
})

describe('a live file', () => {
  it('that is gone is told of, and comes back by restore', async () => {
    const it = site(top)
    const bytes = await stand(it)
    rmSync(it.path)
    expect(await it.status()).toBe('missing')
    await expect(it.open()).rejects.toMatchObject({ code: 'WRONG_STATE', message: expect.stringContaining(it.path) as string })
    await restore(it, bytes)
    expect(value(it)).toBe('first ok')
    expect(await origins(it)).toEqual(['g0002 restored from a snapshot *']) // there was nothing to keep
    expect(await it.neighbour(-1)).toBeUndefined()
    expect(readdirSync(dataDir()).toSorted()).toEqual(['generations.json', 'shop.db'])
  })

  it('that is gone comes back by undo, and what is left of it spoils nothing', async () => {
    const it = site(top)
    await restore(it, await stand(it))
    const app = opened(it.path)
    await app.tell(`q('PRAGMA wal_autocheckpoint = 0') and q("UPDATE t SET v = 'in the wal'")`)
    await app.kill()
    rmSync(it.path)
    expect(statSync(`${it.path}-wal`).size).toBeGreaterThan(0)
    await undo(it)
    expect(value(it)).toBe('second ok')
    expect(await origins(it)).toEqual(['g0001 created *'])
  })

  it.each([
    ['overwritten', (file: string) => writeFileSync(file, 'rubbish '.repeat(2000))],
    ['cut short', (file: string) => truncateSync(file, 5000)],
  ])('that is %s is replaced, and kept as it is', async (_, damage) => {
    const it = site(top)
    const bytes = await stand(it, 'delete')
    sql(it.path, `${PAIR} ${ballast(100)}`)
    chmodSync(it.path, 0o640)
    if (process.getuid?.() === 0) chownSync(it.path, 65534, 65534)
    damage(it.path)
    const [rubbish, { uid }] = [sha(it.path), statSync(it.path)]
    const app = opened(it.path)
    while (openersOf(it.path).length === 0) await sleep(20)
    await expect(restore(it, bytes)).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining(String(app.pid)) as string })
    expect(sha(it.path)).toBe(rubbish)
    await app.kill()
    await restore(it, bytes)
    expect(value(it)).toBe('first ok')
    expect(statSync(it.path)).toMatchObject({ uid, mode: 0o100640 })
    expect(sha(join(dataDir(), 'g0001/shop.db'))).toBe(rubbish)
    await expect(undo(it)).rejects.toMatchObject({ code: 'CORRUPT', hint: expect.stringContaining(join(dataDir(), 'g0001')) as string })
    expect(value(it)).toBe('first ok')
    expect(sha(join(dataDir(), 'g0001/shop.db'))).toBe(rubbish)
  })

  it('reached by a symbolic link stays where it is, and so does the link', async () => {
    const real = join(top, 'real/store.db')
    mkdirSync(join(top, 'real'))
    symlinkSync('real/store.db', join(top, 'link.db'))
    const it = site(top, join(top, 'link.db'))
    const bytes = await stand(it)
    expect(lstatSync(real).isFile()).toBe(true)
    await restore(it, bytes)
    await undo(it)
    expect(lstatSync(join(top, 'link.db')).isSymbolicLink()).toBe(true)
    expect(sql(real, 'SELECT v FROM t')).toBe('second')
    rmSync(real)
    expect(await it.status()).toBe('missing')
    await restore(it, bytes)
    expect(lstatSync(join(top, 'link.db')).isSymbolicLink()).toBe(true)
    expect(sql(real, 'SELECT v FROM t')).toBe('first')
  })

  it('with a second name has the same content under both', async () => {
    const it = site(top)
    const bytes = await stand(it)
    linkSync(it.path, join(top, 'second-name.db'))
    await restore(it, bytes)
    expect(sql(join(top, 'second-name.db'), 'SELECT v FROM t')).toBe('first')
  })

  it.each(['sound', 'damaged'])('on another file system than the project is exchanged, %s', async (state) => {
    const elsewhere = mkdtempSync('/dev/shm/hayai-embedded-')
    try {
      expect(statSync(elsewhere).dev).not.toBe(statSync(top).dev)
      const it = site(top, join(elsewhere, 'store.db'))
      const bytes = await stand(it)
      if (state === 'damaged') writeFileSync(it.path, 'rubbish')
      await restore(it, bytes)
      expect(value(it)).toBe('first ok')
      if (state === 'sound') await undo(it)
      else expect(readFileSync(join(dataDir(), 'g0001/store.db'), 'utf8')).toBe('rubbish')
      expect(value(it)).toBe(state === 'sound' ? 'second ok' : 'first ok')
      expect(readdirSync(elsewhere)).toEqual(['store.db'])
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  const asRoot = process.getuid?.() === 0 ? it : it.skip
  asRoot('of another account keeps it, and its application can go on (only root can try)', async () => {
    const folder = join(top, 'app')
    mkdirSync(folder)
    chmodSync(top, 0o755)
    chownSync(folder, 65534, 65534)
    const asApp = (statements: string) =>
      execFileSync('sqlite3', ['-bail', join(folder, 'store.db'), statements], { uid: 65534, gid: 65534, encoding: 'utf8' }).trim()
    asApp(`PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('first')`)
    const it = site(top, join(folder, 'store.db'))
    await it.create()
    const bytes = await snapshot(it)
    asApp(`UPDATE t SET v = 'second'`)
    await restore(it, bytes)
    expect(asApp(`SELECT v FROM t; UPDATE t SET v = 'third'; SELECT v FROM t`)).toBe('first\nthird')
    await undo(it)
    expect(asApp('SELECT v FROM t')).toBe('second')
    expect(readdirSync(folder)).toEqual(['store.db'])
  })
})

describe('a kept generation', () => {
  it('can be dropped, and others cannot', async () => {
    const it = site(top)
    const bytes = await stand(it)
    await restore(it, bytes)
    await expect(it.drop('g0002')).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await expect(it.drop('g0009')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await it.drop('g0001')
    expect(await origins(it)).toEqual(['g0002 restored from a snapshot *'])
    expect(readdirSync(dataDir()).toSorted()).toEqual(['generations.json', 'shop.db'])
    expect(value(it)).toBe('first ok')
  })

  it('whose file somebody deleted is not gone back to', async () => {
    const it = site(top)
    await restore(it, await stand(it))
    rmSync(join(dataDir(), 'g0001/shop.db'))
    await expect(undo(it)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(value(it)).toBe('first ok')
  })

  it('is not swept away when nothing tells of it any more', async () => {
    const it = site(top)
    await restore(it, await stand(it))
    rmSync(join(dataDir(), 'generations.json'))
    await it.recover()
    expect(sql(join(dataDir(), 'g0001/shop.db'), 'SELECT v FROM t')).toBe('second')
  })
})
