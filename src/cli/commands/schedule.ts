// hayai schedule, and the way to its subcommands.

import { command } from '../command.ts'
import { lastLine, planLines } from './schedule-views.ts'

export const schedule = command({
  about:
    'Shows the plans that .hayaidb declares under global.backup: what each takes, when it runs next by the clock of its time zone, what it ' +
    'keeps, and how its last run went.',
  positionals: {},
  flags: {},
  examples: {
    'hayai schedule': 'the plans, their next runs and last outcomes',
    'hayai schedule run daily --dry-run': 'what one would do now',
    'hayai schedule run daily': 'do it now',
  },
  failures: ['NOT_FOUND', 'CONFIG_INVALID'],
  subcommands: {
    run: { brief: 'Run a plan once, now', load: async () => (await import('./schedule-run.ts')).scheduleRun },
  },
  async run({ session }) {
    const project = await session.open()
    const plans = await project.plans()
    return {
      data: plans,
      text: (style) =>
        plans.length === 0
          ? 'No plan is declared.\n  begin: global: {backup: {schedule: "0 2 * * *", retention: 30d}} in .hayaidb'
          : plans.flatMap((plan) => [...planLines(plan, style), `  ${lastLine(plan, style)}`]).join('\n'),
    }
  },
})
