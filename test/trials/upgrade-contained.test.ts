// Real upgrades in containers: the server of one image becomes that of a newer one, killed in the middle first, and comes back. From 18
// on the official image of PostgreSQL has another folder for its data, and wants to be told of ours.

import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker, noDocker, withoutImage } from '../runtimes/compose/docker.ts'
import type { Actor } from './actor.ts'
import { postgresql } from './cast.ts'
import { mariadb } from './mariadb.ts'
import { redis } from './redis.ts'
import { containersOf, stage, type Stage } from './stage.ts'

interface Way {
  readonly actor: Actor
  readonly title: string
  readonly from: string
  readonly to: string
  /** That of the newer server. */
  readonly newer: 'postgres-18' | 'mariadb-11.8' | 'redis-8'
  readonly official: string
  /** What the server says of its version. */
  readonly asks: string
  /** Something that is the server's, and not the database's; and what says that it is there. */
  readonly besides: string
  readonly counts: readonly [question: string, answer: RegExp]
  readonly format: string
}

const WAYS: readonly Way[] = [
  {
    actor: postgresql,
    title: 'PostgreSQL',
    from: '15',
    to: '18',
    newer: 'postgres-18',
    official: 'postgres',
    asks: 'SHOW server_version',
    besides: `CREATE ROLE clerk LOGIN PASSWORD 'secret'; CREATE DATABASE beside`,
    counts: [`SELECT count(*) FROM pg_database, pg_roles WHERE (datname, rolname) = ('beside', 'clerk')`, /^1$/],
    format: 'sql',
  },
  {
    actor: mariadb,
    title: 'MariaDB',
    from: '10.11',
    to: '11.8',
    newer: 'mariadb-11.8',
    official: 'mariadb',
    asks: 'SELECT VERSION()',
    besides: `CREATE USER clerk@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON isam TO clerk@'%'; CREATE DATABASE beside; CREATE TABLE beside.t (a int)`,
    counts: [
      `SHOW GRANTS FOR clerk@'%'; SELECT table_name FROM information_schema.tables WHERE table_schema = 'beside'`,
      /ON `\w+`\.`isam`[^]*\nt$/,
    ],
    format: 'sql',
  },
  {
    actor: redis,
    title: 'Redis',
    from: '7',
    to: '8',
    newer: 'redis-8',
    official: 'redis',
    asks: 'INFO server',
    besides: `FUNCTION LOAD "#!lua name=shop\\nredis.register_function('twice', function(keys, args) return 2 * args[1] end)"`,
    counts: ['FCALL twice 0 21', /^42$/],
    format: 'rdb',
  },
]

describe.each(WAYS)('$title $from in a container, upgraded to $to', { timeout: 240_000 }, (way) => {
  const { actor, title, from, to, official } = way
  const missing = actor.missing ?? noDocker
  if (missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${missing}`, () => {})
  const none = withoutImage(way.newer)
  if (none !== undefined) return it.skip(`is tried: ${none}`, () => {})

  let scene: Stage
  let older = { plain: '', tar: '' }
  const run = (statements: string): Promise<string> => actor.run(scene.project, 'shop', statements)
  const image = (): string => docker('inspect', '--format', '{{.Config.Image}}', ...containersOf(scene.root))
  const is = async (major: string): Promise<void> => {
    expect(await run(way.asks)).toMatch(new RegExp(`(?:^|redis_version:)${major.replace('.', '\\.')}\\.`, 'm'))
    expect(containersOf(scene.root)).toHaveLength(1)
    expect(image()).toBe(`${official}:${major}`)
    expect((await scene.project.list())[0]).toMatchObject({ version: major, status: 'running' })
    expect(await readFile(join(scene.root, '.hayaidb'), 'utf8')).toContain(`version: "${major}" # until spring`)
    expect((await scene.project.diff({ before: older.plain, after: 'shop', data: true })).different).toBe(false)
    expect(await run(way.counts[0])).toMatch(way.counts[1])
  }
  beforeAll(async () => {
    scene = await stage()
    await writeFile(
      join(scene.root, '.hayaidb'),
      `databases:\n  shop:\n    engine: ${actor.engine}\n    runtime: compose\n    version: "${from}" # until spring\n`,
    )
    await scene.project.initDeclared()
    await scene.project.start(['shop'])
    await actor.fill(scene.project, 'shop')
    await run(way.besides)
    const taken = async (format: string) => (await scene.project.snapshot({ database: 'shop', format })).snapshot?.id ?? ''
    older = { plain: await taken(way.format), tar: await taken('tar') }
  })
  afterAll(() => scene.close())

  it('is told that .hayaidb names an image of another version, also when it only plans', async () => {
    const file = join(scene.root, '.hayaidb')
    const text = await readFile(file, 'utf8')
    await writeFile(file, `${text}    image: "${official}:${from}"\n`)
    for (const dryRun of [true, false]) {
      await expect(scene.project.upgrade({ database: 'shop', version: to, dryRun })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringMatching(
          new RegExp(`^the image ${official}:${from} is of ${title} ${from}\\.\\d+(?:\\.\\d+)?\\S*, and ${to} is wanted$`),
        ) as string,
      })
    }
    await writeFile(file, text)
  })

  it.each(['loading', 'switching'])('and killed while it is %s, is what it was', async (moment) => {
    const doomed = join(import.meta.dirname, 'doomed.ts')
    const { signal, stderr } = spawnSync(process.execPath, [doomed, scene.root, 'upgrade', moment, 'shop', to], { encoding: 'utf8' })
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
    await scene.project.start(['shop'])
    await is(from)
  })

  it('is of the newer image with all that it holds, and takes its older snapshots, but not their files', async () => {
    expect(await scene.project.upgrade({ database: 'shop', version: to })).toMatchObject({
      changed: true,
      notes: [],
      undo: 'hayai undo shop',
    })
    await is(to)
    await actor.damage(scene.project, 'shop')
    await expect(scene.project.restore({ reference: older.tar })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(new RegExp(`${from}.*${to}`)) as string,
    })
    await scene.project.restore({ reference: older.plain })
    await is(to)
    await scene.project.undo('shop')
  })

  it('is undone and redone', async () => {
    await scene.project.undo('shop')
    await is(from)
    await scene.project.redo('shop')
    await scene.project.redo('shop')
    await scene.project.stop(['shop'])
    await scene.project.start(['shop'])
    await is(to)
  })
})
