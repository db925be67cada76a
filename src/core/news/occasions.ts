// What there is to tell: pure functions of the record of runs, of what was told before, and of the clock.

import { nextTime, parseCron } from '../../base/cron.ts'
import type { Event, Notification } from '../../project/notifications.ts'
import type { Plan } from '../../project/plans.ts'
import { historyOf, watchable, zoneOf } from '../schedule/due.ts'
import type { Entry } from '../schedule/runs.ts'
import type { RunRecord } from '../schedule-answers.ts'
import type { Told } from './told.ts'

/** undefined for a run that was interrupted: it is made up for. `before`: the record before this run, or with it. */
export function eventOf(run: RunRecord, before: readonly Entry[], told: readonly Told[]): Exclude<Event, 'silence'> | undefined {
  if (run.outcome === 'interrupted') return undefined
  if (run.outcome === 'failed') return 'failure'
  const earlier = before.filter(
    (entry) => entry.kind === 'ended' && entry.plan === run.plan && entry.run !== run.run && entry.outcome !== 'interrupted',
  )
  const last = earlier.at(-1)
  const wasSilent = silenceTold(run.plan, told, lastSuccess(run.plan, earlier)) !== undefined
  return (last?.kind === 'ended' && last.outcome === 'failed') || wasSilent ? 'recovery' : 'success'
}

/** Those of a plan: the ones that it names, all of them where it names none. */
export function notificationsOfPlan({ notify }: Pick<Plan, 'notify'>, all: readonly Notification[]): readonly Notification[] {
  return notify === undefined ? all : all.filter(({ name }) => notify.includes(name))
}

/** A recovery is a success too. A ping is told of every end, and of no silence: that is what it finds out by itself. */
export function wants({ kind, on }: Notification, event: Event): boolean {
  if (kind === 'ping') return event !== 'silence'
  return on.includes(event) || (event === 'recovery' && on.includes('success'))
}

export function lastSuccess(plan: string, entries: readonly Entry[]): string | null {
  const found = entries.findLast((entry) => entry.kind === 'ended' && entry.plan === plan && entry.outcome === 'done')
  return found?.kind === 'ended' ? found.ended : null
}

/** What a plan's silence is after: its last success, or the beginning of its schedule; undefined for a plan that nobody looks after. */
export function quietSince(plan: Plan, entries: readonly Entry[]): string | undefined {
  const success = lastSuccess(plan.name, entries)
  if (success !== null) return success
  const { watched } = historyOf(plan.name, entries)
  const [first] = watched.schedule === watchable(plan) ? watched.since : []
  return first === undefined ? undefined : new Date(first).toISOString()
}

/** How much later than its time a run may end, as a part of the time between two. */
const LATE = 0.1

/** Since when a plan should have succeeded and has not; undefined when all is well: two of its times have gone by, and a run's time. */
export function silentSince(plan: Plan, entries: readonly Entry[], now: Date): string | undefined {
  if (watchable(plan) === '') return undefined
  const since = quietSince(plan, entries)
  if (since === undefined) return undefined
  const [cron, zone] = [parseCron(plan.schedule), zoneOf(plan)]
  const first = nextTime(cron, zone, new Date(since))
  const second = first === undefined ? undefined : nextTime(cron, zone, first)
  if (first === undefined || second === undefined) return undefined
  const limit = second.getTime() + (second.getTime() - first.getTime()) * LATE
  return now.getTime() > limit ? since : undefined
}

const HOUR = 3600 * 1000

/** A silence is told once; where nobody could be told, once an hour. */
export function mustTellSilence(plan: string, since: string, told: readonly Told[], now: Date): boolean {
  const last = silenceTold(plan, told, since)
  if (last === undefined) return true
  return last.deliveries.every(({ ok }) => !ok) && now.getTime() - Date.parse(last.at) >= HOUR
}

function silenceTold(plan: string, told: readonly Told[], since: string | null): Told | undefined {
  return told.findLast(
    (each) => each.plan === plan && (since === null || each.at > since) && each.deliveries.some(({ event }) => event === 'silence'),
  )
}
