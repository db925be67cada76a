// The daemon itself, with real time, a real database and signals: what it makes up for, when it is stopped and when it is killed.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DaemonEvent } from '../../src/index.ts'
import { emptyFolder, hayai, plainEnvironment, PROGRAM } from '../cli/terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
let declared = ''
const at = (...names: readonly string[]): string => join(folder.path, ...names)
const declare = (schedule: string): Promise<void> =>
  writeFile(at('.hayaidb'), `${declared}global: {backup: {schedule: "${schedule}", timezone: UTC, compression: gzip}}\n`)
const record = async (): Promise<readonly { kind: string; slot?: string; outcome?: string }[]> =>
  (await readFile(at('.hayai/runs.jsonl'), 'utf8').catch(() => ''))
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { kind: string })

interface Daemon {
  readonly child: ChildProcess
  readonly events: DaemonEvent[]
  /** The next event of that kind that has not been waited for. */
  until(event: DaemonEvent['event']): Promise<DaemonEvent>
  end(signal: NodeJS.Signals): Promise<number | string | null>
}

function daemon(): Daemon {
  const child = spawn(process.execPath, [PROGRAM, 'daemon', '--json'], {
    cwd: folder.path,
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  const events: DaemonEvent[] = []
  createInterface({ input: child.stdout }).on('line', (line) => events.push(JSON.parse(line) as DaemonEvent))
  let seen = 0
  return {
    child,
    events,
    async until(event) {
      for (;;) {
        const found = events.findIndex((each, index) => index >= seen && each.event === event)
        if (found !== -1) {
          seen = found + 1
          return events[found] as DaemonEvent
        }
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} before "${event}"`)
        await sleep(20)
      }
    },
    async end(signal) {
      child.kill(signal)
      const [code, by] = await closed
      return code ?? by
    },
  }
}

beforeAll(async () => {
  folder = await emptyFolder()
  await hayai(['init', '-n', 'notes', '-e', 'sqlite', '--file', 'notes.db'], { cwd: folder.path })
  declared = await readFile(at('.hayaidb'), 'utf8')
  const database = new DatabaseSync(at('notes.db'))
  database.exec(
    'CREATE TABLE a (b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO a SELECT hex(randomblob(500)) FROM n',
  )
  database.close()
})
afterAll(() => folder.remove())

it('is one for each project, reads .hayaidb again when that changes, and ends well when it is told to', async () => {
  const first = daemon()
  try {
    expect(await first.until('plans')).toMatchObject({ plans: [] })
    const second = await hayai(['daemon', '--json'], { cwd: folder.path })
    expect(second.status).toBe(7)
    expect(second.stdout).toMatch(new RegExp(`process ${first.child.pid}, the daemon of this project`))
    await declare('0 2 * * *')
    expect(await first.until('plans')).toMatchObject({
      plans: [{ plan: 'default', next: expect.stringMatching(/T02:00:00.000Z$/) as string }],
    })
    await writeFile(at('.hayaidb'), 'global: {backup: {schedule: "x"}}\n')
    expect(await first.until('config')).toMatchObject({ error: { code: 'CONFIG_INVALID' } })
  } finally {
    expect(await first.end('SIGTERM')).toBe(0)
  }
  expect(first.events.at(-1)).toMatchObject({ event: 'stopped' })
  expect(first.events.map(({ event }) => event)).not.toContain('run') // a new plan makes up for nothing
})

it('makes up once for what was missed; killed or stopped in the middle, it does so again, and nothing half is left', async () => {
  const [schedule, missed] = ['0 0 1 1 *', `${new Date().getUTCFullYear()}-01-01T00:00:00.000Z`]
  await declare(schedule)
  const watched = { kind: 'watched', plan: 'default', schedule: `${schedule} UTC`, at: '2020-06-01T00:00:00.000Z' }
  await appendFile(at('.hayai/runs.jsonl'), `${JSON.stringify(watched)}\n`)
  const begun = async (times: number): Promise<void> => {
    while ((await record()).filter(({ kind }) => kind === 'began').length < times) await sleep(5)
  }
  const killed = daemon()
  await begun(1)
  expect(await killed.end('SIGKILL')).toBe('SIGKILL')
  const visible = async (): Promise<readonly string[]> =>
    (await readdir(at('backups')).catch(() => [])).filter((name) => !name.startsWith('.'))
  expect(await visible()).toEqual([])
  const stopped = daemon()
  await begun(2)
  expect(await stopped.end('SIGTERM')).toBe(0)
  expect((await record()).at(-1)).toMatchObject({ kind: 'ended', outcome: 'interrupted', slot: missed })
  expect(await visible()).toEqual([])
  const third = daemon()
  try {
    expect(await third.until('run')).toMatchObject({
      record: { outcome: 'done', slot: missed, databases: [{ database: 'notes', error: null }] },
    })
    const due = await hayai(['schedule', 'run', 'default', '--due'], { cwd: folder.path })
    expect(due).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Nothing is due of the plan "default"; next at \d{4}-01-01T00:00/) as string,
    })
  } finally {
    expect(await third.end('SIGINT')).toBe(0)
  }
  const fourth = daemon()
  await fourth.until('plans')
  await sleep(200)
  expect(await fourth.end('SIGTERM')).toBe(0)
  expect(fourth.events.map(({ event }) => event)).toEqual(['started', 'plans', 'stopped'])
  expect(await visible()).toHaveLength(2) // one, and `latest`
})
