// hayai daemon

import type { DaemonEvent } from '../../index.ts'
import { command } from '../command.ts'
import { styleFor, type Style } from '../output.ts'
import { recordLines } from './schedule-views.ts'

export const daemon = command({
  about:
    'Runs the plans of .hayaidb at their times, in the foreground, until Ctrl-C or SIGTERM. There is one for each project. It reads .hayaidb again ' +
    'when that changes. What was missed while the machine slept or was off is made up for once; no time of a schedule is served twice, ' +
    'whoever else runs plans. Told to stop, it ends the run that is at work, of which nothing half is left, and exits with 0. It prints ' +
    'a line for each thing that happens; with --json each is a JSON document.',
  positionals: {},
  flags: {},
  examples: { 'hayai daemon': 'until Ctrl-C', 'hayai daemon --json | tee runs.jsonl': 'for programs: a document on each line' },
  failures: ['NOT_FOUND', 'LOCKED'],
  async run({ session }) {
    const project = await session.open()
    const style = styleFor(process.stdout)
    return {
      stream: linesOf(project.daemon({ signal: session.watch.signal }), session.json ? JSON.stringify : (each) => lineOf(each, style)),
      endless: true,
    }
  },
})

async function* linesOf(events: AsyncIterable<DaemonEvent>, text: (event: DaemonEvent) => string): AsyncGenerator<Uint8Array> {
  for await (const event of events) yield Buffer.from(`${text(event)}\n`)
}

function lineOf(event: DaemonEvent, style: Style): string {
  return `${style.dim(event.at.slice(0, 19).replace('T', ' '))} ${saidOf(event, style)}`
}

function saidOf(event: DaemonEvent, style: Style): string {
  switch (event.event) {
    case 'started':
      return `daemon ${event.pid} looks after ${event.root}`
    case 'plans': {
      const plans = event.plans.map(({ plan, next }) => `${plan} ${next === null ? 'does not run by itself' : `next at ${next}`}`)
      return plans.length === 0 ? style.warn('no plan is declared: .hayaidb is looked at again and again') : `plans: ${plans.join('; ')}`
    }
    case 'config':
      return `${style.bad('✗')} .hayaidb cannot be used, the plans stay as they were: ${oneLine(event.error.message)}`
    case 'run':
      return recordLines(event.record, style).map(oneLine).join('; ')
    case 'failed':
      return `${style.bad('✗')} plan ${event.plan} could not begin: ${oneLine(event.error.message)}`
    case 'stopped':
      return 'stopped'
  }
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ')
}
