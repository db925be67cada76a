// hayai schedule, which is also `hayai schedule show`, and the way to its other subcommands.

import type { ScheduleView } from '../../index.ts'
import { command, type Command } from '../command.ts'
import type { Style } from '../output.ts'
import { program } from './schedule-install.ts'
import { lastLine, planLines } from './schedule-views.ts'

export const schedule: Command = command({
  about:
    'Shows the plans that .hayaidb declares under global.backup: what each takes, when it runs next by the clock of its time zone, what it ' +
    'keeps, and how its last run went; and who runs them: the daemon, systemd, cron or launchd.',
  positionals: {},
  flags: {},
  examples: {
    'hayai schedule': 'the plans, their next runs and last outcomes',
    'hayai schedule install': 'have them run by systemd, cron or launchd',
    'hayai schedule run daily --dry-run': 'what one would do now',
    'hayai schedule run daily': 'do it now',
  },
  failures: ['NOT_FOUND', 'CONFIG_INVALID'],
  subcommands: {
    show: { brief: 'Show the plans, and who runs them', load: () => Promise.resolve(schedule) },
    run: { brief: 'Run a plan once, now', load: async () => (await import('./schedule-run.ts')).scheduleRun },
    install: { brief: 'Have systemd, cron or launchd run them', load: async () => (await import('./schedule-install.ts')).scheduleInstall },
    remove: { brief: 'Take that back', load: async () => (await import('./schedule-install.ts')).scheduleRemove },
  },
  async run({ session }) {
    const project = await session.open()
    const answer = await project.schedule(program())
    return { data: answer, text: (style) => scheduleText(answer, style) }
  },
})

function scheduleText({ plans, callers, daemon }: ScheduleView, style: Style): string {
  if (plans.length === 0) return 'No plan is declared.\n  begin: global: {backup: {schedule: "0 2 * * *", retention: 30d}} in .hayaidb'
  const lines = plans.flatMap((plan) => [...planLines(plan, style), `  ${lastLine(plan, style)}`])
  for (const { with: caller, plans: called, current } of callers) {
    lines.push(`${caller} calls ${called.join(', ')}`)
    if (!current) lines.push(`  ${style.warn('warning:')} that is not what .hayaidb says now: hayai schedule install`)
  }
  if (daemon) lines.push('the daemon of this project runs')
  const wanted = plans.some(({ next }) => next !== null)
  if (wanted && !daemon && callers.length === 0) {
    lines.push(`${style.warn('warning:')} nobody runs them: hayai daemon, or hayai schedule install`)
  }
  return lines.join('\n')
}
