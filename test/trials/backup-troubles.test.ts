// What can go wrong around a backup of several databases: a disk that fills, a server that dies, others that want the same.

import { mkdtemp, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgresql, sqlite } from './cast.ts'
import { mayMount, smallDisk } from './small-disk.ts'
import { serversBelow, stage, stageIn, type Stage } from './stage.ts'

const databases = [
  { name: 'shop', actor: postgresql },
  { name: 'notes', actor: sqlite },
]
const missing = databases.map(({ actor }) => actor.missing).find((reason) => reason !== undefined)

describe.runIf(missing === undefined || process.env['CI'] !== undefined)('a backup in trouble', () => {
  let scene: Stage
  let good: readonly string[] = []
  const dumps = async (): Promise<readonly string[]> => {
    const all: string[] = []
    for (const { name, actor } of databases) all.push(await actor.dump(scene.project, name))
    return all
  }
  const hidden = async (folder: string): Promise<readonly string[]> => (await readdir(folder)).filter((name) => name.startsWith('.'))

  beforeAll(async () => {
    scene = await stage()
    for (const { name, actor } of databases) {
      await scene.project.init({ name, engine: actor.engine })
      await scene.project.start([name])
      await actor.fill(scene.project, name)
      await actor.ballast(scene.project, name, 8)
    }
    good = await dumps()
  })
  afterAll(() => scene.close())

  it.runIf(mayMount)('on a full disk is not made, says so, and the one before stays the newest', async () => {
    const small = await smallDisk('24m')
    try {
      const { backup } = await scene.project.backup({ output: small.place })
      await expect(scene.project.backup({ output: small.place })).rejects.toMatchObject({ code: 'STORE_FAILED' })
      expect(await hidden(small.place)).toEqual([])
      expect((await scene.project.backups({ folder: small.place })).map(({ id, whole }) => ({ id, whole }))).toEqual([
        { id: backup?.id, whole: true },
      ])
      expect(await readlink(join(small.place, 'latest'))).toBe(backup?.name)
    } finally {
      await small.close()
    }
  })

  it('whose server dies in the middle is not made, and names the database; the next one is whole', async () => {
    let killed = false
    const servers = await serversBelow(scene.root)
    const dying = scene.project.backup(
      {},
      {
        onProgress: ({ stage: doing }) => {
          if (doing !== 'saving' || killed) return
          killed = true
          for (const pid of servers) process.kill(pid, 'SIGKILL')
        },
      },
    )
    await expect(dying).rejects.toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('"shop"') as string })
    expect(killed).toBe(true)
    expect(await scene.project.backups()).toEqual([])
    expect(await hidden(join(scene.root, 'backups'))).toEqual([])
    await scene.project.start(['shop'])
    expect(await dumps()).toEqual(good)
    expect((await scene.project.backup()).backup).toMatchObject({ whole: true })
  })

  it('at the same time as another one: both are whole, and neither is in the other', async () => {
    const before = await scene.project.backups()
    const [a, b] = await Promise.all([scene.project.backup(), (await scene.reopen()).backup()])
    expect(a.backup).toMatchObject({ whole: true, flaws: [] })
    expect(b.backup).toMatchObject({ whole: true, flaws: [] })
    expect(a.backup?.path).not.toBe(b.backup?.path)
    expect(await scene.project.backups()).toHaveLength(before.length + 2)
    for (const { backup } of [a, b]) expect(await scene.project.verifyBackup({ reference: backup?.id ?? '' })).toMatchObject({ ok: true })
  })

  it('while a database is being restored holds what was before or what is after, never a mixture', async () => {
    const snapshot = await scene.project.snapshot({ database: 'shop' })
    await postgresql.halve(scene.project, 'shop')
    const halved = await postgresql.weight(scene.project, 'shop')
    const other = await scene.reopen()
    const [restored, made] = await Promise.all([
      scene.project.restore({ reference: snapshot.snapshot?.id ?? '' }),
      other.backup({ databases: ['shop'] }),
    ])
    expect(restored.generation).not.toBeNull()
    const whole = await postgresql.weight(scene.project, 'shop')
    await scene.project.restoreBackup({ reference: made.backup?.id ?? '' })
    expect([whole, halved]).toContain(await postgresql.weight(scene.project, 'shop'))
    await scene.project.undoAll()
    expect(await postgresql.weight(scene.project, 'shop')).toBe(whole)
  })

  describe('that is not restored in an empty folder', () => {
    let away: Stage
    let from = ''
    const DECLARED = 'version: "1.0"\ndatabases:\n  # ours\n  copy:\n    engine: postgresql\n'
    beforeAll(async () => {
      from = (await scene.project.backup({})).backup?.path ?? ''
    })
    beforeEach(async () => {
      away = await stageIn(await mkdtemp(join(tmpdir(), 'hayai-first-')))
    })
    afterEach(() => away.close())

    it('leaves nothing there, however far it came', async () => {
      for (const moment of ['checking digests', 'loading', 'switching']) {
        const control = new AbortController()
        const watch = {
          signal: control.signal,
          onProgress: (told: { readonly stage: string }) => void (told.stage === moment && control.abort()),
        }
        await expect(away.project.restoreBackup({ reference: from }, watch), moment).rejects.toMatchObject({ code: 'INTERRUPTED' })
        expect(await readdir(away.root), moment).toEqual([])
        expect(await serversBelow(away.root)).toEqual([])
      }
      expect((await away.project.restoreBackup({ reference: from })).databases).toHaveLength(databases.length)
    })

    it('leaves what was declared there; so does a snapshot', async () => {
      await writeFile(join(away.root, '.hayaidb'), DECLARED)
      const broken = join(scene.root, 'broken.sql')
      await writeFile(broken, 'CREATE TABLE t (i int);\nSELECT nothing;\n')
      await expect(away.project.restore({ reference: broken, engine: 'postgresql', to: 'copy' })).rejects.toMatchObject({
        code: 'CORRUPT',
      })
      expect(await readdir(away.root)).toEqual(['.hayaidb'])
      expect(await readFile(join(away.root, '.hayaidb'), 'utf8')).toBe(DECLARED)
      await away.project.init({ name: 'notes', engine: 'sqlite' })
      await expect(away.project.restore({ reference: broken, engine: 'postgresql', to: 'other' })).rejects.toMatchObject({
        code: 'CORRUPT',
      })
      expect((await away.project.list()).map(({ name }) => name)).toEqual(['notes'])
      expect(await readFile(join(away.root, '.hayaidb'), 'utf8')).toBe(`${DECLARED}  notes:\n    engine: sqlite\n`)
      await expect(away.project.undo('other')).rejects.toMatchObject({ code: 'NOT_FOUND' }) // nothing of it waits to come back
    })

    it('leaves what others have begun there meanwhile', async () => {
      const control = new AbortController()
      const failing = away.project.restoreBackup(
        { reference: from },
        { signal: control.signal, onProgress: ({ stage: doing }) => void (doing === 'loading' && control.abort()) },
      )
      await Promise.all([
        expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^INTERRUPTED|CONFLICT$/) as string }),
        away.project.init({ name: 'other', engine: 'sqlite' }),
      ])
      expect((await away.project.list()).map(({ name }) => name)).toEqual(['other'])
      expect(await readFile(join(away.root, '.hayaidb'), 'utf8')).toMatch(/^databases:\n {2}other:\n {4}engine: sqlite\n$/m)
    })
  })
})
