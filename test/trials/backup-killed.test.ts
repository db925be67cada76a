// `kill -9` at every stage of a backup and of its restore, and a database that cannot be switched: all of the databases are as they
// were, or all are restored, and the next command goes on from there.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresql, sqlite } from './cast.ts'
import { serversBelow, stage, stageIn, type Stage } from './stage.ts'
import { bundled } from '../programs.ts'

async function doomed(root: string, verb: string, moment: string, reference: readonly string[] = []): Promise<void> {
  const script = bundled('test/trials/doomed-backup.ts')
  const child = spawn(process.execPath, [script, root, verb, moment, ...reference], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  expect({ signal, printed }).toEqual({ signal: 'SIGKILL', printed: '' })
}

const missing = postgresql.missing ?? sqlite.missing

describe.runIf(missing === undefined || process.env['CI'] !== undefined)('several databases, killed', () => {
  let scene: Stage
  const databases = [
    { name: 'one', actor: sqlite },
    { name: 'shop', actor: postgresql },
    { name: 'two', actor: sqlite },
  ]
  const dumps = (on = scene): Promise<readonly string[]> => Promise.all(databases.map(({ name, actor }) => actor.dump(on.project, name)))
  let good: readonly string[] = []

  beforeAll(async () => {
    scene = await stage()
    for (const { name, actor } of databases) {
      await scene.project.init({ name, engine: actor.engine })
      await scene.project.start([name])
      await actor.fill(scene.project, name)
    }
    good = await dumps()
  })
  afterAll(() => scene.close())

  it.each(['holding all databases', 'saving', 'adding logs and configuration'])(
    'while a backup is %s, leaves no backup',
    async (moment) => {
      await doomed(scene.root, 'backup', moment)
      expect(await scene.project.backups()).toEqual([])
      expect(await dumps()).toEqual(good)
    },
  )

  it('then makes the next one, and sweeps up', async () => {
    await scene.project.backup()
    expect(await scene.project.backups()).toMatchObject([{ whole: true }])
    expect((await readdir(join(scene.root, 'backups'))).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it.each([
    ['checking digests', 'before'],
    ['loading', 'before'],
    ['switching', 'before'],
    ['switching shop', 'before'],
    ['switching two', 'before'],
    ['all switched', 'after'],
  ])('while a restore is %s, has all databases as they were %s it', async (moment, which) => {
    for (const { name, actor } of databases) await actor.damage(scene.project, name)
    const damaged = await dumps()
    await doomed(scene.root, 'restore', moment)
    await scene.project.start(['shop']) // the next command of any kind
    expect(await dumps()).toEqual(which === 'before' ? damaged : good)
    expect(await readdir(join(scene.root, '.hayai'))).not.toContain('together.json')
    if (which === 'before') await scene.project.restoreBackup({})
    expect(await dumps()).toEqual(good)
    expect(await serversBelow(scene.root)).toHaveLength(1)
    await scene.project.undoAll()
    expect(await dumps()).toEqual(damaged)
    await scene.project.redoAll()
  })

  it('while an undo of all is switching, has all of them undone or none', async () => {
    await doomed(scene.root, 'undo', 'switching shop')
    await scene.project.start(['shop'])
    expect(await dumps()).toEqual(good)
  })

  it.each(['loading', 'switching two'])('while %s in an empty folder, leaves nothing, and then makes all of it', async (moment) => {
    const [made] = await scene.project.backups()
    const root = join(scene.root, `moved-${moment.replace(' ', '-')}`)
    await mkdir(join(root, '.hayai'), { recursive: true }) // or the walk up would find the project around it
    await doomed(root, 'restore', moment, [made?.path ?? ''])
    const moved = await stageIn(root)
    try {
      await moved.project.start([])
      await moved.project.init({ name: 'other', engine: 'sqlite' })
      expect((await moved.project.list()).map(({ name }) => name)).toEqual(['other'])
      expect(await serversBelow(root)).toEqual([])
      expect(await readFile(join(root, '.hayaidb'), 'utf8')).not.toContain('postgresql')
      await moved.project.restoreBackup({ reference: made?.path ?? '' })
      expect(await dumps(moved)).toEqual(good)
    } finally {
      await moved.close()
    }
  })

  it('takes the others back when one cannot be switched', async () => {
    for (const { name, actor } of databases) await actor.damage(scene.project, name)
    const damaged = await dumps()
    const { file } = await scene.project.connect('two')
    const holder = spawn('sqlite3', [file ?? ''], { stdio: ['pipe', 'pipe', 'inherit'] })
    holder.stdin.write("BEGIN EXCLUSIVE; SELECT 'held';\n")
    await once(holder.stdout, 'data')
    try {
      await expect(scene.project.restoreBackup({})).rejects.toMatchObject({ code: 'LOCKED' })
    } finally {
      holder.stdin.end('ROLLBACK;\n')
      await once(holder, 'close')
    }
    expect(await dumps()).toEqual(damaged)
    expect(await serversBelow(scene.root)).toHaveLength(1)
    await expect(access(join(scene.root, '.hayai', 'together.json'))).rejects.toThrow()
    await scene.project.restoreBackup({})
    expect(await dumps()).toEqual(good)
  })
})
