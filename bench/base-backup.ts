// PostgreSQL's physical format beside pg_basebackup, and beside the SQL of the same database.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RestoreAnswer, SnapshotAnswer } from '../src/index.ts'
import { atMost, contest, limit, type Line } from './measure.ts'
import { timed, type Stage } from './stage.ts'

interface Ground {
  readonly stage: Stage
  readonly name: string
  readonly runs: number
  readonly memory: number
  /** The stock program, and what it is told of the place. */
  readonly program: string
  readonly env: () => Promise<Readonly<Record<string, string>>>
  readonly settle: () => Promise<void>
}

export async function contestBaseBackup({ stage, name, runs, memory, program, env, settle }: Ground): Promise<readonly Line[]> {
  const out = join(stage.folder, 'out')
  const stock = join(stage.folder, 'stock.tar')
  const peaks = { snapshot: 0, restore: 0 }

  async function snapshot(format: string): Promise<number> {
    await settle()
    const run = await stage.hayai<SnapshotAnswer>('snapshot', name, '--format', format, '-o', out)
    if (format === 'tar') peaks.snapshot = Math.max(peaks.snapshot, run.peak)
    await rm(out, { recursive: true })
    return run.seconds
  }
  async function kept(...options: readonly string[]): Promise<{ readonly id: string; readonly bytes: number }> {
    const { data } = await stage.hayai<SnapshotAnswer>('snapshot', name, ...options)
    return { id: data.snapshot?.id ?? '', bytes: data.snapshot?.bytes ?? 0 }
  }
  async function restore(id: string): Promise<number> {
    await settle()
    const run = await stage.hayai<RestoreAnswer>('restore', id, '-y')
    return run.seconds
  }

  const lines = [
    await contest({
      what: 'snapshot --format tar | pg_basebackup > file',
      runs,
      target: undefined,
      hayai: () => snapshot('tar'),
      other: async () => {
        const login = await env()
        await settle()
        const run = await timed(program, ['-D', '-', '-F', 'tar', '-X', 'fetch', '-c', 'fast'], { env: login, into: stock })
        await rm(stock)
        return run.seconds
      },
    }),
    await contest({
      what: 'snapshot --format tar | snapshot (sql)',
      runs,
      target: undefined,
      hayai: () => snapshot('tar'),
      other: () => snapshot('sql'),
    }),
  ]
  const [tar, sql] = [await kept('--format', 'tar'), await kept()]
  lines.push(
    await contest({
      what: 'restore from tar | restore from sql',
      runs,
      target: atMost(0.5),
      hayai: async () => {
        await settle()
        const run = await stage.hayai<RestoreAnswer>('restore', tar.id, '-y')
        peaks.restore = Math.max(peaks.restore, run.peak)
        return run.seconds
      },
      other: () => restore(sql.id),
    }),
    sizes('size: tar | sql', tar.bytes, sql.bytes),
    sizes('size: tar | sql, both --compress', (await kept('--format', 'tar', '--compress')).bytes, (await kept('--compress')).bytes),
    limit('peak memory of Hayai itself: snapshot --format tar', peaks.snapshot, memory, 'MiB'),
    limit('peak memory of Hayai itself: restore from tar', peaks.restore, memory, 'MiB'),
  )
  return lines
}

function sizes(what: string, hayai: number, other: number): Line {
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
  return { what, hayai: gigabytes(hayai), other: gigabytes(other), ratio: (hayai / other).toFixed(2), target: 'none', verdict: '' }
}
