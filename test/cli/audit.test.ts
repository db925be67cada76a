// audit, typed: what was done, what failed, what was killed, by whom; and a log that another hand has changed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AuditAnswer } from '../../src/index.ts'
import { emptyFolder, hayai, plainEnvironment, PROGRAM } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
const log = (): string => join(folder.path, '.hayai/audit.log')
const type = (line: string, env = {}) => hayai(line.split(' '), { cwd: folder.path, env })
async function entries(line = 'audit --json'): Promise<AuditAnswer['entries']> {
  const { stdout } = await type(line)
  const said = JSON.parse(stdout) as { data: AuditAnswer }
  return said.data.entries
}

beforeAll(async () => {
  folder = await emptyFolder()
})
afterAll(() => folder.remove())

it('tells of each change and each failure who, what, when and how, and of a dry run nothing', async () => {
  expect((await type('audit')).status).toBe(3)
  await type('init -n notes -e sqlite')
  await type('init -n other -e sqlite')
  await type('snapshot notes', { SUDO_USER: 'alice' })
  await type('snapshot notes --dry-run')
  expect((await type('restore nothing-of-that-name')).status).toBe(3)
  await type('restore notes --latest')
  await type('undo')
  const found = await entries()
  expect(found.map(({ verb, databases, outcome }) => [verb, databases.join(), outcome])).toEqual([
    ['init', 'notes', 'done'],
    ['init', 'other', 'done'],
    ['snapshot', 'notes', 'done'],
    ['restore', '', 'failed'],
    ['restore', 'notes', 'done'],
    ['undo', 'notes', 'done'],
  ])
  for (const entry of found) expect(entry).toMatchObject({ by: userInfo().username, host: hostname(), via: 'command' })
  expect(found.map(({ sudo }) => sudo)).toEqual([null, null, 'alice', null, null, null])
  expect(found[3]).toMatchObject({ of: 'nothing-of-that-name', error: { code: 'NOT_FOUND' } })
  expect(found[4]?.facts).toMatchObject([{ verb: 'restore', database: 'notes' }])
  expect((await entries('audit other --json')).map(({ verb }) => verb)).toEqual(['init'])
  expect(await entries('audit --since 1h --json')).toHaveLength(6)
  expect((await type('audit --since never')).status).toBe(2)
  const { status, stdout } = await type('audit')
  expect(status).toBe(0)
  expect(stdout).toMatch(/alice as \S+ +snapshot +notes +done/)
  expect(stdout).toMatch(/restore +FAILED +NOT_FOUND: /)
})

it('tells what is at work, and what began and was killed', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'guard', 'notes', '--', 'sleep', '60'], {
    cwd: folder.path,
    env: plainEnvironment(),
    stdio: 'ignore',
  })
  const last = async () => (await entries()).at(-1)
  await expect.poll(async () => (await last())?.facts.length, { interval: 200 }).toBe(1)
  expect(await last()).toMatchObject({ verb: 'guard', outcome: 'running', ended: null })
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  expect(await last()).toMatchObject({ verb: 'guard', outcome: 'unfinished', ended: null })
  expect((await type('audit')).stdout).toContain('NO END')
  // What the guard had started ends by itself.
})

it('keeps no secret, and is for its owner alone', () => {
  const text = readFileSync(log(), 'utf8')
  expect(text).not.toMatch(/password/i)
})

it('passes over a line that was cut, and says with status 9 that a line was changed', async () => {
  const whole = readFileSync(log(), 'utf8')
  writeFileSync(log(), `${whole}{"at":"2026-`)
  await type('snapshot notes')
  const cut = await type('audit')
  expect(cut.status).toBe(0)
  expect(cut.stdout).toContain('1 line cut by a crash')
  writeFileSync(log(), readFileSync(log(), 'utf8').replace('"alice"', '"bob"'))
  const changed = await type('audit')
  expect(changed.status).toBe(9)
  expect(changed.stdout).toMatch(/✗ line \d+: this line was changed/)
  const { status, stdout } = await type('audit --json')
  expect(status).toBe(9)
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'CORRUPT', details: { whole: false, flaws: [{}] } } })
})
