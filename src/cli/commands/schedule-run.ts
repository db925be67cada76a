// hayai schedule run

import type { RunAnswer } from '../../index.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { recordLines } from './schedule-views.ts'

export const scheduleRun = command({
  about:
    'Runs a plan once: takes what it declares, checks it, copies to each destination what is not there yet, and lets go what no rule of ' +
    'its retention keeps, in every place alike. What it lets go can come back for a grace period. One run of a plan at a time; plans ' +
    'wait for each other. It is what timers, cron and the daemon call. With --due it does something only when a time of the ' +
    "plan's schedule has come that no run has served yet.",
  positionals: { plan: { brief: 'the plan; `default` is that of global.backup itself', proposes: 'plans' } },
  flags: {
    due: { kind: 'switch', brief: 'Only when a time of its schedule has not been served yet' },
    'dry-run': { kind: 'switch', brief: 'Say what would be done, and change nothing' },
  },
  examples: {
    'hayai schedule run default': 'the plan of global.backup, now',
    'hayai schedule run hourly --dry-run': 'what it would take, and what it would let go',
    'hayai schedule run daily --due': 'for cron and its kin',
  },
  failures: ['NOT_FOUND', 'LOCKED', 'TOOL_FAILED', 'CORRUPT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.runPlan({ plan: args.plan, due: flags.due, dryRun: flags['dry-run'] }, session.watch)
    return { data: answer, text: (style) => runText(answer, style) }
  },
})

function runText({ plan, record, told, steps, next, dryRun }: RunAnswer, style: Style): string {
  if (dryRun) return [...steps.map((step) => `would ${step}`), 'Nothing was changed.'].join('\n')
  if (record === null) return `Nothing is due of the plan "${plan}"${next === null ? '' : `; next at ${next}`}.`
  const untold = told.filter(({ ok }) => !ok)
  return [...recordLines(record, style), ...untold.map((each) => `  ${style.warn('not told:')} ${each.notification}: ${each.error}`)].join(
    '\n',
  )
}
