// DuckDB: a file of the size asked for, snapshotted and restored by Hayai and by a `COPY FROM DATABASE` of its own package.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RestoreAnswer, SnapshotAnswer } from '../src/index.ts'
import { contest, limit, type Line } from './measure.ts'
import { timed, type Run, type Stage } from './stage.ts'

const NAME = 'facts'

export async function measureDuckdb(
  stage: Stage,
  { bytes, runs }: { readonly bytes: number; readonly runs: number },
): Promise<readonly Line[]> {
  await stage.hayai('init', '-n', NAME, '-e', 'duckdb', '-y')
  const { data } = await stage.hayai<{ readonly file: string }>('connect', NAME)
  const blob = `unhex(array_to_string(list_transform(range(16), lambda x: md5((i * 16 + x)::VARCHAR)), ''))`
  await program(
    `CREATE TABLE notes AS SELECT i AS id, 'author ' || i % 500 AS author, ${blob} AS body FROM range(${Math.ceil(bytes / 270)}) r (i)`,
  )
  const copy = join(stage.folder, 'copy.duckdb')
  const kept = join(stage.folder, 'kept')
  let peak = 0
  let taken = ''

  async function program(...statements: readonly string[]): Promise<Run> {
    const script = `
      const { DuckDBInstance } = await import(${JSON.stringify(import.meta.resolve('@duckdb/node-api'))})
      const instance = await DuckDBInstance.create(${JSON.stringify(data.file)})
      const connection = await instance.connect()
      for (const sql of ${JSON.stringify(statements)}) await connection.run(sql)
      connection.closeSync()
      instance.closeSync()`
    return timed(process.execPath, ['--input-type=module', '-e', script])
  }
  async function copied(): Promise<number> {
    await timed('sync', [])
    const { seconds } = await program(`ATTACH '${copy}' AS copy`, `COPY FROM DATABASE ${NAME} TO copy`)
    await rm(copy)
    return seconds
  }
  return [
    await contest({
      what: 'snapshot of DuckDB | COPY FROM DATABASE',
      runs,
      target: undefined,
      hayai: async () => {
        await timed('sync', [])
        await rm(kept, { recursive: true, force: true })
        const run = await stage.hayai<SnapshotAnswer>('snapshot', NAME, '-o', kept)
        peak = Math.max(peak, run.peak)
        taken = run.data.snapshot?.path ?? ''
        return run.seconds
      },
      other: copied,
    }),
    await contest({
      what: 'restore of DuckDB | COPY FROM DATABASE',
      runs,
      target: undefined,
      hayai: async () => {
        await timed('sync', [])
        const run = await stage.hayai<RestoreAnswer>('restore', taken, '-y')
        peak = Math.max(peak, run.peak)
        return run.seconds
      },
      other: copied,
    }),
    limit('memory of Hayai and its children, DuckDB in them', peak, 900, 'MiB'),
  ]
}
