// schedule install and remove, with the real `crontab`: what stands there, that it works as it stands there, and that nothing else of
// a crontab is ever touched. What systemd would get is read by systemd's own programs; launchd is only on macOS.

import { execFileSync, spawnSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { minutesOf, siteOf, type Job } from '../../src/core/schedule/callers.ts'
import { withBlock } from '../../src/core/schedule/crontab.ts'
import { plistText } from '../../src/core/schedule/launchd.ts'
import { serviceText, timerText } from '../../src/core/schedule/systemd.ts'
import type { InstallAnswer, ScheduleView } from '../../src/index.ts'
import { hayai, plainEnvironment, type Outcome } from '../cli/terminal.ts'

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const MINE = '# my own\nMAILTO=""\n5 5 * * 1-5 /usr/bin/true "100\\%"\n'

const site = siteOf("/srv/my shop's 100%", '/srv/logs')
const job: Job = {
  plan: 'daily',
  schedule: '0 2 * * * (UTC)',
  minutes: [0, 30],
  command: ['/usr/bin/node', '/opt/h%/hayai.js', 'schedule', 'run', 'daily', '--due'],
  path: '/usr/bin:/bin',
}

describe('what callers are told', () => {
  it('in which minutes: those of the schedule, as the clock here shows them, whatever either clock does in the year', () => {
    const minutes = (schedule: string, timezone: string, own: string): readonly number[] =>
      minutesOf({ schedule, timezone }, new Date('2026-01-08'), own)
    expect(minutes('5,20 2 * * *', 'Europe/Lisbon', 'America/New_York')).toEqual([5, 20])
    expect(minutes('0 2 * * *', 'Asia/Kolkata', 'UTC')).toEqual([30])
    expect(minutes('15 2 * * *', 'Australia/Lord_Howe', 'UTC')).toEqual([15, 45])
    expect(minutes('* * * * *', 'UTC', 'UTC')).toHaveLength(60)
  })

  it('a crontab keeps every other line byte for byte, and a block that is made anew is the same', () => {
    const line = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\n') && !text.includes('hayai'))
    fc.assert(
      fc.property(fc.array(line), fc.array(line), (before, after) => {
        const text = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join('')
        const other = siteOf('/srv/other', '/srv/logs')
        const crontab = withBlock(text(before), other, [job]) + text(after)
        const made = withBlock(crontab, site, [job])
        expect(made.startsWith(crontab)).toBe(true)
        expect(withBlock(made, site, [job])).toBe(made)
        expect(withBlock(made, site, [])).toBe(crontab)
        expect(withBlock(withBlock(made, other, []), site, [])).toBe(text(before) + text(after))
      }),
    )
  })

  it.runIf(has('systemd-analyze') || process.env['CI'] !== undefined)('systemd finds nothing wrong with its units', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hayai-units-'))
    try {
      const root = join(folder, "my shop's 100%")
      await mkdir(root)
      const here = siteOf(root, folder)
      const command = [process.execPath, join(root, 'hayai.js'), ...job.command.slice(2)]
      await writeFile(join(folder, 'hayai-x.service'), serviceText(here, { ...job, command }))
      await writeFile(join(folder, 'hayai-x.timer'), timerText(here, job))
      const { status, stderr } = spawnSync(
        'systemd-analyze',
        ['verify', '--man=no', join(folder, 'hayai-x.timer'), join(folder, 'hayai-x.service')],
        { encoding: 'utf8' },
      )
      expect(stderr.split('\n').filter((line) => line.includes('hayai-x'))).toEqual([])
      expect(status).toBe(0)
      const calendar = /^OnCalendar=(.*)$/m.exec(timerText(here, job))?.[1] ?? ''
      expect(execFileSync('systemd-analyze', ['calendar', calendar], { encoding: 'utf8' })).toContain('Normalized form: *-*-* *:00,30:00')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('launchd gets words, and no markup that a folder is called by', () => {
    const plist = plistText(siteOf('/srv/a & <b>', '/srv/logs'), job)
    expect(plist).toContain('<key>WorkingDirectory</key><string>/srv/a &amp; &lt;b&gt;</string>')
    expect(plist).toContain(
      '<array><dict><key>Minute</key><integer>0</integer></dict><dict><key>Minute</key><integer>30</integer></dict></array>',
    )
  })
})

describe.runIf(has('crontab') || process.env['CI'] !== undefined)('cron', () => {
  let above = ''
  let saved: string | undefined
  const crontab = (): string => spawnSync('crontab', ['-l'], { encoding: 'utf8' }).stdout
  const load = (text: string): void => void execFileSync('crontab', ['-'], { input: text })
  const root = (name = "my shop's 100%"): string => join(above, name)
  const type = (line: string, cwd = root()): Promise<Outcome> =>
    hayai(line.split(' '), { cwd, env: { XDG_STATE_HOME: join(above, 'state'), TZ: 'UTC' } })
  const good = async (line: string, cwd?: string): Promise<string> => {
    const { status, stdout, stderr } = await type(line, cwd)
    expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: '' })
    return stdout
  }

  beforeAll(async () => {
    const before = spawnSync('crontab', ['-l'], { encoding: 'utf8' })
    saved = before.status === 0 ? before.stdout : undefined
    above = await mkdtemp(join(tmpdir(), 'hayai-cron-'))
    for (const name of [undefined, 'other']) {
      await mkdir(root(name))
      await good('init -n notes -e sqlite', root(name))
      await appendFile(
        join(root(name), '.hayaidb'),
        'global: {backup: {schedule: "0 2 * * *", timezone: Asia/Kolkata, plans: {often: {schedule: "*/20 * * * *", take: snapshot}, idle: {take: backup}}}}\n',
      )
    }
    load(MINE)
  })
  afterAll(async () => {
    if (saved === undefined) spawnSync('crontab', ['-r'])
    else load(saved)
    await rm(above, { recursive: true, force: true })
  })

  it('is told of each plan that has a schedule, once, below what stood there', async () => {
    const preview = await good('schedule install --with cron --dry-run')
    expect(preview).toContain('would tell cron:')
    expect(crontab()).toBe(MINE)
    expect(await good('schedule install --with cron')).toContain('✓ cron calls default, often from now on')
    const text = crontab()
    expect(text.startsWith(MINE)).toBe(true)
    expect(
      text
        .slice(MINE.length)
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .map((line) => line.split(" cd '")[0]),
    ).toEqual(['30 * * * *', '10,30,50 * * * *', ''])
    expect(await good('schedule install --with cron')).toContain('cron was told the same before.')
    expect(crontab()).toBe(text)
    const { data } = JSON.parse(await good('schedule install --with cron --json')) as { data: InstallAnswer }
    expect(data).toMatchObject({ with: 'cron', changed: false, jobs: [{ plan: 'default' }, { plan: 'often' }] })
  })

  it('calls by lines that work as they stand there, with hardly any environment', async () => {
    const entry = { kind: 'watched', plan: 'often', schedule: '*/20 * * * * Asia/Kolkata', at: '2020-01-01T00:00:00.000Z' }
    await appendFile(join(root(), '.hayai/runs.jsonl'), `${JSON.stringify(entry)}\n`)
    const lines = crontab()
      .split('\n')
      .filter((line) => line.includes(' schedule run '))
    for (const line of lines) {
      // As cron does it: five fields, and "\%" for "%".
      const what = line
        .split(' ')
        .slice(5)
        .join(' ')
        .replaceAll(String.raw`\%`, '%')
      execFileSync('/bin/sh', ['-c', what], {
        cwd: '/',
        env: { HOME: plainEnvironment()['HOME'] ?? '/', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' },
      })
    }
    const log = await readFile(join(root(), '.hayai/logs/schedule.log'), 'utf8')
    expect(log).toMatch(/^Nothing is due of the plan "default"; next at /m)
    expect(log).toMatch(/^✓ plan often done: snapshot of notes/m)
  })

  it('shows who calls, and whether that is what .hayaidb says now', async () => {
    const view = async (): Promise<ScheduleView> => (JSON.parse(await good('schedule show --json')) as { data: ScheduleView }).data
    expect(await view()).toMatchObject({ callers: [{ with: 'cron', plans: ['default', 'often'], current: true }], daemon: false })
    const file = join(root(), '.hayaidb')
    const declared = await readFile(file, 'utf8')
    await writeFile(file, declared.replace('"*/20 * * * *"', '"*/30 * * * *"'))
    expect(await view()).toMatchObject({ callers: [{ current: false }] })
    expect(await good('schedule')).toContain('hayai schedule install')
    await good('schedule install --with cron')
    expect(await view()).toMatchObject({ callers: [{ current: true }] })
    await writeFile(file, declared)
  })

  it('keeps projects apart, and in the end has what it had', async () => {
    await good('schedule install --with cron', root('other'))
    const both = crontab()
    expect(both.match(/^# BEGIN hayai /gm)).toHaveLength(2)
    expect(await good('schedule remove')).toContain('✓ nobody calls default (cron), often (cron) any more')
    expect(crontab().match(/^# BEGIN hayai .*other/gm)).toHaveLength(1)
    expect(await good('schedule remove')).toContain('Nobody was told')
    await good('schedule remove', root('other'))
    expect(crontab()).toBe(MINE)
  })

  it('is left alone when what stands there cannot be understood', async () => {
    await good('schedule install --with cron')
    const broken = crontab().replace(/^# END hayai .*\n/m, '')
    load(broken)
    const { status, stderr } = await type('schedule install --with cron')
    expect(status).toBe(4)
    expect(stderr).toContain('and not the one that belongs to it')
    expect(crontab()).toBe(broken)
    load(MINE)
  })

  it('where it is not, says so; and a project without schedules has nothing to install', async () => {
    const { status, stderr } = await hayai(['schedule', 'install', '--with', 'cron'], { cwd: root(), env: { PATH: '/nowhere' } })
    expect(status).toBe(6)
    expect(stderr).toContain('there is no program `crontab`')
    await mkdir(root('bare'))
    await good('init -n notes -e sqlite', root('bare'))
    expect((await type('schedule install', root('bare'))).status).toBe(5)
  })
})
