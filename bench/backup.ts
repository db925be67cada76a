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

interface Login {
  readonly uri: string
  readonly port: number
  readonly password: string
  readonly file: string
}

interface Ground {
  readonly stage: Stage
  readonly bytes: number
  readonly runs: number
}

/** PostgreSQL is the large one; the others have an eighth of it each, or are small, as most are. */
export async function measureBackup(stage: Stage, { bytes, runs }: Omit<Ground, 'stage'>): Promise<readonly Line[]> {
  const ground: Ground = { stage, bytes, runs }
  await made(stage, 'large-postgresql')
  await fillPostgresql((await login(stage, 'large-postgresql')).uri, bytes)
  return [...(await beside(ground, 'eighth', 8)), ...(await beside(ground, 'small', 64))]
}

async function beside({ stage, bytes, runs }: Ground, others: string, share: number): Promise<readonly Line[]> {
  const names = ['large-postgresql', `${others}-redis`, `${others}-sqlite`]
  for (const name of names.slice(1)) await made(stage, name)
  const redis = await login(stage, `${others}-redis`)
  await fillRedis({ port: String(redis.port), env: { REDISCLI_AUTH: redis.password } }, bytes / share)
  fillSqlite((await login(stage, `${others}-sqlite`)).file, bytes / share)
  const out = join(stage.folder, 'out')
  const cores = availableParallelism()
  const alone = async (name: string): Promise<number> => {
    await timed('sync', [])
    const { seconds } = await stage.hayai<SnapshotAnswer>('snapshot', name, '-o', out)
    await rm(out, { recursive: true })
    return seconds
  }
  let busy: number[] = []
  const together = async (): Promise<number> => {
    await timed('sync', [])
    const before = processorSeconds()
    const { seconds, data } = await stage.hayai<BackupAnswer>('backup', '--only', names.join(','), '-o', out)
    busy.push((processorSeconds() - before) / cores)
    console.log(`The instants are ${data.backup?.distance} ms apart.`)
    await rm(out, { recursive: true })
    return seconds
  }
  const slowest = async (): Promise<number> => {
    const times: number[] = []
    for (const name of names) times.push(await alone(name))
    return Math.max(...times)
  }
  const what = `backup, the others ${others === 'small' ? 'small' : 'an eighth each'}`
  const wished = await contest({
    what: `${what} | the slowest snapshot of them`,
    runs,
    target: atMost(1.15),
    hayai: together,
    other: slowest,
  })
  const least = Math.min(...busy)
  if (least <= Number.parseFloat(wished.other)) return [wished]
  // Whatever was done at a time would take longer than that snapshot: what is left to be asked is whether the cores are kept at work.
  busy = []
  const full = await contest({
    what: `${what} | its own work on ${cores} cores`,
    runs,
    target: atMost(1.15),
    hayai: together,
    other: () => Promise.resolve(least),
  })
  return [{ ...wished, target: `${wished.target}, where cores allow`, verdict: '' }, full]
}

async function made(stage: Stage, name: string): Promise<void> {
  await stage.hayai('init', '-n', name, '-e', name.slice(name.indexOf('-') + 1), '-y')
  await stage.plain('start', name)
}

async function login(stage: Stage, name: string): Promise<Login> {
  return (await stage.hayai<Login>('connect', name)).data
}

/** For how long the cores of this machine have been at work, all of them together. */
function processorSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000
}
