// Runs of plans on real databases: what they take, where it goes, what is kept, and what is left when one is killed or fails.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HayaiError, RunRecord } from '../../src/index.ts'
import { postgresql, sqlite } from './cast.ts'
import { sh, stage, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

const missing = postgresql.missing ?? sqlite.missing

describe.runIf(missing === undefined || process.env['CI'] !== undefined)('a run of a plan', () => {
  let scene: Stage
  let declared = ''
  const at = (...names: readonly string[]): string => join(scene.root, ...names)
  const declare = (lines: string): Promise<void> => writeFile(at('.hayaidb'), `${declared}${lines}`)
  const visible = async (folder: string): Promise<readonly string[]> =>
    (await readdir(at(folder)).catch(() => [])).filter((name) => !name.startsWith('.')).toSorted()
  const run = async (plan: string): Promise<RunRecord> => {
    const { record } = await scene.project.runPlan({ plan })
    if (record === null) throw new Error('nothing was run')
    return record
  }
  const failure = async (work: Promise<unknown>): Promise<HayaiError> =>
    work.then(
      () => Promise.reject(new Error('it did not fail')),
      (error: unknown) => error as HayaiError,
    )
  const records = async (): Promise<readonly string[]> => (await readFile(at('.hayai/runs.jsonl'), 'utf8')).trim().split('\n')

  beforeAll(async () => {
    scene = await stage()
    for (const [name, actor] of [
      ['notes', sqlite],
      ['shop', postgresql],
    ] as const) {
      await scene.project.init({ name, engine: actor.engine })
      await scene.project.start([name])
      await actor.fill(scene.project, name)
    }
    declared = await readFile(at('.hayaidb'), 'utf8')
    await declare(`global:
  backup:
    schedule: "0 2 * * *"
    timezone: Europe/Lisbon
    compression: gzip
    destinations: [./one, "${at('two')}"]
    retention: {last: 2}
    plans:
      hourly: {take: snapshot, schedule: "@hourly", databases: [shop], verify: {restore: weekly}, retention: {last: 1}}
      quick: {databases: [notes], compression: none, retention: {last: 1}}
`)
  })
  afterAll(() => scene.close())

  it('of backups: takes all databases, packed, reads them again, and brings them to every destination', async () => {
    const record = await run('default')
    expect(record).toMatchObject({
      plan: 'default',
      outcome: 'done',
      take: 'backup',
      verified: 'digest',
      error: null,
      slot: null,
      deleted: [],
    })
    expect(record.databases.map(({ database, error }) => ({ database, error }))).toEqual([
      { database: 'notes', error: null },
      { database: 'shop', error: null },
    ])
    const [backup] = await scene.project.backups()
    expect(backup).toMatchObject({ id: record.backup, whole: true })
    expect(backup?.databases.map(({ file }) => file)).toEqual(['notes_backup.db.gz', 'shop_backup.sql.gz'])
    for (const folder of [at('one/default'), at('two/default')]) {
      expect(record.copies).toContainEqual({ folder, copied: [record.backup], error: null })
      expect(sh('diff', ['-r', backup?.path ?? '', join(folder, backup?.name ?? '')])).toBe('')
    }
    expect((await scene.project.verifyBackup({ folder: at('one/default') })).ok).toBe(true)
    const manifest = JSON.parse(await readFile(join(backup?.path ?? '', 'manifest.json'), 'utf8')) as Record<string, unknown>
    expect(manifest).toMatchObject({ plan: 'default', askedBy: 'schedule' })
  })

  it('copies again only what is not there, also what a destination has lost or that is damaged', async () => {
    const [name = ''] = await visible('one/default')
    await rm(at('one/default', name), { recursive: true })
    const file = await open(at('two/default', name, 'shop_backup.sql.gz'), 'r+')
    await file.truncate(10)
    await file.close()
    const first = (await scene.project.backups())[0]?.id ?? ''
    const record = await run('default')
    expect(record.copies.map(({ copied }) => copied)).toEqual([
      [record.backup, first],
      [record.backup, first],
    ])
    expect(await visible('two/default')).toHaveLength(3) // two, and `latest`: of the damaged one there is a whole one now
  })

  it('keeps what the rules say in every place alike, the rest can come back, and `undo` does not mean it', async () => {
    const record = await run('default')
    expect(record.deleted).toHaveLength(1)
    for (const folder of ['backups', 'one/default', 'two/default']) expect(await visible(folder)).toHaveLength(3)
    const before = (await run('default')).deleted
    expect(before).toHaveLength(1)
    expect((await failure(scene.project.undo())).code).toBe('WRONG_STATE')
  })

  it('tries a restore at the first run of a week, and of snapshots lets go each database by itself', async () => {
    expect(await run('hourly')).toMatchObject({ take: 'snapshot', verified: 'restore', backup: null })
    expect(await run('hourly')).toMatchObject({ verified: 'digest', deleted: [] }) // the first one is the newest that was proven
    const by = await scene.project.snapshot({ database: 'shop', comment: 'by hand' })
    const third = await run('hourly')
    expect(third.deleted).toHaveLength(1)
    const ids = (await scene.project.snapshots()).map(({ id }) => id)
    expect(ids).toContain(by.snapshot?.id) // what a person took is under no plan
    expect(ids).toHaveLength(3)
  })

  it('leaves what has not come to a destination that is away, and catches up when it is back', async () => {
    await run('quick')
    await rename(at('two'), at('away'))
    for (let round = 0; round < 2; round++) {
      const error = await failure(scene.project.runPlan({ plan: 'quick' }))
      expect(error.code).toBe('STORE_FAILED')
      expect(error.message).toContain(`${at('two/quick')} is gone, to which copies came before`)
      expect(error.details?.['record']).toMatchObject({ outcome: 'failed', databases: [{ error: null }] })
    }
    expect(await visible('one/quick')).toHaveLength(3) // the two that have not come there, and `latest`
    await rename(at('away'), at('two'))
    const back = await run('quick')
    expect(back.copies[1]?.copied).toHaveLength(3)
    for (const folder of ['one/quick', 'two/quick']) expect(await visible(folder)).toHaveLength(2)
  })

  it('saves the others when a database fails, and lets nothing go that is the last of one', async () => {
    await scene.project.stop(['shop'])
    for (let round = 0; round < 2; round++) {
      const error = await failure(scene.project.runPlan({ plan: 'default' }))
      expect(error.code).toBe('WRONG_STATE')
      expect(error.details?.['record']).toMatchObject({
        outcome: 'failed',
        databases: [
          { database: 'notes', error: null },
          { database: 'shop', snapshot: null },
        ],
      })
    }
    const left = await scene.project.backups({ folder: at('one/default') })
    expect(left.map(({ whole }) => whole)).toEqual([false, false, true])
    await scene.project.start(['shop'])
    expect((await run('default')).outcome).toBe('done')
  })

  it.each([
    ['default', 'saving', 'backups'],
    ['hourly', 'dumping', 'snapshots'],
    ['default', 'copying to', 'one/default'],
  ])('of %s that is killed while %s leaves nothing half in %s, and the next one is whole', async (plan, moment, folder) => {
    const before = await visible(folder)
    const stageName = moment === 'copying to' ? `copying to ${at('one/default')}` : moment
    const child = spawn(process.execPath, [bundled('test/trials/doomed-plan.ts'), scene.root, plan, stageName], { stdio: 'ignore' })
    const [, signal] = (await once(child, 'close')) as [number | null, string | null]
    expect(signal).toBe('SIGKILL')
    expect(await visible(folder)).toEqual(before)
    expect((await scene.project.plans()).find(({ name }) => name === plan)?.killed).not.toBeNull()
    expect(await run(plan)).toMatchObject({ outcome: 'done' })
    expect((await readdir(at(folder))).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  it('that is interrupted says so in the record, and takes nothing', async () => {
    const interrupts = new AbortController()
    const before = await visible('backups')
    const work = scene.project.runPlan(
      { plan: 'default' },
      { signal: interrupts.signal, onProgress: ({ stage: name }) => void (name === 'saving' && interrupts.abort()) },
    )
    expect((await failure(work)).code).toBe('INTERRUPTED')
    expect(JSON.parse((await records()).at(-1) ?? '')).toMatchObject({
      kind: 'ended',
      outcome: 'interrupted',
      error: { code: 'INTERRUPTED' },
    })
    expect(await visible('backups')).toEqual(before)
  })

  it('goes on after a record whose last line was cut short', async () => {
    await appendFile(at('.hayai/runs.jsonl'), '{"kind":"ended","run":"ab')
    await run('hourly')
    const [cut, began] = (await records()).slice(-3)
    expect(cut).toBe('{"kind":"ended","run":"ab')
    expect(JSON.parse(began ?? '')).toMatchObject({ kind: 'began', plan: 'hourly' })
    expect((await scene.project.plans())[1]?.last).toMatchObject({ outcome: 'done' })
  })

  it('is one at a time: the second is LOCKED, and nothing is due that nobody looks after', async () => {
    const first = run('hourly')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await failure(scene.project.runPlan({ plan: 'hourly' }))).code).toBe('LOCKED')
    expect((await scene.project.runPlan({ plan: 'hourly', due: true })).record).toBeNull()
    await first
    expect((await scene.project.runPlan({ plan: 'default', due: true })).record).toBeNull()
  })

  it('never writes plain what is to be encrypted', async () => {
    await declare('global: {backup: {schedule: "@daily", encryption: true}}\n')
    const before = await visible('backups')
    expect((await failure(scene.project.runPlan({ plan: 'default' }))).message).toMatch(/names no recipient/)
    expect(await visible('backups')).toEqual(before)
  })
})
