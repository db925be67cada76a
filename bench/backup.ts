// One backup of several databases beside the snapshot of the one that takes longest: with cores enough it should cost no more.

import { rm } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import type { BackupAnswer, SnapshotAnswer } from '../src/index.ts'
import { atMost, contest, type Line } from './measure.ts'
import { fill as fillPostgresql } from './postgresql.ts'
import { fill as fillRedis } from './redis.ts'
import { fill as fillSqlite } from './sqlite.ts'
import { timed, type Stage } from './stage.ts'

const NAMES = ['all-postgresql', 'all-redis', 'all-sqlite'] as const

interface Login {
  readonly uri: string
  readonly port: number
  readonly password: string
  readonly file: string
}

/** PostgreSQL is the large one; the others have an eighth of it each, as they mostly do. */
export async function measureBackup(
  stage: Stage,
  { bytes, runs }: { readonly bytes: number; readonly runs: number },
): Promise<readonly Line[]> {
  const login = async (name: string): Promise<Login> => (await stage.hayai<Login>('connect', name)).data
  for (const name of NAMES) {
    await stage.hayai('init', '-n', name, '-e', name.slice('all-'.length), '-y')
    await stage.plain('start', name)
  }
  await fillPostgresql((await login('all-postgresql')).uri, bytes)
  const redis = await login('all-redis')
  await fillRedis({ port: String(redis.port), env: { REDISCLI_AUTH: redis.password } }, bytes / 8)
  fillSqlite((await login('all-sqlite')).file, bytes / 8)
  const out = join(stage.folder, 'out')
  let work = Number.POSITIVE_INFINITY
  const slowest = async (): Promise<number> => {
    const times: number[] = []
    let busy = 0
    for (const name of NAMES) {
      await timed('sync', [])
      const before = processorSeconds()
      times.push((await stage.hayai<SnapshotAnswer>('snapshot', name, '-o', out)).seconds)
      busy += processorSeconds() - before
      await rm(out, { recursive: true })
    }
    work = Math.min(work, busy)
    return Math.max(...times)
  }
  const lines = [
    await contest({
      what: 'backup of three databases | the slowest snapshot of them',
      runs,
      target: atMost(1.15),
      hayai: async () => {
        await timed('sync', [])
        const { seconds, data } = await stage.hayai<BackupAnswer>('backup', '--only', NAMES.join(','), '-o', out)
        console.log(`The instants are ${data.backup?.distance} ms apart.`)
        await rm(out, { recursive: true })
        return seconds
      },
      other: slowest,
    }),
  ]
  const cores = availableParallelism()
  console.log(
    `The three snapshots keep processors busy for ${work.toFixed(2)} s: ${cores} cores cannot do that in less than ${(work / cores).toFixed(2)} s.`,
  )
  return lines
}

/** For how long the cores of this machine have been at work, all of them together. */
function processorSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000
}
