// In containers: a snapshot beside `docker exec pg_dump > file`, a start beside Compose alone. Wants the images of
// scripts/docker-for-tests.sh, or others of these names.

import { spawnSync } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SnapshotAnswer } from '../src/index.ts'
import { atMost, contest, type Line } from './measure.ts'
import { timed, type Stage } from './stage.ts'

const NAME = 'shop'

export async function measureCompose(
  stage: Stage,
  { bytes, runs }: { readonly bytes: number; readonly runs: number },
): Promise<readonly Line[]> {
  await stage.hayai('init', '-n', NAME, '-e', 'postgresql', '--runtime', 'compose', '--version', '15', '-y')
  await stage.hayai('start', NAME)
  const identity = await readFile(join(stage.folder, '.hayai/compose/project.json'), 'utf8')
  const project = JSON.parse(identity) as { readonly name: string; readonly mark: string }
  const container = `${project.name}-${NAME}-1`
  const login = ['-U', 'admin', '-d', 'database']
  const rows = Math.round(bytes / 500)
  const text = `(SELECT string_agg(md5((i * 31 + n)::text), ' ') FROM generate_series(1, 14) n)`
  await timed('docker', [
    'exec',
    container,
    'psql',
    ...login,
    '-qc',
    `CREATE TABLE t AS SELECT i, ${text} AS words FROM generate_series(1, ${rows}) i`,
  ])
  const out = join(stage.folder, 'out')
  const lines = [
    await contest({
      what: 'snapshot in a container | docker exec pg_dump > file',
      runs,
      target: atMost(1.1),
      async hayai() {
        await timed('sync', [])
        const { seconds } = await stage.hayai<SnapshotAnswer>('snapshot', NAME, '-o', out)
        await rm(out, { recursive: true })
        return seconds
      },
      async other() {
        await timed('sync', [])
        const { seconds } = await timed('docker', ['exec', container, 'pg_dump', ...login], { into: join(stage.folder, 'by-hand.sql') })
        return seconds
      },
    }),
    await contest({
      what: 'start in a container | docker-compose up, and until it answers',
      runs,
      target: atMost(1, 0.5),
      async hayai() {
        await stage.hayai('stop', NAME)
        return (await stage.hayai('start', NAME)).seconds
      },
      other: () => bareStart(stage, container, login),
    }),
  ]
  const of = `label=org.hayai.project=${project.mark}`
  for (const id of await listed('ps', '--all', '--quiet', '--filter', of)) await timed('docker', ['rm', '--force', '--volumes', id])
  for (const id of await listed('volume', 'ls', '--quiet', '--filter', of)) await timed('docker', ['volume', 'rm', id])
  return lines
}

async function listed(...args: readonly string[]): Promise<readonly string[]> {
  return (await timed('docker', args)).stdout.split('\n').filter((line) => line !== '')
}

/** What `up --wait` does, which the older Compose has not got. */
async function bareStart(stage: Stage, container: string, login: readonly string[]): Promise<number> {
  await stage.hayai('stop', NAME)
  const [program, ...words] = spawnSync('docker', ['compose', 'version']).status === 0 ? ['docker', 'compose'] : ['docker-compose']
  const project = container.slice(0, -`-${NAME}-1`.length)
  const began = performance.now()
  await timed(program ?? '', [...words, '-p', project, 'up', '-d', NAME], { cwd: stage.folder })
  while (spawnSync('docker', ['exec', container, 'pg_isready', '-q', '-h', '127.0.0.1', ...login]).status !== 0) await sleep(20)
  return (performance.now() - began) / 1000
}
