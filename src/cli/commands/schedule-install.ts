// hayai schedule install, and remove

import { realpathSync } from 'node:fs'
import type { CallerName, InstallAnswer, RemoveScheduleAnswer } from '../../index.ts'
import { command, given } from '../command.ts'
import type { Style } from '../output.ts'

const CHOICES = ['systemd', 'cron', 'launchd'] as const
const DRY = { 'dry-run': { kind: 'switch', brief: 'Say what would be done, and change nothing' } } as const

export const scheduleInstall = command({
  about:
    'Tells systemd, cron or launchd to call `hayai schedule run PLAN --due` for each plan that has a schedule: timers of your account, lines of your ' +
    'crontab, or agents. They ask each hour, at the minutes of the schedule, whether the plan is due by the clock of its own time zone; so what was ' +
    'missed is made up for, and changes of the clock harm nothing. Called again it brings up to date what was told before. Other lines of a ' +
    'crontab and other units are not touched.',
  positionals: {},
  flags: {
    with: {
      kind: 'text',
      value: 'WHO',
      brief: 'systemd, cron or launchd; the first that this machine has when not given',
      choices: CHOICES,
    },
    ...DRY,
  },
  examples: {
    'hayai schedule install': 'with what this machine has',
    'hayai schedule install --with cron --dry-run': 'see the lines',
  },
  failures: ['WRONG_STATE', 'ENVIRONMENT', 'TOOL_FAILED', 'CONFLICT'],
  async run({ flags, session }) {
    const project = await session.open()
    const caller = CHOICES.find((each): each is CallerName => each === flags.with)
    const answer = await project.installSchedule({ ...given({ with: caller }), program: program(), dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => installText(answer, style) }
  },
})

export const scheduleRemove = command({
  about:
    'Takes back what `hayai schedule install` has told systemd, cron or launchd about this project. Nothing else of theirs is touched.',
  positionals: {},
  flags: DRY,
  examples: { 'hayai schedule remove': 'nobody calls the plans any more' },
  failures: ['NOT_FOUND', 'TOOL_FAILED', 'CONFLICT'],
  async run({ flags, session }) {
    const project = await session.open()
    const answer = await project.removeSchedule({ dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => removeText(answer, style) }
  },
})

/** This very program, wherever links lead: callers know no other folder. */
export function program(): readonly string[] {
  return [process.execPath, realpathSync(process.argv[1] ?? '')]
}

function installText({ with: caller, jobs, changed, notes, dryRun }: InstallAnswer, style: Style): string {
  const told = jobs.map(({ text }) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`)
      .join('\n'),
  )
  const lines = dryRun
    ? [`would tell ${caller}:`, ...told, 'Nothing was changed.']
    : [
        changed
          ? `${style.good('✓')} ${caller} calls ${jobs.map(({ plan }) => plan).join(', ')} from now on`
          : `${caller} was told the same before.`,
        ...told,
      ]
  return [...lines, ...notes.map((note) => `  ${style.warn('note:')} ${note}`)].join('\n')
}

function removeText({ removed, dryRun }: RemoveScheduleAnswer, style: Style): string {
  if (removed.length === 0) return 'Nobody was told to call the plans of this project.'
  const what = removed.map((each) => `${each.plan} (${each.with})`).join(', ')
  return dryRun ? `would take back ${what}\nNothing was changed.` : `${style.good('✓')} nobody calls ${what} any more`
}
