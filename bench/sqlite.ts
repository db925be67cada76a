// SQLite: a file of the size asked for, snapshotted by Hayai and by the `.backup` of its own shell.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { SnapshotAnswer } from '../src/index.ts'
import { contest, type Line } from './measure.ts'
import { timed, type Stage } from './stage.ts'

const NAME = 'small'

export async function measureSqlite(
  stage: Stage,
  { bytes, runs }: { readonly bytes: number; readonly runs: number },
): Promise<readonly Line[]> {
  await stage.hayai('init', '-n', NAME, '-e', 'sqlite', '-y')
  const { data } = await stage.hayai<{ readonly file: string }>('connect', NAME)
  fill(data.file, bytes)
  const out = join(stage.folder, 'out')
  const copy = join(stage.folder, 'copy.db')
  return [
    await contest({
      what: 'snapshot of SQLite | sqlite3 .backup',
      runs,
      target: undefined,
      hayai: async () => {
        await timed('sync', [])
        const { seconds } = await stage.hayai<SnapshotAnswer>('snapshot', NAME, '-o', out)
        await rm(out, { recursive: true })
        return seconds
      },
      other: async () => {
        await timed('sync', [])
        const { seconds } = await timed('sqlite3', [data.file, `.backup ${copy}`])
        await rm(copy)
        return seconds
      },
    }),
  ]
}

export function fill(file: string, bytes: number): void {
  const database = new DatabaseSync(file)
  try {
    database.exec('CREATE TABLE notes (id integer PRIMARY KEY, author text NOT NULL, body text NOT NULL)')
    const insert = database.prepare('INSERT INTO notes (author, body) VALUES (?, ?)')
    const body = 'All the rows of this table say much the same, at some length. '.repeat(16)
    for (let written = 0; written < bytes;) {
      database.exec('BEGIN')
      for (let row = 0; row < 10_000; row++, written += body.length) insert.run(`author ${row % 500}`, body)
      database.exec('COMMIT')
    }
  } finally {
    database.close()
  }
}
