// The lines of the specification that name the newest snapshot, typed as they are written there, with the stock programs. One of
// them, `redis-cli --rdb FILE`, writes to the file that it names.

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SnapshotView } from '../../src/index.ts'
import { pg, postgresql } from './cast.ts'
import { redis } from './redis.ts'
import { sh, stage, type Stage } from './stage.ts'

async function took(scene: Stage, database: string): Promise<SnapshotView> {
  const { snapshot } = await scene.project.snapshot({ database })
  if (snapshot === null) throw new Error('no snapshot')
  return snapshot
}

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

describe('redis-cli --rdb snapshots/cache-snapshot-latest.rdb', () => {
  if (redis.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${redis.missing}`, () => {})

  let scene: Stage
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'cache', engine: 'redis' })
    await scene.project.start(['cache'])
    await redis.fill(scene.project, 'cache')
  })
  afterAll(() => scene.close())

  it('writes a file of its own, and leaves every snapshot as it was', async () => {
    const snapshot = await took(scene, 'cache')
    const before = await digest(snapshot.path)
    const latest = join(scene.root, 'snapshots', 'cache-snapshot-latest.rdb')
    expect(await digest(latest)).toBe(before)
    await redis.damage(scene.project, 'cache')
    const { port, password } = await scene.project.connect('cache')
    const env = { REDISCLI_AUTH: password?.reveal() ?? '' }
    sh('sh', ['-ec', `cd '${scene.root}'; redis-cli -p ${port} --rdb snapshots/cache-snapshot-latest.rdb`], env)
    expect(await digest(latest)).not.toBe(before)
    expect(await digest(snapshot.path)).toBe(before)
    expect((await scene.project.verify({ reference: snapshot.id })).ok).toBe(true)
    // What it wrote is a person's file from now on.
    const written = await digest(latest)
    const { latest: told } = await scene.project.snapshot({ database: 'cache' })
    expect(told?.obstacle).toContain('left as it is')
    expect(await digest(latest)).toBe(written)
    expect((await scene.project.snapshots()).filter(({ foreign }) => foreign)).toMatchObject([{ path: latest }])
  })

  it('has the time of the snapshot that it stands for, and goes with it', async () => {
    const other = await stage()
    try {
      await other.project.init({ name: 'cache', engine: 'redis' })
      await other.project.start(['cache'])
      await other.project.snapshot({ database: 'cache' })
      const { id } = await took(other, 'cache')
      await other.project.deleteSnapshots({ references: [id] })
      const [left] = await other.project.snapshots()
      expect(await digest(join(other.root, 'snapshots', 'cache-snapshot-latest.rdb'))).toBe(await digest(left?.path ?? ''))
      await other.project.deleteSnapshots({ references: [left?.id ?? ''] })
      expect((await readdir(join(other.root, 'snapshots'))).filter((name) => !name.startsWith('.'))).toEqual([])
    } finally {
      await other.close()
    }
  })
})

describe('psql -d test_restore < snapshots/mydb-snapshot-latest.sql, and looks at the folder', () => {
  if (postgresql.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${postgresql.missing}`, () => {})

  let scene: Stage
  const inRoot = (line: string, env: Readonly<Record<string, string>> = {}): string => sh('sh', ['-ec', `cd '${scene.root}'; ${line}`], env)
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name: 'mydb', engine: 'postgresql' })
    await scene.project.start(['mydb'])
    await postgresql.run(scene.project, 'mydb', 'CREATE TABLE kept AS SELECT generate_series(1, 100) n')
    await scene.project.snapshot({ database: 'mydb' })
    await postgresql.run(scene.project, 'mydb', 'INSERT INTO kept SELECT generate_series(101, 1234)')
    await scene.project.snapshot({ database: 'mydb' })
  })
  afterAll(() => scene.close())

  it('restores the newest', async () => {
    const { host, port, user, password } = await scene.project.connect('mydb')
    const env = { PGHOST: host ?? '', PGPORT: String(port), PGUSER: user ?? '', PGPASSWORD: password?.reveal() ?? '' }
    inRoot(`'${pg('createdb')}' test_restore; '${pg('psql')}' -q -d test_restore < snapshots/mydb-snapshot-latest.sql`, env)
    expect(inRoot(`'${pg('psql')}' -At -d test_restore -c 'SELECT count(*) FROM kept'`, env).trim()).toBe('1234')
  })

  it('du, find and file see nothing strange', () => {
    expect(inRoot('du -sh snapshots/*').trim().split('\n')).toHaveLength(5)
    expect(inRoot('find snapshots -name "*.sql" -exec du -sh {} \\; | sort -hr').trim().split('\n')).toHaveLength(3)
    expect(inRoot('for each in snapshots/*.sql; do head -c 300 "$each" | grep -c Hayai; done').trim()).toBe('1\n1\n1')
  })
})
