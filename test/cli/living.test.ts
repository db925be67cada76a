// Living with snapshots, typed: what is said, and with which exit status.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PruneAnswer, SnapshotView } from '../../src/index.ts'
import { emptyFolder, hayai, type Outcome } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
const at = (...names: readonly string[]): string => join(folder.path, ...names)
const type = (line: string): Promise<Outcome> => hayai(line.split(' '), { cwd: folder.path })
async function good(line: string): Promise<string> {
  const { status, stdout, stderr } = await type(line)
  expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: '' })
  return stdout
}
async function bad(line: string, status: number): Promise<string> {
  const outcome = await type(line)
  expect({ line, status: outcome.status }).toEqual({ line, status })
  return outcome.stderr
}
async function data<T>(line: string): Promise<T> {
  return (JSON.parse(await good(`${line} --json`)) as { data: T }).data
}

beforeAll(async () => {
  folder = await emptyFolder()
  writeFileSync(at('.hayaidb'), 'version: "1.0"\nproject: demo\ndatabases:\n  notes:\n    engine: sqlite\n    file: ./notes.db\n')
  await good('init --config .hayaidb')
  const database = new DatabaseSync(at('notes.db'))
  database.exec("CREATE TABLE a (b); INSERT INTO a VALUES ('x'), ('y'), ('z')")
  database.close()
  await good('snapshot notes --comment first --tag release')
})
afterAll(() => folder.remove())

it('shows one, with counts, digest and the lines that restore it by hand', async () => {
  const shown = await good('snapshot show notes --latest')
  for (const part of ['SHA-256', '3 rows in 1 table', 'first', '#release', 'by hand', 'pinned    no']) expect(shown).toContain(part)
  expect((await data<SnapshotView>('snapshot show notes --latest')).manifest?.census.tables).toEqual({ a: 3 })
  await bad('snapshot show nothing', 3)
})

it('renames, pins, tags; a pinned one is not deleted', async () => {
  expect(await good('snapshot rename notes --latest start.db --dry-run')).toContain('Nothing was changed')
  await good('snapshot rename notes --latest start.db')
  expect(readdirSync(at('snapshots')).toSorted()).toEqual(['notes-snapshot-latest.db', 'start.db', 'start.json'])
  await good('snapshot pin start')
  await good('snapshot tag start kept v1')
  await good('snapshot tag start v1 --remove')
  await bad('snapshot tag start', 2)
  expect(await good('snapshot list')).toMatch(/pinned first #release #kept/)
  expect(await bad('snapshot delete start', 5)).toContain('hayai snapshot unpin')
  await bad('snapshot rename start ../../etc/passwd', 2)
  await bad('snapshot delete', 2)
})

it('deletes, and the printed line brings back', async () => {
  await good('snapshot unpin start')
  expect(await good('snapshot delete start --dry-run')).toContain('Nothing was changed')
  const line = /bring back: hayai (snapshot undelete \S+)/.exec(await good('snapshot delete start'))?.[1] ?? ''
  expect(readdirSync(at('snapshots'))).toEqual(['.trash'])
  expect(await good('snapshot list --deleted')).toContain('start')
  expect(await good(line)).toContain('is back')
  await bad(line, 3)
  await good('snapshot delete start')
  expect(await good('undo')).toContain('are back')
  expect(readdirSync(at('snapshots')).toSorted()).toEqual(['.trash', 'notes-snapshot-latest.db', 'start.db', 'start.json'])
})

it('hands one on, and takes nothing in that is not whole', async () => {
  await good('snapshot export start for-ana.tar')
  await bad('snapshot export start for-ana.tar', 4)
  expect(await good('snapshot import for-ana.tar')).toContain('here already')
  expect(await good('snapshot import for-ana.tar -d elsewhere')).toContain('imported')
  expect(await good('snapshot list -d elsewhere')).toContain('start.db')
  await bad('snapshot import nothing.tar', 3)
  const whole = readFileSync(at('for-ana.tar'))
  truncateSync(at('for-ana.tar'), whole.length - 600)
  expect(await bad('snapshot import for-ana.tar -d third', 9)).toContain('no end')

  // A manifest that names a file outside, and an archive that does.
  mkdirSync(at('crooked'))
  execFileSync('tar', ['-cf', at('crooked', 'a.tar'), '-P', '-C', at('elsewhere'), '--transform', 's,^,../,', 'start.json', 'start.db'])
  expect(await bad('snapshot import crooked/a.tar -d third', 9)).toContain('outside')
  const manifest = readFileSync(at('elsewhere', 'start.json'), 'utf8')
  writeFileSync(at('crooked', 'start.json'), manifest.replaceAll('"start.db"', '"../start.db"'))
  execFileSync('tar', ['-cf', at('crooked', 'b.tar'), '-C', at('crooked'), 'start.json'])
  expect(await bad('snapshot import crooked/b.tar -d third', 9)).toContain('not the name of a file beside it')
  writeFileSync(at('crooked', 'c.tar'), 'this is no tar at all')
  await bad('snapshot import crooked/c.tar -d third', 9)
  expect(await good('snapshot list -d third')).toContain('no snapshots')
  rmSync(at('elsewhere'), { recursive: true })
})

it('prunes by either spelling, here and elsewhere, and says why', async () => {
  await good('snapshot notes -c')
  await good('snapshot notes')
  await bad('prune', 2)
  await bad('prune --within soon', 2)
  await bad('prune --keep-last 1 nothing', 3)
  const plan = await data<PruneAnswer>('prune --keep-last 1 --dry-run')
  expect(plan.verdicts.map(({ keep }) => keep)).toEqual([true, false, false])
  expect(await data<PruneAnswer>('snapshot prune --last 1 --dry-run')).toEqual(plan)
  for (const rule of ['hourly', 'daily', 'weekly', 'monthly', 'yearly']) {
    const [short, long] = [
      await data<PruneAnswer>(`prune --${rule} 2 --dry-run`),
      await data<PruneAnswer>(`prune --keep-${rule} 2 --dry-run`),
    ]
    expect(short).toEqual(long)
    expect(JSON.stringify(short)).toContain('1: the newest of')
  }
  expect(await good('prune --within 1h --dry-run')).toContain('within 1h of the newest')
  expect((await data<PruneAnswer>('prune notes --keep-last 1')).deleted).toHaveLength(2)
  expect(await good('undo')).toContain('are back')
  expect(await data<readonly SnapshotView[]>('snapshot list')).toHaveLength(3)
  await good('snapshot notes -o packed')
  await good('snapshot notes -o packed')
  expect((await data<PruneAnswer>('prune --keep-last 1 -d packed')).deleted).toHaveLength(1)
  expect(await data<readonly SnapshotView[]>('snapshot list')).toHaveLength(3)
})

it('restores whatever a file is called and however it is compressed', async () => {
  for (const [compression, format] of [
    ['gzip', 'db'],
    ['zstd', 'sql'],
  ] as const) {
    const { snapshot } = await data<{ snapshot: SnapshotView }>(`snapshot notes --compression ${compression} --format ${format} -o odd`)
    renameSync(snapshot.path, at('odd', 'no-ending'))
    await good('restore ./odd/no-ending --to notes')
    rmSync(at('odd', 'no-ending'))
  }
})
