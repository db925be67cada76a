// health and report, typed, on a project with real files: what is said, and with which exit status.

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bar, sparkline } from '../../src/cli/chart.ts'
import type { HealthAnswer, ReportAnswer } from '../../src/index.ts'
import { emptyFolder, hayai, type Outcome } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
const at = (...names: readonly string[]): string => join(folder.path, ...names)
const type = (line: string): Promise<Outcome> => hayai(line.split(' '), { cwd: folder.path })
async function good(line: string): Promise<string> {
  const { status, stdout, stderr } = await type(line)
  expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: '' })
  return stdout
}
/** The kinds of the findings; for programs they are a failure's, with all else that is known. */
async function findings(line = 'health --json'): Promise<readonly string[]> {
  const { status, stdout, stderr } = await type(line)
  const said = JSON.parse(stdout) as { ok: boolean; data: HealthAnswer; error?: { code: string; details: HealthAnswer } }
  const answer = said.error?.details ?? said.data
  const kinds = answer.findings.map(({ kind }) => kind)
  expect({ status, stderr, ok: said.ok, code: said.error?.code }).toEqual(
    kinds.length === 0 ? { status: 0, stderr: '', ok: true, code: undefined } : { status: 9, stderr: '', ok: false, code: 'CORRUPT' },
  )
  expect(answer.healthy).toBe(kinds.length === 0)
  return kinds
}
function grow(rows: number): void {
  const database = new DatabaseSync(at('notes.db'))
  database.exec('CREATE TABLE IF NOT EXISTS a (b)')
  database
    .prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO a SELECT printf('%0500d', i) FROM n")
    .run(rows)
  database.close()
}

beforeAll(async () => {
  folder = await emptyFolder()
})
afterAll(() => folder.remove())

it('is plain about a place without a project, without databases, and without snapshots', async () => {
  expect((await type('health')).status).toBe(3)
  expect((await type('report')).status).toBe(3)
  await good('init -n notes -e sqlite --file notes.db')
  grow(200)
  const { status, stdout } = await type('health')
  expect(status).toBe(9)
  expect(stdout).toContain('✗ There is no snapshot of "notes".\n  hayai snapshot notes\n')
  expect(stdout).toContain('✗ There is no whole backup with "notes" in it.\n  hayai backup\n')
  expect(await good('report')).toContain('There are no snapshots and no backups yet')
  const other = await emptyFolder()
  try {
    await hayai(['init', '-n', 'gone', '-e', 'sqlite'], { cwd: other.path })
    await hayai(['remove', 'gone', '-y'], { cwd: other.path })
    const empty = await hayai(['health'], { cwd: other.path })
    expect(empty).toMatchObject({ status: 0, stdout: expect.stringContaining('There are no databases') as string })
  } finally {
    await other.remove()
  }
})

it('wants a snapshot that is proven, and a backup', async () => {
  await good('snapshot notes')
  expect(await findings()).toEqual(['unproven', 'backup-missing'])
  await good('snapshot verify notes --latest')
  await good('backup')
  expect(await findings()).toEqual([])
  const said = await good('health')
  expect(said).toContain('✓ Everything has a whole, proven snapshot and a backup of the last 26h.')
  expect(said).toMatch(/^notes +yes +just now +just now +just now, by verify$/m)
  await good('restore notes --latest -y')
  expect(await good('health')).toMatch(/^notes .* just now, by restore$/m)
})

it('takes only lengths of time', async () => {
  expect((await type('health --max-age soon')).stderr).toContain('is not a length of time')
  expect((await type('health --max-age 0h')).status).toBe(2)
  expect(await findings('health --max-age 1h --json')).toEqual([])
})

it('tells a size that jumps', async () => {
  for (let again = 0; again < 3; again++) await good('snapshot notes --compress')
  expect(await findings()).toEqual([])
  grow(2000)
  await good('snapshot notes --compress')
  expect(await findings()).toEqual(['size'])
})

it('reports sizes by database and over time, what compression saves, and the largest and oldest', async () => {
  const { data } = JSON.parse(await good('report --json')) as { data: ReportAnswer }
  const [notes] = data.databases
  expect(notes).toMatchObject({ database: 'notes', snapshots: 5, backups: 1 })
  expect(notes?.sizes).toHaveLength(6)
  expect(notes?.plain).toBeGreaterThan((notes?.bytes ?? 0) * 2)
  expect(data.bytes).toBe(data.folders.reduce((sum, { bytes }) => sum + bytes, 0))
  expect(data.growth.at(-1)?.total).toBe(data.bytes)
  expect(data.largest[0]?.bytes).toBe(Math.max(...data.largest.map(({ bytes }) => bytes)))
  expect(data.oldest[0]?.created).toBe(data.oldest.map(({ created }) => created).toSorted()[0])
  const text = await good('report')
  expect(text).toMatch(/in all; compression saves .* \(\d+%\)/)
  expect(text).toContain('█')
  expect(Math.max(...text.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80)
})

it('tells a snapshot and a backup that are damaged', async () => {
  const lost = readdirSync(at('snapshots')).find((name) => name.endsWith('.db') && !name.includes('latest')) ?? ''
  rmSync(at('snapshots', lost))
  expect(await findings()).toContain('snapshot-damaged')
  const [backup = ''] = readdirSync(at('backups'))
  rmSync(at('backups', backup, 'notes_backup.db'))
  expect(await findings()).toContain('backup-missing')
})

it('draws bars that keep their width', () => {
  expect(bar(1, 1, 4)).toBe('████')
  expect(bar(0, 9, 4)).toBe('    ')
  expect(bar(1, 1_000_000, 4)).toBe('▏   ')
  expect(bar(5, 8, 4)).toBe('██▌ ')
  expect(sparkline([1, 2, 4, 8])).toBe('▁▂▄█')
  expect(sparkline([5])).toBe('')
})
