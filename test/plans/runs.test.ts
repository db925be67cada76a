// The record of runs on a real disk: added to, read after a crash, and put aside when it has become long.

import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dueSlot, historyOf } from '../../src/core/schedule/due.ts'
import { rotateRuns } from '../../src/core/schedule/rotating.ts'
import { entriesOf, noteRun, runsOf, type Entry } from '../../src/core/schedule/runs.ts'
import { plan } from './world.ts'

let folder = ''
const file = (): string => join(folder, 'runs.jsonl')
const all = async (): Promise<readonly Entry[]> => {
  const entries: Entry[] = []
  for await (const entry of entriesOf(file())) entries.push(entry)
  return entries
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayai-runs-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('has every line that was added, for its owner alone, and passes over what a crash has cut short', async () => {
  expect(await all()).toEqual([])
  const watched: Entry = { kind: 'watched', plan: 'often', schedule: '* * * * * UTC', at: '2026-01-08T00:00:00.000Z' }
  await noteRun(file(), watched)
  await appendFile(file(), '{"kind":"ended","plan":"oft')
  const began: Entry = { kind: 'began', run: 'a', plan: 'often', slot: null, at: '2026-01-08T00:00:01.000Z', pid: 1 }
  await Promise.all([noteRun(file(), began), noteRun(file(), began)])
  expect(await all()).toEqual([watched, began, began])
  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

it('is put aside whole when it is long, and still knows what was served and what is looked after', async () => {
  const start = Date.UTC(2026, 0, 8)
  const lines: string[] = []
  for (let minute = 1; minute <= 3000; minute++) {
    const slot = new Date(start + minute * 60_000).toISOString()
    const run = { run: `r${minute}`, plan: 'often', slot }
    const made = {
      began: slot,
      ended: slot,
      outcome: minute > 1000 ? 'failed' : 'done',
      take: 'backup',
      backup: null,
      databases: [],
      bytes: 0,
      verified: null,
      copies: [],
      deleted: [],
      error: null,
    }
    lines.push(JSON.stringify({ kind: 'began', ...run, at: slot, pid: 1 }), JSON.stringify({ kind: 'ended', ...run, ...made }))
  }
  await appendFile(file(), `${lines.join('\n')}\n`)
  const before = await readFile(file(), 'utf8')
  const newest = await runsOf(file(), { plan: 'often', most: 100 })
  await rotateRuns(file(), new Date('2026-01-10T02:00:30Z'), before.length + 1)
  expect(await readdir(folder)).toEqual(['runs.jsonl'])
  await rotateRuns(file(), new Date('2026-01-10T02:00:30Z'), before.length)
  expect(await readFile(join(folder, 'runs.20260110T020030.jsonl'), 'utf8')).toBe(before)
  expect((await stat(file())).size).toBeLessThan(before.length / 4)
  expect(await runsOf(file(), { plan: 'often', most: 100 })).toEqual(newest)
  expect((await runsOf(file(), { plan: 'often' })).find(({ outcome }) => outcome === 'done')?.run).toBe('r1000')
  const due = (at: string): Date | undefined => dueSlot(plan('often', '* * * * *'), historyOf('often', entries), new Date(at))
  const entries = await all()
  expect(due('2026-01-10T02:00:30Z')).toBeUndefined() // minute 3000 was served
  expect(due('2026-01-10T02:01:30Z')).toEqual(new Date('2026-01-10T02:01:00Z'))
})
